"""Work in threads of its own, one after the other, whose outcome is kept and asked for again and again."""

from __future__ import annotations

from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from cockpit.tui import clock
from cockpit.tui.data.desk import Finding
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable

KEPT = 16
"""Findings at most; the oldest go."""


class Studies:
    """Begins what is asked for when nothing else goes on; for one asking thread."""

    def __init__(self, name: str) -> None:
        """`name` is the threads'."""
        self._name = name
        self._lock = Lock()
        self._findings: dict[Hashable, Finding] = {}
        self._running = False
        self._news = 0
        self.thread: Thread | None = None
        """The last that was begun."""

    def stamp(self) -> int:
        """Differs when more has been found out."""
        return self._news

    def found(self, key: Hashable, work: Callable[[], Any]) -> Finding:
        """What is known by this key; where nothing is, the work begins, or waits for another to end."""
        with self._lock:
            if key not in self._findings and not self._running:
                self._running = True
                for old in list(self._findings)[: -KEPT + 1]:
                    del self._findings[old]
                self._findings[key] = Finding(began=clock.now())
                # A daemon: who quits does not wait for what nobody will see.
                self.thread = Thread(
                    target=self._study, args=(key, work), name=self._name, daemon=True
                )
                self.thread.start()
            return self._findings.get(key, Finding())

    def _study(self, key: Hashable, work: Callable[[], Any]) -> None:
        try:
            finding = Finding(found=work())
        except UserError as error:
            finding = Finding(problem=str(error))
        except BaseException as error:  # a thread's last words would go to the screen
            said = f"{type(error).__name__}: {error}"
            finding = Finding(problem=f"not done, by a fault of cockpit's own: {said}")
        with self._lock:
            self._findings[key] = finding
            self._running = False
            self._news += 1
