"""What of a peer's run the store does not have yet, as the lines that say it. Pure."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from cockpit.interop.provenance import whole
from cockpit.interop.values import as_stored, sound, tags_of
from cockpit.sweep.provenance import digest_json
from storage.bulk import point_lines
from storage.events import (
    SYSTEM,
    Event,
    ParamSet,
    ProvenanceSeen,
    RunAttr,
    RunChanged,
    RunCreated,
    encode,
)
from storage.fold import to_time
from storage.imported import LANDED, ORIGIN, Extent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import polars as pl
    from numpy.typing import NDArray

    from cockpit.interop.foreign import Curve, ForeignRun
    from storage.imported import Known

_LATEST = 1e11 - 1
_SLICE = 50_000
"""Points that are written at a time."""


@dataclass(slots=True)
class Told:
    """The lines that are to be written of a run or a trial, and what they add."""

    lines: list[bytes] = field(default_factory=list)
    """In pieces; what stands in an earlier one is to be written first."""
    params: int = 0
    points: int = 0
    known_points: int = 0

    def say(self, *events: Event) -> None:
        self.lines.append(b"".join(map(encode, events)))


@dataclass(frozen=True, slots=True)
class Target:
    """The run of ours that is told of."""

    id: int
    name: str
    """Where it is new."""
    known: Known | None
    origin: Mapping[str, str]
    """As in `storage.imported.ORIGIN`."""
    points: Callable[[str], pl.DataFrame]
    """A curve as the store has it; see `storage.imported.points`."""


def difference(run: ForeignRun, target: Target, live: bool) -> Told:
    """All that is to be told; without lines where the store knows it all.

    The first line says where the run comes from and the last one what was taken over, so that a run of
    which only a part was written is found again and made whole. `live`: a peer's run that goes on is shown
    as running.
    """
    told, known, key = Told(), target.known, target.id
    if known is None:
        told.say(RunAttr(key, "system", ORIGIN, dict(target.origin)))
    if known is None or not known.begun:
        # What is never told more of is not to look as if it were complete.
        told.say(RunCreated(key, None, None, target.name, "lost", _second(run.started)))
    told.say(*_params(run, key, known, told))
    for curve in run.curves:
        told.lines += _points(curve, target, told)
    told.say(*_rest(run, key, known, target, told, live))
    told.lines = [line for line in told.lines if line]
    return told


def _params(run: ForeignRun, key: int, known: Known | None, told: Told) -> Iterator[Event]:
    for name, value in _new(run.params, known.params if known else {}):
        told.params += 1
        yield ParamSet(key, name, value, "")


def _rest(
    run: ForeignRun, key: int, known: Known | None, target: Target, told: Told, live: bool
) -> Iterator[Event]:
    landed = known.landed if known else {}
    for name, value in _new(run.attrs, known.attrs if known else {}):
        yield RunAttr(key, "user", name, value)
    tags = tags_of(run.tags if run.group is None else (run.group, *run.tags))
    for tag in sorted({*tags} - {*landed.get("tags", ())} - (known.tags if known else set())):
        yield RunChanged(key, {"tag": tag})
    for tag in sorted(({*landed.get("tags", ())} - {*tags}) & (known.tags if known else set())):
        yield RunChanged(key, {"untag": tag})
    changes = _state(run, known, target.origin["peer"], live) | _summary(run, known, told)
    note = (
        None
        if run.note is None
        else hashlib.sha256(run.note.encode("utf-8", "replace")).hexdigest()
    )
    if note != landed.get("note"):
        changes["note"] = run.note
    if run.provenance:
        content = whole(run.provenance, target.origin["peer"])
        changes["provenance"] = digest = digest_json(content)
        if known and known.provenance == digest:
            del changes["provenance"]
        else:
            yield ProvenanceSeen(digest, content)
    if changes:
        yield RunChanged(key, changes)
    artifacts = [[file.name, file.source, file.bytes] for file in run.artifacts]
    now = as_stored({"tags": tags, "note": note, "artifacts": artifacts})
    if now != landed:
        yield RunAttr(key, "system", LANDED, now)


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


def _state(run: ForeignRun, known: Known | None, peer: str, live: bool) -> dict[str, Any]:
    state, reason, ended = run.state, run.reason, _second(run.ended)
    if state == "running" and not live:
        state, reason = "stopped", f"was running in {peer} when it was imported"
        if run.endless:
            state, reason = "complete", None
    if state != "running" and ended is None:
        ended = last_sign(run)
    wanted = {"state": state, "reason": None if reason is None else " ".join(sound(reason).split())}
    times = {"started": _second(run.started), "ended": ended if state != "running" else None}
    if known is None or not known.begun:
        return wanted | {"ended": times["ended"]}
    changes: dict[str, Any] = {
        name: at for name, at in times.items() if to_time(at) != getattr(known, name)
    }
    if (known.state, known.reason) != (wanted["state"], wanted["reason"]):
        changes |= wanted
    return changes


def last_sign(run: ForeignRun) -> float | None:
    """When the run said something last; its beginning where it never did."""
    times = [at for curve in run.curves if curve.times.size for at in [_times(curve)[-1]]]
    return float(max(times)) if times else _second(run.started)


def _summary(run: ForeignRun, known: Known | None, told: Told) -> dict[str, Any]:
    stored = known.metrics if known and not told.points else {}
    found = {
        sound(name): float(value)
        for name, value in run.summary.items()
        if not name.startswith(SYSTEM) and not _same_number(stored.get(sound(name)), float(value))
    }
    return {"metrics": found} if found else {}


def _same_number(stored: float | None, value: float) -> bool:
    return stored is not None and (stored == value or (stored != stored and value != value))


def _second(at: float | None) -> float | None:
    """A time that the store can hold; None for one that no clock shows."""
    return at if at is not None and math.isfinite(at) and 0 <= at <= _LATEST else None


def _times(curve: Curve) -> NDArray[np.float64]:
    times = curve.times
    if times.size and not (times.min() >= 0 and times.max() <= _LATEST):  # False for NaN, too
        return np.clip(np.nan_to_num(times, nan=0.0, posinf=0.0, neginf=0.0), 0.0, _LATEST)
    return times


def _points(curve: Curve, target: Target, told: Told) -> Iterator[bytes]:
    name, times = sound(curve.name), _times(curve)
    stored = target.known.curves.get(name) if target.known else None
    fresh = _unseen(curve, times, stored, lambda: target.points(name))
    steps, times, values = curve.steps[fresh], times[fresh], curve.values[fresh]
    told.points += len(steps)
    told.known_points += len(curve.steps) - len(steps)
    for at in range(0, len(steps), _SLICE):
        part = slice(at, at + _SLICE)
        yield point_lines(
            target.id, name, steps[part].tolist(), times[part].tolist(), values[part].tolist()
        )


def _unseen(
    curve: Curve,
    times: NDArray[np.float64],
    stored: Extent | None,
    points: Callable[[], pl.DataFrame],
) -> slice | NDArray[np.bool_]:
    """Which of the points the store does not have; a point that is there twice counts twice."""
    if stored is None:
        return slice(None)
    micros = np.rint(times * 1e6).astype(np.int64)
    if _extent(curve.steps, micros) == _wrapped(stored):
        return slice(0, 0)
    there = points()
    steps, at, values = (there[column].to_numpy() for column in ("step", "time", "value"))
    n = len(steps)
    if n <= len(micros) and (
        np.array_equal(steps, curve.steps[:n])
        and np.array_equal(at, micros[:n])
        and np.array_equal(values, curve.values[:n], equal_nan=True)
    ):
        return slice(n, None)
    left = Counter(zip(steps.tolist(), at.tolist(), map(repr, values.tolist()), strict=True))
    mask = np.ones(len(micros), dtype=np.bool_)
    every = zip(
        curve.steps.tolist(), micros.tolist(), map(repr, curve.values.tolist()), strict=True
    )
    for place, point in enumerate(every):
        if left[point] > 0:
            left[point] -= 1
            mask[place] = False
    return mask


def _extent(steps: NDArray[np.int64], micros: NDArray[np.int64]) -> Extent:
    """The sums as 64 bits hold them, which run over."""
    return _wrapped(Extent(len(steps), int(steps.sum()), int(micros.sum())))


def _wrapped(extent: Extent) -> Extent:
    return Extent(extent.points, extent.steps % 2**64, extent.times % 2**64)
