"""The seam to what people do to runs and slices: notes, tags, the trash, slices kept, sets grown; and where the
screens were left.

A deed may have to wait for the store, so the screens do it in a thread of its own.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol, TypeVar

from cockpit.tui import remember
from cockpit.tui.control import Refused
from cockpit.tui.models.deeds import ModelDeeds, NoModelDeeds, StoreModelDeeds
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from cockpit.evaluate.growth import Grown
    from cockpit.interop.moving import Moved, Seen
    from cockpit.models.promotion import Checked
    from cockpit.report.write import Pasted
    from cockpit.tui.remember import Memory
    from cockpit.tui.reporting import Report, SavedReport
    from cockpit.tui.slice_book import Found
    from storage.layout import Layout
    from storage.session import Session

T = TypeVar("T")

WAIT = 5.0
"""Seconds to wait for somebody else's look at the store to end."""


@contextmanager
def refusing() -> Iterator[None]:
    """What cannot be done is a sentence for the screen."""
    try:
        yield
    except UserError as error:
        raise Refused(str(error)) from error
    except OSError as error:
        raise Refused(f"{error.filename or 'a file'}: {error.strerror or error}") from error


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in words, and how to undo it."""

    said: str
    undo: Callable[[], Done] | None = None


@dataclass(frozen=True, slots=True)
class Growing:
    """By which rows an evaluation set is to grow; see `cockpit.evaluate.growth`."""

    set: str
    """Its name."""
    source: str
    """The version that the rows come from."""
    where: str | None
    rows: tuple[str, ...]
    """Keys, or numbers where there is no key."""
    run: str | None
    reason: str
    limit: int | None = None


class Deeds(Protocol):
    """Each method takes its time, and may raise `Refused`; the runs are named by their ids."""

    models: ModelDeeds

    def note(self, run: str, text: str) -> None: ...

    def tag(self, runs: Sequence[str], name: str, remove: bool = False) -> None: ...

    def throw(self, runs: Sequence[str]) -> None:
        """Into the trash."""

    def take_back(self, runs: Sequence[str]) -> None:
        """Out of the trash."""

    def spec(self, sweep: str) -> Path | None:
        """The file a sweep was started from, where it is still there."""

    def save_slice(self, name: str, condition: str) -> Callable[[], None]:
        """Write a slice into cockpit.toml; gives what takes it out again, or back to what it was."""

    def weak_slices(
        self,
        run: str,
        on: str,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> Found:
        """Find the slices of a set's version that a run answers worst; `progress` is told the share done."""

    def grow(self, growing: Growing) -> str:
        """Make the next version of an evaluation set; a sentence on what came of it."""

    def report(self, asked: Report) -> SavedReport:
        """Write a report into the project's `reports/`."""

    def report_check(self, checked: Checked) -> SavedReport:
        """As `report`, of a promotion that was judged and not carried out."""

    def importable(self) -> tuple[str, ...]:
        """Paths of what lies here that runs can be imported from."""

    def take_in(
        self,
        place: str,
        dry: bool,
        told: Callable[[Seen], None],
        cancelled: Callable[[], bool],
    ) -> Moved:
        """Import the runs that lie at a place, or count them; see `cockpit.interop.moving`."""

    def recall(self) -> Memory:
        """Where the screens were left."""

    def keep(self, memory: Memory) -> None: ...


