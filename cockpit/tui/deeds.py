"""The seam to what people do to runs: notes, tags, the trash; and where the screens were left.

A deed may have to wait for the store, so the screens do it in a thread of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeVar

from cockpit.tui import remember
from cockpit.tui.control import Refused
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from cockpit.tui.remember import Memory
    from storage.layout import Layout
    from storage.session import Session

T = TypeVar("T")

WAIT = 5.0
"""Seconds to wait for somebody else's look at the store to end."""


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in words, and how to undo it."""

    said: str
    undo: Callable[[], Done] | None = None


class Deeds(Protocol):
    """Each method changes the store, and may raise `Refused`; the runs are named by their ids."""

    def note(self, run: str, text: str) -> None: ...

    def tag(self, runs: Sequence[str], name: str, remove: bool = False) -> None: ...

    def throw(self, runs: Sequence[str]) -> None:
        """Into the trash."""

    def take_back(self, runs: Sequence[str]) -> None:
        """Out of the trash."""

    def spec(self, sweep: str) -> Path | None:
        """The file a sweep was started from, where it is still there."""

    def recall(self) -> Memory:
        """Where the screens were left."""

    def keep(self, memory: Memory) -> None: ...


class NoDeeds:
    """Where there is no store to change."""

    def note(self, run: str, text: str) -> None:
        raise Refused("nothing can be changed here")

    def tag(self, runs: Sequence[str], name: str, remove: bool = False) -> None:
        raise Refused("nothing can be changed here")

    def throw(self, runs: Sequence[str]) -> None:
        raise Refused("nothing can be changed here")

    def take_back(self, runs: Sequence[str]) -> None:
        raise Refused("nothing can be changed here")

    def spec(self, sweep: str) -> Path | None:
        return None

    def recall(self) -> Memory:
        return remember.Memory()

    def keep(self, memory: Memory) -> None:
        return


class StoreDeeds:
    """Does it as the commands do; what it needs is imported by the first deed."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout

    def note(self, run: str, text: str) -> None:
        from storage.annotate import note

        self._do(lambda session: note(session, run, text))

    def tag(self, runs: Sequence[str], name: str, remove: bool = False) -> None:
        from storage.annotate import tag

        self._do(lambda session: tag(session, runs, name, remove))

    def throw(self, runs: Sequence[str]) -> None:
        from storage.care.trash import outside, throw

        self._do(lambda session: throw(session, outside(session, runs)))

    def take_back(self, runs: Sequence[str]) -> None:
        from storage.care.trash import inside, take_back

        self._do(lambda session: take_back(session, inside(session, runs)))

    def spec(self, sweep: str) -> Path | None:
        from pathlib import Path

        from storage.sweeps import provenance_of

        path = self._do(lambda session: provenance_of(session, sweep)).get("spec_path")
        return Path(path) if path and Path(path).is_file() else None

    def recall(self) -> Memory:
        return remember.read(self._layout.screens)

    def keep(self, memory: Memory) -> None:
        remember.write(self._layout.screens, memory)

    def _do(self, deed: Callable[[Session], T]) -> T:
        from storage.store import Store

        try:
            with Store(self._layout).session(WAIT) as session:
                return deed(session)
        except UserError as error:
            raise Refused(str(error)) from error
