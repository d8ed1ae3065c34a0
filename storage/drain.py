"""Events to rows, each exactly once: a spool's rows and its read position move in one transaction."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import polars as pl

from storage import liveness, spool
from storage.batch import parse
from storage.events import to_json
from storage.fold import Rows, fold, touched

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.batch import BadEvent
    from storage.fold import Row
    from storage.layout import Layout
    from storage.session import Session
    from storage.spool import Chunk

CHUNK_BYTES = 16 << 20

_TIME = pl.Datetime("us")
SWEEPS: dict[str, Any] = {
    "id": pl.Int64,
    "key": pl.String,
    "name": pl.String,
    "state": pl.String,
    "reason": pl.String,
    "directions": pl.List(pl.String),
    "metrics": pl.List(pl.String),
    "trials": pl.Int64,
    "workers": pl.Int64,
    "sampler": pl.String,
    "pruner": pl.String,
    "seed": pl.Int64,
    "driver": pl.String,
    "writer": pl.String,
    "provenance": pl.String,
    "user_attrs": pl.String,
    "system_attrs": pl.String,
    "started": _TIME,
    "ended": _TIME,
    "trashed": _TIME,
}
RUNS: dict[str, Any] = {
    "id": pl.Int64,
    "key": pl.String,
    "name": pl.String,
    "sweep": pl.Int64,
    "number": pl.Int64,
    "state": pl.String,
    "reason": pl.String,
    "params": pl.String,
    "distributions": pl.String,
    "values": pl.List(pl.Float64),
    "metrics": pl.List(pl.Struct({"key": pl.String, "value": pl.Float64})),
    "step": pl.Int64,
    "user_attrs": pl.String,
    "system_attrs": pl.String,
    "provenance": pl.String,
    "resources": pl.String,
    "writer": pl.String,
    "tags": pl.List(pl.String),
    "note": pl.String,
    "pinned": pl.Boolean,
    "started": _TIME,
    "ended": _TIME,
    "trashed": _TIME,
}
_BAD: dict[str, Any] = {
    "file": pl.String,
    "position": pl.Int64,
    "problem": pl.String,
    "line": pl.String,
    "seen": _TIME,
}
_DELETED: dict[str, Any] = {"id": pl.Int64, "sweep": pl.Int64, "number": pl.Int64, "time": _TIME}
_JSON = ("driver", "user_attrs", "system_attrs", "params", "distributions", "resources")


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
        "select distinct writer from runs where state = 'running'"
        " union select distinct writer from sweeps where state = 'running'"
    )
    gone = [writer for (writer,) in running if not liveness.is_alive(session.layout, writer)]
    if not gone:
        return
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
where state = 'running' and list_contains($gone, writer)
"""
_LOSE_RUNS = """
update runs set
    state = 'lost',
    reason = 'the process that ran it died',
    ended = coalesce((select max(time) from metrics where metrics.run = runs.id), started)
where state = 'running' and list_contains($gone, writer)
"""


def _take_in(session: Session, pieces: list[_Piece]) -> None:
    batches = [parse(piece.chunk.data) for piece in pieces]
    rows = _load(session, *touched(event for batch in batches for event in batch.events))
    before = (set(rows.sweeps), set(rows.runs), set(rows.names))
    for piece, batch in zip(pieces, batches, strict=True):
        for event in batch.events:
            fold(rows, event, piece.writer)
    _save_rows(session, "sweeps", SWEEPS, rows.sweeps, before[0])
    _save_rows(session, "runs", RUNS, rows.runs, before[1])
    _save_points(session, [batch.points for batch in batches], rows)
    _save_names(session, [key for key in rows.names if key not in before[2]])
    _save_provenance(session, rows.provenance)
    _delete(session, rows)
    for piece, batch in zip(pieces, batches, strict=True):
        _quarantine(session, piece.chunk, batch.bad)
    _save_positions(session, pieces)


def _load(session: Session, sweeps: set[int], runs: set[int]) -> Rows:
    """The rows as they stand, of the sweeps and runs that are already known."""
    found = Rows(_select(session, "sweeps", sweeps), _select(session, "runs", runs))
    for identity, sweep, number in session.rows(
        "select id, sweep, number from deleted where list_contains($ids, id)",
        ids=sorted(sweeps | runs),
    ):
        if identity in sweeps:
            found.deleted.add(identity)
        else:
            found.deleted_runs[identity] = (sweep, number)
    of = sorted({row["sweep"] for row in found.runs.values() if row["sweep"]} | sweeps)
    for name in session.rows(
        "select sweep, kind, name from names where sweep is null or list_contains($of, sweep)",
        of=of,
    ):
        found.names[name] = None
    return found


