"""Events onto rows, in memory: the meaning of every event stands here and nowhere else.

Pure: where a stream of events is cut into batches makes no difference to the rows it leads to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.events import (
    SYSTEM,
    AliasMoved,
    DatasetFacts,
    DatasetGrown,
    DatasetSeen,
    Event,
    MetricLogged,
    ModelRegistered,
    ParamSet,
    PredictionsSeen,
    ProvenanceSeen,
    RunAttr,
    RunChanged,
    RunCreated,
    RunDeleted,
    RunRestarted,
    SweepAttr,
    SweepChanged,
    SweepCreated,
    SweepDeleted,
)
from storage.ids import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable

Row = dict[str, Any]

CONSTRAINTS = "constraints"
"""The trial attribute in which Optuna keeps constraints: a list, or `constraints:NAME` each."""
METRIC_NAMES = "study:metric_names"
"""The study attribute in which Optuna keeps the names of the objectives."""
ATTEMPT_ATTRS = ("completed_rung_", "constraints")
"""How the trial attributes begin in which Optuna keeps what an attempt reported."""
UNBEGUN = "the event that began this run is missing"
WORKED_ON = ("running", "paused")
"""States of a sweep that a process works on."""
_TIMES = ("started", "ended", "trashed")


@dataclass
class Rows:
    """The rows that a batch of events touches."""

    sweeps: dict[int, Row] = field(default_factory=dict)
    runs: dict[int, Row] = field(default_factory=dict)
    names: dict[tuple[int | None, str, str], bool] = field(default_factory=dict)
    """Whether the tables know it already, by (sweep, `param`, `metric` or `system`, name), as first seen."""
    provenance: dict[str, dict[str, Any]] = field(default_factory=dict)
    datasets: list[DatasetSeen] = field(default_factory=list)
    facts: dict[str, dict[str, Any]] = field(default_factory=dict)
    """By a dataset's digest."""
    growth: list[DatasetGrown] = field(default_factory=list)
    predictions: list[PredictionsSeen] = field(default_factory=list)
    """Of the newest attempts."""
    models: list[ModelRegistered] = field(default_factory=list)
    moves: list[AliasMoved] = field(default_factory=list)
    restarted: set[int] = field(default_factory=set)
    """Runs whose points up to here are void."""
    newest: dict[int, dict[str, tuple[str, float]]] = field(default_factory=dict)
    """By run and metric, who told the newest point, and when: several processes may tell of one run."""
    deleted: set[int] = field(default_factory=set)
    """Sweeps that are gone with all that belongs to them, whenever that was."""
    deleted_runs: dict[int, tuple[int | None, int | None]] = field(default_factory=dict)
    """Runs that are gone, as far as the batch speaks of them: their sweep and number."""


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
    """Change `rows` by one event of the spool that `writer` owns.

    What was deleted stays deleted, and a name that was given stays, in whatever order the spools are read.
    """
    if isinstance(event, ModelRegistered):  # which outlives its run
        rows.models.append(event)
        return
    if (rows.deleted or rows.deleted_runs) and _is_deleted(rows, event):
        return
    match event:
        case AliasMoved():
            rows.moves.append(event)
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
            if event.changes.get("state") in WORKED_ON:
                row["writer"] = writer
        case SweepAttr():
            row = _sweep(rows, event.sweep)
            row[f"{event.scope}_attrs"][event.key] = event.value
            if event.scope == "system" and event.key == METRIC_NAMES and _are_names(event.value):
                row["metrics"] = list(event.value)
        case SweepDeleted():
            _delete(rows, event.sweep)
        case ProvenanceSeen():
            rows.provenance[event.digest] = event.content
        case DatasetSeen():
            rows.datasets.append(event)
        case DatasetFacts():
            rows.facts[event.digest] = event.content
        case DatasetGrown():
            rows.growth.append(event)
        case _:
            _fold_run(rows, event, writer)


def _fold_run(rows: Rows, event: Event, writer: str) -> None:
    match event:
        case RunCreated():
            row = _run(rows, event.run)
            row.update(
                name=event.name if row["name"] == row["key"] else row["name"],
                sweep=event.sweep,
                number=event.number,
                state=event.state,
                reason=None,
                started=to_time(event.time),
                writer=writer,
            )
        case RunChanged():
            _change_run(rows, event, writer)
        case RunRestarted():
            _restart(rows, event, writer)
        case RunDeleted():
            rows.runs.pop(event.run, None)
            rows.deleted_runs[event.run] = (event.sweep, event.number)
        case ParamSet():
            row = _run(rows, event.run)
            row["params"][event.name] = event.value
            if event.distribution:
                row["distributions"][event.name] = event.distribution
            rows.names.setdefault((row["sweep"], "param", event.name), False)
        case RunAttr():
            row = _run(rows, event.run)
            row[f"{event.scope}_attrs"][event.key] = event.value
            if event.scope == "system" and event.key.partition(":")[0] == CONSTRAINTS:
                row["feasible"] = row["feasible"] and _is_kept(event.value)
        case PredictionsSeen():
            rows.predictions.append(event)
        case MetricLogged():
            _log(rows, event, writer)


