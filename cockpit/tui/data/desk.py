"""Finds out about data in threads of its own, so that no screen waits, and remembers what it found.

A study is of contents, not of names: what was found of a content is true for as long as cockpit runs, and while
the files that it was read from and cockpit.toml stay as they are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cockpit.tui import clock
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
    from datetime import datetime

    from cockpit.data.contract import Report
    from cockpit.data.drift import Drift
    from cockpit.data.leaks import Leak
    from cockpit.project.model import DataTable, Project
    from storage.datasets import Version
    from storage.layout import Layout

Kind = Literal["profile", "contract", "difference", "drift"]

AT_ONCE = 2
"""Studies at a time: each uses all cores by itself, and a short one need not wait for a long one."""
BY_THE_WAY = 100_000_000
"""Bytes of a version whose contract is checked though nobody has asked for it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What has been found out; nothing yet while it is under way."""

    found: Any = None
    """A `Profiled`, a `Checked` or `Unheld`, a `cockpit.data.diff.Difference` or a `Drifted`."""
    problem: str = ""
    """A sentence on why nothing can be found out."""
    gone: bool = False
    """Whether the problem is that the content lies nowhere any more."""
    began: datetime | None = None
    """Since when it is under way (UTC); None where it waits for others or has ended."""

    @property
    def ended(self) -> bool:
        return self.found is not None or bool(self.problem)


@dataclass(frozen=True, slots=True)
class Profiled:
    """A version that was looked at."""

    facts: Mapping[str, Any]
    gone: str = ""
    """A sentence on what became of its content where that lies nowhere any more."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A version that was held against its contract."""

    report: Report
    leaks: tuple[Leak, ...]
    table: DataTable

    @property
    def is_held(self) -> bool:
        """Whether there is a contract; without one there may be a key and a target to check."""
        return self.table.contract is not None


@dataclass(frozen=True, slots=True)
class Unheld:
    """A version that there is nothing to hold against: no contract, no key, no target."""


@dataclass(frozen=True, slots=True)
class Drifted:
    """Two versions whose columns were compared."""

    drift: Drift
    labels: frozenset[str]
    """The columns of right answers."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A version, and what there is to say of it in a list."""

    version: Version
    kept: bool
    """Whether the store has a copy."""
    contract: Finding | None
    """None where there is nothing to hold it against, or nobody has asked yet."""


@dataclass(frozen=True, slots=True)
class View:
    """What the desk knows of some versions, and of what was asked."""

    listed: tuple[Listed, ...] = ()
    finding: Finding = Finding()
    folder: str = ""
    """The project's, where its relative paths begin."""


class DataDesk(Protocol):
    """Called from the reading thread alone."""

    def stamp(self) -> tuple[int, ...]:
        """Differs when more has been found out, or when it has to be found out again."""

    def view(
        self,
        versions: Sequence[Version],
        chosen: Version | None,
        other: Version | None,
        kind: Kind,
    ) -> View:
        """What is known; what is not and was asked begins."""


class NoDesk:
    """Where there are no data."""

    def stamp(self) -> tuple[int, ...]:
        return ()

    def view(
        self,
        versions: Sequence[Version],
        chosen: Version | None,
        other: Version | None,
        kind: Kind,
    ) -> View:
        return View(tuple(Listed(version, False, None) for version in versions))