class NoDeeds:
    """Where there is no store to change."""

    models: ModelDeeds = NoModelDeeds()

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

    def save_slice(self, name: str, condition: str) -> Callable[[], None]:
        raise Refused("nothing can be changed here")

    def weak_slices(
        self,
        run: str,
        on: str,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> Found:
        raise Refused("nothing can be searched here")

    def grow(self, growing: Growing) -> str:
        raise Refused("nothing can be changed here")

    def report(self, asked: Report) -> SavedReport:
        raise Refused("nothing can be written here")

    def report_check(self, checked: Checked) -> SavedReport:
        raise Refused("nothing can be written here")

    def importable(self) -> tuple[str, ...]:
        return ()

    def take_in(
        self,
        place: str,
        dry: bool,
        told: Callable[[Seen], None],
        cancelled: Callable[[], bool],
    ) -> Moved:
        raise Refused("nothing can be imported here")

    def recall(self) -> Memory:
        return remember.Memory()

    def keep(self, memory: Memory) -> None:
        return


class StoreDeeds:
    """Does it as the commands do; what it needs is imported by the first deed."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._writing = Lock()
        """Two reports at once would take the same free name."""
        self.models: ModelDeeds = StoreModelDeeds(layout)

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

    def save_slice(self, name: str, condition: str) -> Callable[[], None]:
        from cockpit.project.reading import FILE, save_slice
        from cockpit.sweep.provenance.data import write_whole

        path = (self._layout.project / FILE).resolve()
        with refusing():
            before = path.read_bytes() if path.exists() else None
            save_slice(path.parent, name, condition)
            after = path.read_bytes()

        @refusing()
        def back() -> None:
            if not path.exists() or path.read_bytes() != after:
                raise Refused(f"{FILE} was changed since: take the slice {name!r} out there")
            if before is None:
                path.unlink()
            else:
                write_whole(path, before, keep_mode=True)

        return back

    @refusing()
    def weak_slices(
        self,
        run: str,
        on: str,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> Found:
        from cockpit.tui.hunt import weak_slices

        return weak_slices(self._layout, run, on, progress, cancelled)

    @refusing()
    def grow(self, growing: Growing) -> str:
        from cockpit.evaluate.growth import Asked, grow
        from cockpit.evaluate.sets import brought_up
        from cockpit.project.reading import find_project

        asked = Asked(
            growing.source, growing.where, growing.rows, growing.run, growing.reason, growing.limit
        )
        project = find_project(self._layout)
        brought_up(self._layout, project, growing.set)
        return _grown(grow(self._layout, project, growing.set, asked))

    def report(self, asked: Report) -> SavedReport:
        from cockpit.report.write import save

        return self._saved(lambda: save(self._layout, asked.subject, asked.ids, asked.on))

    def report_check(self, checked: Checked) -> SavedReport:
        from cockpit.models.gates.evidence import check_markdown, check_title
        from cockpit.report.write import save_text

        failed = sum(not result.passed for result in checked.results)
        outcome = f"{failed} of {len(checked.results)} gates failed" if failed else "passes"
        text = check_markdown(checked, outcome)
        of = (checked.model, checked.alias, checked.candidate.run)
        return self._saved(
            lambda: save_text(self._layout, "promote", of, check_title(checked), text)
        )

    def _saved(self, deed: Callable[[], Pasted]) -> SavedReport:
        from cockpit.tui.reporting import SavedReport

        with refusing(), self._writing:
            done = deed()
        shown = os.fspath(done.path.relative_to(self._layout.project))
        return SavedReport(done.path, shown, done.text)

    def importable(self) -> tuple[str, ...]:
        from pathlib import Path

        from cockpit.interop.moving import here

        found = here(self._layout.project, Path())
        return tuple(os.path.relpath(place) for place in found)

    @refusing()
    def take_in(
        self,
        place: str,
        dry: bool,
        told: Callable[[Seen], None],
        cancelled: Callable[[], bool],
    ) -> Moved:
        from cockpit.interop.moving import move_in

        return move_in(self._layout, place, dry=dry, told=told, cancelled=cancelled)

    def recall(self) -> Memory:
        return remember.read(self._layout.screens)

    def keep(self, memory: Memory) -> None:
        remember.write(self._layout.screens, memory)

    def _do(self, deed: Callable[[Session], T]) -> T:
        from storage.store import Store

        with refusing(), Store(self._layout).session(WAIT) as session:
            return deed(session)


def _grown(grown: Grown) -> str:
    there = f", {grown.there:,} were there already" if grown.there else ""
    text = f"{grown.version.label} has {grown.version.rows:,} rows, {grown.added:,} more than "
    text += f"{grown.parent.label}{there}"
    if grown.comparable:
        text += f"; {_runs(len(grown.comparable))} comparable on it"
    if grown.models:
        text += f"; the models that {grown.models} of the runs saved are asked about it"
    if others := grown.others - grown.models:
        text += f"; {_runs(others)} scored on earlier versions alone (v shows those)"
    return text


def _runs(count: int) -> str:
    return f"{count} {'run is' if count == 1 else 'runs are'}"
