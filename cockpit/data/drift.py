"""Whether the columns of new data are distributed as those of old: features, labels and predictions alike.

Numbers are compared in bins made of the old rows (PSI, Jensen–Shannon) and value by value
(Kolmogorov–Smirnov); categories, and numbers with few values, by their counts (PSI, Jensen–Shannon, Cramér's V).
Judged by effect size, with what chance alone does kept out (see `effects`): two samples of one population raise
less than one false alarm in 10,000 columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from cockpit.data.by_columns import height, parts
from cockpit.data.column_types import type_of
from cockpit.data.effects import (
    Effect,
    cramers_v,
    is_one_sided,
    jensen_shannon,
    kolmogorov_smirnov,
    missing,
    psi,
)
from cockpit.data.watching import UNWATCHED
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from numpy.typing import NDArray

    from cockpit.data.effects import Counts, Values
    from cockpit.data.watching import Watch

BINS = 10
"""Of a column of numbers, each with a like part of the old rows."""
FEW = 10
"""Numbers with so many values at most are compared as categories."""
MOST = 50
"""Categories compared, the most frequent of both; the others are taken together."""
LEAST = 5
"""Rows of a category that the smaller sample is to be expected to have; the others are taken together."""
NOTABLE = 0.001
"""Share of rows from which a category, or missing values, that only one side has are spoken of."""
SHOWN = 10
"""New and vanished categories named."""

Judgement = Literal["none", "moderate", "large", "not judged"]
_RANK: dict[str, int] = {"not judged": 0, "none": 1, "moderate": 2, "large": 3}


class DriftError(UserError):
    """The two cannot be compared."""


@dataclass(frozen=True, slots=True)
class Category:
    """A category that only one side has."""

    name: str
    share: float
    """Of that side's rows with a value."""


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """How a column changed."""

    name: str
    kind: Literal["numbers", "categories", "not compared"]
    verdict: Judgement
    effects: tuple[Effect, ...] = ()
    missing: tuple[float, float] = (0.0, 0.0)
    """Share of rows without a value, old and new."""
    middle: tuple[float, float] | None = None
    """Medians of numbers, old and new."""
    factor: float | None = None
    """By what all the numbers seem to have been multiplied: 100 where a unit changed."""
    appeared: tuple[Category, ...] = ()
    vanished: tuple[Category, ...] = ()
    reason: str = ""
    """Why it is not judged, or judged without a figure."""

    def effect(self, name: str) -> Effect | None:
        """`psi`, `js`, `ks`, `v` or `missing`."""
        return next((one for one in self.effects if one.name == name), None)


@dataclass(frozen=True, slots=True)
class Drift:
    """What changed between two samples, column by column."""

    rows: tuple[int, int]
    columns: tuple[ColumnDrift, ...]
    """In the order of the old data."""
    only_old: tuple[str, ...] = ()
    only_new: tuple[str, ...] = ()

    @property
    def drifted(self) -> tuple[ColumnDrift, ...]:
        """The worst first."""
        found = [one for one in self.columns if _RANK[one.verdict] > _RANK["none"]]
        return tuple(sorted(found, key=lambda one: (-_RANK[one.verdict], -_strength(one))))


def drift(
    old: pl.LazyFrame,
    new: pl.LazyFrame,
    columns: Sequence[str] | None = None,
    leave_out: Collection[str] = (),
    watch: Watch = UNWATCHED,
) -> Drift:
    """Compare the columns of two samples, all they share or those named; some columns in memory at a time.

    A key is best left out: it names rows and is distributed in no way of its own. Labels and predictions
    drift as features do: `columns=["y_true", "y_pred", "y_score"]`. Raises `DriftError` where a named column
    is missing or there are no rows, and `Ended`.
    """
    before, after = old.collect_schema(), new.collect_schema()
    for name in columns or ():
        for schema, which in ((before, "old"), (after, "new")):
            if name not in schema:
                raise DriftError(f"the {which} data have no column {name!r}")
    rows = (height(old), height(new))
    if not all(rows):
        raise DriftError(f"the {'new' if rows[0] else 'old'} data have no rows: nothing to compare")
    shared = [name for name in before if name in after and name not in leave_out]
    asked = list(dict.fromkeys(shared if columns is None else columns))
    found: list[ColumnDrift] = []
    for some in parts(asked, max(rows)):
        watch.at(len(found), len(asked), some[0])
        sides = [frame.select(some).collect(engine="streaming") for frame in (old, new)]
        for name in some:
            watch.at(len(found), len(asked), name)
            found.append(_column(name, sides[0][name], sides[1][name]))
    return Drift(
        rows,
        tuple(found),
        () if columns else tuple(name for name in before if name not in after),
        () if columns else tuple(name for name in after if name not in before),
    )


