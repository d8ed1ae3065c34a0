"""What a writer may say: one frozen dataclass an event, to and from one JSON line.

A line is an object with `e`, the event's name, and its fields. Numbers that JSON lacks travel as the
strings "NaN", "Infinity" and "-Infinity".
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar, get_args


@dataclass(frozen=True, slots=True)
class WriterBegan:
    """Who writes this spool; the first line of it."""

    kind: ClassVar[str] = "writer"
    host: str
    boot: str
    """What `storage.machine.boot` calls the machine."""
    pid: int
    time: float
    """Seconds since 1970, UTC, here and below."""


@dataclass(frozen=True, slots=True)
class SweepCreated:
    """An Optuna study came to be."""

    kind: ClassVar[str] = "sweep"
    sweep: int
    name: str
    directions: list[str]
    """`maximize` or `minimize`, one an objective."""
    time: float


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
class RunDeleted:
    """A run is gone for good."""

    kind: ClassVar[str] = "run_deleted"
    run: int
    sweep: int | None
    number: int | None
    """Its place among the sweep's trials stays taken."""


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
class RunRestarted:
    """A run is tried again: its params stay, what its earlier attempts reported is void."""

    kind: ClassVar[str] = "run_restarted"
    run: int
    attempt: int
    """Counted from 0, which is the one that `RunCreated` began."""
    time: float


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
    """A metric's value at a step; of one named `system.…` only the curve is kept."""

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


@dataclass(frozen=True, slots=True)
class DatasetSeen:
    """A file of data was seen; stored once for each content, name and path."""

    kind: ClassVar[str] = "dataset"
    digest: str
    """Of its content."""
    name: str
    path: str
    bytes: int
    time: float


@dataclass(frozen=True, slots=True)
class DatasetFacts:
    """What is true of a content: `rows`, `columns`, `key`, `profile`…; told again, it takes the place of what was."""

    kind: ClassVar[str] = "dataset_facts"
    digest: str
    content: dict[str, Any]


@dataclass(frozen=True, slots=True)
class DatasetGrown:
    """A version of a dataset was made from an earlier one."""

    kind: ClassVar[str] = "dataset_grown"
    name: str
    digest: str
    parent: str
    """The digest of the earlier version."""
    reason: str | None
    run: int | None
    """The run whose failures the new rows show."""
    added: int
    """Rows."""
    source: str | None
    """Where the rows come from, in words: `adult-train@v2 where age < 25`."""
    time: float


@dataclass(frozen=True, slots=True)
class PredictionsSeen:
    """A run answered every row of an evaluation set, or some of them by key."""

    kind: ClassVar[str] = "predictions"
    run: int
    evaluation: str
    """The evaluation set's name."""
    dataset: str
    """The digest of its version; empty where it is not known."""
    file: str
    """Below the run's folder."""
    digest: str
    """Of the file's content."""
    rows: int
    columns: list[str]
    """Those of the file: `y_pred`, `y_score`, and key columns."""
    time: float


@dataclass(frozen=True, slots=True)
class ModelRegistered:
    """A run's bundle became a version of a model; stored once for each model and digest."""

    kind: ClassVar[str] = "model"
    model: str
    number: int
    """Counted from 1 within the model."""
    digest: str
    """Of the version: its run, its bundle and its rules."""
    run: int
    bundle: str
    """The digest of the bundle's manifest."""
    content: dict[str, Any]
    """Where it comes from, and its `rules`: see cockpit.models.promotion."""
    time: float


@dataclass(frozen=True, slots=True)
class AliasMoved:
    """A model's alias went from one version to another; what it rests on goes with it."""

    kind: ClassVar[str] = "alias"
    model: str
    number: int
    """Counted from 1 within the model, over all its aliases: the order in which they were moved."""
    alias: str
    from_digest: str | None
    """The version it was on; None where it was nowhere."""
    to_digest: str | None
    how: str
    """`promote`, `forced` (against the gates) or `rollback`."""
    who: str
    reason: str | None
    evidence: dict[str, Any]
    time: float


Event = (
    WriterBegan
    | SweepCreated
    | SweepChanged
    | SweepAttr
    | SweepDeleted
    | RunCreated
    | RunDeleted
    | RunChanged
    | RunRestarted
    | ParamSet
    | RunAttr
    | MetricLogged
    | ProvenanceSeen
    | DatasetSeen
    | DatasetFacts
    | DatasetGrown
    | PredictionsSeen
    | ModelRegistered
    | AliasMoved
)

