"""Runs put together by what they have in common: how many there are, their best, their mean."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from storage import window
from storage.expressions.run_filter import run_names
from storage.ids import to_text
from storage.runs import SortKey

if TYPE_CHECKING:
    from storage.runs import RunQuery
    from storage.session import Session

MOST = 1_000
"""Groups; with more of them a column does not put anything together."""


@dataclass(frozen=True, slots=True)
class RunGroup:
    """The matching runs with one value of a column."""

    value: str | None
    """As text; None for runs without one."""
    runs: int
    best: float | None
    """Of the metric, the better end of it, among the complete runs; None where none has it."""
    mean: float | None
    """Of the metric, among the same."""
    best_run: str | None
    """The id of the run with `best`."""


def groups(session: Session, query: RunQuery, by: str, metric: str) -> tuple[RunGroup, ...]:
    """Put a query's matching runs together by a column; the best group first, at most `MOST` of them.

    `by` and `metric` are named as in `RunQuery.sort`; the window of the query does not matter. Raises
    `FilterError` and `NothingToSortBy`.
    """
    ways = window.directions(window.objectives(session))
    way = "max" if window.descends(metric, ways) else "min"
    names = run_names(session)
    asked = replace(query, sort=by, then=(SortKey("state"), SortKey(metric)))
    with window.matching(session, asked, names) as matching:
        keys = {
            "value": f"k{matching.keys - 3}",
            "state": f"k{matching.keys - 2}",
            "metric": f"k{matching.keys - 1}",
        }
        order = "desc" if way == "max" else "asc"
        rows = matching.ask(_GROUPS.format(way=way, order=order, most=MOST, **keys))
    return tuple(
        RunGroup(value, runs, best, mean, None if run is None else to_text(run))
        for value, runs, best, mean, run in rows
    )


_GROUPS = """
with measured as (
    select id, {value}::varchar as value, case when {state} = 'complete' then {metric} end as measured
    from {{source}}
)
select value, count(*), {way}(measured) as best, avg(measured), arg_{way}(id, measured)
from measured group by value order by best {order} nulls last, count(*) desc, value limit {most}
"""
