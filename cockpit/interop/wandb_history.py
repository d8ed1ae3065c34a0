"""From wandb's items to curves: what is a number by step, what the machine was measured by, what is left."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from cockpit.interop.foreign import Curve
from cockpit.interop.wandb_items import flat, number, path_of
from cockpit.interop.wandb_origin import moment
from cockpit.interop.wire import Garbled, Message
from storage.events import SYSTEM

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Iterable, Iterator, Mapping

    from numpy.typing import NDArray

    from cockpit.interop.wandb_items import Items, Path, Values

_OWN = ("_step", "_timestamp", "_runtime", "_wandb")
"""Keys that wandb adds to a history."""
_TYPE = "_type"
_FARTHEST = 2**62


def curves(history: Items, left_out: Counter[str]) -> Iterator[Curve]:
    """The history's numbers; of what is none it is counted how much there is, by its kind."""
    found: dict[Path, list[tuple[NDArray[np.int64], Values]]] = {}
    for path, rows, values in history.columns():
        found.setdefault(path, []).append((rows, values))
    steps = _steps(found.get(("_step",), []), history)
    times = _by_row(found.get(("_timestamp",), []), history.rows)
    times = np.where(np.isfinite(times), times, 0.0)
    media = _media(found)
    named: dict[str, list[tuple[NDArray[np.int64], Values]]] = {}
    for path, parts in found.items():
        if path[0] in _OWN:
            continue
        if _inside(path, media):
            if path[-1] == _TYPE and path[:-1] in media and not _inside(path[:-1], media):
                left_out.update(str(kind) for _, values in parts for kind in values)
            continue
        named.setdefault(".".join(path), []).extend(parts)
    for name, parts in named.items():
        at, values = _numbers(parts, left_out)
        if len(at):
            yield Curve(name, steps[at], times[at], values)


def system(stats: Items) -> Iterator[Curve]:
    """What the machine was measured by; the steps count the measurements."""
    times = np.array([moment(_second(rest) or Message(b"")) or 0.0 for rest in stats.rests])
    found: dict[Path, list[tuple[NDArray[np.int64], Values]]] = {}
    for path, rows, values in stats.columns():
        found.setdefault(path, []).append((rows, values))
    for path, parts in found.items():
        at, values = _numbers(parts, None)
        if len(at):
            yield Curve(SYSTEM + ".".join(path), at, times[at], values)


def rest_of_summary(
    summary: Mapping[bytes, bytes], known: Collection[str], left_out: Counter[str]
) -> tuple[dict[str, float], dict[str, str]]:
    """The numbers without a curve; the texts, by the name of an attribute."""
    found: dict[Path, Any] = {}
    for head, raw in summary.items():
        try:
            found.update(flat(path_of(Message(head)), json.loads(raw)))
        except (Garbled, ValueError, RecursionError):
            left_out["value that is no JSON"] += 1
    media = _media(found)
    numbers: dict[str, float] = {}
    texts: dict[str, str] = {}
    for path, value in found.items():
        name = ".".join(path)
        if path[0] in _OWN or name in known or _inside(path, media):
            continue
        as_number = number(value)
        if as_number is not None:
            numbers[name] = as_number
        elif isinstance(value, str):
            texts[f"summary.{name}"] = value
    return numbers, texts


def _media(paths: Iterable[Path]) -> set[Path]:
    """What is an image, a table or the like: it says so in a key of its own."""
    return {path[:-1] for path in paths if path[-1] == _TYPE and len(path) > 1}


def _inside(path: Path, media: set[Path]) -> bool:
    return any(path[:length] in media for length in range(1, len(path)))


def _numbers(
    parts: list[tuple[NDArray[np.int64], Values]], left_out: Counter[str] | None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rows and values, in the order of the rows."""
    rows: list[NDArray[np.int64]] = []
    numbers: list[NDArray[np.float64]] = []
    for at, values in parts:
        if isinstance(values, np.ndarray):
            rows.append(at)
            numbers.append(values)
            continue
        pairs = [(row, number(value)) for row, value in zip(at.tolist(), values, strict=True)]
        rows.append(np.array([row for row, value in pairs if value is not None], np.int64))
        numbers.append(np.array([value for _, value in pairs if value is not None], np.float64))
        if left_out is not None:
            left_out.update(kind for value in values if (kind := _kind(value)) is not None)
    where, all_of = np.concatenate(rows), np.concatenate(numbers)
    if (np.diff(where) < 0).any():
        order = np.argsort(where, kind="stable")
        where, all_of = where[order], all_of[order]
    return where, all_of


def _kind(value: Any) -> str | None:
    """What a value is that is no number; None of a number, and of null, which says nothing."""
    if value is None or number(value) is not None:
        return None
    return "text" if isinstance(value, str) else "list" if isinstance(value, list) else "table"


def _by_row(parts: list[tuple[NDArray[np.int64], Values]], rows: int) -> NDArray[np.float64]:
    """A value a row; NaN where there is none."""
    found = np.full(rows, np.nan)
    if parts:
        at, values = _numbers(parts, None)
        found[at] = values
    return found


def _steps(parts: list[tuple[NDArray[np.int64], Values]], history: Items) -> NDArray[np.int64]:
    """As the item `_step` says, else as the record's own step."""
    found = _by_row(parts, history.rows)
    unsaid = ~(np.abs(found) < _FARTHEST)
    steps = np.where(unsaid, 0, found).astype(np.int64)
    for row in np.flatnonzero(unsaid).tolist():
        said = _second(history.rests[row])
        before = steps[row - 1] + 1 if row else 0
        steps[row] = before if said is None else said.integer(1)
    return steps


def _second(rest: bytes) -> Message | None:
    """The second field of a record: a history's step, a measurement's time. None where it cannot be read."""
    try:
        found = Message(rest)
        return found.message(2) if 2 in found else None
    except Garbled:
        return None
