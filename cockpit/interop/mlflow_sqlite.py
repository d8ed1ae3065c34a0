"""Reads MLflow's sqlite database, which may be written to meanwhile: read-only, in one transaction."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np

from cockpit.interop.errors import NothingToImport
from cockpit.interop.foreign import Curve, Damaged, ForeignRun, Skipped
from cockpit.interop.mlflow_facts import LARGEST, Facts, as_run, curve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_POINT = np.dtype([("step", "i8"), ("time", "i8"), ("value", "f8"), ("nan", "i1")])
_ODD = (ValueError, TypeError, OverflowError)
"""What comes of a column that holds something else than it should; sqlite lets it."""


def runs(place: Path) -> Iterator[ForeignRun | Damaged | Skipped]:
    """The runs that were not deleted, by their start. Raises `NothingToImport`."""
    with closing(_open(place)) as base:
        try:
            experiments = _experiments(base)
            beside = _Beside(base)
            rows = base.execute(_RUNS).fetchall()
        except sqlite3.DatabaseError as error:
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
        base.execute("begin")
        base.execute("select 1 from sqlite_master limit 1").fetchone()
    except sqlite3.DatabaseError as error:
        base.close()
        raise _unreadable(file, error) from error
    return base


def _unreadable(file: Path, error: sqlite3.DatabaseError) -> NothingToImport:
    return NothingToImport(f"{file} cannot be read as a database of MLflow's: {error}")


def _facts(
    base: sqlite3.Connection, row: sqlite3.Row, experiment: dict[str, Any], beside: _Beside
) -> Facts:
    key, damage = row["run_uuid"], list[str]()
    curves: list[Curve] = []
    for name, points in base.execute(_METRICS, (key,)).fetchall():
        try:
            curves.append(_curve(base, key, name, points))
        except _ODD as error:
            damage.append(f"metric {name!r}: {error}")
    return Facts(
        key=key,
        name=row["name"],
        status=row["status"],
        started=row["start_time"],
        ended=row["end_time"],
        user=row["user_id"],
        experiment=experiment["facts"],
        artifacts=row["artifact_uri"],
        params=dict(base.execute(_PARAMS, (key,)).fetchall()),
        tags={name: text or "" for name, text in base.execute(_TAGS, (key,)).fetchall()},
        curves=tuple(curves),
        models=beside.models.get(key, ()),
        logged=beside.logged.get(key, ()),
        datasets=beside.datasets.get(key, ()),
        damage=tuple(damage),
    )


def _curve(base: sqlite3.Connection, run: str, name: str, count: int) -> Curve:
    rows = base.cursor()
    rows.row_factory = None  # tuples, as numpy takes them
    found = np.fromiter(rows.execute(_POINTS, (run, name)), dtype=_POINT, count=count)
    values = found["value"].copy()
    values[values >= LARGEST] = np.inf
    values[values <= -LARGEST] = -np.inf
    values[found["nan"] != 0] = np.nan
    return curve(name, found["step"].copy(), found["time"].copy(), values)


def _experiments(base: sqlite3.Connection) -> dict[int, dict[str, Any]]:
    tags: dict[int, dict[str, str]] = {}
    for one in _rows(base, "experiment_tags"):
        tags.setdefault(one["experiment_id"], {})[one["key"]] = one["value"]
    return {
        one["experiment_id"]: {
            "deleted": one["lifecycle_stage"] == "deleted",
            "facts": {
                "id": one["experiment_id"],
                "name": one["name"],
                "tags": tags.get(one["experiment_id"], {}),
            },
        }
        for one in base.execute("select * from experiments")
    }


def _rows(base: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    """A table as a whole; nothing where MLflow was too old to have it."""
    there = base.execute("select 1 from sqlite_master where name = ?", (table,)).fetchone()
    return [dict(row) for row in base.execute(f"select * from {table}")] if there else []  # noqa: S608


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
        aliases.setdefault((one["name"], one["version"]), []).append(one["alias"])
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
select run_uuid, name, status, start_time, end_time, lifecycle_stage, artifact_uri, experiment_id, user_id
from runs order by start_time, run_uuid
"""
_METRICS = 'select "key", count(*) from metrics where run_uuid = ? group by "key"'
# By step, as the index has them: no sorting, and what is last is what MLflow calls the last.
_POINTS = """
select step, timestamp, value, is_nan from metrics where run_uuid = ? and "key" = ? order by step, rowid
"""
_PARAMS = 'select "key", value from params where run_uuid = ? order by rowid'
_TAGS = 'select "key", value from tags where run_uuid = ? order by rowid'
