"""Metrics of how well scores put rows in order. With several classes: the mean over each against the rest."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from cockpit.evaluate.intervals import Interval, logit

if TYPE_CHECKING:
    from cockpit.evaluate.answers import Floats, Ints
    from cockpit.evaluate.rows import Ranked, Rows


def auc(rows: Rows) -> float:
    return _mean([float(one.beaten[one.positive].mean()) for one in rows.problems()])


def auc_influence(rows: Rows) -> Floats:
    """Each row's part by DeLong, DeLong and Clarke-Pearson, Biometrics 44 (1988) 837, by ranks as in Sun and Xu,
    IEEE Signal Processing Letters 21 (2014) 1389: the sum of their squares over rows squared is the variance.
    """
    parts = [rows.in_order(one, _delong(one)) for one in rows.problems()]
    return np.asarray(sum(parts) / len(parts))


def auc_interval(rows: Rows, z: float) -> Interval | None:
    """Of one ranking, DeLong's; for which the order of the rows does not matter."""
    one, *more = rows.problems()
    if more:
        return None
    parts = one.beaten[one.positive], one.beaten[~one.positive]
    if min(map(len, parts)) < 2:
        return None
    reach = z * math.sqrt(sum(float(part.var(ddof=1)) / len(part) for part in parts))
    value = float(parts[0].mean())
    return (value - reach, value + reach) if reach > 0 else None


def misplaced(rows: Rows) -> Floats:
    """(rows,): the share of the rows of the other kind that a row is on the wrong side of; a tie is half one."""
    parts = [rows.in_order(one, 1 - one.beaten) for one in rows.problems()]
    return np.asarray(sum(parts) / len(parts))


def average_precision(rows: Rows) -> float:
    return _mean([_average_precision(one) for one in rows.problems()])


def average_precision_influence(rows: Rows) -> Floats:
    """The derivative at each row (the infinitesimal jackknife)."""
    parts = [rows.in_order(one, _pull_on_precision(one)) for one in rows.problems()]
    return np.asarray(sum(parts) / len(parts))


def average_precision_interval(rows: Rows, z: float) -> Interval | None:
    """Of two classes, the logit interval of Boyd, Eng and Page, ECML PKDD 2013, section 3.2."""
    problems, value = list(rows.problems()), average_precision(rows)
    if rows.task == "multiclass" or not 0 < value < 1:
        return None
    positives = np.count_nonzero(problems[0].positive)
    return logit(value, 1 / math.sqrt(positives * value * (1 - value)), z)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _delong(one: Ranked) -> Floats:
    beaten, positive = one.beaten, one.positive
    n, positives = len(positive), np.count_nonzero(positive)
    value = beaten[positive].mean()
    of = np.where(positive, positives, n - positives)
    if min(positives, n - positives) < 2:
        return np.full(n, np.nan)
    return np.asarray((beaten - value) * n / np.sqrt(of * (of - 1.0)))


def _average_precision(one: Ranked) -> float:
    hits, reached, _ = _from_the_top(one)
    return float((-np.diff(hits, append=0) * hits / reached).sum() / hits[0])


def _from_the_top(one: Ranked) -> tuple[Floats, Floats, Ints]:
    """By group of equal scores: positives, and rows, with such a score or a higher one; the sizes."""
    ends = one.ends
    sizes = np.diff(ends, prepend=-1)
    begins = ends - sizes + 1
    positives = np.cumsum(one.positive)
    before = np.where(begins > 0, positives[begins - 1], 0)
    return (
        (positives[-1] - before).astype(np.float64),
        (len(positives) - begins).astype(np.float64),
        sizes,
    )


def _pull_on_precision(one: Ranked) -> Floats:
    hits, reached, sizes = _from_the_top(one)
    n, positives = len(one.positive), hits[0]
    own = -np.diff(hits, append=0)
    value = (own * hits / reached).sum() / positives
    gained = hits / reached + np.cumsum(own / reached) - value
    lost = np.cumsum(own * hits / reached**2)
    pull = n / positives * (one.positive * np.repeat(gained, sizes) - np.repeat(lost, sizes))
    return np.asarray(pull - pull.mean())
