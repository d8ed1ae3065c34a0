"""Rows to and from the tables: what a batch of events touches is read, changed in memory, and written back."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from storage.events import to_json
from storage.fold import Rows, to_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.events import AliasMoved, DatasetGrown, DatasetSeen, ModelRegistered
    from storage.fold import Row
    from storage.session import Session

_TIME = pl.Datetime("us")
_SWEEPS: dict[str, Any] = {
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
_RUNS: dict[str, Any] = {
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
    "attempt": pl.Int64,
    "baseline": pl.Boolean,
    "feasible": pl.Boolean,
    "log": pl.String,
    "started": _TIME,
    "ended": _TIME,
    "trashed": _TIME,
}
_DELETED: dict[str, Any] = {"id": pl.Int64, "sweep": pl.Int64, "number": pl.Int64, "time": _TIME}
_PREDICTIONS: dict[str, Any] = {
    "run": pl.Int64,
    "evaluation": pl.String,
    "dataset": pl.String,
    "file": pl.String,
    "digest": pl.String,
    "rows": pl.Int64,
    "columns": pl.List(pl.String),
    "time": _TIME,
}
_MODELS: dict[str, Any] = {
    "model": pl.String,
    "number": pl.Int64,
    "digest": pl.String,
    "run": pl.Int64,
    "bundle": pl.String,
    "content": pl.String,
    "time": _TIME,
}
_MOVES: dict[str, Any] = {
    "model": pl.String,
    "number": pl.Int64,
    "alias": pl.String,
    "from_digest": pl.String,
    "to_digest": pl.String,
    "how": pl.String,
    "who": pl.String,
    "reason": pl.String,
    "evidence": pl.String,
    "time": _TIME,
}
_JSON = ("driver", "user_attrs", "system_attrs", "params", "distributions", "resources")
_SCHEMAS = {"sweeps": _SWEEPS, "runs": _RUNS}
_FEW = 20
"""So many ids stand in the SQL itself, where DuckDB passes over what cannot hold them; more are joined."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rows that a batch is about to change."""

    rows: Rows
    stored: Mapping[str, Mapping[int, Row]]
    """By table and id, the rows as they stand in it."""


def load(session: Session, sweeps: set[int], runs: set[int]) -> Loaded:
    """Read the sweeps and runs that are already known."""
    stored = {"sweeps": _select(session, "sweeps", sweeps), "runs": _select(session, "runs", runs)}
    rows = Rows()
    rows.sweeps |= {identity: _from_stored(row) for identity, row in stored["sweeps"].items()}
    rows.runs |= {identity: _from_stored(row) for identity, row in stored["runs"].items()}
    for identity, sweep, number in session.rows(
        "select id, sweep, number from deleted where list_contains($ids, id)",
        ids=sorted(sweeps | runs),
    ):
        if identity in sweeps:
            rows.deleted.add(identity)
        else:
            rows.deleted_runs[identity] = (sweep, number)
    of = {row["sweep"] for row in rows.runs.values() if row["sweep"]} | sweeps
    names = session.rows(
        "select sweep, kind, name from names where sweep is null or list_contains($of, sweep)",
        of=sorted(of),
    )
    rows.names = dict.fromkeys(names, True)
    return Loaded(rows, stored)


def save(session: Session, loaded: Loaded, points: list[pl.DataFrame]) -> None:
    """Write back what has changed, and the points that came with it."""
    rows = loaded.rows
    _save_rows(session, "sweeps", rows.sweeps, loaded.stored["sweeps"])
    _save_rows(session, "runs", rows.runs, loaded.stored["runs"])
    _drop_points(session, rows.restarted)
    _save_points(session, points, rows)
    _save_names(session, [name for name, known in rows.names.items() if not known])
    _save_provenance(session, rows.provenance)
    _save_datasets(session, rows.datasets)
    _save_facts(session, rows.facts)
    _save_growth(session, rows.growth)
    _save_predictions(session, rows)
    _save_models(session, rows.models)
    _save_moves(session, rows.moves)
    _delete(session, rows)


