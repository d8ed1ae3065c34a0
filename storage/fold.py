"""Events onto rows, in memory: the meaning of every event stands here and nowhere else.

Pure: where a stream of events is cut into batches makes no difference to the rows it leads to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.events import (
    Event,
    MetricLogged,
    ParamSet,
    ProvenanceSeen,
    RunAttr,
    RunChanged,
    RunCreated,
    SweepAttr,
    SweepChanged,
    SweepCreated,
    SweepDeleted,
)
from storage.ids import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]

METRIC_NAMES = "study:metric_names"
"""The study attribute in which Optuna keeps the names of the objectives."""
_TIMES = ("started", "ended", "trashed")


@dataclass
class Rows:
    """The rows that a batch of events touches."""

    sweeps: dict[int, Row] = field(default_factory=dict)
    runs: dict[int, Row] = field(default_factory=dict)
    names: dict[tuple[int | None, str, str], None] = field(default_factory=dict)
    """(sweep, `param` or `metric`, name), in the order first seen."""
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    deleted: set[int] = field(default_factory=set)
    """Sweeps that are gone with all that belongs to them."""
    deleted_runs: set[int] = field(default_factory=set)
    """Those of their runs that the batch speaks of."""


def touched(events: Iterable[Event]) -> tuple[set[int], set[int]]:
    """Ids of the sweeps and of the runs that the events speak of."""
    sweeps: set[int] = set()
    runs: set[int] = set()
    for event in events:
        if (sweep := getattr(event, "sweep", None)) is not None:
            sweeps.add(sweep)
        if (run := getattr(event, "run", None)) is not None:
            runs.add(run)
    return sweeps, runs


def fold(rows: Rows, event: Event, writer: str) -> None:
    """Change `rows` by one event of the spool that `writer` owns."""
    match event:
        case SweepCreated():
            _sweep(rows, event.sweep).update(
                name=event.name,
                directions=event.directions,
                metrics=default_metric_names(len(event.directions)),
                state="running",
                writer=writer,
                started=to_time(event.time),
            )
        case SweepChanged():
            row = _sweep(rows, event.sweep)
            row.update(_with_times(event.changes))
            if event.changes.get("state") == "running":
                row["writer"] = writer
        case SweepAttr():
            row = _sweep(rows, event.sweep)
            row[f"{event.scope}_attrs"][event.key] = event.value
            if event.scope == "system" and event.key == METRIC_NAMES:
                row["metrics"] = list(event.value)
        case SweepDeleted():
            _delete(rows, event.sweep)
        case RunCreated():
            _run(rows, event.run).update(
                name=event.name,
                sweep=event.sweep,
                number=event.number,
                state=event.state,
                reason=None,
                started=to_time(event.time),
                writer=writer,
            )
        case RunChanged():
            _change_run(rows, event, writer)
        case ParamSet():
            row = _run(rows, event.run)
            row["params"][event.name] = event.value
            if event.distribution:
                row["distributions"][event.name] = event.distribution
            rows.names.setdefault((row["sweep"], "param", event.name))
        case RunAttr():
            _run(rows, event.run)[f"{event.scope}_attrs"][event.key] = event.value
        case MetricLogged():
            log_metric(rows, event.run, event.name, event.step, event.value)
        case ProvenanceSeen():
            rows.provenance[event.digest] = event.content


def log_metric(rows: Rows, run: int, name: str, step: int, value: float) -> None:
    """Take in the newest point of a metric."""
    row = _run(rows, run)
    row["metrics"][name] = value
    row["step"] = step
    rows.names.setdefault((row["sweep"], "metric", name))


def default_metric_names(objectives: int) -> list[str]:
    """What a study's objectives are called that nobody named."""
    return ["value"] if objectives == 1 else [f"value_{i}" for i in range(objectives)]


def to_time(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as the UTC time the tables hold."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _change_run(rows: Rows, event: RunChanged, writer: str) -> None:
    row = _run(rows, event.run)
    changes = _with_times(event.changes)
    for name, value in changes.pop("metrics", {}).items():
        row["metrics"][name] = value
        rows.names.setdefault((row["sweep"], "metric", name))
    _change_tags(row, changes)
    row.update(changes)
    if "state" in changes:
        row["writer"] = writer


def _change_tags(row: Row, changes: dict[str, Any]) -> None:
    without = {changes.pop("untag", None)}
    with_tag = {changes["tag"]} if "tag" in changes else set()
    changes.pop("tag", None)
    row["tags"] = sorted((set(row["tags"]) | with_tag) - without)


def _with_times(changes: dict[str, Any]) -> dict[str, Any]:
    return {k: to_time(v) if k in _TIMES else v for k, v in changes.items()}


def _sweep(rows: Rows, identity: int) -> Row:
    if identity not in rows.sweeps:
        key = to_text(identity)
        rows.sweeps[identity] = {
            **dict.fromkeys(
                ("reason", "trials", "workers", "sampler", "pruner", "seed", "driver", "writer")
            ),
            **dict.fromkeys(("provenance", "started", "ended", "trashed")),
            "id": identity,
            "key": key,
            "name": key,
            "state": "lost",
            "directions": [],
            "metrics": [],
            "user_attrs": {},
            "system_attrs": {},
        }
    return rows.sweeps[identity]


def _run(rows: Rows, identity: int) -> Row:
    if identity not in rows.runs:
        key = to_text(identity)
        rows.runs[identity] = {
            **dict.fromkeys(("sweep", "number", "values", "step", "provenance", "resources")),
            **dict.fromkeys(("writer", "started", "ended", "note", "trashed")),
            "id": identity,
            "key": key,
            "name": key,
            # Stands only where the event that made the run could not be read.
            "state": "lost",
            "reason": "the event that began this run is missing",
            "tags": [],
            "pinned": False,
            "params": {},
            "distributions": {},
            "metrics": {},
            "user_attrs": {},
            "system_attrs": {},
        }
    return rows.runs[identity]


def _delete(rows: Rows, sweep: int) -> None:
    rows.sweeps.pop(sweep, None)
    gone = {identity for identity, row in rows.runs.items() if row["sweep"] == sweep}
    rows.runs = {identity: row for identity, row in rows.runs.items() if identity not in gone}
    rows.deleted_runs |= gone
    rows.names = {key: None for key in rows.names if key[0] != sweep}
    rows.deleted.add(sweep)
