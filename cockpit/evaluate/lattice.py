"""Finds where a model fails: the slices of up to three predicates with the highest SliceLine score.

The score of Sagadeeva and Boehm, SliceLine (SIGMOD 2021), equation 2, weighs how much higher the mean loss of a
slice is than that of all rows against how small the slice is. All slices are looked at, but for those that
cannot be among the best: with too few rows, or whose score the bound of section 3.2 keeps down.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from numpy.typing import NDArray

    from cockpit.evaluate.answers import Array, Floats, Ints, Truths

    Codes = NDArray[np.uint8]

DEEPEST = 3
"""Predicates of a slice."""
ROUNDING = 1e-9
"""What a bound is raised by, so that none falls short by rounding."""
COLUMNS = 25
"""Of more, those with the best slices of their own are combined: sets of three grow as the cube."""
Parts = tuple[tuple[int, int], ...]
"""Column and code, by column."""


@dataclass(frozen=True, slots=True)
class Scoring:
    """SliceLine's score, for the losses it is about."""

    rows: int
    mean: float
    """Of the losses of all rows; above 0."""
    alpha: float
    """The weight of the loss against that of the size."""
    least: int
    """The rows that a slice must have."""

    def score(self, sizes: Array, losses: Array) -> Floats:
        """Of slices with so many rows and so much loss together; sizes are above 0."""
        return np.asarray(
            self.alpha * (losses / sizes / self.mean - 1)
            - (1 - self.alpha) * (self.rows / sizes - 1)
        )

    def bound(self, sizes: Array, losses: Array, most: Array) -> Floats:
        """What no part of such a slice scores above, `most` being the greatest loss of a row in it.

        The score of the rows with the most loss that a part of any size can have rises up to the size
        losses / most, and then moves one way.
        """
        turn = np.clip(losses / most, self.least, sizes)
        smallest = np.full(len(sizes), self.least)
        at = [self.score(n, np.minimum(n * most, losses)) for n in (smallest, turn, sizes)]
        return np.asarray(np.maximum.reduce(at))


@dataclass(frozen=True, slots=True)
class Found:
    """A slice: rows where each of some columns has a certain code."""

    score: float
    rows: int
    losses: float
    """Their sum."""
    parts: Parts


@dataclass(frozen=True, slots=True)
class Searched:
    """What a search found, and how much it looked at."""

    best: tuple[Found, ...]
    """The best first."""
    valid: tuple[int, ...]
    """By level, the slices looked at that have enough rows, and some loss."""
    alone: tuple[int, ...]
    """The columns beyond `COLUMNS`, which were not combined with others."""
    complete: bool
    """False where the search was cancelled."""


class _Best:
    """The best slices so far; of those that are the same rows, the one with the fewest predicates."""

    def __init__(self, columns: Sequence[Codes], k: int, distinct: bool) -> None:
        self._columns, self.k, self._distinct = columns, k, distinct
        self.found: list[Found] = []

    @property
    def to_beat(self) -> float:
        return self.found[-1].score if len(self.found) == self.k else 0.0

    def offer(self, one: Found) -> None:
        if one.score > self.to_beat and not (self._distinct and self._known(one)):
            self.found = sorted([*self.found, one], key=lambda found: -found.score)[: self.k]

    def _known(self, one: Found) -> bool:
        alike = (f for f in self.found if (f.rows, f.losses) == (one.rows, one.losses))
        return any(np.array_equal(self._mask(f), self._mask(one)) for f in alike)

    def _mask(self, one: Found) -> Truths:
        return rows_of(self._columns, one.parts)


def rows_of(columns: Sequence[Codes], parts: Sequence[tuple[int, int]]) -> Truths:
    """(rows,): which rows a slice consists of."""
    masks = [columns[column] == code for column, code in parts]
    return np.asarray(np.logical_and.reduce(masks))


