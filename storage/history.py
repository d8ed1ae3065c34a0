"""A metric's whole history: by step with the time of each report, thinned so that spikes survive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.ids import from_text
from storage.runs import RunNotFound

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.session import Session


@dataclass(frozen=True, slots=True)
class History:
    """A metric of one run, its finite values only, by step."""

    run: str
    """The run's id."""
    number: int | None
    state: str
    name: str
    """The metric's."""
    steps: tuple[float, ...]
    times: tuple[float, ...]
    """When each was reported: seconds since 1970, UTC. As long as `steps`."""
    values: tuple[float, ...]
    """As long as `steps`."""


def history(
    session: Session, runs: Sequence[str], name: str, points: int = 2000
) -> tuple[History, ...]:
    """Read a metric of the runs with these ids, in their order, in about `points` points each.

    A run with more keeps, with their times, its first and its last one and the lowest and the highest of
    each of `points / 2` equal stretches of steps; of several values at a step the one reported first
    counts. A run without the metric has an empty history. Raises `RunNotFound`.
    """
    ids = [_id(run) for run in runs]
    if not ids:
        return ()
    known = {
        identity: (number, state)
        for identity, number, state in session.rows(
            "select id, number, state from runs where id in (select unnest($ids))", ids=ids
        )
    }
    for run, identity in zip(runs, ids, strict=True):
        if identity not in known:
            raise RunNotFound(f"no run has the id {run!r}")
    found: dict[int, list[tuple[float, float, float]]] = {}
    for identity, step, time, value in session.rows(
        _THINNED,
        ids=ids,
        low=min(ids),
        high=max(ids),
        name=name,
        stretches=max(1, points // 2),
    ):
        found.setdefault(identity, []).append((float(step), time, value))
    return tuple(
        History(run, *known[identity], name, *_columns(found.get(identity, [])))
        for run, identity in zip(runs, ids, strict=True)
    )


def _id(run: str) -> int:
    try:
        return from_text(run)
    except ValueError as error:
        raise RunNotFound(f"no run has the id {run!r}") from error


def _columns(
    points: Sequence[tuple[float, float, float]],
) -> tuple[tuple[float, ...], tuple[float, ...], tuple[float, ...]]:
    steps, times, values = zip(*points, strict=True) if points else ((), (), ())
    return steps, times, values


# The bounds, because the newest runs are a range of the table, which is skipped through by it.
_THINNED = """
with points as (
    select run, step, arg_min(time, (time, rowid)) as time, arg_min(value, (time, rowid)) as value
    from metrics
    where run between $low and $high and run in (select unnest($ids)) and name = $name
        and isfinite(value)
    group by run, step
), spans as (
    select run, min(step) as low, max(step) as high, high - low + 1 as span, count(*) as n
    from points group by run
), ranked as (
    select run, step, time, value, n, step in (low, high) as is_end,
        row_number() over (stretch order by value, step) as from_below,
        row_number() over (stretch order by value desc, step) as from_above
    from points join spans using (run)
    window stretch as (partition by run, (step - low) * $stretches // span)
)
select run, step, epoch_us(time) / 1e6, value from ranked
where n <= 2 * $stretches or is_end or from_below = 1 or from_above = 1
order by run, step
"""
