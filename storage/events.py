"""What a writer may say: one frozen dataclass an event, to and from one JSON line.

A line is an object with `e`, the event's name, and its fields. Numbers that JSON lacks travel as the
strings "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class SweepCreated:
    """An Optuna study came to be."""

    kind: ClassVar[str] = "sweep"
    sweep: int
    name: str
    directions: list[str]
    """`maximize` or `minimize`, one an objective."""
    time: float
    """Seconds since 1970, UTC, here and below."""


@dataclass(frozen=True, slots=True)
class SweepChanged:
    """Some of a sweep's fields, by the name of their column."""

    kind: ClassVar[str] = "sweep_changed"
    sweep: int
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class SweepAttr:
    """One of Optuna's study attributes."""

    kind: ClassVar[str] = "sweep_attr"
    sweep: int
    scope: str
    """`user` or `system`."""
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class SweepDeleted:
    """A study and its trials are gone."""

    kind: ClassVar[str] = "sweep_deleted"
    sweep: int


@dataclass(frozen=True, slots=True)
class RunCreated:
    """A run came to be."""

    kind: ClassVar[str] = "run"
    run: int
    sweep: int | None
    number: int | None
    name: str
    state: str
    time: float | None
    """When it started; None while it waits."""


@dataclass(frozen=True, slots=True)
class RunChanged:
    """Some of a run's fields, by the name of their column; `metrics` are added to those there are."""

    kind: ClassVar[str] = "run_changed"
    run: int
    changes: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ParamSet:
    """A parameter got its value."""

    kind: ClassVar[str] = "param"
    run: int
    name: str
    value: Any
    distribution: str
    """Optuna's JSON of the distribution it was drawn from; empty outside a sweep."""


@dataclass(frozen=True, slots=True)
class RunAttr:
    """One of Optuna's trial attributes."""

    kind: ClassVar[str] = "attr"
    run: int
    scope: str
    """`user` or `system`."""
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class MetricLogged:
    """A metric's value at a step."""

    kind: ClassVar[str] = "metric"
    run: int
    name: str
    step: int
    time: float
    value: float


@dataclass(frozen=True, slots=True)
class ProvenanceSeen:
    """What identifies how runs were made; stored once, however many runs refer to it."""

    kind: ClassVar[str] = "provenance"
    digest: str
    content: dict[str, Any]


Event = (
    SweepCreated
    | SweepChanged
    | SweepAttr
    | SweepDeleted
    | RunCreated
    | RunChanged
    | ParamSet
    | RunAttr
    | MetricLogged
    | ProvenanceSeen
)

_TYPES: dict[str, type[Event]] = {
    t.kind: t
    for t in (
        SweepCreated,
        SweepChanged,
        SweepAttr,
        SweepDeleted,
        RunCreated,
        RunChanged,
        ParamSet,
        RunAttr,
        MetricLogged,
        ProvenanceSeen,
    )
}
_FIELDS = {kind: tuple(field.name for field in fields(t)) for kind, t in _TYPES.items()}
_INTEGERS = ("run", "sweep", "number", "step")
_LATEST = 1e11
"""No clock of a machine that makes sense shows more seconds since 1970."""
_TEXT, _WHOLE, _TABLE = (str, type(None)), (int, type(None)), (dict, type(None))
_NUMBER = (int, float, type(None))
CHANGES: dict[str, dict[str, tuple[type, ...]]] = {
    SweepChanged.kind: {
        "state": (str,),
        "reason": _TEXT,
        "metrics": (list,),
        "trials": _WHOLE,
        "workers": _WHOLE,
        "sampler": _TEXT,
        "pruner": _TEXT,
        "seed": _WHOLE,
        "driver": _TABLE,
        "provenance": _TEXT,
        "started": _NUMBER,
        "ended": _NUMBER,
        "trashed": _NUMBER,
    },
    RunChanged.kind: {
        "name": (str,),
        "state": (str,),
        "reason": _TEXT,
        "values": (list, type(None)),
        "metrics": (dict,),
        "provenance": _TEXT,
        "resources": _TABLE,
        "started": _NUMBER,
        "ended": _NUMBER,
        "tag": (str,),
        "untag": (str,),
        "note": _TEXT,
        "pinned": (bool,),
        "trashed": _NUMBER,
    },
}
"""What may be changed, and the types it may have."""
METRIC_PREFIX = b'{"e":"metric",'


class BadLine(ValueError):
    """A line that no writer of ours wrote whole."""


def to_json(value: Any) -> str:
    """Write strict JSON: what is no JSON value becomes its `repr`, what is not finite a string."""
    try:
        return json.dumps(value, allow_nan=False, default=repr, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, default=repr, separators=(",", ":"))


def number_text(value: float) -> str:
    """Write one number as JSON."""
    if math.isfinite(value):
        return repr(float(value))
    return '"NaN"' if value != value else '"Infinity"' if value > 0 else '"-Infinity"'


def encode(event: Event) -> bytes:
    """One event as one line, newline included."""
    if isinstance(event, MetricLogged):
        return (
            f'{{"e":"metric","run":{event.run:d},"name":{json.dumps(event.name)},"step":{event.step:d},'
            f'"time":{event.time!r},"value":{number_text(event.value)}}}\n'
        ).encode()
    body = {name: getattr(event, name) for name in _FIELDS[event.kind]}
    return (to_json({"e": event.kind, **body}) + "\n").encode("utf-8", "backslashreplace")


def decode(line: bytes) -> Event:
    """Read one line back; `BadLine` says what is wrong with it."""
    try:
        body = json.loads(line)
    except ValueError as error:
        raise BadLine(f"not JSON: {error}") from error
    kind = body.pop("e", None) if isinstance(body, dict) else None
    if kind not in _TYPES:
        raise BadLine(f"no such event: {kind!r}")
    if set(body) != set(_FIELDS[kind]):
        raise BadLine(f"{kind}: fields {sorted(body)} instead of {sorted(_FIELDS[kind])}")
    for name in _INTEGERS:
        value = body.get(name)
        if name in body and not (value is None or (type(value) is int and abs(value) < 1 << 63)):
            raise BadLine(f"{kind}: {name} is {value!r}, not a whole number of 64 bits")
    try:
        if kind == MetricLogged.kind:
            body["value"] = float(body["value"])
        _check_times(body)
        if kind in CHANGES:
            body["changes"] = _checked_changes(kind, body["changes"])
        return _TYPES[kind](**body)
    except (AttributeError, TypeError, ValueError) as error:
        raise BadLine(f"{kind}: {error}") from error


def _check_times(body: dict[str, Any]) -> None:
    for name in ("time", "started", "ended", "trashed"):
        if body.get(name) is not None and not 0 <= float(body[name]) < _LATEST:
            raise ValueError(f"{name} is {body[name]!r}, not seconds since 1970")


def _checked_changes(kind: str, changes: dict[str, Any]) -> dict[str, Any]:
    for name, value in changes.items():
        if not isinstance(value, CHANGES[kind].get(name, ())):
            raise ValueError(f"{name} cannot become {value!r}")
    _check_times(changes)
    if changes.get("values") is not None:
        changes["values"] = [float(value) for value in changes["values"]]
    if "metrics" in changes and isinstance(changes["metrics"], dict):
        changes["metrics"] = {name: float(value) for name, value in changes["metrics"].items()}
    return changes


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return json.loads(number_text(value))
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