def top_slices(
    columns: Sequence[Codes],
    losses: Floats,
    *,
    k: int,
    level: int = DEEPEST,
    alpha: float = 0.95,
    least: int = 1,
    distinct: bool = False,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Searched:
    """The `k` slices with the highest scores above 0, of up to `level` (3) predicates.

    `columns`: (rows,) each, a code a row, 0 for those in no slice; `losses`: (rows,), finite, none below 0. `least`:
    the rows a slice must have. `distinct`: slices of the same rows count once.
    """
    best = _Best(columns, k, distinct)
    if not len(losses) or not losses.any():
        return Searched((), (), (), complete=True)
    scoring = Scoring(len(losses), float(losses.mean()), alpha, max(least, 1))
    search = _Search(columns, losses, scoring, best)
    complete = True
    for share in search.run(level):
        if progress is not None:
            progress(share)
        if cancelled is not None and cancelled():
            complete = False
            break
    return Searched(tuple(best.found), tuple(search.valid), search.alone, complete)


@dataclass(frozen=True, slots=True, eq=False)
class _Column:
    """A column reduced to the codes whose slices may have better parts."""

    place: int
    codes: NDArray[np.uint8]
    """(rows,): 0, or one more than the place in `alive`."""
    alive: Ints
    """The codes as they are in the column."""
    most: Floats
    """By code from 0, the greatest loss of a row."""


@dataclass(frozen=True, slots=True, eq=False)
class _Table:
    """The slices of a set of columns that have enough rows and some loss."""

    at: Ints
    """Their cells."""
    sizes: Ints
    losses: Floats
    scores: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """The slices of two columns."""

    first: _Column
    second: _Column
    table: _Table
    bounds: Floats

    def alive(self, to_beat: float) -> Truths:
        """Which may have better parts."""
        return self.bounds > to_beat

    def rows(self, to_beat: float) -> int:
        return int(self.table.sizes[self.alive(to_beat)].sum())


class _Search:
    """One search, level by level."""

    def __init__(
        self, columns: Sequence[Codes], losses: Floats, scoring: Scoring, best: _Best
    ) -> None:
        self._columns, self._losses, self._scoring, self._best = columns, losses, scoring, best
        self._pairs: dict[tuple[int, int], _Pair] = {}
        self.valid: list[int] = []
        self.alone: tuple[int, ...] = ()

    def run(self, level: int) -> Iterator[float]:
        """Goes through the sets of columns; gives the share of the work done after each."""
        singles = []
        for place, codes in enumerate(self._columns):
            singles.append(self._single(place, codes))
            yield 0.02 * (place + 1) / len(self._columns)
        columns = self._reduced(singles) if level > 1 else []
        pairs = list(combinations(columns, 2))
        for done, (first, second) in enumerate(pairs, 1):
            self._pair(first, second)
            yield 0.02 + (0.28 if level > 2 else 0.98) * done / len(pairs)
        if level > 2:
            yield from (0.3 + 0.7 * share for share in self._triples(columns))
        yield 1.0

    def _single(self, place: int, codes: Codes) -> tuple[float, Truths, Floats]:
        """A column's best score, the codes that may have better parts, and the greatest loss of each."""
        most = np.zeros(int(codes.max()) + 1)
        np.maximum.at(most, codes, self._losses)
        most[0] = 0
        table = self._table(1, codes, self._losses, most)
        self._offer(table, lambda cell: ((place, cell),))
        alive = np.zeros(len(most), dtype=np.bool_)
        alive[table.at] = self._bounds(table, most) > self._best.to_beat
        return float(table.scores.max(initial=0)), alive, most

    def _reduced(self, singles: Sequence[tuple[float, Truths, Floats]]) -> list[_Column]:
        """The columns whose slices are combined: of many, the `COLUMNS` with the best slice of their own."""
        order = sorted(range(len(singles)), key=lambda place: -singles[place][0])
        order = [place for place in order if singles[place][1].any()]
        self.alone = tuple(sorted(order[COLUMNS:]))
        columns = []
        for place in sorted(order[:COLUMNS]):
            _, alive, most = singles[place]
            lookup = (np.cumsum(alive) * alive).astype(np.uint8)
            found = np.flatnonzero(alive)
            columns.append(
                _Column(place, lookup[self._columns[place]], found, np.append(0, most[found]))
            )
        return columns

    def _pair(self, first: _Column, second: _Column) -> None:
        width = len(second.most)
        cells = _numbered(first.codes, width, second.codes)
        most = np.minimum.outer(first.most, second.most).ravel()
        table = self._table(2, cells, self._losses, most)
        self._offer(table, lambda cell: _parts((first, second), divmod(cell, width)))
        bounds = self._bounds(table, most)
        self._pairs[first.place, second.place] = _Pair(first, second, table, bounds)

    def _triples(self, columns: Sequence[_Column]) -> Iterator[float]:
        """Each from the two of its columns that leave the fewest rows."""
        left = {places: pair.rows(self._best.to_beat) for places, pair in self._pairs.items()}
        by_pair: dict[tuple[int, int], list[_Column]] = {}
        for three in combinations(columns, 3):
            pairs = [(a.place, b.place) for a, b in combinations(three, 2)]
            if all(left.get(pair) for pair in pairs):
                base = min(pairs, key=left.__getitem__)
                by_pair.setdefault(base, []).extend(c for c in three if c.place not in base)
        total, done = sum(map(len, by_pair.values())), 0
        for places, thirds in by_pair.items():
            for _ in self._thirds(self._pairs[places], thirds):
                done += 1
                yield done / total

    def _thirds(self, pair: _Pair, thirds: Sequence[_Column]) -> Iterator[None]:
        """What a pair's slices give with one column more, and then another."""
        alive = pair.table.at[pair.alive(self._best.to_beat)]
        first, second = pair.first, pair.second
        width = len(second.most)
        lookup = np.zeros(len(first.most) * width, dtype=np.min_scalar_type(len(alive)))
        lookup[alive] = np.arange(1, len(alive) + 1)
        base = lookup[_numbered(first.codes, width, second.codes)]
        rows = np.flatnonzero(base)
        base, losses = base[rows], self._losses[rows]
        for third in thirds:
            deep = len(third.most)

            def parts(cell: int, third: _Column = third, deep: int = deep) -> Parts:
                two, last = divmod(cell, deep)
                codes = divmod(int(alive[two - 1]), width)
                return _parts((first, second, third), (*codes, last))

            cells = _numbered(base, deep, third.codes[rows])
            most = np.tile(third.most, len(alive) + 1)
            self._offer(self._table(3, cells, losses, most), parts)
            yield

    def _table(self, level: int, cells: Array, losses: Floats, most: Floats) -> _Table:
        """`cells`: (rows,); `most`: by cell, the greatest loss a row there can have, 0 where it is no slice."""
        rows = np.bincount(cells, minlength=len(most))
        together = np.asarray(np.bincount(cells, losses, len(most)), dtype=np.float64)
        at = np.flatnonzero((rows >= self._scoring.least) & (together > 0) & (most > 0))
        rows, together = rows[at], together[at]
        if len(self.valid) < level:
            self.valid.append(0)
        self.valid[level - 1] += len(at)
        return _Table(at, rows, together, self._scoring.score(rows, together))

    def _bounds(self, table: _Table, most: Floats) -> Floats:
        """What no part of a table's slices scores above."""
        return self._scoring.bound(table.sizes, table.losses, most[table.at]) + ROUNDING

    def _offer(self, table: _Table, parts: Callable[[int], Parts]) -> None:
        better = np.flatnonzero(table.scores > self._best.to_beat)
        better = better[np.argsort(-table.scores[better], kind="stable")]
        for one in better[: self._best.k].tolist():
            found = Found(
                float(table.scores[one]),
                int(table.sizes[one]),
                float(table.losses[one]),
                parts(int(table.at[one])),
            )
            self._best.offer(found)


def _numbered(first: Array, width: int, second: Array) -> Array:
    """(rows,): one number for two codes, the second below `width`, in as few bytes as hold it."""
    greatest = (int(first.max(initial=0)) + 1) * width
    cells = first.astype(np.min_scalar_type(greatest))
    cells *= cells.dtype.type(width)
    cells += second
    return cells


def _parts(columns: Sequence[_Column], codes: Sequence[int]) -> Parts:
    """Of reduced columns and their codes, in the order of the columns."""
    found = ((c.place, int(c.alive[code - 1])) for c, code in zip(columns, codes, strict=True))
    return tuple(sorted(found))
