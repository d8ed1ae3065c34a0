"""Whether one run is better than another on the same rows, or than chance: intervals, p-values, verdicts.

A difference has an interval and a p-value at once: by McNemar's exact test for accuracy (and recall of two
classes), DeLong's for AUC, and else a normal one by each row's pull on the difference, whose error is estimated by
the same rows (Student's t). With `resamples` the interval is a percentile bootstrap's, over rows that keep their
pair: of the counts of the joint outcomes where the metric is a function of those, of the rows themselves for the
others.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from cockpit.evaluate.intervals import normal_quantile, student_quantile, student_tail
from cockpit.evaluate.metrics import ALIKE, Metric, find_metric, on_draws, standard_error, why_not
from cockpit.evaluate.resampling import bootstrap, go_on, percentile, seed_of
from cockpit.evaluate.rows import NoValue, Rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from cockpit.evaluate.answers import Answers, Array, Floats, Truths
    from cockpit.evaluate.counts import Counted

Method = Literal["mcnemar", "delong", "multinomial bootstrap", "paired bootstrap", "normal"]
Verdict = Literal["better", "worse", "equivalent", "unclear", "not judged"]
Direction = Literal["maximize", "minimize"]
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
    seed: int | None = None,
) -> Difference:
    """How much better or worse `a` is than `b` on the same rows, with an interval.

    `margin`: the difference that does not matter in practice. `resamples`: 0 for the interval that is there at
    once; the p-value of accuracy stays McNemar's. `seed` of the draws: without, by what is right.
    Raises `UnknownMetric`, and `ValueError` where the two are not answers to the same rows.
    """
    found = find_metric(metric)
    _check_rows(a, b)
    soon = _compared(found, a, b, Rows(a), Rows(b), confidence, margin)
    if not resamples:
        return soon
    refined = refine(
        metric,
        {"": a},
        b,
        {"": soon},
        confidence=confidence,
        margin=margin,
        resamples=resamples,
        seed=seed,
    )
    return refined[""]


def refine(
    metric: str,
    runs: Mapping[str, Answers],
    base: Answers,
    soon: Mapping[str, Difference],
    *,
    confidence: float,
    margin: float | None,
    resamples: int,
    seed: int | None = None,
    told: Callable[[int], None] = go_on,
) -> dict[str, Difference]:
    """The differences of runs from a base, which were there `soon`, by resampling the rows; AUC keeps DeLong's.

    What was there stays where too many draws have no value, or all of them the same. All runs share the draws.
    `told` hears of draws as `resampling.bootstrap` tells of them.
    """
    found = find_metric(metric)
    wanted = [run for run in runs if soon[run].low is not None and soon[run].method != "delong"]
    if not wanted:
        return dict(soon)
    first, of = Rows(base), len(base.y_true)
    pairs = {run: (Rows(runs[run]), first) for run in wanted}
    seed = seed_of(base.y_true) if seed is None else seed
    drawn: dict[str, Floats]
    if found.counted is not None:
        drawn = {}
        for run, pair in pairs.items():
            rng = np.random.default_rng(seed)
            drawn[run] = np.concatenate(list(_by_outcome(found.counted, *pair, rng, resamples)))
            told(resamples)
    else:
        each = [partial(on_draws, found, rows) for rows in (first, *(a for a, _ in pairs.values()))]
        worth, *others = bootstrap(each, len(first), resamples, seed, told)
        drawn = {run: values - worth for run, values in zip(pairs, others, strict=True)}
    method: Method = "paired bootstrap" if found.counted is None else "multinomial bootstrap"
    refined = dict(soon)
    with np.errstate(all="ignore"):
        for run, values in drawn.items():
            refined[run] = _by_draws(
                soon[run], values, of, found.direction, confidence, margin, method
            )
    return refined


def _by_draws(
    soon: Difference,
    drawn: Floats,
    rows: int,
    direction: Direction,
    confidence: float,
    margin: float | None,
    method: Method,
) -> Difference:
    ends = percentile(drawn, confidence, rows, soon.p)
    if ends is None:
        return soon
    low, high, p = ends
    p = soon.p if soon.method == "mcnemar" and soon.p is not None else p
    return Difference(soon.value, low, high, p, method, None, judge(direction, low, high, margin))


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
        _compared(found, a, b, first.where(mask), second.where(mask), confidence, margin)
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
) -> Difference:
    method = _method(found, a)
    reason = why_not(found, a, len(first)) or why_not(found, b, len(second))
    if reason is not None:
        return Difference(None, None, None, None, method, reason, "not judged")
    with np.errstate(all="ignore"):
        try:
            value = found.value(first) - found.value(second)
            pair = _Pair(found, first, second, value)
            interval = pair.at_once(method, confidence)
        except NoValue as no:
            return Difference(None, None, None, None, method, str(no), "not judged")
    if interval is None:
        return Difference(value, None, None, None, method, "too few rows to judge", "not judged")
    low, high, p, method = interval
    return Difference(value, low, high, p, method, None, judge(found.direction, low, high, margin))


def judge(direction: Direction, low: float, high: float, margin: float | None) -> Verdict:
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
    error = math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (n - 1) / n)
    reach = float(student_quantile(confidence, n - 1)) * error
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

    def at_once(self, method: Method, confidence: float) -> _Interval | None:
        """None where the rows do not say how far off the difference may be."""
        if method == "mcnemar":
            of = self._first.truth == 1 if self._metric.name == "recall" else slice(None)
            truth = self._first.truth[of]
            right = self._first.predicted[of] == truth
            other = self._second.predicted[of] == truth
            only = int((right & ~other).sum()), int((other & ~right).sum())
            ends = matched_difference(*only, len(truth), normal_quantile(confidence))
            return *ends, mcnemar(*only), method
        pull = self._metric.influence(self._first) - self._metric.influence(self._second)
        if len(pull) < LEAST_ROWS:
            return None
        if self._value == 0 and not pull.any():
            return 0.0, 0.0, 1.0, method
        error = standard_error(pull)
        if not ALIKE * abs(self._value) < error < math.inf:
            return None
        if method == "normal":
            reach = float(student_quantile(confidence, len(pull) - 1)) * error
            p = float(student_tail(self._value / error, len(pull) - 1))
        else:
            reach = normal_quantile(confidence) * error
            p = math.erfc(abs(self._value) / error / math.sqrt(2))
        return self._value - reach, self._value + reach, p, method


def _by_outcome(
    counted: Counted, first: Rows, second: Rows, rng: np.random.Generator, resamples: int
) -> Iterator[Floats]:
    """Draws of how many rows have which label and which two predictions."""
    size, binary = len(first.confusion), first.task == "binary"
    outcome = (first.truth * size + first.predicted) * size + second.predicted
    cells, rows = np.unique(outcome, return_counts=True)
    truth, one, other = cells // size**2, cells // size % size, cells % size
    share, step = rows / len(outcome), max(1, _AT_ONCE // (len(cells) + size * size))
    for start in range(0, resamples, step):
        times = rng.multinomial(len(outcome), share, min(step, resamples - start))
        worth = [
            _counted(counted, times, truth * size + said, size, binary) for said in (one, other)
        ]
        yield worth[0] - worth[1]


def _counted(counted: Counted, times: Array, cells: Array, size: int, binary: bool) -> Floats:
    confusions = np.zeros((size * size, len(times)), dtype=np.int64)
    np.add.at(confusions, cells, times.T)
    return counted(confusions.T.reshape(-1, size, size), binary)


def _method(metric: Metric, answers: Answers) -> Method:
    if metric.name == "accuracy" or (metric.name == "recall" and answers.task == "binary"):
        return "mcnemar"
    return "delong" if metric.name == "auc" else "normal"


def _floats(answers: Answers) -> bool:
    return answers.y_true.dtype.kind == "f"
