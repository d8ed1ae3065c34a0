"""Work in threads of its own, so that no screen waits: what comes of it is kept and asked for again and again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any

from cockpit.tui import clock
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from datetime import datetime

    from cockpit.data.watching import Watch

NEWS_SECONDS = 0.25
"""Between two words on how far something is."""


@dataclass(frozen=True, slots=True)
class Step:
    """Where a study is."""

    done: int
    of: int
    what: str
    """What it looks at."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What has been found out; nothing yet while it is under way."""

    found: Any = None
    """What the work gave."""
    problem: str = ""
    """A sentence on why nothing can be found out."""
    gone: bool = False
    """Whether the problem is that the content lies nowhere any more."""
    began: datetime | None = None
    """Since when it is under way (UTC); None where it waits for others or has ended."""
    step: Step | None = None
    """Where it is; None where it has not said so yet."""
    stopped: bool = False
    """Whether somebody ended it before it was done."""

    @property
    def ended(self) -> bool:
        return self.found is not None or bool(self.problem) or self.stopped

    @property
    def under_way(self) -> bool:
        return self.began is not None and not self.ended


class Background:
    """Studies by their keys. What is asked comes from one thread."""

    def __init__(self, name: str, most: int = 1, kept: int | None = None) -> None:
        """`name` is the threads'; `most` are under way at a time, `kept` findings are remembered (None: all)."""
        self._name, self._most, self._kept = name, most, kept
        self._lock = Lock()
        self._findings: dict[Hashable, Finding] = {}
        self._running: dict[Hashable, Event] = {}
        """What is under way, and how it is told to end."""
        self.threads: list[Thread] = []
        """Of what is under way."""
        self._news = 0

    def stamp(self) -> int:
        """Differs when more has been found out."""
        return self._news

    def known(self, key: Hashable) -> Finding | None:
        """What there is, without anything being begun for it."""
        return self._findings.get(key)

    def found(
        self, key: Hashable, work: Callable[[Watch], Any], most: int | None = None
    ) -> Finding:
        """What is known by this key; where nothing is, the work begins, or waits for others to end.

        With `most` it begins only while fewer are under way.
        """
        with self._lock:
            if self._findings.get(key, Finding()).stopped:
                del self._findings[key]
            free = key not in self._running and len(self._running) < (most or self._most)
            if key not in self._findings and free:
                self._forget()
                stop = self._running[key] = Event()
                self._findings[key] = Finding(began=clock.now())
                # A daemon: who quits does not wait for what nobody will see.
                asked = (key, work, stop)
                thread = Thread(target=self._study, args=asked, name=self._name, daemon=True)
                self.threads = [*(one for one in self.threads if one.is_alive()), thread]
                thread.start()
            return self._findings.get(key, Finding())

    def end(self, key: Hashable) -> Finding:
        """End it where it is under way."""
        with self._lock:
            if key in self._running:
                self._running[key].set()
                self._findings[key] = Finding(stopped=True)
            return self._findings.get(key, Finding(stopped=True))

    def end_others(self, key: Hashable) -> None:
        """End whatever else is under way."""
        for other in list(self._running):
            if other != key:
                self.end(other)

    def _forget(self) -> None:
        """The oldest findings give way to one more."""
        if self._kept is not None:
            done = [key for key in self._findings if key not in self._running]
            for key in done[: max(0, len(done) + 1 - self._kept)]:
                del self._findings[key]

    def _study(self, key: Hashable, work: Callable[[Watch], Any], stop: Event) -> None:
        from cockpit.data.watching import Watch

        said_at = [0.0]

        def tell(done: int, of: int, what: str) -> None:
            if (now := monotonic()) - said_at[0] < NEWS_SECONDS:
                return
            said_at[0] = now
            with self._lock:
                if not stop.is_set():
                    self._findings[key] = replace(self._findings[key], step=Step(done, of, what))
                    self._news += 1

        try:
            finding = Finding(found=work(Watch(tell, stop.is_set)))
        except UserError as error:
            from cockpit.data.files import DataGone

            finding = Finding(problem=str(error), gone=isinstance(error, DataGone))
        # polars' panics too: a thread's last words would go to the screen
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
            finding = Finding(problem=f"not done, by a fault of cockpit's own: {said}")
        with self._lock:
            if not stop.is_set():  # else it is known to have been ended
                self._findings[key] = finding
            del self._running[key]
            self._news += 1
