"""Looks at a table some columns at a time: as many as memory allows, since each look may read the whole file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CELLS = 1 << 25
"""Of one table in memory at once; one column at least."""


def parts(names: Sequence[str], rows: int) -> Iterator[list[str]]:
    """The columns of a table of so many rows, in parts that fit."""
    at_once = max(1, CELLS // max(rows, 1))
    for start in range(0, len(names), at_once):
        yield list(names[start : start + at_once])


def height(frame: pl.LazyFrame) -> int:
    """How many rows a table has."""
    rows: int = frame.select(pl.len()).collect(engine="streaming").item()
    return rows
