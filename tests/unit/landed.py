"""What a store holds of imported runs, by the key they had elsewhere."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.store import Store

if TYPE_CHECKING:
    from storage.layout import Layout


@dataclass(frozen=True)
class Told:
    """A run, its curves sorted: step, time in microseconds, the value as `repr` writes it."""

    id: str
    name: str
    state: str
    reason: str | None
    started: float | None
    ended: float | None
    params: dict[str, Any]
    metrics: dict[str, float]
    tags: tuple[str, ...]
    note: str | None
    attrs: dict[str, Any]
    curves: dict[str, list[tuple[int, int, str]]]


def told_of(layout: Layout) -> dict[str, Told]:
    with Store(layout).session() as session:
        curves: dict[int, dict[str, list[tuple[int, int, str]]]] = {}
        for run, name, step, at, value in session.rows(
            "select run, name, step, epoch_us(time), value from metrics"
        ):
            curves.setdefault(run, {}).setdefault(name, []).append((step, at, repr(value)))
        rows = session.rows(
            "select system_attrs->>'$.imported.key', id, key, name, state, reason, started, ended,"
            " params, metrics, tags, note, user_attrs from runs"
        )
    found = {
        key: Told(
            *(text, name, state, reason, _seconds(started), _seconds(ended)),
            *(json.loads(params), dict(metrics), tuple(tags), note, json.loads(attrs)),
            {name: sorted(points) for name, points in curves.get(run, {}).items()},
        )
        for key, run, text, name, state, reason, started, ended, params, metrics, tags, note, attrs in rows
    }
    assert len(found) == len(rows), "a run stands there twice"
    return found


def _seconds(at: datetime | None) -> float | None:
    return None if at is None else at.replace(tzinfo=UTC).timestamp()