def _select(session: Session, table: str, ids: set[int]) -> dict[int, Row]:
    if not ids:
        return {}
    columns = list(_SCHEMAS[table])
    picked = ", ".join(f'"{column}"' for column in columns)
    among = ", ".join(map(str, sorted(ids))) if len(ids) <= _FEW else "select unnest($ids)"
    # As tuples: a frame out of DuckDB makes its bindings print their leaks when a script ends.
    found = session.rows(
        f"select {picked} from {table} where id between $low and $high and id in ({among})",
        low=min(ids),
        high=max(ids),
        **({} if len(ids) <= _FEW else {"ids": sorted(ids)}),
    )
    return {row[0]: dict(zip(columns, row, strict=True)) for row in found}


def _from_stored(stored: Row) -> Row:
    row = dict(stored)  # what events change in place is made anew below
    for column in _JSON:
        if row.get(column) is not None:
            row[column] = json.loads(row[column])
    if "params" in row:
        row["metrics"] = dict(row["metrics"])
    return row


def _to_stored(row: Row) -> Row:
    return {k: to_json(v) if k in _JSON and v is not None else v for k, v in row.items()}


def _save_rows(
    session: Session, table: str, rows: dict[int, Row], stored: Mapping[int, Row]
) -> None:
    told = {identity: _to_stored(row) for identity, row in rows.items()}
    new = [row for identity, row in told.items() if identity not in stored]
    changed = [row for identity, row in told.items() if row != stored.get(identity, row)]
    metrics = "map_from_entries(incoming.metrics)" if table == "runs" else "incoming.metrics"
    if new:
        session.write(
            f"insert into {table} by name select * replace ({metrics} as metrics) from incoming",
            _as_frame(table, new),
        )
    if changed:
        settings = ", ".join(
            f"metrics = {metrics}" if column == "metrics" else f'"{column}" = incoming."{column}"'
            for column in _SCHEMAS[table]
            if column not in ("id", "key")
        )
        session.write(
            f"update {table} set {settings} from incoming where {table}.id = incoming.id",
            _as_frame(table, changed),
        )


def _as_frame(table: str, rows: list[Row]) -> pl.DataFrame:
    if table == "runs":
        rows = [
            {**row, "metrics": [{"key": k, "value": v} for k, v in row["metrics"].items()]}
            for row in rows
        ]
    return pl.DataFrame(rows, schema=_SCHEMAS[table], orient="row")


def _drop_points(session: Session, runs: set[int]) -> None:
    """Remove what the earlier attempts of restarted runs reported."""
    if runs:
        session.write(
            "delete from metrics where run between $low and $high and run in (select unnest($runs))",
            runs=sorted(runs),
            low=min(runs),
            high=max(runs),
        )