class StoreDesk:
    """Asks as `cockpit data` does; the heavy libraries are imported by the first study."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = Lock()
        self._findings: dict[Hashable, Finding] = {}
        self._running: set[Hashable] = set()
        self.threads: list[Thread] = []
        """Of the studies that are under way."""
        self._news = 0
        self._watched: tuple[str, ...] = ()
        self._project: tuple[Hashable, Project | None, str] = (None, None, "")

    def stamp(self) -> tuple[int, ...]:
        traces = [number for path in self._watched for number in _trace(path)]
        return (self._news, *_trace(self._toml), *traces)

    def view(
        self,
        versions: Sequence[Version],
        chosen: Version | None,
        other: Version | None,
        kind: Kind,
    ) -> View:
        from cockpit.data.keeping import kept_at

        project, problem = self._read_project()
        pair = [each for each in (other, chosen) if each is not None]
        self._watched = tuple(each.path for each in pair)
        listed = []
        for version in versions:
            held = project is not None and _is_held(project, version)
            known = self._findings.get(self._key("contract", version)) if held else None
            listed.append(Listed(version, kept_at(self._layout, version) is not None, known))
        finding = Finding()
        if chosen is not None and (other is not None or kind in ("profile", "contract")):
            finding = self._found(kind, chosen, other, project, problem)
        if project is not None:
            self._by_the_way(project, versions)
        return View(tuple(listed), finding, os.fspath(self._layout.project))

    def _found(
        self,
        kind: Kind,
        chosen: Version,
        other: Version | None,
        project: Project | None,
        problem: str,
    ) -> Finding:
        if kind == "profile":
            work: Callable[[], Any] = partial(_profiled, self._layout, chosen)
        elif project is None:
            return Finding(problem=problem)
        elif kind == "contract":
            if not _is_held(project, chosen):
                return Finding(Unheld())
            work = partial(_checked, self._layout, project, chosen)
        else:
            assert other is not None
            compared = _compared if kind == "difference" else _drifted
            work = partial(compared, self._layout, project, other, chosen)
        key = self._key(kind, chosen, other if kind in ("difference", "drift") else None)
        return self._begin(key, work, AT_ONCE)

    def _by_the_way(self, project: Project, versions: Sequence[Version]) -> None:
        """Check one more contract, the newest version's first, while nothing else goes on."""
        for version in reversed(versions):
            if version.bytes > BY_THE_WAY or not _is_held(project, version):
                continue
            key = self._key("contract", version)
            if key not in self._findings:
                self._begin(key, partial(_checked, self._layout, project, version), 1)
                return

    def _begin(self, key: Hashable, work: Callable[[], Any], most: int) -> Finding:
        with self._lock:
            if key not in self._findings and len(self._running) < most:
                self._running.add(key)
                self._findings[key] = Finding(began=clock.now())
                # A daemon: who quits does not wait for what nobody will see.
                thread = Thread(target=self._study, args=(key, work), name="data", daemon=True)
                self.threads = [*(one for one in self.threads if one.is_alive()), thread]
                thread.start()
            return self._findings.get(key, Finding())

    def _study(self, key: Hashable, work: Callable[[], Any]) -> None:
        try:
            finding = Finding(found=work())
        except UserError as error:
            from cockpit.data.files import DataGone

            finding = Finding(problem=str(error), gone=isinstance(error, DataGone))
        except (
            BaseException
        ) as error:  # polars' panics too: a thread's last words would go to the screen
            said = f"{type(error).__name__}: {error}"
            finding = Finding(problem=f"not done, by a fault of cockpit's own: {said}")
        with self._lock:
            self._findings[key] = finding
            self._running.discard(key)
            self._news += 1

    def _key(self, kind: Kind, version: Version, other: Version | None = None) -> Hashable:
        ends = [each for each in (other, version) if each is not None]
        names = [(each.label, each.digest, *_trace(each.path)) for each in ends]
        return (kind, *names, *(() if kind == "profile" else _trace(self._toml)))

    @property
    def _toml(self) -> str:
        return os.fspath(self._layout.project / "cockpit.toml")

    def _read_project(self) -> tuple[Project | None, str]:
        """What cockpit.toml says, or what is wrong with it."""
        from cockpit.project.reading import find_project

        trace = _trace(self._toml)
        if trace != self._project[0]:
            try:
                self._project = (trace, find_project(self._layout), "")
            except UserError as error:
                self._project = (trace, None, str(error))
        return self._project[1:]


def _trace(path: str) -> tuple[int, int]:
    """Differs when a file has been written; of a pattern's folder, when a file came or went."""
    for place in (Path(path), Path(path).parent):
        try:
            found = place.stat()
        except OSError:
            continue
        return found.st_mtime_ns, found.st_size
    return 0, 0


def _is_held(project: Project, version: Version) -> bool:
    """Whether there is a contract, a key or a target to check."""
    table = project.data.get(version.name)
    if table is None:
        return bool(version.facts.get("key") or version.facts.get("target"))
    return bool(table.contract or table.key or table.target)


def _profiled(layout: Layout, version: Version) -> Profiled:
    from cockpit.data.files import DataGone
    from cockpit.data.versions import located, looked_at

    try:
        located(layout, version)
    except DataGone as error:
        if "columns" not in version.facts:
            raise
        return Profiled(version.facts, str(error))
    return Profiled(looked_at(layout, version).facts)


def _checked(layout: Layout, project: Project, version: Version) -> Checked:
    from cockpit.data.contract import check
    from cockpit.data.contracts import find_data, on_rows
    from cockpit.data.leaks import leaks_of

    data = find_data(layout, project, version.label)
    report = on_rows(lambda frame: check(frame, data.table), data)
    return Checked(report, on_rows(lambda frame: leaks_of(frame, data.table), data), data.table)


def _compared(layout: Layout, project: Project, old: Version, new: Version) -> Any:
    from cockpit.data.contracts import find_data, on_rows
    from cockpit.data.diff import diff

    before, after = (find_data(layout, project, each.label) for each in (old, new))
    key = before.table.key or after.table.key
    return on_rows(lambda a, b: diff(a, b, key), before, after)


def _drifted(layout: Layout, project: Project, old: Version, new: Version) -> Drifted:
    from cockpit.data.contracts import find_data, on_rows
    from cockpit.data.drift import drift

    both = [find_data(layout, project, each.label) for each in (old, new)]
    names = {name for data in both for name in (*data.table.key, *data.table.ignore)}
    found = on_rows(lambda a, b: drift(a, b, None, names), *both)
    return Drifted(found, frozenset(_targets(data.table for data in both)))


def _targets(tables: Iterable[DataTable]) -> Iterable[str]:
    return (table.target for table in tables if table.target is not None)
