"""Finds out about data in threads of its own, so that no screen waits, and remembers what it found.

A study is of contents, not of names: what was found of a content is true for as long as cockpit runs, and while
the files that it was read from and cockpit.toml stay as they are.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from time import monotonic
from typing import TYPE_CHECKING, Any, Literal, Protocol

from cockpit.tui import clock
from cockpit.tui.data import studies
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence
    from datetime import datetime

    from cockpit.data.watching import Watch
    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout

Kind = Literal["profile", "contract", "difference", "drift"]

AT_ONCE = 2
"""Studies at a time: each uses all cores by itself, and a short one need not wait for a long one."""
BY_THE_WAY = 100_000_000
"""Bytes of a version whose contract is checked though nobody has asked for it."""
NEWS_SECONDS = 0.25
"""Between two words on how far a study is."""


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
    """A `Profiled`, a `Checked` or `Unheld`, a `cockpit.data.diff.Difference` or a `Drifted`."""
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
        ended: bool = False,
    ) -> View:
        """What is known; what is not and was asked begins, or ends where it is `ended`."""


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
        ended: bool = False,
    ) -> View:
        return View(tuple(Listed(version, False, None) for version in versions))


class StoreDesk:
    """Asks as `cockpit data` does; the heavy libraries are imported by the first study."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._lock = Lock()
        self._findings: dict[Hashable, Finding] = {}
        self._running: dict[Hashable, Event] = {}
        """What is under way, and how it is told to end."""
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
        ended: bool = False,
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
        if ended:
            return self._end(key)
        return self._begin(key, work, AT_ONCE)

    def _by_the_way(self, project: Project, versions: Sequence[Version]) -> None:
        """Check one more contract, the newest version's first, while nothing else goes on."""
        for version in reversed(versions):
            if version.bytes > BY_THE_WAY or not _is_held(project, version):
                continue
            key = self._key("contract", version)
            if key not in self._findings:
                self._begin(key, partial(studies.checked, self._layout, project, version), 1)
                return

    def _end(self, key: Hashable) -> Finding:
        with self._lock:
            if key in self._running:
                self._running[key].set()
                self._findings[key] = Finding(stopped=True)
            return self._findings.get(key, Finding(stopped=True))

    def _begin(self, key: Hashable, work: Callable[[Watch], Any], most: int) -> Finding:
        with self._lock:
            if self._findings.get(key, Finding()).stopped:
                del self._findings[key]
            free = key not in self._running and len(self._running) < most
            if key not in self._findings and free:
                stop = self._running[key] = Event()
                self._findings[key] = Finding(began=clock.now())
                # A daemon: who quits does not wait for what nobody will see.
                asked = (key, work, stop)
                thread = Thread(target=self._study, args=asked, name="data", daemon=True)
                self.threads = [*(one for one in self.threads if one.is_alive()), thread]
                thread.start()
            return self._findings.get(key, Finding())

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
        except (
            BaseException
        ) as error:  # polars' panics too: a thread's last words would go to the screen
            said = f"{type(error).__name__}: {error}"
            finding = Finding(problem=f"not done, by a fault of cockpit's own: {said}")
        with self._lock:
            if not stop.is_set():  # else it is known to have been ended
                self._findings[key] = finding
            del self._running[key]
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
