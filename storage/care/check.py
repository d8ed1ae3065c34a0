"""Proves that every acknowledged event is in the tables: the spools are folded anew and compared.

The fresh tables must say what the store's tables say, row by row and column by column. What a reader settled
by itself (a run whose process died) is no event and is left out; what stood only in spools that were proven
and removed earlier can no longer be told anew, and is counted as such.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage import retention, spool
from storage.care.compare import Difference, compare
from storage.faults import StoreReadOnly
from storage.fold import UNBEGUN
from storage.layout import Layout
from storage.scratch import scratch
from storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.session import Session

SHOWN = 5
"""How many quarantined lines are shown in full."""


@dataclass(frozen=True, slots=True)
class BadLine:
    """A line that could not be understood."""

    file: str
    position: int
    """Offset of the line in the file, in bytes."""
    problem: str
    line: str


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What a check could prove and what it could not."""

    files: int
    """Spool files that were folded anew, drained ones among them."""
    bytes: int
    sweeps: int
    runs: int
    points: int
    """What the spools say there is."""
    unproven_runs: int
    """Runs of the tables of which no spool tells the beginning any more."""
    removed_files: int
    """Spool files that were removed earlier."""
    removed_unproven: int
    """Those of them that no check had proven."""
    torn: tuple[str, ...]
    """Files that end in a line cut off in the middle: an event that was never acknowledged."""
    quarantined: int
    bad_lines: tuple[BadLine, ...]
    """The first few of the quarantined lines."""
    differences: tuple[Difference, ...]

    @property
    def passed(self) -> bool:
        return not self.differences


def check(store: Store, timeout: float = 5.0) -> CheckReport:
    """Fold all spools anew and compare; the store is held only while it is being copied.

    Raises what `Store.session` raises, and `StoreReadOnly` where there is no room of ours to work in.
    """
    layout = store.layout
    with scratch(layout, "check") as folder:
        work = Layout(folder)
        work.create()
        with store.held(timeout) as held, held.session() as session:
            if session.read_only:
                raise StoreReadOnly(f"{layout.root} cannot be written; a check needs to")
            differences = _beyond(session)
            torn = _torn(session)
            files = _take_spools(session, work)
            session.copy_to(work.root / "stored.duckdb")
        report = _compare(work, files, torn, differences)
        if report.passed:
            with store.session(timeout) as session:
                drained = {file.name for file in retention.drained_files(layout)}
                retention.note_proven(session, [entry for entry in files if entry[0] in drained])
    return report


def _take_spools(session: Session, work: Layout) -> list[tuple[str, int]]:
    """Bring every spool file to where it is folded anew, up to where the tables have read it."""
    layout = session.layout
    known = dict(session.rows("select file, position from spools"))
    taken: list[tuple[str, int]] = []
    for file, size in spool.segments(layout):
        position = min(known.get(file, 0), size)
        _copy_start(layout.spool / file, work.spool / file, position)
        taken.append((file, position))
    for path in retention.drained_files(layout):
        _link(path, work.spool / path.name)
        taken.append((path.name, path.stat().st_size))
    return taken


def _copy_start(source: Path, target: Path, size: int) -> None:
    """The writer may be at work: only what is known to be whole is taken."""
    with source.open("rb") as read, target.open("wb") as write:
        while size and (data := read.read(min(size, 1 << 20))):
            write.write(data)
            size -= len(data)


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:  # a file system without hard links
        shutil.copyfile(source, target)


def _beyond(session: Session) -> list[Difference]:
    """Files that are shorter than what was read of them: somebody cut them, or the disk did."""
    known = dict(session.rows("select file, position from spools"))
    present = spool.segments(session.layout)
    present += [(f.name, f.stat().st_size) for f in retention.drained_files(session.layout)]
    return [
        Difference("spools", "cut", file, "position", f"{size:,} bytes", f"{known[file]:,} read", 1)
        for file, size in present
        if known.get(file, 0) > size
    ]


def _torn(session: Session) -> tuple[str, ...]:
    torn = []
    for path in retention.drained_files(session.layout):
        with path.open("rb") as stream:
            stream.seek(max(0, path.stat().st_size - 1))
            if stream.read(1) not in (b"", b"\n"):
                torn.append(path.name)
    return tuple(torn)


def _compare(
    work: Layout,
    files: list[tuple[str, int]],
    torn: tuple[str, ...],
    differences: list[Difference],
) -> CheckReport:
    with (
        Store(work).held() as held,
        held.session(settle=False) as session,
        session.attached(work.root / "stored.duckdb", "stored"),
    ):
        removed, unproven = session.rows(
            "select count(*), count(*) filter (proven is null) from stored.retired"
            " where removed is not null"
        )[0]
        differences += compare(session, whole=not removed)
        counts = session.rows(_COUNTS, unbegun=UNBEGUN)[0]
        quarantined = session.rows("select count(*) from stored.quarantine")[0][0]
        bad_lines = session.rows(_BAD_LINES, limit=SHOWN)
    sweeps, runs, points, unproven_runs = counts
    return CheckReport(
        files=len(files),
        bytes=sum(size for _, size in files),
        sweeps=sweeps,
        runs=runs,
        points=points,
        unproven_runs=unproven_runs,
        removed_files=removed,
        removed_unproven=unproven,
        torn=torn,
        quarantined=quarantined,
        bad_lines=tuple(BadLine(*row) for row in bad_lines),
        differences=tuple(differences),
    )


_BAD_LINES = """
select file, position, problem, line from stored.quarantine order by seen, file, position limit $limit
"""
_COUNTS = """
select
    (select count(*) from sweeps),
    (select count(*) from runs),
    (select count(*) from metrics),
    (select count(*) from stored.runs where id not in (
        select id from runs where reason is distinct from $unbegun))
"""