_TYPES: dict[str, type[Event]] = {t.kind: t for t in get_args(Event)}
_NONE = type(None)
_TEXT, _WHOLE, _TABLE = (str, _NONE), (int, _NONE), (dict, _NONE)
_NUMBER = (int, float, _NONE)
_JSON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "str | None": _TEXT,
    "int": (int,),
    "int | None": _WHOLE,
    "float": (int, float),
    "float | None": _NUMBER,
    "list[str]": (list,),
    "dict[str, Any]": (dict,),
    "Any": (str, int, float, bool, list, dict, _NONE),
}
"""By a field's annotation, the types that JSON may bring for it."""
_FIELDS = {
    kind: {field.name: _JSON_TYPES[str(field.type)] for field in fields(t)}
    for kind, t in _TYPES.items()
}
_FIELDS[MetricLogged.kind]["value"] = (int, float, str)
_TIMES = frozenset(("time", "started", "ended", "trashed"))
_LATEST = 1e11
"""No clock of a machine that makes sense shows more seconds since 1970."""
_BITS = {"number": 31, "trials": 31, "workers": 31, "attempt": 31}
"""How large whole numbers may grow in the tables; 63 bits where nothing is said."""
CHANGES: dict[str, dict[str, tuple[type, ...]]] = {
    SweepChanged.kind: {
        "name": (str,),
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
        "attempt": (int,),
        "baseline": (bool,),
        "log": _TEXT,
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
BUNDLE = "cockpit:bundle"
"""The system attribute of a run that has the digest of the model that it had saved when it ended."""
SYSTEM = "system."
"""How the names of metrics begin that say what a run used, not how good it is."""


class BadLine(ValueError):
    """A line that no writer of ours wrote whole."""


_write = json.JSONEncoder(allow_nan=False, default=repr, separators=(",", ":")).encode
_read = json.JSONDecoder().decode


def to_json(value: Any) -> str:
    """Write strict JSON: what is no JSON value becomes its `repr`, what is not finite a string."""
    try:
        return _write(value)
    except ValueError:
        return _write(_finite(value))


def number_text(value: float) -> str:
    """Write one number as JSON."""
    if math.isfinite(value):
        return repr(float(value))
    return '"NaN"' if value != value else '"Infinity"' if value > 0 else '"-Infinity"'


def encode(event: Event) -> bytes:
    """One event as one line, newline included."""
    if isinstance(event, MetricLogged):
        return (
            f'{{"e":"metric","run":{event.run:d},"name":{_write(event.name)},"step":{event.step:d},'
            f'"time":{event.time!r},"value":{number_text(event.value)}}}\n'
        ).encode()
    body = {name: getattr(event, name) for name in _FIELDS[event.kind]}
    return (to_json({"e": event.kind, **body}) + "\n").encode("utf-8", "backslashreplace")


def decode(line: bytes) -> Event:
    """Read one line back; `BadLine` says what is wrong with it."""
    try:
        body = _read(line.decode())
    except (ValueError, RecursionError) as error:
        raise BadLine(f"not JSON: {error}") from error
    kind = body.pop("e", None) if isinstance(body, dict) else None
    if not isinstance(kind, str) or kind not in _TYPES:
        raise BadLine(f"no such event: {kind!r}")
    if body.keys() != _FIELDS[kind].keys():
        raise BadLine(f"{kind}: fields {sorted(body)} instead of {sorted(_FIELDS[kind])}")
    if b"\\ud" in line or b"\\uD" in line:
        body = _without_surrogates(body)
    try:
        _check(body, _FIELDS[kind])
        if kind == MetricLogged.kind:
            body["value"] = float(body["value"])
        if kind in CHANGES:
            _check(body["changes"], CHANGES[kind])
            _as_numbers(body["changes"])
        return _TYPES[kind](**body)
    except (ArithmeticError, TypeError, ValueError) as error:
        raise BadLine(f"{kind}: {error}") from error


def _check(body: dict[str, Any], types: dict[str, tuple[type, ...]]) -> None:
    """One value that a table cannot hold would keep every reader out for good."""
    for name, value in body.items():
        kind = type(value)
        if kind not in types.get(name, ()):
            raise ValueError(f"{name} cannot be {value!r}")
        if kind is int and types[name] in ((int,), _WHOLE) and abs(value) >> _BITS.get(name, 63):
            raise ValueError(f"{name} is {value!r}, too large a number")
        if kind is list and types[name] == (list,) and not all(type(v) is str for v in value):
            raise ValueError(f"{name} is {value!r}, not a list of names")
        if name in _TIMES and value is not None and not 0 <= float(value) < _LATEST:
            raise ValueError(f"{name} is {value!r}, not seconds since 1970")
        if name == "scope" and value not in ("user", "system"):
            raise ValueError(f"there are no {value!r} attributes")


def _as_numbers(changes: dict[str, Any]) -> None:
    if changes.get("values") is not None:
        changes["values"] = [float(value) for value in changes["values"]]
    if isinstance(changes.get("metrics"), dict):
        changes["metrics"] = {name: float(value) for name, value in changes["metrics"].items()}


def _without_surrogates(value: Any) -> Any:
    """Halves of characters, as a file's name may hold them: no table takes them, so they are spelled out."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_without_surrogates(k): _without_surrogates(v) for k, v in value.items()}
    return [_without_surrogates(v) for v in value] if isinstance(value, list) else value


def _finite(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return json.loads(number_text(value))
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