def _log(rows: Rows, event: MetricLogged, writer: str) -> None:
    """Spools are read one after the other: of two writers the later point counts, of one what it wrote last."""
    row = _run(rows, event.run)
    kind = "system" if event.name.startswith(SYSTEM) else "metric"
    rows.names.setdefault((row["sweep"], kind, event.name), False)
    known = rows.newest.setdefault(event.run, {})
    who, when = known.get(event.name, (writer, event.time))
    if kind == "system" or (who != writer and event.time < when):
        return
    known[event.name] = (writer, event.time)
    row["metrics"][event.name] = event.value
    row["step"] = event.step


def without_attempt(system_attrs: dict[str, Any]) -> dict[str, Any]:
    """A trial's system attributes as they stand when it is tried again."""
    return {k: v for k, v in system_attrs.items() if not k.startswith(ATTEMPT_ATTRS)}


def default_metric_names(objectives: int) -> list[str]:
    """What a study's objectives are called that nobody named."""
    return ["value"] if objectives == 1 else [f"value_{i}" for i in range(objectives)]


def to_time(seconds: float | None) -> datetime | None:
    """Seconds since 1970 as the UTC time the tables hold."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None)


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _change_run(rows: Rows, event: RunChanged, writer: str) -> None:
    row = _run(rows, event.run)
    changes = _with_times(event.changes)
    for name, value in changes.pop("metrics", {}).items():
        if not name.startswith(SYSTEM):
            row["metrics"][name] = value
            rows.names.setdefault((row["sweep"], "metric", name), False)
    _change_tags(row, changes)
    begun = row["reason"] != UNBEGUN
    row.update(changes)
    if "state" in changes:
        row["writer"] = writer
    if not begun:
        row["reason"] = UNBEGUN
    elif "state" in changes:
        row["reason"] = changes.get("reason")


def _restart(rows: Rows, event: RunRestarted, writer: str) -> None:
    row = _run(rows, event.run)
    rows.restarted.add(event.run)
    rows.newest.pop(event.run, None)
    rows.predictions = [one for one in rows.predictions if one.run != event.run]
    row.update(
        attempt=event.attempt,
        state="running",
        started=to_time(event.time),
        writer=writer,
        metrics={},
        system_attrs=without_attempt(row["system_attrs"]),
        feasible=True,
        **dict.fromkeys(("values", "step", "ended", "resources", "log")),
    )
    if row["reason"] != UNBEGUN:
        row["reason"] = None


def _change_tags(row: Row, changes: dict[str, Any]) -> None:
    without = {changes.pop("untag", None)}
    with_tag = {changes["tag"]} if "tag" in changes else set()
    changes.pop("tag", None)
    row["tags"] = sorted((set(row["tags"]) | with_tag) - without)


def _with_times(changes: dict[str, Any]) -> dict[str, Any]:
    return {k: to_time(v) if k in _TIMES else v for k, v in changes.items()}


def _is_deleted(rows: Rows, event: Event) -> bool:
    run, sweep = getattr(event, "run", None), getattr(event, "sweep", None)
    if run is not None and sweep in rows.deleted:
        rows.deleted_runs.setdefault(run, (sweep, getattr(event, "number", None)))
    return run in rows.deleted_runs or sweep in rows.deleted


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
            **dict.fromkeys(("writer", "started", "ended", "note", "trashed", "log")),
            "id": identity,
            "key": key,
            "name": key,
            # Stands only where the event that made the run could not be read.
            "state": "lost",
            "reason": UNBEGUN,
            "attempt": 0,
            "baseline": False,
            "feasible": True,
            "tags": [],
            "pinned": False,
            "params": {},
            "distributions": {},
            "metrics": {},
            "user_attrs": {},
            "system_attrs": {},
        }
    return rows.runs[identity]


def _is_kept(constraint: Any) -> bool:
    """Whether a constraint, or each of a list of them, is at or below 0."""
    violations = constraint if isinstance(constraint, list) else [constraint]
    try:
        return all(violation is None or float(violation) <= 0 for violation in violations)
    except (TypeError, ValueError):  # somebody else's attribute of that name
        return True


def _delete(rows: Rows, sweep: int) -> None:
    rows.sweeps.pop(sweep, None)
    gone = {identity: row for identity, row in rows.runs.items() if row["sweep"] == sweep}
    rows.runs = {identity: row for identity, row in rows.runs.items() if identity not in gone}
    rows.deleted_runs |= {identity: (sweep, row["number"]) for identity, row in gone.items()}
    rows.names = {name: known for name, known in rows.names.items() if name[0] != sweep}
    rows.deleted.add(sweep)
