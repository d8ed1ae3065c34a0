"""Lines to events: the many metric points by polars, the few others one by one."""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import polars as pl

from storage.events import METRIC_PREFIX, BadLine, Event, MetricLogged, RunRestarted, decode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

POINTS = {
    "run": pl.Int64,
    "name": pl.String,
    "step": pl.Int64,
    "time": pl.Float64,
    "value": pl.Float64,
    "line": pl.Int64,
}
FEW = 500
"""Up to so many points are read one by one: polars takes longer to begin."""
_AS_WRITTEN = {
    "run": pl.Int64,
    "name": pl.String,
    "step": pl.Int64,
    "time": pl.Float64,
    "value": pl.String,
}


@dataclass(frozen=True, slots=True)
class BadEvent:
    """A line that no writer of ours wrote whole."""

    line: int
    text: bytes
    problem: str


@dataclass(frozen=True, slots=True)
class Batch:
    """What some whole lines say."""

    points: pl.DataFrame
    """One row a metric point: run, name, step, time (seconds), value, line; in the order written."""
    events: tuple[Event, ...]
    """In the order written; of each run's metric at least the first point and the last, in their places."""
    bad: tuple[BadEvent, ...]
    restarts: Mapping[int, int]
    """By run, the line of the last event that voids what the run reported before."""


def parse(data: bytes) -> Batch:
    """Read whole lines; what cannot be understood is told apart, never dropped."""
    lines = data.split(b"\n")[:-1]
    metric = [i for i, line in enumerate(lines) if line.startswith(METRIC_PREFIX)]
    points = _read_points(lines, metric) if len(metric) > FEW else None
    taken: set[int] = set() if points is None else set(metric)
    events, bad = _decode_all(lines, [i for i in range(len(lines)) if i not in taken])
    restarts = {e.run: i for i, e in sorted(events.items()) if isinstance(e, RunRestarted)}
    if points is None:
        points = _collect_points(events)
    else:
        for keep in ("first", "last"):
            for run, name, step, time, value, line in points.unique(
                ["run", "name"], keep=keep
            ).rows():
                events[line] = MetricLogged(run, name, step, time, value)
    return Batch(points, tuple(events[i] for i in sorted(events)), tuple(bad), restarts)


def points_that_count(batches: Sequence[Batch]) -> list[pl.DataFrame]:
    """The points of batches that follow each other, without those that a later restart voids."""
    kept: list[pl.DataFrame] = []
    later: set[int] = set()
    for batch in reversed(batches):
        points, run = batch.points, pl.col("run")
        if points.height and later:
            points = points.filter(~run.is_in(later))
        if points.height and batch.restarts:
            last = run.replace_strict(batch.restarts, default=-1, return_dtype=pl.Int64)
            points = points.filter(pl.col("line") > last)
        later.update(batch.restarts)
        kept.append(points)
    return [points for points in reversed(kept) if points.height]


def _read_points(lines: list[bytes], which: list[int]) -> pl.DataFrame | None:
    """All points at once; None where one of the lines is not as it should be."""
    text = b"\n".join([lines[i] for i in which])
    try:
        frame = pl.read_ndjson(BytesIO(text), schema=_AS_WRITTEN)
    except pl.exceptions.PolarsError:
        return None
    frame = frame.with_columns(
        pl.col("value").cast(pl.Float64, strict=False), line=pl.Series(which, dtype=pl.Int64)
    )
    sound = (
        frame.null_count().sum_horizontal().item() == 0 and frame["time"].is_between(0, 1e11).all()
    )
    return frame if sound else None


def _decode_all(lines: list[bytes], which: list[int]) -> tuple[dict[int, Event], list[BadEvent]]:
    events: dict[int, Event] = {}
    bad: list[BadEvent] = []
    for i in which:
        try:
            events[i] = decode(lines[i])
        except BadLine as error:
            bad.append(BadEvent(i, lines[i], str(error)))
    return events, bad


def _collect_points(events: dict[int, Event]) -> pl.DataFrame:
    rows = [
        (e.run, e.name, e.step, e.time, e.value, line)
        for line, e in events.items()
        if isinstance(e, MetricLogged)
    ]
    return pl.DataFrame(rows, schema=POINTS, orient="row")
