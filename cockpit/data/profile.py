"""What is in a table, column by column: missing values, spread, the most frequent values, odd texts.

A table that fits is read once and described exactly. Of a larger one rows, missing values, smallest, largest,
mean and deviation are counted over all of it as it streams by; the rest is that of evenly spaced rows, and
`Profile.sampled` says of how many.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cockpit.data.by_columns import height
from cockpit.data.column_types import type_of
from cockpit.data.columns import TOP, ColumnProfile, Odd
from cockpit.data.watching import UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from cockpit.data.watching import Watch

BINS = 20
QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
MOST_CELLS = 40_000_000
"""Rows × columns of a table that are held in memory at once."""
MOST_BYTES = 512 << 20
"""Of its files; what is packed counts `UNPACKED` times."""
UNPACKED = 4
FEWEST_ROWS = 10_000
"""Of a sample, however wide the rows are."""
PLACEHOLDERS = ("?", "-", "--", "na", "n/a", "nan", "nil", "none", "null", "unknown", "missing")
"""Texts, written small, that often stand for a missing value."""
LONGEST_VALUE = 80
"""Characters that are kept of a frequent value."""
_LATIN = r"\p{Latin}"
_LOOKALIKE = r"[\p{Cyrillic}\p{Greek}]"
_NOT_IN_NUMPY = (pl.Decimal, pl.Int128, pl.UInt128)


@dataclass(frozen=True, slots=True)
class Profile:
    """A table described."""

    rows: int
    columns: tuple[ColumnProfile, ...]
    sampled: int | None = None
    """Rows that quantiles, histograms and frequent values are of; None: all."""


def profile(
    frame: pl.LazyFrame, size: int = 0, packed: bool = False, watch: Watch = UNWATCHED
) -> Profile:
    """Describe a table; `size` is that of its files in bytes, `packed` whether they are compressed.

    Raises what polars does where the rows cannot be read (see `cockpit.data.reading.reading`), and `Ended`.
    """
    width = max(1, len(frame.collect_schema()))
    size *= UNPACKED if packed else 1
    watch.at(0, width + 1, "reading the rows")
    if size <= MOST_BYTES:
        whole = frame.collect(engine="streaming")
        if whole.height * width <= MOST_CELLS:
            return Profile(whole.height, _described(whole, watch))
        frame = whole.lazy()
    rows = height(frame)
    watch.at(0, width + 1, f"reading {rows:,} rows")
    share = min(1.0, MOST_CELLS / (rows * width), MOST_BYTES / max(1, size))
    every = -(-rows // max(FEWEST_ROWS, int(rows * share)))
    exact, sample = pl.collect_all(
        [frame.select(_exact(frame.collect_schema())), frame.gather_every(every)],
        engine="streaming",
    )
    columns = _described(sample, watch)
    told = exact.row(0, named=True)
    whole_columns = (_over_all(column, place, told, rows) for place, column in enumerate(columns))
    return Profile(rows, tuple(whole_columns), sample.height)


def _described(frame: pl.DataFrame, watch: Watch) -> tuple[ColumnProfile, ...]:
    """Column by column, on as many threads as there are cores: numpy and polars let go of Python's lock."""
    columns = frame.get_columns()
    found: list[ColumnProfile] = []
    with ThreadPoolExecutor(pl.thread_pool_size()) as pool:
        under_way = [pool.submit(_column, column) for column in columns]
        try:
            for done, each in enumerate(under_way):
                watch.at(done + 1, len(columns) + 1, columns[done].name)
                found.append(each.result())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return tuple(found)


def _column(column: pl.Series) -> ColumnProfile:
    kind = type_of(column.dtype) or "other"
    nulls = column.null_count()
    start = ColumnProfile(column.name, kind, str(column.dtype), column.len(), nulls)
    present = column.drop_nulls() if nulls else column
    match kind:
        case "int" | "float":
            return _numbers(start, present)
        case "date" | "time":
            return _times(start, present)
        case "bool" | "text":
            return _texts(start, present)
    return start


