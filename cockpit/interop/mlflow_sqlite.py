"""Reads MLflow's sqlite database, which may be written to meanwhile: read-only, and a statement at a time.

No transaction is held from one statement to the next: as long as it lasts, a training that logs to the database
cannot commit, and MLflow gives up after some seconds. A run's state is read before its points are, so what is said
to be complete is.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from cockpit.interop.errors import NothingToImport
from cockpit.interop.foreign import Curve, Damaged, ForeignRun, Skipped
from cockpit.interop.mlflow_facts import LARGEST, Facts, as_run, curve, milliseconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POINT = np.dtype([("step", "i8"), ("time", "i8"), ("value", "f8"), ("nan", "i1")])
_ODD = (ValueError, TypeError, OverflowError)
"""What comes of a column that holds something else than it should; sqlite lets it."""
_NEEDED = ("experiments", "runs", "metrics", "params", "tags")


def runs(place: Path) -> Iterator[ForeignRun | Damaged | Skipped]:
    """The runs that were not deleted, by their start. Raises `NothingToImport`."""
    with closing(_open(place)) as base:
        try:
            experiments = _experiments(base)
            beside = _Beside(base)
            rows = base.execute(_RUNS).fetchall()
        except (sqlite3.DatabaseError, LookupError) as error:
            raise _unreadable(place, error) from error
        deleted, taken = 0, set[str]()
        for row in rows:
            experiment = experiments.get(row["experiment_id"])
            if row["lifecycle_stage"] == "deleted" or experiment is None or experiment["deleted"]:
                deleted += 1
                continue
            taken.add(row["run_uuid"])
            try:
                facts = _facts(base, row, experiment, beside)
            except sqlite3.DatabaseError as error:
                yield Damaged(f"{place}: run {row['run_uuid']}", str(error))
            else:
                yield as_run(facts, [place.parent])
        yield Skipped("deleted run", deleted)
        yield from beside.left(base, taken)


def count_runs(place: Path) -> int:
    """How many there are, deleted ones too. Raises `NothingToImport`."""
    with closing(_open(place)) as base:
        try:
            found: int = base.execute("select count(*) from runs").fetchone()[0]
        except sqlite3.DatabaseError as error:
            raise _unreadable(place, error) from error
        return found


def _open(file: Path) -> sqlite3.Connection:
    address = f"file:{quote(str(file))}?mode=ro"
    base = sqlite3.connect(address, uri=True, timeout=30, isolation_level=None)
    base.row_factory = sqlite3.Row
    base.text_factory = lambda data: data.decode("utf-8", "replace")
    try:
        missing = [table for table in _NEEDED if not _has(base, table)]
    except sqlite3.DatabaseError as error:
        base.close()
        raise _unreadable(file, error) from error
    if missing:
        base.close()
        raise NothingToImport(f"{file} is no database of MLflow's: it has no table {missing[0]}")
    return base


def _has(base: sqlite3.Connection, table: str) -> bool:
    """A view does not count: it may be a query without an end."""
    asked = "select 1 from sqlite_master where type = 'table' and name = ?"
    return bool(base.execute(asked, (table,)).fetchall())


def _unreadable(file: Path, error: Exception) -> NothingToImport:
    return NothingToImport(f"{file} cannot be read as a database of MLflow's: {error}")


def _facts(
    base: sqlite3.Connection, row: sqlite3.Row, experiment: dict[str, Any], beside: _Beside
) -> Facts:
    key, damage = row["run_uuid"], list[str]()
    curves: list[Curve] = []
    for (name,) in base.execute(_METRICS, (key,)).fetchall():
        try:
            curves.append(_curve(base, key, name))
        except _ODD as error:
            damage.append(f"metric {name!r}: {error}")
    return Facts(
        key=key,
        name=row["name"],
        status=row["status"],
        started=milliseconds(row["start_time"]),
        ended=milliseconds(row["end_time"]),
        user=row["user_id"],
        experiment=experiment["facts"],
        artifacts=row["artifact_uri"],
        params=dict(base.execute(_PARAMS, (key,)).fetchall()),
        tags=dict(base.execute(_TAGS, (key,)).fetchall()),
        curves=tuple(curves),
        models=beside.models.get(key, ()),
        logged=beside.logged.get(key, ()),
        datasets=beside.datasets.get(key, ()),
        damage=tuple(damage),
    )


def _curve(base: sqlite3.Connection, run: str, name: Any) -> Curve:
    with closing(base.cursor()) as rows:
        rows.row_factory = None  # tuples, as numpy takes them
        found = np.fromiter(rows.execute(_POINTS, (run, name)), dtype=_POINT)
    values = found["value"].copy()
    values[values >= LARGEST] = np.inf
    values[values <= -LARGEST] = -np.inf
    values[found["nan"] != 0] = np.nan
    return curve(str(name), found["step"].copy(), found["time"].copy(), values)


def _experiments(base: sqlite3.Connection) -> dict[int, dict[str, Any]]:
    tags: dict[int, dict[str, str]] = {}
    for one in _rows(base, "experiment_tags"):
        tags.setdefault(one["experiment_id"], {})[one["key"]] = one["value"]
    return {
        one["experiment_id"]: {
            "deleted": one["lifecycle_stage"] == "deleted",
            "facts": {
                "id": one["experiment_id"],
                "name": str(one["name"]),
                "tags": tags.get(one["experiment_id"], {}),
            },
        }
        for one in _rows(base, "experiments")
    }


def _rows(base: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """A table as a whole; nothing where MLflow was too old to have it."""
    if not _has(base, table):
        return []
    return [
        {
            name: x.decode("utf-8", "replace") if isinstance(x, bytes) else x
            for name, x in row.items()
        }
        for row in map(dict, base.execute(f"select * from {table}"))  # noqa: S608
    ]


class _Beside:
    """What stands beside the runs, by the run it belongs to."""

    def __init__(self, base: sqlite3.Connection) -> None:
        self.models = _versions(base)
        self.logged = _logged(base)
        self.datasets = _datasets(base)

    def left(self, base: sqlite3.Connection, runs: set[str]) -> Iterator[Skipped]:
        """What no run of ours can carry."""
        homeless = sum(len(found) for run, found in self.models.items() if run not in runs)
        yield Skipped("version of a model whose run is not there", homeless)
        yield Skipped("trace", len(_rows(base, "trace_info")))


def _versions(base: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    aliases: dict[tuple[str, int], list[str]] = {}
    for one in _rows(base, "registered_model_aliases"):
        aliases.setdefault((one["name"], one["version"]), []).append(str(one["alias"]))
    tags: dict[tuple[str, int], dict[str, str]] = {}
    for one in _rows(base, "model_version_tags"):
        tags.setdefault((one["name"], one["version"]), {})[one["key"]] = one["value"]
    found: dict[str, list[dict[str, Any]]] = {}
    for one in _rows(base, "model_versions"):
        if one["current_stage"] == "Deleted_Internal":
            continue
        at = (one["name"], one["version"])
        found.setdefault(one["run_id"] or "", []).append(
            {
                "name": one["name"],
                "version": one["version"],
                "aliases": sorted(aliases.get(at, ())),
                "stage": one["current_stage"],
                "source": one["source"],
                "description": one["description"],
                "tags": tags.get(at, {}),
            }
        )
    return found


def _logged(base: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    beside: dict[str, dict[str, dict[str, str]]] = {}
    for kind, key, value in (
        ("params", "param_key", "param_value"),
        ("tags", "tag_key", "tag_value"),
    ):
        for one in _rows(base, f"logged_model_{kind}"):
            told = beside.setdefault(one["model_id"], {}).setdefault(kind, {})
            told[one[key]] = one[value]
    for one in _rows(base, "logged_models"):
        if one["lifecycle_stage"] != "deleted":
            kept = ("model_id", "name", "artifact_location", "model_type")
            found.setdefault(one["source_run_id"] or "", []).append(
                {name: one[name] for name in kept} | beside.get(one["model_id"], {})
            )
    return found


def _datasets(base: sqlite3.Connection) -> dict[str, list[dict[str, Any]]]:
    known = {one["dataset_uuid"]: one for one in _rows(base, "datasets")}
    context = {
        one["input_uuid"]: one["value"]
        for one in _rows(base, "input_tags")
        if one["name"] == "mlflow.data.context"
    }
    found: dict[str, list[dict[str, Any]]] = {}
    for one in _rows(base, "inputs"):
        data = known.get(one["source_id"])
        if data and one["source_type"] == "DATASET" and one["destination_type"] == "RUN":
            found.setdefault(one["destination_id"], []).append(
                {
                    "name": data["name"],
                    "digest": data["digest"],
                    "context": context.get(one["input_uuid"]),
                    "source_type": data["dataset_source_type"],
                    "source": data["dataset_source"],
                }
            )
    return found


_RUNS = """
select cast(run_uuid as text) as run_uuid, cast(name as text) as name, status, start_time, end_time,
    lifecycle_stage, cast(artifact_uri as text) as artifact_uri, experiment_id, cast(user_id as text) as user_id
from runs where run_uuid is not null order by start_time, run_uuid
"""
_METRICS = 'select distinct "key" from metrics where run_uuid = ?'
# By step, as the index has them: no sorting, and what is last is what MLflow calls the last.
_POINTS = """
select step, timestamp, value, is_nan from metrics where run_uuid = ? and "key" = ? order by step, rowid
"""
_TEXTS = """
select coalesce(cast("key" as text), ''), coalesce(cast(value as text), '') from {} where run_uuid = ? order by rowid
"""
_PARAMS, _TAGS = _TEXTS.format("params"), _TEXTS.format("tags")
