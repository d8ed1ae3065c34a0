"""Columns as small whole numbers, each of which stands for a predicate such as `age >= 25 and age < 37`.

A number is binned, unless it has few values; of a text's values the most frequent are taken; to be missing is a
value of its own (`age is null`). What belongs to no predicate has the code 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

import numpy as np
import polars as pl

from storage.expressions.names import quoted, typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from cockpit.evaluate.answers import Array, Ints

Bins = Literal["quantile", "width"]
BINS = 10
"""Of a number, at most; with no more values than these, each value stands for itself."""
VALUES = 19
"""Of a text, at most: the most frequent. The rarer ones have nothing in common, so they are no slice."""
MOST = 250
"""Of a text, however many are asked for: a code is one byte."""
LONGEST = 200
"""Characters of a text that is a value."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_WRITABLE = (-62_135_596_800e6, 253_402_300_799e6)
"""Microseconds: the years 1 to 9999; what lies beyond counts as later than all."""
_MICROSECONDS = tuple(10**6 * seconds for seconds in (86_400, 3_600, 60, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """A column."""

    name: str
    codes: NDArray[np.uint8]
    """(rows,): 0, or one more than the place of the predicate that holds."""
    predicates: tuple[str, ...]
    """No two hold for the same row."""
    left_out: int = 0
    """Values with enough rows that are beyond the most frequent."""


@dataclass(frozen=True, slots=True)
class _Scale:
    """How the values of a column are written, and cut."""

    write: Callable[[float], str]
    between: Callable[[float, float], float]
    """The roundest value above the first and not above the second."""


def encode(
    column: pl.Series, *, bins: Bins = "quantile", least: int = 1, values: int = VALUES
) -> Encoded | None:
    """A column by predicates; None where its type has none, or where all rows are alike.

    `bins`: about the same number of rows in each, or the same width. `least`: the rows that a slice must have; a
    value of a text with fewer stands for nothing. `values`: of a text, at most (250).
    """
    kind = column.dtype
    if kind == pl.Boolean:
        found = _truths(column)
    elif kind in (pl.String, pl.Categorical, pl.Enum):
        found = _texts(column, least, values)
    elif kind.is_numeric():
        numbers = column.cast(pl.Float64).fill_nan(None)
        found = _amounts(column.name, numbers, _Scale(_number, _roundest), bins, least)
    elif kind in (pl.Date, pl.Datetime):
        since = column.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64)
        since = (
            pl.select(
                pl.when(since.is_between(*_WRITABLE) | since.is_null())
                .then(since)
                .otherwise(math.inf)
            )
            .to_series()
            .alias(column.name)
        )
        found = _amounts(column.name, since, _Scale(_time, _roundest_time), bins, least)
    else:
        return None
    alike = len(found.predicates) < 2 and not (found.codes == 0).any()
    return None if alike else found


def _truths(column: pl.Series) -> Encoded:
    name = typed(column.name)
    codes = column.cast(pl.UInt8).fill_null(2).to_numpy() + np.uint8(1)
    return _used(column.name, codes, [f"{name} = false", f"{name} = true", f"{name} is null"])


def _texts(column: pl.Series, least: int, most: int) -> Encoded:
    name, texts = typed(column.name), column.cast(pl.String)
    counts = texts.drop_nulls().value_counts(name="rows")
    counts = counts.filter(pl.col("rows") >= least).sort(
        ["rows", column.name], descending=[True, False]
    )
    usable = [text for text in counts[column.name] if text.isprintable() and len(text) <= LONGEST]
    kept = usable[: min(most, MOST)]
    missing = len(kept) + 1
    codes = texts.replace_strict(
        [*kept, None], [*range(1, missing), missing], default=0, return_dtype=pl.UInt8
    ).to_numpy()
    predicates = [*(f"{name} = {quoted(text)}" for text in kept), f"{name} is null"]
    return _used(column.name, codes, predicates, counts.height - len(kept))


def _amounts(name: str, column: pl.Series, scale: _Scale, bins: Bins, least: int) -> Encoded:
    typed_name, given = typed(name), column.is_not_null().to_numpy()
    amounts = column.fill_null(0).to_numpy()
    finite = amounts[given & np.isfinite(amounts)]
    distinct, rows = np.unique(finite, return_counts=True)
    if len(distinct) <= BINS:
        codes = np.searchsorted(distinct, amounts) + 1
        codes[~np.isfinite(amounts)] = 0
        predicates = [f"{typed_name} = {scale.write(value)}" for value in distinct]
    else:
        spread = distinct[-1] / BINS - distinct[0] / BINS
        by_rows = bins == "quantile" or spread * BINS == math.inf
        edges = (
            [scale.between(distinct[cut - 1], distinct[cut]) for cut in _by_rows(rows, least)]
            if by_rows
            else _by_width(distinct, spread, scale)
        )
        codes = np.searchsorted(edges, amounts, side="right") + 1
        predicates = _ranges(typed_name, edges, distinct, scale)
    codes[~given] = len(predicates) + 1
    return _used(name, codes.astype(np.uint8), [*predicates, f"{typed_name} is null"])


def _by_rows(rows: Ints, least: int) -> list[int]:
    """The places of the values that begin a new bin, for bins with as many rows as each other as far as can be."""
    up_to, begin, cuts = np.cumsum(rows), 0, list[int]()
    for left in range(BINS, 1, -1):
        before = int(up_to[begin - 1]) if begin else 0
        goal = before + max((int(up_to[-1]) - before) / left, least)
        end = int(np.searchsorted(up_to, goal))
        if end >= len(rows) - 1:
            break
        fewer = int(up_to[end - 1]) if end > begin else before
        if up_to[end] - goal > goal - fewer and fewer - before >= max(least, 1):
            end -= 1
        begin = end + 1
        cuts.append(begin)
    return cuts


def _by_width(distinct: Array, width: float, scale: _Scale) -> list[float]:
    """Where the bins begin, but the first: a value on the edge of two belongs to the lower, as SliceLine has it.

    Each edge is the roundest that divides the same values, at most a bin higher.
    """
    edges = distinct[0] + width * np.arange(1, BINS)
    above = distinct[np.searchsorted(distinct, edges, side="right")]
    return [
        scale.between(edge, min(higher, edge + width))
        for edge, higher in zip(edges.tolist(), above.tolist(), strict=True)
    ]


def _ranges(name: str, edges: list[float], distinct: Array, scale: _Scale) -> list[str]:
    at = [scale.write(edge) for edge in edges]
    ranges = [
        f"{name} < {at[0]}",
        *(f"{name} >= {low} and {name} < {high}" for low, high in pairwise(at)),
        f"{name} >= {at[-1]}",
    ]
    begins = [0, *np.searchsorted(distinct, edges).tolist(), len(distinct)]
    for place, (begin, end) in enumerate(pairwise(begins)):
        if end - begin == 1:
            ranges[place] = f"{name} = {scale.write(distinct[begin])}"
    return ranges


def _used(name: str, codes: Array, predicates: list[str], left_out: int = 0) -> Encoded:
    """Without the last predicate, that of nothing, where no row is missing."""
    if not (codes == len(predicates)).any():
        predicates = predicates[:-1]
    return Encoded(name, codes.astype(np.uint8, copy=False), tuple(predicates), left_out)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def _roundest(low: float, high: float) -> float:
    for digits in range(-15, 16):
        scaled = high * 10.0**digits
        if math.isinf(scaled):
            break
        found = round(math.floor(scaled) / 10.0**digits, max(digits, 0))
        if low < found <= high:
            return found
    return high


def _time(value: float) -> str:
    at = (_EPOCH + timedelta(microseconds=value)).replace(tzinfo=None)
    text = at.isoformat(" ")
    return f"'{text.removesuffix(' 00:00:00')}'"


def _roundest_time(low: float, high: float) -> float:
    for unit in _MICROSECONDS:
        found = math.floor(high / unit) * unit
        if low < found <= high:
            return float(found)
    return high