def _numbers(start: ColumnProfile, present: pl.Series) -> ColumnProfile:
    if present.dtype in _NOT_IN_NUMPY:
        present = present.cast(pl.Float64)
    values: NDArray[Any] = present.to_numpy()
    nan = infinite = 0
    if values.dtype.kind == "f":
        finite = np.isfinite(values)
        if not finite.all():
            nan = int(np.isnan(values).sum())
            infinite = int(values.size - finite.sum()) - nan
            values = values[finite]
    start = replace(start, nan=nan, infinite=infinite)
    if not values.size:
        return replace(start, distinct=0)
    ordered = np.sort(values)
    floats = ordered.astype(np.float64, copy=False)
    firsts = _firsts(ordered)
    edges, counts = histogram(floats, whole=start.type == "int")
    top = _top(ordered, firsts) if len(firsts) < max(TOP, len(ordered)) else []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        mean, std = floats.mean(), floats.std(ddof=min(1, floats.size - 1))
    return replace(
        start,
        distinct=len(firsts),
        min=ordered[0].item(),
        max=ordered[-1].item(),
        mean=_finite(mean),
        std=_finite(std) if floats.size > 1 else None,
        quantiles=tuple(map(float, _quantiles(floats))),
        edges=tuple(map(float, edges)),
        counts=tuple(map(int, counts)),
        top=tuple((value.item(), count) for value, count in top),
    )


def _finite(number: np.floating[Any]) -> float | None:
    """None where numbers are too large to be summed."""
    return float(number) if np.isfinite(number) else None


def _times(start: ColumnProfile, present: pl.Series) -> ColumnProfile:
    if not present.len():
        return replace(start, distinct=0)
    unit = "us" if isinstance(present.dtype, pl.Datetime) else None
    ticks = present.cast(pl.Datetime("us", present.dtype.time_zone)) if unit else present  # type: ignore[attr-defined]
    ordered = np.sort(ticks.to_physical().to_numpy())
    firsts = _firsts(ordered)
    top = _top(ordered, firsts)
    edges, counts = histogram(ordered.astype(np.float64), whole=True)

    def words(numbers: Sequence[Any]) -> tuple[str, ...]:
        whole = pl.Series([round(float(number)) for number in numbers], dtype=pl.Int64)
        return tuple(value.isoformat() for value in whole.cast(ticks.dtype).to_list())

    low, high = words([ordered[0], ordered[-1]])
    names = words([value for value, _ in top])
    return replace(
        start,
        distinct=len(firsts),
        min=low,
        max=high,
        quantiles=words(_quantiles(ordered.astype(np.float64)).tolist()),
        edges=words(edges.tolist()),
        counts=tuple(map(int, counts)),
        top=tuple(zip(names, (count for _, count in top), strict=True)),
    )


def _texts(start: ColumnProfile, present: pl.Series) -> ColumnProfile:
    """Each distinct text is looked at once, and counts as often as it is there."""
    if start.type == "bool":
        table = present.rename("value").value_counts(name="count")
    else:
        table = present.cast(pl.String).rename("value").value_counts(name="count")
    top = table.sort(["count", "value"], descending=[True, False]).head(TOP)
    values = top["value"].to_list()
    shown = tuple(each[:LONGEST_VALUE] if isinstance(each, str) else each for each in values)
    found = replace(
        start,
        distinct=table.height,
        top=tuple(zip(shown, top["count"].to_list(), strict=True)),
    )
    if start.type == "bool" or not table.height:
        return found
    return replace(found, odd=_odd(table), **_lengths(table))


def _lengths(table: pl.DataFrame) -> Mapping[str, Any]:
    lengths = pl.col("value").str.len_chars()
    found = table.select(
        low=pl.col("value").min(), high=pl.col("value").max(), longest=lengths.max()
    ).row(0, named=True)
    return {
        "min": found["low"][:LONGEST_VALUE],
        "max": found["high"][:LONGEST_VALUE],
        "longest": found["longest"],
    }


def _odd(table: pl.DataFrame) -> Odd:
    value, count = pl.col("value"), pl.col("count")
    non_ascii = value.str.len_bytes() != value.str.len_chars()
    trimmed = value.str.strip_chars()
    blank = trimmed == ""
    found = table.select(
        non_ascii=count.filter(non_ascii).sum(),
        blank=count.filter(blank).sum(),
        spaced=count.filter((trimmed != value) & ~blank).sum(),
    ).row(0, named=True)
    mixed, example = 0, None
    if found["non_ascii"]:
        both = table.filter(non_ascii).filter(
            value.str.contains(_LATIN) & value.str.contains(_LOOKALIKE)
        )
        mixed = int(both["count"].sum())
        example = both.sort("count", "value", descending=[True, False])["value"].first()
    known = table.filter(value.str.len_bytes() <= 8).filter(
        value.str.strip_chars().str.to_lowercase().is_in(PLACEHOLDERS)
    )
    return Odd(
        blank=found["blank"],
        spaced=found["spaced"],
        non_ascii=found["non_ascii"],
        mixed=mixed,
        mixed_example=None if example is None else str(example)[:LONGEST_VALUE],
        placeholders=tuple(known.sort("count", "value", descending=[True, False]).rows()),
    )


