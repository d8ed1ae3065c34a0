"""A column's profile in words and blocks, for a table in the terminal. Pure: a profile in, text out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cockpit.format import MISSING, number, plain, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.data.columns import ColumnProfile

LEVELS = " ▁▂▃▄▅▆▇"
SHARES = 4
"""Frequent values that are told."""


def missing(column: ColumnProfile) -> str:
    """The share of missing values: nothing for none, never `0 %` for some."""
    gone = column.nulls + column.nan
    return share(gone, column.rows) if gone else ""


def distinct(column: ColumnProfile) -> str:
    """How many different values there are; `≈` before an estimate."""
    if column.distinct is None:
        return MISSING
    return f"{'≈' if column.estimated else ''}{column.distinct:,}"


def values(column: ColumnProfile, bins: int = 10) -> str:
    """What is in it: `17 ▂▇▅▃▁ 90  mean 38.6` of numbers and times, `Male 67 %, Female 33 %` of the rest."""
    if column.type in ("int", "float", "date", "time"):
        if column.min is None:
            return ""
        low, high = _bound(column.min), _bound(column.max)
        if low == high:
            return f"always {low}"
        mean = "" if column.mean is None else f"  mean {number(column.mean)}"
        return f"{low} {blocks(column.counts, bins)} {high}{mean}"
    present = column.rows - column.nulls
    if not column.top or not present:
        return ""
    if column.top[0][1] == 1 < present:
        return f"{value(column.top[0][0])}, …"
    told = [f"{_shown(each)} {share(count, present)}" for each, count in column.top[:SHARES]]
    more = (column.distinct or 0) > SHARES
    return ", ".join(told) + ", …" * more


def blocks(counts: Sequence[int], width: int) -> str:
    """A histogram in at most `width` cells: a bin that has rows is never blank, the largest is the highest."""
    group = max(1, -(-len(counts) // width))
    sums = [sum(counts[start : start + group]) for start in range(0, len(counts), group)]
    most = max(sums, default=0)
    top = len(LEVELS) - 1
    return "".join(LEVELS[0 if not each else max(1, round(each / most * top))] for each in sums)


def share(count: int, of: int) -> str:
    """`0.3 %`, `67 %`, `< 0.1 %`; `100 %` only where it is all of them."""
    if count == of:
        return "100 %"
    percent = 100 * count / of
    if percent < 0.1:
        return "< 0.1 %"
    return f"{percent:.1f} %" if percent < 10 else f"{min(99, round(percent))} %"


def _bound(raw: Any) -> str:
    """A number, or a time to the second at most."""
    return plain(raw[:19].replace("T", " ")) if isinstance(raw, str) else value(raw)


def _shown(raw: Any) -> str:
    return f"'{raw}'" if isinstance(raw, str) and raw.strip() != raw else value(raw)