def _select(session: Session, table: str, ids: set[int]) -> dict[int, Row]:
    if not ids:
        return {}
    columns = list({"sweeps": SWEEPS, "runs": RUNS}[table])
    picked = ", ".join(f'"{column}"' for column in columns)
    # As tuples: a frame out of DuckDB makes its bindings print their leaks when a script ends.
    found = session.rows(
        f"select {picked} from {table} where id between $low and $high"
        " and id in (select unnest($ids))",
        ids=sorted(ids),
        low=min(ids),
        high=max(ids),
    )
    return {row[0]: _from_stored(dict(zip(columns, row, strict=True))) for row in found}


def _from_stored(row: Row) -> Row:
    for column in _JSON:
        if row.get(column) is not None:
            row[column] = json.loads(row[column])
    return row


def _to_stored(row: Row) -> Row:
    stored = {k: to_json(v) if k in _JSON and v is not None else v for k, v in row.items()}
    if "params" in row:
        stored["metrics"] = [{"key": k, "value": v} for k, v in row["metrics"].items()]
    return stored


def _save_rows(
    session: Session, table: str, schema: dict[str, Any], rows: dict[int, Row], known: set[int]
) -> None:
    def as_frame(wanted: list[Row]) -> pl.DataFrame:
        return pl.DataFrame([_to_stored(row) for row in wanted], schema=schema, orient="row")

    is_run = table == "runs"
    new = [row for identity, row in rows.items() if identity not in known]
    old = [row for identity, row in rows.items() if identity in known]
    if new:
        metrics = " replace (map_from_entries(metrics) as metrics)" if is_run else ""
        session.write(f"insert into {table} by name select *{metrics} from incoming", as_frame(new))
    if old:
        settings = ", ".join(
            f'"{c}" = map_from_entries(incoming.metrics)'
            if is_run and c == "metrics"
            else f'"{c}" = incoming."{c}"'
            for c in schema
            if c not in ("id", "key")
        )
        session.write(
            f"update {table} set {settings} from incoming where {table}.id = incoming.id",
            as_frame(old),
        )


def _save_points(session: Session, batches: list[pl.DataFrame], rows: Rows) -> None:
    kept = [points for points in batches if points.height]
    if not kept:
        return
    points = pl.concat(kept) if len(kept) > 1 else kept[0]
    if rows.deleted_runs:
        points = points.filter(~pl.col("run").is_in(list(rows.deleted_runs)))
    session.write(
        "insert into metrics select run, name, step, make_timestamp((time * 1e6)::bigint), value"
        " from incoming order by place",
        points.with_row_index("place"),
    )


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


def _save_names(session: Session, names: list[tuple[int | None, str, str]]) -> None:
    if names:
        schema = {"sweep": pl.Int64, "kind": pl.String, "name": pl.String}
        frame = pl.DataFrame(names, schema=schema, orient="row").with_row_index("i")
        session.write(
            "insert into names select sweep, kind, name,"
            " i + (select coalesce(max(position), 0) + 1 from names) from incoming",
            frame,
        )


def _save_provenance(session: Session, seen: dict[str, dict[str, Any]]) -> None:
    for digest, content in seen.items():
        session.write(
            "insert into provenance select $digest, $content"
            " where not exists (from provenance where digest = $digest)",
            digest=digest,
            content=to_json(content),
        )


def _delete(session: Session, rows: Rows) -> None:
    if not rows.deleted and not rows.deleted_runs:
        return
    sweeps, now = sorted(rows.deleted), datetime.now(UTC).replace(tzinfo=None)
    stated = [(run, sweep, number, now) for run, (sweep, number) in rows.deleted_runs.items()]
    stated += [(sweep, None, None, now) for sweep in sweeps]
    session.write(_BURY_RUNS, sweeps=sweeps, now=now)
    session.write(_BURY, pl.DataFrame(stated, schema=_DELETED, orient="row"))
    session.write("delete from metrics where run in (select id from deleted)")
    session.write("delete from runs where id in (select id from deleted)")
    session.write("delete from names where sweep in (select id from deleted)")
    session.write("delete from sweeps where id in (select id from deleted)")


_BURY_RUNS = """
insert into deleted select id, sweep, number, $now from runs
where list_contains($sweeps, sweep) and id not in (select id from deleted)
"""
_BURY = "insert into deleted from incoming where id not in (select id from deleted)"


def _quarantine(session: Session, chunk: Chunk, bad: tuple[BadEvent, ...]) -> None:
    if not bad:
        return
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
        schema=_BAD,
        orient="row",
    )
    session.write("insert into quarantine select * from incoming", frame)
