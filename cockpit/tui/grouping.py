"""Runs put together by a column: what can be, and the filter that shows the runs of one group. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cockpit import format as fmt
from storage.expressions.names import quoted
from storage.expressions.run_filter import is_condition

if TYPE_CHECKING:
    from cockpit.tui.columns import Column
    from storage.groups import RunGroup
    from storage.runs import Run, RunQuery, RunsPage

FIELDS = ("sweep", "state")
"""Of which there are few values; params are the other columns that put runs together."""
FIGURE = 12


def column_of(column: Column | None, query: RunQuery) -> str | None:
    """What to group by: the column under the cursor, else the sweep; None where that makes no groups."""
    if column is None:
        return "sweep" if query.sweep is None else None
    if column.key == "param":
        return f"params.{column.name}"
    return column.key if column.key in FIELDS else None


def metric_of(query: RunQuery, page: RunsPage) -> str | None:
    """The metric that groups are told by: the one the table is sorted by, else the first."""
    for key in query.order:
        if key.name in page.metrics:
            return key.name
    return next(iter(page.metrics), None)


def narrowed(where: str, by: str, value: str | None) -> str:
    """A filter, narrowed to the runs of one group."""
    name = by
    if by.startswith("params."):
        name = f'params."{by.removeprefix("params.").replace(chr(34), chr(34) * 2)}"'
    condition = f"{name} is null" if value is None else f"{name} = {_literal(by, value)}"
    others = where.strip()
    if others and not is_condition(others):
        others = " and ".join(map(_holds, others.split()))
    elif others:
        others = f"({others})"
    return f"{others} and {condition}" if others else condition


def _literal(by: str, value: str) -> str:
    is_param = by.startswith("params.")
    return (
        value if is_param and (value in ("true", "false") or _is_number(value)) else quoted(value)
    )


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def _holds(word: str) -> str:
    """What a word of a filter means, as a condition."""
    like = quoted(f"%{word}%")
    return f"(name ilike {like} or tag ilike {like} or note ilike {like})"


def title(width: int, by: str, metric: str) -> str:
    """The titles above the groups."""
    figures = [f"best {fmt.plain(metric)}", f"mean {fmt.plain(metric)}"]
    name = fmt.plain(by.removeprefix("params."))
    return _row(name, "runs", figures, width)


def line(group: RunGroup, width: int) -> str:
    """A group in a line."""
    figures = [
        fmt.MISSING if one is None else fmt.number(one, keep_zeros=True)
        for one in (group.best, group.mean)
    ]
    name = fmt.MISSING if group.value is None else fmt.plain(group.value)
    return _row(name, fmt.count(group.runs), figures, width)


def member(run: Run, metric: str, width: int) -> str:
    """A run of a group in a line, its value below the best of the group."""
    value = run.metrics.get(metric)
    shown = fmt.MISSING if value is None else fmt.number(value, keep_zeros=True)
    name = f"    {fmt.look(run.state).glyph} {fmt.plain(run.name)}"
    return _row(name, "", [shown, ""], width)


def _row(name: str, runs: str, figures: list[str], width: int) -> str:
    right = fmt.fit(runs, 8, right=True)
    right += "".join(f"  {fmt.fit(one, FIGURE, right=True)}" for one in figures)
    return fmt.fit(name, max(1, width - len(right))) + right
