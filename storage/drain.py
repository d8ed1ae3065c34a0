"""Events to rows, each exactly once: a spool's rows and its read position move in one transaction."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from storage import spool
from storage.batch import parse
from storage.events import to_json
from storage.fold import Rows, fold, touched

if TYPE_CHECKING:
    from storage.batch import BadEvent
    from storage.fold import Row
    from storage.spool import Chunk
    from storage.store import Session

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
_JSON = ("driver", "user_attrs", "system_attrs", "params", "distributions", "resources")


def drain(session: Session) -> None:
    """Fold in whatever the spools hold beyond the positions the tables know."""
    positions = dict(session.rows("select file, position from spools"))
    for file, size in spool.segments(session.layout):
        position = positions.get(file, 0)
        if size <= position:
            continue
        for chunk in spool.read_chunks(session.layout, file, position, size, CHUNK_BYTES):
            with session.transaction():
                _take_in(session, chunk)


def settle_lost(session: Session) -> None:
    """Settle what a dead process left running: nobody is going to finish it."""
    running = session.rows(
        "select distinct writer from runs where state = 'running'"
        " union select distinct writer from sweeps where state = 'running'"
    )
    gone = [writer for (writer,) in running if not spool.is_alive(session.layout, writer)]
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


def _take_in(session: Session, chunk: Chunk) -> None:
    batch = parse(chunk.data)
    rows = _load(session, *touched(batch.events))
    before = (set(rows.sweeps), set(rows.runs), set(rows.names))
    writer = chunk.file.partition("-")[0]
    for event in batch.events:
        fold(rows, event, writer)
    _save_rows(session, "sweeps", SWEEPS, rows.sweeps, before[0])
    _save_rows(session, "runs", RUNS, rows.runs, before[1])
    if batch.points.height:
        session.write(
            "insert into metrics select run, name, step, make_timestamp((time * 1e6)::bigint), value"
            " from incoming order by line",
            batch.points,
        )
    _save_names(session, [key for key in rows.names if key not in before[2]])
    _save_provenance(session, rows.provenance)
    _delete_sweeps(session, sorted(rows.deleted), sorted(rows.deleted_runs))
    _quarantine(session, chunk.file, batch.bad)
    session.write("delete from spools where file = $file", file=chunk.file)
    session.write("insert into spools values ($file, $end)", file=chunk.file, end=chunk.end)


def _load(session: Session, sweeps: set[int], runs: set[int]) -> Rows:
    """The rows as they stand, of the sweeps and runs that are already known."""
    found = Rows(_select(session, "sweeps", sweeps), _select(session, "runs", runs))
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
    metrics = " replace (map_entries(metrics) as metrics)" if table == "runs" else ""
    known = f"select *{metrics} from {table} where id between $low and $high"
    sql = known + " and id in (select unnest($ids))"
    found = session.frame(sql, ids=sorted(ids), low=min(ids), high=max(ids))
    return {row["id"]: _from_stored(row) for row in found.iter_rows(named=True)}


def _from_stored(row: Row) -> Row:
    for column in _JSON:
        if row.get(column) is not None:
            row[column] = json.loads(row[column])
    if "params" in row:
        row["metrics"] = {entry["key"]: entry["value"] for entry in row["metrics"]}
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


def _delete_sweeps(session: Session, ids: list[int], runs: list[int]) -> None:
    if not ids:
        return
    session.write(
        "delete from metrics where run in (select unnest($runs)) or run in"
        " (select id from runs where sweep in (select unnest($ids)))",
        ids=ids,
        runs=runs,
    )
    for table in ("runs", "names"):
        session.write(f"delete from {table} where sweep in (select unnest($ids))", ids=ids)
    session.write("delete from sweeps where id in (select unnest($ids))", ids=ids)


def _quarantine(session: Session, file: str, bad: tuple[BadEvent, ...]) -> None:
    if not bad:
        return
    now = datetime.now(UTC).replace(tzinfo=None)
    frame = pl.DataFrame(
        [(file, b.line, b.problem, b.text.decode("utf-8", "backslashreplace"), now) for b in bad],
        schema=_BAD,
        orient="row",
    )
    session.write("insert into quarantine select * from incoming", frame)