def histogram(ordered: NDArray[Any], whole: bool) -> tuple[NDArray[Any], NDArray[Any]]:
    """At most `BINS` bins of equal width over sorted finite numbers: edges (bins + 1) and counts (bins).

    A bin holds its lower edge, the last one its upper too. Of whole numbers a bin is whole numbers wide.
    """
    low, high = float(ordered[0]), float(ordered[-1])
    if low == high:
        return np.array([low, high]), np.array([len(ordered)])
    if whole:
        width = max(1.0, np.ceil((high - low + 1) / BINS))
        bins = int(np.ceil((high - low + 1) / width))
        edges = low + width * np.arange(bins + 1)
    else:
        with np.errstate(over="ignore"):
            edges = np.linspace(low / BINS, high / BINS, BINS + 1) * BINS
        edges[0], edges[-1] = low, high
    places = np.searchsorted(ordered, edges, side="left")
    places[0], places[-1] = 0, len(ordered)
    return edges, np.diff(places)


def _quantiles(ordered: NDArray[Any]) -> NDArray[Any]:
    """Of sorted numbers, between neighbours by straight lines (numpy's `linear`, R's type 7)."""
    places = np.array(QUANTILES) * (len(ordered) - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, len(ordered) - 1)
    share = places - below
    found: NDArray[Any] = ordered[below] * (1 - share) + ordered[above] * share
    return found


def _firsts(ordered: NDArray[Any]) -> NDArray[Any]:
    """Where in sorted values each value stands for the first time."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    return np.concatenate(([0], changes))


def _top(ordered: NDArray[Any], firsts: NDArray[Any]) -> list[tuple[Any, int]]:
    """The most frequent values with their counts; of equally frequent ones the smaller first."""
    counts = np.diff(np.append(firsts, len(ordered)))
    if len(counts) > TOP:
        least = np.partition(counts, -TOP)[-TOP]
        more, ties = np.flatnonzero(counts > least), np.flatnonzero(counts == least)
        places = np.sort(np.concatenate((more, ties[: TOP - len(more)])))
    else:
        places = np.arange(len(counts))
    places = places[np.argsort(-counts[places], kind="stable")]
    return [(ordered[firsts[place]], int(counts[place])) for place in places]


def _exact(schema: pl.Schema) -> list[pl.Expr]:
    """What can be counted as all rows stream by."""
    found: list[pl.Expr] = []
    for place, (name, dtype) in enumerate(schema.items()):
        column, kind = pl.col(name), type_of(dtype)
        found.append(column.null_count().alias(f"{place} nulls"))
        if kind is None:
            continue
        found.append(column.approx_n_unique().alias(f"{place} distinct"))
        if kind in ("int", "float"):
            numbers = column.cast(pl.Float64)
            finite = numbers.filter(numbers.is_finite())
            bounds = column.filter(numbers.is_finite()) if kind == "float" else column
            found += [
                numbers.is_nan().sum().alias(f"{place} nan"),
                numbers.is_infinite().sum().alias(f"{place} infinite"),
                bounds.min().alias(f"{place} min"),
                bounds.max().alias(f"{place} max"),
                finite.mean().alias(f"{place} mean"),
                finite.std().alias(f"{place} std"),
            ]
        elif kind in ("date", "time"):
            found += [column.min().alias(f"{place} min"), column.max().alias(f"{place} max")]
    return found


def _over_all(
    column: ColumnProfile, place: int, told: Mapping[str, Any], rows: int
) -> ColumnProfile:
    """The column of a sample, with what was counted over all rows."""
    names = ("nulls", "distinct", "nan", "infinite", "min", "max", "mean", "std")
    known = {name: told[f"{place} {name}"] for name in names if f"{place} {name}" in told}
    for name in ("min", "max"):
        if hasattr(known.get(name), "isoformat"):
            known[name] = known[name].isoformat()
    scale = rows / column.rows if column.rows else 1.0
    if column.quantiles and known.get("min") is not None:
        known["quantiles"] = (known["min"], *column.quantiles[1:-1], known["max"])
    return replace(
        column,
        rows=rows,
        top=tuple((value, round(count * scale)) for value, count in column.top),
        counts=tuple(round(count * scale) for count in column.counts),
        odd=column.odd and _scaled(column.odd, scale),
        estimated="distinct" in known,
        **known,
    )


def _scaled(odd: Odd, scale: float) -> Odd:
    return replace(
        odd,
        blank=round(odd.blank * scale),
        spaced=round(odd.spaced * scale),
        non_ascii=round(odd.non_ascii * scale),
        mixed=round(odd.mixed * scale),
        placeholders=tuple((text, round(count * scale)) for text, count in odd.placeholders),
    )
