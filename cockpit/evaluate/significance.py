"""Whether one run is better than another on the same rows, or than chance: intervals, p-values, verdicts.

A difference has an interval and a p-value at once: by McNemar's exact test for accuracy (and recall of two
classes), DeLong's for AUC, and else a normal one by each row's pull on the difference. With `resamples` the
interval is a percentile bootstrap's, over rows that keep their pair: of the counts of the joint outcomes where
the metric is a function of those, of the rows themselves for the others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from cockpit.evaluate.intervals import normal_quantile
from cockpit.evaluate.metrics import ALIKE, Metric, find_metric, resampled, standard_error, why_not
from cockpit.evaluate.rows import NoValue, Rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cockpit.evaluate.answers import Answers, Array, Floats, Truths
    from cockpit.evaluate.counts import Counted

Method = Literal["mcnemar", "delong", "multinomial bootstrap", "paired bootstrap", "normal"]
Verdict = Literal["better", "worse", "equivalent", "unclear", "not judged"]
_Interval = tuple[float, float, float, Method]
"""From where, to where, the p-value, and how it was found."""
LEAST_ROWS = 10
"""Fewer say nothing by a normal interval, or by resampling them."""
_AT_ONCE = 4_000_000
"""Numbers held at once while resampling."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far one run is from another in a metric."""

    value: float | None
    """The first less the second, whichever way is better."""
    low: float | None
    high: float | None
    p: float | None
    """Two-sided, of there being no difference."""
    method: Method
    reason: str | None
    """Why there is no value, or no interval."""
    verdict: Verdict
    """Of the first: `better` or `worse` where the interval leaves out 0 and reaches beyond the margin,
    `equivalent` where all of it lies within the margin."""


def compare(
    metric: str,
    a: Answers,
    b: Answers,
    *,
    confidence: float = 0.95,
    margin: float | None = None,
    resamples: int = 0,
    seed: int = 0,
) -> Difference:
    """How much better or worse `a` is than `b` on the same rows, with an interval.

    `margin`: the difference that does not matter in practice. `resamples`: 0 for the interval that is there at
    once; the p-value of accuracy stays McNemar's. Raises `UnknownMetric`, and `ValueError` where the two are not
    answers to the same rows.
    """
    found = find_metric(metric)
    _check_rows(a, b)
    return _compared(found, a, b, Rows(a), Rows(b), confidence, margin, resamples, seed)


def compare_many(
    metric: str,
    a: Answers,
    b: Answers,
    masks: Truths,
    *,
    confidence: float = 0.95,
    margin: float | None = None,
) -> list[Difference]:
    """As `compare`, of several slices: `masks` is (slices, rows); rows are sorted once for all of them."""
    found = find_metric(metric)
    _check_rows(a, b)
    first, second = Rows(a), Rows(b)
    return [
        _compared(found, a, b, first.where(mask), second.where(mask), confidence, margin, 0, 0)
        for mask in masks
    ]


def _check_rows(a: Answers, b: Answers) -> None:
    if a.task != b.task or not np.array_equal(
        a.y_true, b.y_true, equal_nan=_floats(a) and _floats(b)
    ):
        raise ValueError("the two runs have not answered the same rows")


def _compared(
    found: Metric,
    a: Answers,
    b: Answers,
    first: Rows,
    second: Rows,
    confidence: float,
    margin: float | None,
    resamples: int,
    seed: int,
) -> Difference:
    method = _method(found, a)
    reason = why_not(found, a, len(first)) or why_not(found, b, len(second))
    if reason is not None:
        return Difference(None, None, None, None, method, reason, "not judged")
    with np.errstate(all="ignore"):
        try:
            value = found.value(first) - found.value(second)
            pair = _Pair(found, first, second, value)
            interval = pair.at_once(method, normal_quantile(confidence))
            if resamples and interval is not None and method != "delong":
                interval = pair.refined(interval, resamples, seed, confidence)
        except NoValue as no:
            return Difference(None, None, None, None, method, str(no), "not judged")
    if interval is None:
        return Difference(value, None, None, None, method, "too few rows to judge", "not judged")
    low, high, p, method = interval
    return Difference(value, low, high, p, method, None, judge(found.direction, low, high, margin))


def judge(
    direction: Literal["maximize", "minimize"], low: float, high: float, margin: float | None
) -> Verdict:
    """What the interval of a difference, the first less the second, says of the first."""
    if margin is not None and -margin <= low and high <= margin:
        return "equivalent"
    if low <= 0 <= high:
        return "unclear"
    return "better" if (low > 0) is (direction == "maximize") else "worse"


def benjamini_hochberg(p: Sequence[float | None], alpha: float = 0.05) -> list[bool]:
    """Which of several hypotheses are rejected so that a share `alpha` of the rejected, at most, is expected to be
    true. Those without a p-value do not count. Benjamini and Hochberg, J. R. Stat. Soc. B 57 (1995) 289.
    """
    order = sorted((value, place) for place, value in enumerate(p) if value is not None)
    rejected = max(
        (rank for rank, (value, _) in enumerate(order, 1) if value <= alpha * rank / len(order)),
        default=0,
    )
    best = {place for _, place in order[:rejected]}
    return [place in best for place in range(len(p))]


