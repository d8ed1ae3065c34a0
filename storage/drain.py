"""Events to rows, each exactly once: a spool's rows and its read position move in one transaction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING

from storage import liveness, spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.batch import BadEvent
    from storage.layout import Layout
    from storage.session import Session
    from storage.spool import Chunk

CHUNK_BYTES = 16 << 20


def drain(session: Session) -> None:
    """Fold in whatever the spools hold beyond the positions the tables know."""
    for pieces in _together(session.layout, pending(session)):
        with session.transaction():
            _take_in(session, pieces)


@dataclass(frozen=True, slots=True, order=True)
class Pending:
    """A spool file that holds more than the tables know."""

    born: float
    """When its writer began, in seconds since 1970; 0 where the file does not say."""
    name: str
    position: int
    size: int


@dataclass(frozen=True, slots=True)
class _Piece:
    """Whole lines of one writer."""

    chunk: Chunk
    born: float

    @property
    def writer(self) -> str:
        return self.chunk.file.partition("-")[0]


def _together(layout: Layout, files: list[Pending]) -> Iterator[list[_Piece]]:
    """Pieces of about `CHUNK_BYTES`: of thousands of tiny spools, a transaction each is what would cost."""
    pieces: list[_Piece] = []
    size = 0
    for file in files:
        for chunk in spool.read_chunks(layout, file.name, file.position, file.size, CHUNK_BYTES):
            if pieces and size + len(chunk.data) > CHUNK_BYTES:
                yield pieces
                pieces, size = [], 0
            pieces.append(_Piece(chunk, file.born))
            size += len(chunk.data)
    if pieces:
        yield pieces


def pending(session: Session) -> list[Pending]:
    """The files to read, in the order in which their writers began: what came first is folded first."""
    known = {
        file: (position, born)
        for file, position, born in session.rows("select file, position, born from spools")
    }
    found: list[Pending] = []
    for file, size in spool.segments(session.layout):
        position, born_then = known.get(file, (0, None))
        if size == position:
            continue
        born = liveness.born(session.layout, file)
        # A file of the same name that another writer began is another file.
        position = position if born == born_then else 0
        if size > position:
            found.append(Pending(born, file, position, size))
    return sorted(found)


def settle_lost(session: Session) -> None:
    """Settle what a dead process left running: nobody is going to finish it."""
    running = session.rows(
        "select writer from runs where state = 'running'"
        " union all select writer from sweeps where state in ('running', 'paused')"
    )
    writers = {writer for (writer,) in running}
    gone = [writer for writer in writers if not liveness.is_alive(session.layout, writer)]
    if not gone:
        return
    drain(session)  # one that was alive when we read may have written its end before it died
    with session.transaction():
        session.write(_LOSE_SWEEPS, gone=gone)
        session.write(_LOSE_RUNS, gone=gone)


# A study without a driver (Optuna alone) is never told to be over: its process ends, and that is that.
_LOSE_SWEEPS = """
update sweeps set
    state = if(driver is null and not exists (
        from runs where runs.sweep = sweeps.id and runs.state = 'running'), 'complete', 'lost'),
    reason = 'the driver (pid ' || (driver->>'pid') || ') died',
    ended = coalesce(
        (select max(time) from metrics semi join runs on runs.id = metrics.run
            and runs.sweep = sweeps.id and runs.state = 'running'),
        (select max(ended) from runs where runs.sweep = sweeps.id),
        started)
where state in ('running', 'paused') and list_contains($gone, writer)
"""
_LOSE_RUNS = """
update runs set
    state = 'lost',
    reason = 'the process that ran it died',
    ended = coalesce((select max(time) from metrics where metrics.run = runs.id), started)
where state = 'running' and list_contains($gone, writer)
"""


def _take_in(session: Session, pieces: list[_Piece]) -> None:
    # Here, with the polars they stand on: most looks find nothing new to fold in.
    from storage.batch import parse, points_that_count
    from storage.fold import fold, touched
    from storage.tables import load, save

    batches = [parse(piece.chunk.data) for piece in pieces]
    loaded = load(session, *touched(event for batch in batches for event in batch.events))
    for piece, batch in zip(pieces, batches, strict=True):
        for event in batch.events:
            fold(loaded.rows, event, piece.writer)
    save(session, loaded, points_that_count(batches))
    for piece, batch in zip(pieces, batches, strict=True):
        _quarantine(session, piece.chunk, batch.bad)
    _save_positions(session, pieces)


def _save_positions(session: Session, pieces: list[_Piece]) -> None:
    """Where reading goes on; of several pieces of one file the last one tells."""
    ends = {piece.chunk.file: (piece.chunk.end, piece.born) for piece in pieces}
    session.write("delete from spools where list_contains($files, file)", files=list(ends))
    session.write(
        "insert into spools (file, position, born) select unnest($files), unnest($ends), unnest($born)",
        files=list(ends),
        ends=[end for end, _ in ends.values()],
        born=[born for _, born in ends.values()],
    )


def _quarantine(session: Session, chunk: Chunk, bad: tuple[BadEvent, ...]) -> None:
    if not bad:
        return
    import polars as pl

    lengths = (len(line) + 1 for line in chunk.data.split(b"\n"))
    offsets = list(accumulate(lengths, initial=chunk.end - len(chunk.data)))
    now = datetime.now(UTC).replace(tzinfo=None)
    frame = pl.DataFrame(
        [
            (
                chunk.file,
                offsets[b.line],
                b.problem,
                b.text.decode("utf-8", "backslashreplace"),
                now,
            )
            for b in bad
        ],
        schema={
            "file": pl.String,
            "position": pl.Int64,
            "problem": pl.String,
            "line": pl.String,
            "seen": pl.Datetime("us"),
        },
        orient="row",
    )
    session.write("insert into quarantine select * from incoming", frame)
