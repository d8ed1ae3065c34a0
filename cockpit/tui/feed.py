"""Watches the data in a thread of its own and hands over one frozen snapshot at a time.

A screen asks by a `Question` of its own, which knows how to read its own kind of `Snapshot`; the feed knows
neither, only when to look again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from threading import Event, Lock
from typing import TYPE_CHECKING, Protocol, TypedDict, TypeVar

from cockpit.tui import clock
from cockpit.tui.seam import Unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from datetime import datetime

    from cockpit.tui.seam import Source
    from storage.sweeps import Sweep

T = TypeVar("T")

POLL = 0.3
"""Seconds between two looks at the stamp."""
PATIENCE = 1.5
"""Seconds until a store that could not be read is tried again."""
KEPT = 64
"""Answers remembered until the data changes; a page of runs is some hundred kilobytes."""


class Question(Protocol):
    """What a screen shows and so wants to know: a frozen dataclass, equal where nothing else is wanted."""

    def read(self, look: Look) -> Snapshot:
        """The answer; called in the reading thread, inside one look at the store."""

    def stamp(self, source: Source) -> tuple[int, ...]:
        """What makes news besides the store's own stamp: the size of a log, say."""
        return ()


class Frame(TypedDict):
    """The fields of a snapshot that every screen needs for its frame."""

    at: datetime
    sweeps: tuple[Sweep, ...]
    size: int
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that one screen paints, as it was at one moment; each screen adds its own fields."""

    question: Question
    at: datetime
    """UTC."""
    sweeps: tuple[Sweep, ...]
    """Newest first."""
    size: int
    """Bytes of the store."""
    notices: tuple[str, ...] = ()
    """What the store had to say about itself."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The data could not be read just now."""

    sentence: str


@dataclass(slots=True)
class Look:
    """What a question reads from, and what is known already."""

    source: Source
    kept: dict[Hashable, object] = field(default_factory=dict)
    """What a question wants to remember longer than one state of the data."""
    _answers: dict[Hashable, object] = field(default_factory=dict)

    def once(self, key: Hashable, ask: Callable[[], T]) -> T:
        """The answer, asked once for each state of the data."""
        if key not in self._answers:
            if len(self._answers) >= KEPT:
                self._answers.clear()
            self._answers[key] = ask()
        return self._answers[key]  # type: ignore[return-value]  # the key says the type

    def sweeps(self) -> tuple[Sweep, ...]:
        """Newest first."""
        return self.once("sweeps", self.source.sweeps)

    def frame(self) -> Frame:
        """What all snapshots have in common: `MySnapshot(question=self, …, **look.frame())`, read last."""
        return {
            "sweeps": self.sweeps(),
            "size": self.once("size", self.source.size),
            "at": clock.now(),
            "notices": self.source.notices(),
        }

    def forget(self) -> None:
        """The data is another one by now."""
        self._answers.clear()


class Feed:
    """The loop of the reading thread. `ask` and `close` may be called from any thread."""

    def __init__(self, source: Source, poll: float | None = None) -> None:
        """`poll` seconds lie between two looks, `POLL` where nothing is said."""
        self._poll = poll
        self._source = source
        self._question: Question | None = None
        self._lock = Lock()
        self._wake = Event()
        self._closed = False
        self._look = Look(source)
        self._stamp: tuple[int, ...] | None = None

    def ask(self, question: Question) -> None:
        """Change what is read; an unread earlier question is dropped."""
        with self._lock:
            if question == self._question:
                return
            self._question = question
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    def news(self) -> Iterator[Snapshot | Trouble]:
        """Snapshots, each as soon as the data or the question has changed; ends with `close`."""
        told: object = None
        while not self._closed:
            self._wake.clear()
            pause = self._poll or POLL
            with self._lock:
                question = self._question
            try:
                found = self._read(question, told) if question else None
            except Unreadable as error:
                self._stamp, told, pause = None, None, PATIENCE
                yield Trouble(str(error))
            else:
                if found:
                    told, snapshot = found
                    yield snapshot
            self._wake.wait(pause)

    def _read(self, question: Question, told: object) -> tuple[object, Snapshot] | None:
        # The stamps first: what is written while we read is news for the next look.
        stamp = self._source.stamp()
        if (seen := (stamp, question.stamp(self._source), question)) == told:
            return None
        if stamp != self._stamp:
            self._look.forget()
        with self._source.reading():
            snapshot = question.read(self._look)
        self._stamp = stamp
        return seen, snapshot
