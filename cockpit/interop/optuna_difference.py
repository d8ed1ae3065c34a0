"""What of a study, and of its trials, the store does not have yet, as the lines that say it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.interop.difference import Told
from cockpit.interop.values import as_stored, sound
from storage.bulk import point_lines
from storage.events import (
    Event,
    MetricLogged,
    ParamSet,
    RunAttr,
    RunChanged,
    RunCreated,
    SweepAttr,
    encode,
)
from storage.fold import METRIC_NAMES, to_time
from storage.imported import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.interop.optuna_studies import ForeignStudy, ForeignTrial
    from storage.imported_studies import KnownStudy, KnownTrial

RUNNING = "was running in optuna when it was imported"
_LATEST = 1e11 - 1


@dataclass(frozen=True, slots=True)
class Target:
    """The run of ours that a trial is."""

    id: int
    sweep: int
    number: int
    name: str
    """Where it is new, as the number."""
    known: KnownTrial | None
    origin: Mapping[str, str]
    """As in `storage.imported.ORIGIN`."""
    metrics: tuple[str, ...]
    """What the sweep's objectives are called."""


def study_attrs(study: ForeignStudy, sweep: int, known: KnownStudy | None) -> Iterator[Event]:
    """The attributes that are new or have changed."""
    for scope, attrs in (("user", study.user_attrs), ("system", study.system_attrs)):
        there = {} if known is None else getattr(known, f"{scope}_attrs")
        for key, value in _new(attrs, there):
            yield SweepAttr(sweep, scope, key, value)


def difference(trial: ForeignTrial, target: Target, live: bool) -> Told:
    """All that is to be told of a trial; no lines where the store knows it all.

    The first line says where it comes from, so that one of which only a part was written is found again and
    made whole. `live`: one that runs is shown as running.
    """
    told, known, run = Told(), target.known, target.id
    events: list[Event] = []
    if known is None:
        events.append(RunAttr(run, "system", ORIGIN, dict(target.origin)))
        # What is never told more of is not to look as if it were complete.
        state = "waiting" if trial.state == "waiting" else "lost"
        started = _second(trial.started)
        events.append(RunCreated(run, target.sweep, target.number, target.name, state, started))
    events += _params(trial, run, known, told)
    for scope, attrs in (("user", trial.user_attrs), ("system", trial.system_attrs)):
        there = {} if known is None else getattr(known, f"{scope}_attrs")
        events += [RunAttr(run, scope, key, value) for key, value in _new(attrs, there)]
    points = _points(trial, target, told)
    changes = _changes(trial, known, live)
    if changes or told.points:
        changes |= _results(trial, target.metrics)
        events_after: list[Event] = [RunChanged(run, changes)] if changes else []
    else:
        events_after = []
    if lines := b"".join((*map(encode, events), points, *map(encode, events_after))):
        told.lines.append(lines)
    return told


def _params(trial: ForeignTrial, run: int, known: KnownTrial | None, told: Told) -> Iterator[Event]:
    there = {} if known is None else known.params
    drawn = {} if known is None else known.distributions
    for name, value in trial.params.items():
        clean, text = sound(name), trial.distributions[name]
        if clean not in there or not _same(there[clean], value) or drawn.get(clean) != text:
            told.params += 1
            yield ParamSet(run, clean, value, text)


def _points(trial: ForeignTrial, target: Target, told: Told) -> bytes:
    """Optuna keeps no time of a report: each has that of the trial's start."""
    there = {} if target.known is None else target.known.reports
    fresh = {
        step: number
        for step, value in trial.reports.items()
        if (number := _number(value)) is not None
        and not (step in there and _same_number(there[step], number))
    }
    told.points, told.known_points = len(fresh), len(trial.reports) - len(fresh)
    if not fresh:
        return b""
    at = _second(trial.started) or 0.0
    steps, values = list(fresh), list(fresh.values())
    if not target.metrics[0].isascii():
        return b"".join(
            encode(MetricLogged(target.id, target.metrics[0], step, at, value))
            for step, value in fresh.items()
        )
    return point_lines(target.id, target.metrics[0], steps, [at] * len(steps), values)


def _changes(trial: ForeignTrial, known: KnownTrial | None, live: bool) -> dict[str, Any]:
    state, reason = trial.state, trial.system_attrs.get("fail_reason")
    reason = " ".join(sound(reason).split()) if isinstance(reason, str) else None
    if state == "running" and not live:
        state, reason = "stopped", RUNNING
    ended = None
    if state not in ("running", "waiting"):
        ended = _second(trial.ended or trial.seen or trial.started)
    if known is None:
        if state == "waiting":
            return {}
        wanted: dict[str, Any] = {"state": state, "ended": ended}
        return wanted | ({"reason": reason} if reason else {})
    times = {"started": _second(trial.started), "ended": ended}
    changes: dict[str, Any] = {
        name: at for name, at in times.items() if to_time(at) != getattr(known, name)
    }
    values = None if trial.values is None else [float(value) for value in trial.values]
    same = _same_values(known.values, values)
    if (known.state, known.reason) != (state, reason) or not same:
        changes |= {"state": state, "reason": reason}
    return changes


def _results(trial: ForeignTrial, metrics: tuple[str, ...]) -> dict[str, Any]:
    """A trial's values; of a complete one they are the run's metrics, whatever it reported last."""
    if trial.values is None:
        return {}
    values = [float(value) for value in trial.values]
    named = {"metrics": dict(zip(metrics, values, strict=False))}
    return {"values": values} | (named if trial.state == "complete" else {})


def metric_names(study: ForeignStudy, given: tuple[str, ...]) -> tuple[str, ...]:
    """What the objectives are called: by the study itself, else as `given`; empty where nobody says."""
    names = study.system_attrs.get(METRIC_NAMES)
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return tuple(map(sound, names))
    return given


def _new(values: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        clean = sound(name)
        if clean not in known or not _same(known[clean], value):
            yield clean, value


def _same(stored: Any, value: Any) -> bool:
    """To the type: 1, 1.0 and True are three values."""
    if type(stored) is type(value) and stored == value:
        return True
    again = as_stored(value)
    return type(again) is type(stored) and bool(again == stored)


def _same_values(stored: list[float] | None, values: list[float] | None) -> bool:
    if stored is None or values is None:
        return stored is values
    return len(stored) == len(values) and all(map(_same_number, stored, values))


def _same_number(stored: float, value: float) -> bool:
    return stored == value or (stored != stored and value != value)


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _second(at: float | None) -> float | None:
    """A time that the store can hold; None for one that no clock shows."""
    return at if at is not None and math.isfinite(at) and 0 <= at <= _LATEST else None
