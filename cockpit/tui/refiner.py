"""Refines what a screen shows by drawing rows: in a thread of its own, one thing at a time, ended when it is left."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from textual.message import Message

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.screen import Screen

T = TypeVar("T")

PAUSE = 0.5
"""Seconds between two looks of the counter: what is done sooner has none."""


class Refine(Protocol[T]):
    """Gives the refined thing; hears of its progress, and raises `resampling.Cancelled` when asked to end."""

    def __call__(
        self, what: T, *, progress: Callable[[float], None], cancelled: Callable[[], bool]
    ) -> T: ...


@dataclass
class RefineTold(Message):
    """There is something new: a share, what was found, or why there is nothing."""

    work: Event
    """Of the work that says so."""
    percent: int = 0
    found: object = None
    problem: str = ""


class Refiner(Generic[T]):
    """Knows what is refined, and what came of it; its screen hands it each `RefineTold`."""

    def __init__(self, screen: Screen[None], refine: Refine[T], refinable: Callable[[T], bool]):
        self._screen, self._refine, self._refinable = screen, refine, refinable
        self._of: T | None = None
        self._found: T | None = None
        self._stop: Event | None = None
        self._ended = False
        """Whether the reader has ended it."""
        self.percent: int | None = None
        """How far it is, as soon as it takes its time; None: nothing goes on."""

    def shown(self, what: T) -> T:
        """The refined thing where it is known, else the thing itself."""
        return self._found if what is self._of and self._found is not None else what

    def want(self, what: T | None) -> None:
        """Have this refined, and nothing else: what was on its way of another thing is ended."""
        if what is self._of and (self._stop or self._found is not None or self._ended):
            return
        self.leave()
        self._of, self._found, self._ended = what, None, False
        if what is not None and self._refinable(what):
            self._begin(what)

    def leave(self) -> None:
        """End what is on its way: nobody looks."""
        if self._stop:
            self._stop.set()
        self._stop = self.percent = None

    @property
    def can_toggle(self) -> bool:
        """Whether there is something to end, or to begin again."""
        return self._stop is not None or self._ended

    def toggle(self) -> None:
        """End it, or begin again what was ended."""
        if self._stop:
            self.leave()
            self._ended = True
        elif self._ended and self._of is not None:
            self._ended = False
            self._begin(self._of)

    def heard(self, message: RefineTold) -> bool:
        """Take in what the thread says; whether there is something new to show."""
        if message.work is not self._stop:
            return False
        if message.found is None and not message.problem:
            self.percent = message.percent
            return True
        self._stop = self.percent = None
        self._ended = bool(message.problem)
        self._found = message.found  # type: ignore[assignment]  # of the work that was begun here
        return True

    def _begin(self, what: T) -> None:
        stop = self._stop = Event()
        self._screen.run_worker(
            lambda: self._work(what, stop), thread=True, group="refine", exit_on_error=False
        )

    def _work(self, what: T, stop: Event) -> None:
        from cockpit.evaluate.resampling import Cancelled

        said = monotonic()

        def progress(share: float) -> None:
            nonlocal said
            if monotonic() - said >= PAUSE:
                said = monotonic()
                # Posted, not waited for: the screen may be going away.
                self._screen.post_message(RefineTold(stop, int(100 * share)))

        try:
            found = self._refine(what, progress=progress, cancelled=stop.is_set)
        except Cancelled:
            return
        except UserError as error:
            self._screen.post_message(RefineTold(stop, problem=str(error)))
        else:
            self._screen.post_message(RefineTold(stop, found=found))