def _strength(column: ColumnDrift) -> float:
    return max((one.value / one.large for one in column.effects), default=0.0)


def _column(name: str, before: pl.Series, after: pl.Series) -> ColumnDrift:
    kinds = {_kind(series.dtype) for series in (before, after)} - {"empty"}
    if "other" in kinds:
        return ColumnDrift(
            name, "not compared", "not judged", reason=f"{before.dtype} is not compared"
        )
    if len(kinds) > 1:
        types = [type_of(series.dtype) for series in (before, after)]
        return ColumnDrift(
            name, "not compared", "large", reason=f"was {types[0]}, is {types[1]} now"
        )
    sides = _Sides(name, _given(before), _given(after), before.len(), after.len())
    if not sides.old.len() or not sides.new.len():
        return sides.judged("not compared", (), reason="no values on one side")
    return sides.numbers() if kinds == {"number"} else sides.categories()


def _kind(dtype: pl.DataType) -> Literal["number", "category", "empty", "other"]:
    if dtype.is_numeric() or dtype in (pl.Date, pl.Datetime, pl.Duration, pl.Time):
        return "number"
    if dtype in (pl.String, pl.Categorical, pl.Enum, pl.Boolean):
        return "category"
    return "empty" if dtype == pl.Null else "other"


def _given(series: pl.Series) -> pl.Series:
    """The values that are there; times as numbers, categories as texts."""
    if series.dtype.is_temporal():
        moment = series.cast(pl.Datetime("us")) if series.dtype == pl.Date else series
        if isinstance(moment.dtype, pl.Datetime | pl.Duration):
            moment = moment.dt.cast_time_unit("us")
        series = moment.to_physical()
    if series.dtype.is_numeric():
        return series.cast(pl.Float64).fill_nan(None).drop_nulls()
    return series.cast(pl.String).drop_nulls()