def over_seeds(
    values: Sequence[float], confidence: float = 0.95
) -> tuple[float | None, float | None, float | None]:
    """The mean of a config's values over seeds, and Student's t interval of it.

    No interval of one value; nothing at all where there is none, or one is NaN or infinite.
    """
    n = len(values)
    if n == 0 or not all(map(math.isfinite, values)):
        return None, None, None
    mean = math.fsum(values) / n
    if n == 1:
        return mean, None, None
    from scipy.special import stdtrit

    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    reach = float(stdtrit(n - 1, (1 + confidence) / 2)) * error
    return mean, mean - reach, mean + reach


def mcnemar(only_first: int, only_second: int) -> float:
    """The two-sided p-value of how many rows only one of two has right: exact, by the binomial of 1/2.

    McNemar, Psychometrika 12 (1947) 153; not the mid-p, so rather too large than too small.
    """
    from scipy.special import bdtr

    both = only_first + only_second
    return min(1.0, 2 * float(bdtr(min(only_first, only_second), both, 0.5)))


def matched_difference(
    only_first: int, only_second: int, rows: int, z: float
) -> tuple[float, float]:
    """The interval of the difference of two shares of the same rows, half a row added to each of the four cells.

    Agresti and Min, Statistics in Medicine 24 (2005) 729.
    """
    n, apart = rows + 2, only_first - only_second
    reach = z * math.sqrt(only_first + only_second + 1 - apart * apart / n) / n
    return max(-1.0, apart / n - reach), min(1.0, apart / n + reach)


class _Pair:
    """Two runs' answers to the same rows, with values for both."""

    def __init__(self, metric: Metric, first: Rows, second: Rows, value: float) -> None:
        self._metric, self._first, self._second, self._value = metric, first, second, value
        self._binary = first.task == "binary"

    def at_once(self, method: Method, z: float) -> _Interval | None:
        """None where the rows do not say how far off the difference may be."""
        if method == "mcnemar":
            of = self._first.truth == 1 if self._metric.name == "recall" else slice(None)
            truth = self._first.truth[of]
            right = self._first.predicted[of] == truth
            other = self._second.predicted[of] == truth
            only = int((right & ~other).sum()), int((other & ~right).sum())
            return *matched_difference(*only, len(truth), z), mcnemar(*only), method
        pull = self._metric.influence(self._first) - self._metric.influence(self._second)
        if len(pull) < LEAST_ROWS:
            return None
        if self._value == 0 and not pull.any():
            return 0.0, 0.0, 1.0, method
        error = standard_error(pull)
        if not ALIKE * abs(self._value) < error < math.inf:
            return None
        p = math.erfc(abs(self._value) / error / math.sqrt(2))
        return self._value - z * error, self._value + z * error, p, method

    def refined(
        self, interval: _Interval, resamples: int, seed: int, confidence: float
    ) -> _Interval:
        """By resampling; what was there where too many draws have no value, or all have the same."""
        rng = np.random.default_rng(seed)
        counted = self._metric.counted
        drawn = (
            np.concatenate(list(self._by_row(rng, resamples)))
            if counted is None
            else np.concatenate(list(self._by_outcome(counted, rng, resamples)))
        )
        drawn = drawn[~np.isnan(drawn)]
        if len(drawn) < resamples / 2 or drawn.min() == drawn.max():
            return interval
        low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
        beyond = min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0))
        p = min(1.0, 2 * (beyond + 1) / (len(drawn) + 1))
        if counted is None:
            return float(low), float(high), p, "paired bootstrap"
        p = interval[2] if interval[3] == "mcnemar" else p
        return float(low), float(high), p, "multinomial bootstrap"

    def _by_outcome(
        self, counted: Counted, rng: np.random.Generator, resamples: int
    ) -> Iterator[Floats]:
        """Draws of how many rows have which label and which two predictions."""
        size = len(self._first.confusion)
        outcome = (self._first.truth * size + self._first.predicted) * size + self._second.predicted
        cells, rows = np.unique(outcome, return_counts=True)
        truth, first, second = cells // size**2, cells // size % size, cells % size
        share, step = rows / len(outcome), max(1, _AT_ONCE // (len(cells) + size * size))
        for start in range(0, resamples, step):
            times = rng.multinomial(len(outcome), share, min(step, resamples - start))
            yield self._counted(counted, times, truth * size + first) - self._counted(
                counted, times, truth * size + second
            )

    def _counted(self, counted: Counted, times: Array, cells: Array) -> Floats:
        size = len(self._first.confusion)
        confusions = np.zeros((size * size, len(times)), dtype=np.int64)
        np.add.at(confusions, cells, times.T)
        return counted(confusions.T.reshape(-1, size, size), self._binary)

    def _by_row(self, rng: np.random.Generator, resamples: int) -> Iterator[Floats]:
        n = len(self._first)
        for _ in range(resamples):
            times = np.bincount(rng.integers(0, n, n), minlength=n)
            first = resampled(self._metric, self._first, times)
            yield np.array([first - resampled(self._metric, self._second, times)])


def _method(metric: Metric, answers: Answers) -> Method:
    if metric.name == "accuracy" or (metric.name == "recall" and answers.task == "binary"):
        return "mcnemar"
    return "delong" if metric.name == "auc" else "normal"


def _floats(answers: Answers) -> bool:
    return answers.y_true.dtype.kind == "f"
