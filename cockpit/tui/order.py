"""How a table is sorted: what a click or a key makes of the order, and the arrows that show it. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cockpit import format as fmt
from storage.runs import SortKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.tui.columns import Column
    from storage.runs import RunQuery

UPWARD = ("name", "state", "sweep", "id", "note", "tags", "reason", "number", "param")
"""Columns that are first sorted from small to large."""


def arrow(column: Column, query: RunQuery | None) -> str:
    """`▼` where the largest come first, else `▲`; nothing for a column that is not sorted by."""
    keys = _keys(query) if query else ()
    for rank, key in enumerate(keys, start=1):
        if key.name == column.field:
            # The newest first is the smallest age first.
            mark = "▼" if key.descending != (column.key == "age") else "▲"
            return f"{mark}{rank}" if len(keys) > 1 else mark
    return ""


def words(query: RunQuery) -> str:
    """`newest first`, `by auc, then lr`."""
    if not query.order:
        return "newest first" if query.descending else "oldest first"
    return f"by {', then '.join(fmt.plain(key.name) for key in query.order)}"


def sorted_by(query: RunQuery, column: Column, ways: Mapping[str, str]) -> RunQuery:
    """Sort by a column alone, its best or newest first; by the same one again: turned around."""
    keys = _keys(query)
    if [key.name for key in keys] == [column.field]:
        return turned(query)
    return _by(query, [SortKey(column.field, _down(column, ways))])


def further(query: RunQuery, column: Column, ways: Mapping[str, str]) -> RunQuery:
    """Sort by a column too; where it is there already turn it around, and then take it away."""
    keys = [key for key in query.order if key.name != column.field]
    there = [key for key in query.order if key.name == column.field]
    down = _down(column, ways)
    if not there:
        return _by(query, [*keys, SortKey(column.field, down)])
    if there[0].descending != down:
        return _by(query, keys)
    return _by(
        query, [replace(key, descending=key.descending != (key in there)) for key in query.order]
    )


def following(columns: tuple[Column, ...], chosen: Column | None, query: RunQuery) -> Column | None:
    """The column to sort by next: the one under the cursor, else the next; None for the newest first."""
    if chosen and chosen.field:
        return chosen
    there = [column for column in columns if column.field]
    fields = [column.field for column in there]
    now = query.sort or "started"
    place = fields.index(now) + 1 if now in fields else 0
    if place == len(there) and "started" not in fields:
        return None
    return there[place % len(there)] if there else None


def turned(query: RunQuery) -> RunQuery:
    """The same order from its other end."""
    return _by(query, [replace(key, descending=not key.descending) for key in _keys(query)])


def written(query: RunQuery) -> list[list[object]]:
    """The further keys as JSON keeps them."""
    return [[key.name, key.descending] for key in query.then]


def read(raw: object) -> tuple[SortKey, ...]:
    """What `written` wrote; nothing where it is no such thing."""
    match raw:
        case [[str(name), bool(down)], *others]:
            return (SortKey(name, down), *read(others))
        case _:
            return ()


def _keys(query: RunQuery) -> tuple[SortKey, ...]:
    return query.order or (SortKey("started", query.descending),)


def _by(query: RunQuery, keys: list[SortKey]) -> RunQuery:
    first, *then = keys or [SortKey("started")]
    sort = None if first.name == "started" else first.name
    return replace(query, sort=sort, descending=first.descending, then=tuple(then), offset=0)


def _down(column: Column, ways: Mapping[str, str]) -> bool:
    return ways.get(column.name) != "minimize" and column.key not in UPWARD
