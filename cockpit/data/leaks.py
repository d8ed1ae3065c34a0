"""Features that tell the target all by themselves: more often than not a copy of it, or written after it was known.

What each feature says is learned on one half of the rows and tried on the other, so that an id, whose values
say nothing of rows not seen, is no leak. Numbers are taken in bins of the rows' ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cockpit.data.by_columns import height, parts
from cockpit.data.contract import features_of
from cockpit.data.watching import UNWATCHED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from cockpit.data.watching import Watch
    from cockpit.project.model import DataTable

    Codes = NDArray[np.int64]
    Numbers = NDArray[np.float64]

LIMIT = 0.99
"""From which a feature counts as a leak."""
ROWS = 200_000
"""Looked at, drawn with a fixed seed."""
FEWEST = 20
"""Rows tried of each of two labels, or of all: of fewer, chance alone would often make a leak."""
_BINS = 256
_BIN_ROWS = 20
"""Rows in a bin at least, of those learned from."""
_CLASSES = 50
"""A target of numbers with more values is predicted as a number."""


@dataclass(frozen=True, slots=True)
class Leak:
    """A feature that tells the target."""

    feature: str
    target: str
    measure: str
    """`AUC`, `mutual information` (as a share of the target's entropy) or `correlation` (with what it predicts)."""
    value: float

    @property
    def sentence(self) -> str:
        return (
            f"{self.feature} alone tells {self.target} ({self.measure} {self.value:.3f}): is it known before "
            f"the answer is? If not, add it to ignore"
        )


def leaks(
    frame: pl.LazyFrame,
    target: str,
    features: Sequence[str] | None = None,
    watch: Watch = UNWATCHED,
) -> tuple[Leak, ...]:
    """The features (default: all other columns) that alone predict the target almost without a mistake.

    A target of two values is judged by the AUC, of several by the mutual information of what was predicted
    and what is true, of many numbers by their correlation; from `LIMIT` on. The strongest first.
    """
    schema = frame.collect_schema()
    asked = schema if features is None else features
    names = [name for name in asked if name != target and name in schema and _can(schema[name])]
    rows = height(frame)
    rng = np.random.default_rng(0)
    drawn = pl.Series(rng.choice(rows, ROWS, replace=False)).sort() if rows > ROWS else None
    truth = _plain(_drawn(frame, [target], drawn).to_series())
    there = truth.is_not_null()
    judge = _Judge.of(truth.drop_nulls(), rng.random(int(there.sum())) < 0.5)
    if judge is None:
        return ()
    found = []
    done = 0
    for some in parts(names, rows):
        watch.at(done, len(names), f"does {some[0]} tell {target}?")
        for values in _drawn(frame, some, drawn).filter(there):
            watch.at(done, len(names), f"does {values.name} tell {target}?")
            done += 1
            score = judge.score(_codes(_plain(values)))
            if score is not None and score >= LIMIT:
                found.append(Leak(values.name, target, judge.measure, min(1.0, score)))
    return tuple(sorted(found, key=lambda leak: -leak.value))


def leaks_of(frame: pl.LazyFrame, table: DataTable, watch: Watch = UNWATCHED) -> tuple[Leak, ...]:
    """The leaks of a dataset as cockpit.toml describes it; none where it has no target."""
    columns = list(frame.collect_schema())
    if table.target is None or table.target not in columns:
        return ()
    return leaks(frame, table.target, features_of(table, columns), watch)


def _can(dtype: pl.DataType) -> bool:
    return not dtype.is_nested() and dtype not in (pl.Null, pl.Binary, pl.Object)


def _drawn(frame: pl.LazyFrame, names: Sequence[str], drawn: pl.Series | None) -> pl.DataFrame:
    columns = frame.select(names).collect(engine="streaming")
    return columns if drawn is None else columns[drawn]


def _plain(values: pl.Series) -> pl.Series:
    if values.dtype.is_temporal():
        return values.to_physical()
    return values.fill_nan(None) if values.dtype.is_float() else values


def _codes(values: pl.Series) -> Codes:
    """Each row's value as a number from 0; missing values are a value of their own."""
    if values.dtype.is_numeric():
        most = max(2, min(_BINS, len(values) // (2 * _BIN_ROWS)))
        if values.n_unique() > most:
            ranks = values.rank("average").to_numpy()
            bins = np.floor(ranks * most / (len(values) + 1))
            return np.where(np.isnan(bins), most, bins).astype(np.int64)
    return values.cast(pl.String).rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


@dataclass(frozen=True, slots=True)
class _Judge:
    """A target, and how well it is predicted."""

    measure: str
    truth: Numbers
    """Numbers, or the classes as numbers from 0."""
    classes: int
    """0 for numbers."""
    known: NDArray[np.bool_]
    """The rows to learn from."""

    @classmethod
    def of(cls, truth: pl.Series, known: NDArray[np.bool_]) -> _Judge | None:
        """None where there is nothing to predict."""
        values = truth.n_unique()
        if values < 2 or truth.dtype.is_nested():
            return None
        if truth.dtype.is_numeric() and values > _CLASSES:
            return cls("correlation", truth.cast(pl.Float64).to_numpy(), 0, known)
        codes = truth.cast(pl.String).rank("dense").cast(pl.Float64).to_numpy() - 1
        return cls("AUC" if values == 2 else "mutual information", codes, values, known)

    def score(self, codes: Codes) -> float | None:
        """None where there are too few rows to tell."""
        known, tried = codes[self.known], codes[~self.known]
        learned, truth = self.truth[self.known], self.truth[~self.known]
        if len(tried) < FEWEST:
            return None
        size = int(codes.max()) + 1
        if self.measure == "mutual information":
            table = np.zeros((size, self.classes))
            np.add.at(table, (known, learned.astype(np.int64)), 1)
            table[table.sum(axis=1) == 0] = table.sum(axis=0)
            return _information(table.argmax(axis=1)[tried], truth.astype(np.int64), self.classes)
        sums = np.bincount(known, learned, size)
        rows = np.bincount(known, minlength=size)
        mean = float(learned.mean())
        predicted = np.where(rows > 0, sums / np.maximum(rows, 1), mean)[tried]
        return _auc(predicted, truth) if self.measure == "AUC" else _correlation(predicted, truth)


def _auc(scores: Numbers, truth: Numbers) -> float | None:
    """How often a row of the second label has the higher score (ties half): Mann & Whitney (1947)."""
    positive = int(truth.sum())
    negative = len(truth) - positive
    if min(positive, negative) < FEWEST:
        return None
    ranks = pl.Series(scores).rank("average").to_numpy()
    above = float(ranks[truth > 0].sum()) - positive * (positive + 1) / 2
    return above / (positive * negative)


def _correlation(predicted: Numbers, truth: Numbers) -> float | None:
    if predicted.std() == 0 or truth.std() == 0 or not np.isfinite(truth).all():
        return None
    return float(np.corrcoef(predicted, truth)[0, 1])


def _information(predicted: Codes, truth: Codes, classes: int) -> float | None:
    """I(predicted; true) / H(true): Theil's uncertainty coefficient (1970)."""
    joint = np.zeros((classes, classes))
    np.add.at(joint, (predicted, truth), 1)
    joint /= len(truth)
    given, true = joint.sum(axis=1), joint.sum(axis=0)
    entropy = -float((true[true > 0] * np.log(true[true > 0])).sum())
    if entropy == 0:
        return None
    there = joint > 0
    independent = np.outer(given, true)
    return float((joint[there] * np.log(joint[there] / independent[there])).sum()) / entropy
