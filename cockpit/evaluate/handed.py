"""What the rows of a run hand to the aggregates of a KPI, and what those make of it where rows count more or less."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cockpit.evaluate.answers import Floats, Ints, Truths
    from storage.expressions.aggregates import Part
    from storage.frames import Apart

_NEVER = {
    "min": "no interval: a min says nothing of other rows",
    "max": "no interval: a max says nothing of other rows",
    "distinct": "no interval: count(distinct) says nothing of other rows",
}


_SUMMED = ("sum", "mean", "count", "stddev", "stddev_pop")
"""Aggregates that are made of sums over the rows."""
_KEPT = 20_000_000
"""Masks times rows whose places are kept; of more they are looked for anew."""


class Sums:
    """Sums over the rows of many slices, slice by slice: a slice's sum is the same number beside whichever others.

    No matrix product: BLAS wakes threads for one, which then stand in the way of all others.
    """

    def __init__(self, masks: Truths) -> None:
        """`masks`: (slices, rows)."""
        self.masks = masks
        self.n: Floats = masks.sum(axis=1).astype(np.float64)
        """(slices,): rows."""

    def __len__(self) -> int:
        return len(self.masks)

    def rows(self) -> Iterator[Ints]:
        """By slice, the places of its rows."""
        yield from self._kept if self.masks.size <= _KEPT else map(np.flatnonzero, self.masks)

    @cached_property
    def _kept(self) -> list[Ints]:
        return [np.flatnonzero(mask) for mask in self.masks]

    def of(self, column: Floats) -> Floats:
        """(rows,) in, (slices,) out."""
        return np.array([column.take(rows).sum() for rows in self.rows()])

    def any(self, column: Truths) -> Truths:
        """(rows,) in, (slices,) out: whether it holds for some row."""
        return np.asarray((self.masks & column).any(axis=1))

    def errors(self, columns: Sequence[Floats], slopes: Floats) -> Floats:
        """(slices,): the standard error of the columns' means times their slopes (slices, columns)."""
        found = np.empty(len(self))
        for place, rows in enumerate(self.rows()):
            pull = np.zeros(len(rows))
            for column, slope in zip(columns, slopes[place], strict=True):
                if slope:
                    pull += slope * column.take(rows)
            pull -= pull.sum() / max(1, len(rows))
            found[place] = np.square(pull).sum()
        with np.errstate(all="ignore"):
            return np.asarray(np.sqrt(found / self.n / (self.n - 1)))


@dataclass(frozen=True, eq=False)
class Handed:
    """What the rows hand to the aggregates of a KPI, of one run."""

    expression: str
    apart: Apart

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.apart.parts

    @cached_property
    def there(self) -> Truths:
        """(rows, aggregates): who hands something over."""
        return self.apart.values.select(pl.all().is_not_null()).to_numpy()

    @cached_property
    def finite(self) -> Truths:
        """(rows,): whether all of it is a number."""
        return np.asarray(np.isfinite(np.where(self.there, self._raw, 0.0)).all(axis=1))

    @cached_property
    def values(self) -> Floats:
        """(rows, aggregates), 0 where there is nothing, or nothing finite."""
        return np.where(self.there & np.isfinite(self._raw), self._raw, 0.0)

    @cached_property
    def _raw(self) -> Floats:
        return self.apart.values.fill_null(0.0).to_numpy().astype(np.float64)

    @cached_property
    def summed(self) -> bool:
        """Whether its aggregates follow from sums over the rows, each of which hands over finite numbers."""
        return all(part.of in _SUMMED for part in self.parts) and bool(self.finite.all())

    @property
    def unsound(self) -> str | None:
        """Why no interval of it is sound, whatever is done."""
        return next((_NEVER[part.of] for part in self.parts if part.of in _NEVER), None)

    @property
    def at_once(self) -> bool:
        """Whether it has a normal interval."""
        return self.apart.smooth and all(part.of != "quantile" for part in self.parts)

    def by_slice(self, sums: Sums) -> Floats:
        """(slices, aggregates): what the aggregates are on each slice; NaN for none. Of what is `summed`.

        A slice's rows are summed alone and in their order, so that its figure is the same number whichever other
        slices are asked for.
        """
        with np.errstate(all="ignore"):
            found = [self._by_slice(place, part, sums) for place, part in enumerate(self.parts)]
        return np.stack(found, axis=1)

    def _by_slice(self, place: int, part: Part, sums: Sums) -> Floats:
        there = self.there[:, place]
        values: Floats = np.ascontiguousarray(self.values[:, place])
        if there.all() and part.of == "count":
            return sums.n
        kept = sums.rows() if there.all() else (rows[there.take(rows)] for rows in sums.rows())
        return np.array([_aggregate(part, values.take(rows)) for rows in kept], dtype=np.float64)

    def behind(self, sums: Sums) -> Floats:
        """(slices,): the fewest rows that hand something to a mean or a standard deviation; else all rows."""
        few: Floats = sums.n
        for part, there in zip(self.parts, self.there.T, strict=True):
            if part.of in ("mean", "stddev", "stddev_pop") and not there.all():
                few = np.minimum(few, sums.of(there.astype(np.float64)))
        return few

    def on(self, rows: Ints, times: Floats) -> Floats:
        """(draws, aggregates): what the aggregates are where `rows` count `times` (draws, rows); NaN for none."""
        found = [self._drawn(place, part, rows, times) for place, part in enumerate(self.parts)]
        return np.stack(found, axis=1)

    def _drawn(self, place: int, part: Part, rows: Ints, times: Floats) -> Floats:
        there, values = self.there[rows, place], self.values[rows, place]
        count: Floats = times @ there.astype(np.float64)
        if part.of == "count":
            return count
        with np.errstate(all="ignore"):
            if part.of == "quantile":
                return _quantile(values[there], times[:, there], part.share)
            if part.of in ("sum", "mean"):
                found = times @ values
                return np.where(count > 0, found if part.of == "sum" else found / count, np.nan)
            around = np.where(there, values - values[there].mean(), 0.0) if there.any() else values
            spread = times @ around**2 - (times @ around) ** 2 / count
            least = count - (part.of == "stddev")
            return np.where(least > 0, np.sqrt(np.maximum(spread, 0) / least), np.nan)


def _aggregate(part: Part, values: Floats) -> float:
    """Of one number at least, and of two for `stddev`; else NaN."""
    count = len(values)
    if part.of == "count":
        return float(count)
    if count <= (part.of == "stddev"):
        return math.nan
    total = float(values.sum())
    if part.of == "sum":
        return total
    if part.of == "mean":
        return total / count
    spread = float(np.square(values - total / count).sum())
    return math.sqrt(spread / (count - (part.of == "stddev")))


def _quantile(values: Floats, times: Floats, share: float) -> Floats:
    """Interpolated between its neighbours, as the sandbox does; NaN of none."""
    if not len(values):
        return np.full(len(times), np.nan)
    order = np.argsort(values, kind="stable")
    values, up_to = values[order], np.cumsum(times[:, order], axis=1)
    at = (up_to[:, -1] - 1) * share
    below, above = np.floor(at), np.ceil(at)
    low = values[np.minimum((up_to <= below[:, None]).sum(axis=1), len(values) - 1)]
    high = values[np.minimum((up_to <= above[:, None]).sum(axis=1), len(values) - 1)]
    return np.where(up_to[:, -1] > 0, low + (at - below) * (high - low), np.nan)
