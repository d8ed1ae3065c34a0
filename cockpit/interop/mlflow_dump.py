"""Writes runs into an MLflow tracking store, by MLflow's own client (an extra: `experiment-cockpit[mlflow]`)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.errors import UserError
from storage.events import SYSTEM

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime

RUN, WHOLE = "cockpit.run", "cockpit.whole"
"""Tags of theirs: the run's id, and that all of it is there."""
_STATUS = {"complete": "FINISHED", "stopped": "KILLED", "pruned": "KILLED", "running": "RUNNING"}
_PARAMS, _METRICS, _TAGS = 100, 1000, 100
"""What MLflow takes at a time."""
_LONGEST = 6000
"""Characters of a param, and of a tag's value."""
_FORBIDDEN = re.compile(r"[^\w\-. :/]")


class DumpFailed(UserError):
    """Runs could not be written to MLflow."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """What was written."""

    runs: int
    known: int
    """There from an earlier time, and left as they are."""
    points: int


def dump(
    uri: str,
    experiment: str,
    runs: Sequence[Mapping[str, Any]],
    points: Callable[[str], Iterable[tuple[str, int, datetime, float]]],
    told: Callable[[int], None] = lambda done: None,
) -> Dumped:
    """Write runs (see `storage.export.runs`) that are not there yet; `points` gives a run's metric, step, time, value.

    A run that was cut off half-way is deleted there and written anew. Raises `DumpFailed`.
    """
    try:
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise DumpFailed(
            "MLflow is not installed here: pip install 'experiment-cockpit[mlflow]'"
        ) from error
    try:
        client = MlflowClient(tracking_uri=uri)
        place = _experiment(client, experiment)
        there = _there(client, place)
        written = many = 0
        for done, run in enumerate(runs, 1):
            if run["id"] not in there:
                many += _write(client, place, run, points(run["id"]))
                written += 1
            told(done)
    except MlflowException as error:
        raise DumpFailed(f"MLflow at {uri} says: {' '.join(str(error).split())}") from error
    return Dumped(written, len(runs) - written, many)


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name))


def _there(client: Any, experiment: str) -> set[str]:
    found: set[str] = set()
    token: str | None = None
    while True:
        page = client.search_runs([experiment], max_results=1000, page_token=token)
        for run in page:
            tags = run.data.tags
            if RUN in tags and WHOLE not in tags:
                client.delete_run(run.info.run_id)
            elif RUN in tags:
                found.add(tags[RUN])
        token = page.token
        if not token:
            return found


def _write(
    client: Any,
    experiment: str,
    run: Mapping[str, Any],
    points: Iterable[tuple[str, int, datetime, float]],
) -> int:
    from mlflow.entities import Metric, Param, RunTag

    began = _milliseconds(run["started"])
    key = client.create_run(
        experiment, start_time=began, run_name=run["name"], tags={RUN: run["id"]}
    ).info.run_id
    named = _named(run["params"])
    params = [Param(named[n], _text(v)) for n, v in run["params"].items()]
    for at in range(0, len(params), _PARAMS):
        client.log_batch(key, params=params[at : at + _PARAMS])
    tags = [RunTag(name, value) for name, value in _tags(run).items()]
    for at in range(0, len(tags), _TAGS):
        client.log_batch(key, tags=tags[at : at + _TAGS])
    told = list(points)
    curves = dict.fromkeys(n for n, *_ in told)
    named = _named([*curves, *(n for n in run["metrics"] if n not in curves)], _metric)
    metrics = [Metric(named[n], v, _milliseconds(at) or 0, s) for n, s, at, v in told]
    last = max((metric.timestamp for metric in metrics), default=began)
    metrics += [
        Metric(named[n], v, began or 0, 0) for n, v in run["metrics"].items() if n not in curves
    ]
    for at in range(0, len(metrics), _METRICS):
        client.log_batch(key, metrics=metrics[at : at + _METRICS])
    if run["state"] != "running":
        status = _STATUS.get(run["state"], "FAILED")
        # Where nobody knows its end MLflow would take it to be now.
        client.set_terminated(key, status, _milliseconds(run["ended"]) or last)
    client.set_tag(key, WHOLE, "true")
    return len(metrics)


def _tags(run: Mapping[str, Any]) -> dict[str, str]:
    own = {
        "cockpit.state": run["state"],
        "cockpit.reason": run["reason"],
        "cockpit.sweep": run["sweep"],
    }
    named = {tag.partition("=")[0]: tag.partition("=")[2] for tag in run["tags"]}
    found = {_name(name): _text(value) for name, value in run["attrs"].items()}
    found |= {_name(name): value for name, value in named.items() if _name(name) not in found}
    found |= {name: value for name, value in own.items() if value}
    return found | ({"mlflow.note.content": run["note"][:_LONGEST]} if run["note"] else {})


def _name(name: str) -> str:
    """By the rules of MLflow, which wants it to be a path that goes nowhere."""
    kept = _FORBIDDEN.sub("_", name).strip()[:250]
    parts = [part for part in kept.split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "_"


def _metric(name: str) -> str:
    return f"system/{name.removeprefix(SYSTEM)}" if name.startswith(SYSTEM) else name


def _named(names: Iterable[str], wanted: Callable[[str], str] = str) -> dict[str, str]:
    """What each is called there; those that MLflow's rules would make one get a number."""
    found: dict[str, str] = {}
    taken: set[str] = set()
    for name in names:
        called, number = _name(wanted(name)), 1
        while called in taken:
            number += 1
            called = f"{_name(wanted(name))[:240]}_{number}"
        found[name] = called
        taken.add(called)
    return found


def _text(value: Any) -> str:
    """As Python writes it, which is what MLflow's own users put there."""
    return (value if isinstance(value, str) else str(value))[:_LONGEST]


def _milliseconds(at: datetime | None) -> int | None:
    from datetime import UTC

    return None if at is None else round(at.replace(tzinfo=UTC).timestamp() * 1000)