@dataclass(frozen=True, slots=True)
class _Sides:
    """A column on both sides."""

    name: str
    old: pl.Series
    new: pl.Series
    of_old: int
    of_new: int

    def judged(
        self,
        kind: Literal["numbers", "categories", "not compared"],
        effects: Sequence[Effect],
        **more: Any,
    ) -> ColumnDrift:
        """The verdict is that of the worst effect, or moderate where something stands on one side alone."""
        gone, gaps = self.of_old - self.old.len(), self.of_new - self.new.len()
        effects = (*effects, missing(gone, self.of_old, gaps, self.of_new))
        verdict = max((one.verdict for one in effects), key=_RANK.__getitem__)
        alone = more.get("appeared") or more.get("vanished") or self._gaps_alone(gone, gaps)
        if verdict == "none" and alone:
            verdict = "moderate"
        shares = (gone / self.of_old, gaps / self.of_new)
        return ColumnDrift(self.name, kind, verdict, effects, shares, **more)

    def _gaps_alone(self, gone: int, gaps: int) -> bool:
        if gone and gaps:
            return False
        count, here, there = (
            (gone, self.of_old, self.of_new) if gone else (gaps, self.of_new, self.of_old)
        )
        return count / here >= NOTABLE and is_one_sided(count, here, there)

    def numbers(self) -> ColumnDrift:
        old, new = (np.sort(side.to_numpy()) for side in (self.old, self.new))
        values = _few_values(old, new)
        if values is not None:
            counts = [_counts_at(side, values) for side in (old, new)]
            names = [f"{value:.15g}" for value in values]
            return self._of_categories(names, *counts)
        before, after = binned(old, new)
        effects = (psi(before, after), jensen_shannon(before, after), kolmogorov_smirnov(old, new))
        middle = (float(old[len(old) // 2]), float(new[len(new) // 2]))
        drifted = any(one.verdict != "none" for one in effects)
        factor = _factor(old, new) if drifted else None
        return self.judged("numbers", effects, middle=middle, factor=factor)

    def categories(self) -> ColumnDrift:
        counted = [
            side.alias("value").value_counts(name=which)
            for side, which in ((self.old, "old"), (self.new, "new"))
        ]
        both = counted[0].join(counted[1], on="value", how="full", coalesce=True).fill_null(0)
        both = both.sort(pl.col("old") + pl.col("new"), "value", descending=[True, False])
        old, new = (both[which].cast(pl.Int64).to_numpy() for which in ("old", "new"))
        return self._of_categories(both["value"].to_list(), old, new)

    def _of_categories(self, names: Sequence[str], old: Counts, new: Counts) -> ColumnDrift:
        before, after = _pooled(old, new)
        effects: tuple[Effect, ...] = ()
        if len(before) > 1:
            effects = (psi(before, after), jensen_shannon(before, after), cramers_v(before, after))
        return self.judged(
            "categories",
            effects,
            appeared=_alone(names, new, old),
            vanished=_alone(names, old, new),
        )


def binned(old: Values, new: Values) -> tuple[Counts, Counts]:
    """Counts in ten bins with like parts of the old rows, up to and with their upper edges; both sides sorted.

    A value that a tenth of the old rows have is a bin of its own, and the other bins share the other rows:
    else a column that is mostly zero would hide in two bins what happened to all that is not.
    """
    share = len(old) / BINS
    places = np.arange(BINS) * len(old) // BINS
    often = np.unique(old[places])
    often = often[_counts_at(old, often) >= share]
    alone = [_counts_at(side, often) for side in (old, new)]
    kept = ~np.isin(old, often) if len(often) else slice(None)
    rest = old[kept]
    parts = max(1, BINS - len(often))
    edges = np.empty(0)
    if len(rest):
        ranks = np.ceil(np.arange(1, parts) * len(rest) / parts).astype(np.int64) - 1
        edges = np.unique(rest[np.maximum(ranks, 0)])
    counts = []
    for side, own in ((old, alone[0]), (new, alone[1])):
        upto = np.searchsorted(side, edges, side="right")
        found = np.diff(upto, prepend=0, append=len(side))
        np.subtract.at(found, np.searchsorted(edges, often, side="left"), own)
        counts.append(np.concatenate([own, found]))
    there = (counts[0] + counts[1]) > 0
    return counts[0][there], counts[1][there]


def _few_values(old: Values, new: Values) -> Values | None:
    """The values of both, where they are few."""
    values: list[Values] = []
    for side in (old, new):
        steps = np.flatnonzero(side[1:] != side[:-1])
        if len(steps) >= FEW:
            return None
        values.append(side[np.append(0, steps + 1)])
    both = np.unique(np.concatenate(values))
    return both if len(both) <= FEW else None


def _counts_at(side: Values, values: Values) -> Counts:
    counts: NDArray[np.int64] = np.searchsorted(side, values, side="right") - np.searchsorted(
        side, values, side="left"
    )
    return counts


def _pooled(old: Counts, new: Counts) -> tuple[Counts, Counts]:
    """The frequent categories, and all others as one; the order does not matter."""
    both = old + new
    n, m = old.sum(), new.sum()
    frequent = both * (min(n, m) / (n + m)) >= LEAST
    frequent &= both >= np.sort(both)[-min(MOST, len(both))]
    if frequent.all():
        return old, new
    return (
        np.append(old[frequent], old[~frequent].sum()),
        np.append(new[frequent], new[~frequent].sum()),
    )


def _alone(names: Sequence[str], here: Counts, there: Counts) -> tuple[Category, ...]:
    """Categories that only the first side has, in more rows than chance would give it alone."""
    n, m = int(here.sum()), int(there.sum())
    found = [
        Category(names[place], float(here[place] / n))
        for place in np.flatnonzero((there == 0) & (here >= max(1.0, NOTABLE * n))).tolist()
        if is_one_sided(int(here[place]), n, m)
    ]
    return tuple(sorted(found, key=lambda one: -one.share)[:SHOWN])


def _factor(old: Values, new: Values) -> float | None:
    """By what the values that are not zero grew, where (nearly) all deciles grew alike and by much."""
    old, new = (side[(side != 0) & np.isfinite(side)] for side in (old, new))
    if not len(old) or not len(new):
        return None
    deciles = np.arange(1, 10) / 10
    ratios = new[(deciles * len(new)).astype(np.int64)] / old[(deciles * len(old)).astype(np.int64)]
    factor = float(np.median(ratios))
    if factor <= 0 or 2 / 3 < factor < 1.5:
        return None
    alike = np.abs(ratios / factor - 1) < 0.15
    return factor if alike.sum() >= 7 else None