def _save_points(session: Session, batches: list[pl.DataFrame], rows: Rows) -> None:
    if not batches:
        return
    points = pl.concat(batches) if len(batches) > 1 else batches[0]
    if rows.deleted_runs:
        points = points.filter(~pl.col("run").is_in(list(rows.deleted_runs)))
    session.write(
        "insert into metrics select run, name, step, make_timestamp((time * 1e6)::bigint), value"
        " from incoming",
        points,
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
    if seen:
        told = [(digest, to_json(content)) for digest, content in seen.items()]
        schema = {"digest": pl.String, "content": pl.String}
        session.write(
            "insert into provenance select digest, content from incoming"
            " anti join provenance using (digest)",
            pl.DataFrame(told, schema=schema, orient="row"),
        )


def _save_datasets(session: Session, seen: list[DatasetSeen]) -> None:
    """When each content was first and last seen at each path, in whichever order that is told."""
    for one in seen:
        session.write(
            "insert into datasets values ($digest, $name, $path, $bytes, $time)",
            digest=one.digest,
            name=one.name,
            path=one.path,
            bytes=one.bytes,
            time=to_time(one.time),
        )
        session.write(_BETWEEN, digest=one.digest, name=one.name, path=one.path)


_BETWEEN = """
delete from datasets where rowid in (
    select rowid from datasets where digest = $digest and name = $name and path = $path
    qualify row_number() over (order by time, rowid) > 1 and row_number() over (order by time desc, rowid) > 1
)
"""


def _save_facts(session: Session, facts: dict[str, dict[str, Any]]) -> None:
    for digest, content in facts.items():
        session.write("delete from dataset_facts where digest = $digest", digest=digest)
        session.write(
            "insert into dataset_facts select $digest, $content",
            digest=digest,
            content=to_json(content),
        )


def _save_growth(session: Session, growth: list[DatasetGrown]) -> None:
    for one in growth:
        session.write(
            "insert into dataset_growth select $name, $digest, $parent, $reason, $run, $added, $source,"
            " $time where not exists (from dataset_growth where name = $name and digest = $digest)",
            name=one.name,
            digest=one.digest,
            parent=one.parent,
            reason=one.reason,
            run=one.run,
            added=one.added,
            source=one.source,
            time=to_time(one.time),
        )


def _save_predictions(session: Session, rows: Rows) -> None:
    """The last ones a run and evaluation set; what earlier attempts of a restarted run said is void."""
    if rows.restarted:
        session.write(
            "delete from predictions where list_contains($runs, run)", runs=sorted(rows.restarted)
        )
    if rows.predictions:
        last = {(one.run, one.evaluation): one for one in rows.predictions}
        told = [{**asdict(one), "time": to_time(one.time)} for one in last.values()]
        session.write(
            "delete from predictions using incoming"
            " where predictions.run = incoming.run and predictions.evaluation = incoming.evaluation",
            pl.DataFrame(told, schema=_PREDICTIONS),
        )
        session.write("insert into predictions by name from incoming")


def _save_models(session: Session, told: list[ModelRegistered]) -> None:
    """Each version once, as it was first told."""
    if told:
        first = {(one.model, one.digest): one for one in reversed(told)}
        rows = [
            {**_told(one, _MODELS), "content": to_json(one.content), "time": to_time(one.time)}
            for one in reversed(first.values())
        ]
        session.write(
            "insert into models by name select * from incoming where not exists (from models m"
            " where m.model = incoming.model and m.digest = incoming.digest)",
            pl.DataFrame(rows, schema=_MODELS),
        )


def _told(event: ModelRegistered | AliasMoved, columns: Mapping[str, Any]) -> Row:
    return {name: getattr(event, name) for name in columns}


def _save_moves(session: Session, told: list[AliasMoved]) -> None:
    if told:
        rows = [
            {**_told(one, _MOVES), "evidence": to_json(one.evidence), "time": to_time(one.time)}
            for one in told
        ]
        frame = pl.DataFrame(rows, schema=_MOVES)
        session.write("insert into promotions by name from incoming", frame)


def _delete(session: Session, rows: Rows) -> None:
    if not rows.deleted and not rows.deleted_runs:
        return
    sweeps, now = sorted(rows.deleted), datetime.now(UTC).replace(tzinfo=None)
    stated = [(run, sweep, number, now) for run, (sweep, number) in rows.deleted_runs.items()]
    stated += [(sweep, None, None, now) for sweep in sweeps]
    session.write(_BURY_RUNS, sweeps=sweeps, now=now)
    session.write(_BURY, pl.DataFrame(stated, schema=_DELETED, orient="row"))
    session.write("delete from metrics where run in (select id from deleted)")
    session.write("delete from predictions where run in (select id from deleted)")
    session.write("delete from runs where id in (select id from deleted)")
    session.write("delete from names where sweep in (select id from deleted)")
    session.write("delete from sweeps where id in (select id from deleted)")


_BURY_RUNS = """
insert into deleted select id, sweep, number, $now from runs
where list_contains($sweeps, sweep) and id not in (select id from deleted)
"""
_BURY = "insert into deleted from incoming where id not in (select id from deleted)"
