"""What runs print: the logs of a run or of a whole sweep, read from their ends and followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit.logs.file import LogFile
from storage.members import members
from storage.runs import RunNotFound, find
from storage.sweeps import SweepNotFound, find_sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from storage.layout import Layout
    from storage.session import Session

__all__ = ["LogFile", "Logs", "Looked", "Source", "of_target"]

DRIVER = "driver"
BASELINE = "baseline"
_GOING_ON = ("waiting", "running", "paused")


@dataclass(frozen=True, slots=True)
class Source:
    """One log of those that are shown."""

    name: str
    """`#12`, `baseline` or `driver` in a sweep; empty where it is the only one."""
    path: Path
    going_on: bool
    """Whether more may come."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What there is to show, at one look into the store."""

    sources: tuple[Source, ...]
    ended: bool
    """Whether the run or the sweep has come to its end."""


class Logs:
    """The logs of one run or one sweep, read on from where they were read last."""

    def __init__(self, ask: Callable[[Session], Looked], session: Session) -> None:
        self._ask = ask
        self._files: dict[Path, LogFile] = {}
        self._open: dict[Path, Source] = {}
        self.ended = False
        self.look(session)

    @property
    def width(self) -> int:
        """Cells of the longest name so far."""
        return self._width

    def look(self, session: Session) -> None:
        """See which logs there are by now, and whether the end has come."""
        looked = self._ask(session)
        for source in looked.sources:
            if source.path not in self._files:
                self._files[source.path] = LogFile(source.path)
            elif not source.going_on and source.path not in self._open:
                continue
            self._open[source.path] = source
        self._width = max((len(source.name) for source in looked.sources), default=0)
        self.ended = looked.ended

    def seek_last(self, lines: int) -> bool:
        """Begin with the last lines of each; True where more stand before them."""
        return sum(self._files[path].seek_last(lines) for path in self._open) > 0

    def read(self, final: bool = False) -> Iterator[tuple[Source, list[str]]]:
        """What is new since the last time; with `final` the lines without an end as well."""
        for path, source in list(self._open.items()):
            file = self._files[path]
            for lines in file.read():
                yield source, lines
            if (final or not source.going_on) and (rest := file.rest()):
                yield source, rest
            if not source.going_on:
                del self._open[path]

    @property
    def begun(self) -> str:
        """The line without an end of the only log; of several nobody could say whose it is: empty."""
        return "" if self._width else "".join(self._files[path].begun for path in self._open)


def of_target(session: Session, layout: Layout, text: str) -> Logs:
    """The logs of the sweep of this name, or else of the run that answers to it; raises RunNotFound."""
    try:
        sweep = find_sweep(session, text).id
    except SweepNotFound:
        run = _run(session, text)
        return Logs(lambda session: _look_at_run(session, layout, run), session)
    return Logs(lambda session: _look_at_sweep(session, layout, sweep), session)


def _run(session: Session, text: str) -> str:
    try:
        return find(session, text).id
    except RunNotFound as error:
        raise RunNotFound(f"no sweep is called {text!r}, and {error}") from None


def _look_at_run(session: Session, layout: Layout, run: str) -> Looked:
    going_on = find(session, run).state in _GOING_ON
    return Looked((Source("", layout.log(run), going_on),), not going_on)


def _look_at_sweep(session: Session, layout: Layout, identity: str) -> Looked:
    sweep = find_sweep(session, identity)
    ended = sweep.state not in _GOING_ON
    trials = (
        Source(
            BASELINE if member.number is None else f"#{member.number}",
            layout.log(member.id),
            member.state in _GOING_ON,
        )
        for member in members(session, sweep.id)
    )
    driver = Source(DRIVER, layout.sweep_log(sweep.name), not ended)
    return Looked((*[driver] * driver.path.exists(), *trials), ended)
