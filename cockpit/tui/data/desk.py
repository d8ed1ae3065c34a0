"""Finds out about data in threads of its own, so that no screen waits, and remembers what it found.

A study is of contents, not of names: what was found of a content is true for as long as cockpit runs, and while
the files that it was read from and cockpit.toml stay as they are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cockpit.tui.background import Background, Finding
from cockpit.tui.data import studies
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from cockpit.data.watching import Watch
    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout

Kind = Literal["profile", "contract", "difference", "drift"]

AT_ONCE = 2
"""Studies at a time: each uses all cores by itself, and a short one need not wait for a long one."""
BY_THE_WAY = 100_000_000
"""Bytes of a version whose contract is checked though nobody has asked for it."""


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
    finding: Finding = field(default_factory=Finding)
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
        ended: bool = False,
    ) -> View:
        """What is known; what is not and was asked begins, or ends where it is `ended`."""


class StoreDesk:
    """Asks as `cockpit data` does; the heavy libraries are imported by the first study."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.work = Background("data", AT_ONCE)
        self._watched: tuple[str, ...] = ()
        self._project: tuple[Hashable, Project | None, str] = (None, None, "")

    def stamp(self) -> tuple[int, ...]:
        traces = [number for path in self._watched for number in _trace(path)]
        return (self.work.stamp(), *_trace(self._toml), *traces)

    def view(
        self,
        versions: Sequence[Version],
        chosen: Version | None,
        other: Version | None,
        kind: Kind,
        ended: bool = False,
    ) -> View:
        from cockpit.data.keeping import kept_at

        project, problem = self._read_project()
        pair = [each for each in (other, chosen) if each is not None]
        self._watched = tuple(each.path for each in pair)
        listed = []
        for version in versions:
            held = project is not None and _is_held(project, version)
            known = self.work.known(self._key("contract", version)) if held else None
            listed.append(Listed(version, kept_at(self._layout, version) is not None, known))
        finding = Finding()
        if chosen is not None and (other is not None or kind in ("profile", "contract")):
            finding = self._found(kind, chosen, other, project, problem, ended)
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
        ended: bool,
    ) -> Finding:
        if kind == "profile":
            work: Callable[[Watch], Any] = partial(studies.profiled, self._layout, chosen)
        elif project is None:
            return Finding(problem=problem)
        elif kind == "contract":
            if not _is_held(project, chosen):
                return Finding(studies.Unheld())
            work = partial(studies.checked, self._layout, project, chosen)
        else:
            assert other is not None
            compared = studies.compared if kind == "difference" else studies.drifted
            work = partial(compared, self._layout, project, other, chosen)
        key = self._key(kind, chosen, other if kind in ("difference", "drift") else None)
        return self.work.end(key) if ended else self.work.found(key, work)

    def _by_the_way(self, project: Project, versions: Sequence[Version]) -> None:
        """Check one more contract, the newest version's first, while nothing else goes on."""
        for version in reversed(versions):
            if version.bytes > BY_THE_WAY or not _is_held(project, version):
                continue
            key = self._key("contract", version)
            if self.work.known(key) is None:
                work = partial(studies.checked, self._layout, project, version)
                self.work.found(key, work, most=1)
                return

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
