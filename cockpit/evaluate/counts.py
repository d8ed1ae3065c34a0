"""Metrics that are functions of how many rows of which class were said to be of which.

They take confusions (…, classes, classes), the right class down and the predicted one across, many at once;
NaN where there is no value. Of two classes told apart as 0 and 1 (`binary`), precision, recall and F1 are
those of 1; otherwise each is the plain mean over the classes for which it is defined (`macro`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from cockpit.evaluate.intervals import Interval, mean_of_proportions, wilson
from cockpit.evaluate.rows import NoValue, Rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.evaluate.answers import Array, Floats


class Counted(Protocol):
    """A metric as a function of confusions."""

    def __call__(self, cells: Array, binary: bool) -> Floats: ...


def accuracy(cells: Array, binary: bool) -> Floats:
    return _share(np.trace(cells, axis1=-2, axis2=-1), cells.sum((-2, -1)))


def recall(cells: Array, binary: bool) -> Floats:
    return _of_classes(_recalls(cells), binary)


def precision(cells: Array, binary: bool) -> Floats:
    return _of_classes(_share(_right(cells), cells.sum(-2)), binary)


def f1(cells: Array, binary: bool) -> Floats:
    return _of_classes(_f1s(cells), binary)


def balanced_accuracy(cells: Array, binary: bool) -> Floats:
    recalls = _recalls(cells)
    several = (~np.isnan(recalls)).sum(-1) > 1
    return np.where(several, _mean(recalls), np.nan)


# How the value moves with the share of the rows in each cell


def accuracy_pull(shares: Floats, binary: bool) -> Floats:
    return np.asarray(np.eye(len(shares)) - np.trace(shares))


def recall_pull(shares: Floats, binary: bool) -> Floats:
    of = shares.sum(1)
    per_share = _share(_weights(of > 0, binary), of)[:, None]
    return np.asarray(np.nan_to_num((np.eye(len(shares)) - _recalls(shares)[:, None]) * per_share))


def precision_pull(shares: Floats, binary: bool) -> Floats:
    return recall_pull(shares.T, binary).T


def f1_pull(shares: Floats, binary: bool) -> Floats:
    both = shares.sum(1) + shares.sum(0)
    weights = _weights(both > 0, binary)
    gain = np.nan_to_num(_share(2 * weights, both))
    cost = np.nan_to_num(_share(_f1s(shares) * weights, both))
    return np.diag(gain) - cost[:, None] - cost[None, :]


def balanced_accuracy_pull(shares: Floats, binary: bool) -> Floats:
    return recall_pull(shares, False)


# Intervals


def accuracy_interval(rows: Rows, z: float) -> Interval:
    return wilson(float(np.trace(rows.confusion)), len(rows), z)


def recall_interval(rows: Rows, z: float) -> Interval:
    return _proportions(rows, rows.confusion.sum(1), rows.task == "binary", z)


def precision_interval(rows: Rows, z: float) -> Interval:
    return _proportions(rows, rows.confusion.sum(0), rows.task == "binary", z)


def balanced_accuracy_interval(rows: Rows, z: float) -> Interval:
    return _proportions(rows, rows.confusion.sum(1), False, z)


def f1_interval(rows: Rows, z: float) -> Interval | None:
    """Of two classes: F1 = 2J / (1 + J), J the share of true positives among rows that are positive or said to be."""
    if rows.task != "binary":
        return None
    hits = float(rows.confusion[1, 1])
    low, high = wilson(hits, float(rows.confusion.sum() - rows.confusion[0, 0]), z)
    return 2 * low / (1 + low), 2 * high / (1 + high)


def value(function: Counted, rows: Rows, reason: str) -> float:
    """Of some rows; raises `NoValue` with this reason where it is not defined."""
    found = float(function(rows.confusion, rows.task == "binary"))
    if np.isnan(found):
        raise NoValue(reason)
    return found


def influence(pull: Callable[[Floats, bool], Floats], rows: Rows) -> Floats:
    """(rows,): how far each row pulls the value, by the derivative at each cell."""
    cells = pull(rows.confusion / len(rows), rows.task == "binary")
    return cells[rows.truth, rows.predicted]


def _proportions(rows: Rows, of: Array, binary: bool, z: float) -> Interval:
    hits = _right(rows.confusion)
    classes = [1] if binary else np.flatnonzero(of).tolist()
    return mean_of_proportions([(float(hits[c]), float(of[c])) for c in classes], z)


def _right(cells: Array) -> Array:
    return np.diagonal(cells, axis1=-2, axis2=-1)


def _recalls(cells: Array) -> Floats:
    return _share(_right(cells), cells.sum(-1))


def _f1s(cells: Array) -> Floats:
    return _share(2 * _right(cells), cells.sum(-1) + cells.sum(-2))


def _share(part: Array, of: Array) -> Floats:
    out = np.full(np.broadcast(part, of).shape, np.nan)
    np.divide(part, of, out=out, where=of > 0)
    return out


def _of_classes(values: Floats, binary: bool) -> Floats:
    return np.asarray(values[..., 1]) if binary else _mean(values)


def _mean(values: Floats) -> Floats:
    defined = ~np.isnan(values)
    return _share(np.where(defined, values, 0).sum(-1), defined.sum(-1))


def _weights(defined: Array, binary: bool) -> Floats:
    if binary:
        return np.array([0.0, 1.0])
    return np.asarray(defined / defined.sum())
