"""The built-in metrics: what each is, of all rows or of slices, with an interval, or why there is no value.

An interval is Wilson's for the proportions accuracy, recall and precision (for balanced accuracy and means
over classes put together of Wilson's by MOVER; for F1 Wilson's of the share it is a function of), DeLong's
for AUC, the logit one for average precision, and else normal, by each row's pull on the value (for a mean:
the standard error of the mean). With `resamples` it is the percentile bootstrap's, over rows.
"""

from __future__ import annotations

import difflib
import math
import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from cockpit.evaluate import counts, means, ranks
from cockpit.evaluate.answers import Answers, Array, Floats, Task, Truths
from cockpit.evaluate.intervals import Interval, normal_quantile
from cockpit.evaluate.rows import NoValue, Rows
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

__all__ = [
    "METRICS",
    "Answers",
    "Figure",
    "Loss",
    "Metric",
    "Task",
    "UnknownMetric",
    "default_metrics",
    "find_metric",
    "losses",
    "measure",
    "measure_many",
]

Loss = Literal["error", "log_loss", "squared", "misplaced"]


class UnknownMetric(UserError):
    """There is no built-in metric of that name."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric's value for some rows, or why it has none."""

    value: float | None
    reason: str | None
    """Why there is no value, in six words at most."""
    n: int
    """Rows."""
    low: float | None = None
    """Where the interval begins; None where none was asked for, or none can be given."""
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Metric:
    """A built-in metric."""

    name: str
    direction: Literal["maximize", "minimize"]
    tasks: tuple[Task, ...]
    needs: Literal["y_pred", "y_score"]
    source: str
    """The formula, and where it is from."""
    span: Interval
    """The least and the greatest value there can be."""
    value: Callable[[Rows], float]
    """Raises `NoValue`."""
    influence: Callable[[Rows], Floats]
    """(rows,): how far each row pulls the value; their squares' sum over rows squared is its variance."""
    interval: Callable[[Rows, float], Interval | None] | None = None
    """Given how many standard errors it is to reach; None: the normal one."""
    counted: counts.Counted | None = None
    """The metric as a function of a confusion, where it is one."""
    drawn: Callable[[Rows, Floats], Floats] | None = None
    """Its values where rows count so often, (draws, rows), where that takes no ranking of them."""


_CLASSES: tuple[Task, ...] = ("binary", "multiclass")
_RANKS: tuple[Task, ...] = (*_CLASSES, "ranking")
_SHARE, _POSITIVE = (0.0, 1.0), (0.0, math.inf)


def _counted(
    function: counts.Counted,
    pull: Callable[[Floats, bool], Floats],
    interval: Callable[[Rows, float], Interval | None],
    reason: str,
    source: str,
) -> Metric:
    return Metric(
        name=getattr(function, "__name__", ""),
        direction="maximize",
        tasks=_CLASSES,
        needs="y_pred",
        source=source,
        span=_SHARE,
        value=partial(counts.value, function, reason=reason),
        influence=partial(counts.influence, pull),
        interval=interval,
        counted=function,
    )


def _mean_loss(
    name: str,
    loss: Callable[[Answers], Floats],
    source: str,
    tasks: tuple[Task, ...] = ("regression",),
    value: Callable[[Rows], float] | None = None,
) -> Metric:
    return Metric(
        name=name,
        direction="minimize",
        tasks=tasks,
        needs="y_pred" if "regression" in tasks else "y_score",
        source=source,
        span=_POSITIVE,
        value=value or partial(means.mean, loss),
        influence=partial(means.mean_influence, loss),
        drawn=partial(means.drawn_mean, loss),
    )


_MEAN_OF_CLASSES = "; with several classes the mean over those for which it is defined (macro)"
_ALL = (
    _counted(
        counts.accuracy, counts.accuracy_pull, counts.accuracy_interval, "no rows",
        "The share of rows predicted right. Sokolova and Lapalme, Inf. Process. Manag. 45 (2009) 427.",
    ),
    _counted(
        counts.balanced_accuracy, counts.balanced_accuracy_pull, counts.balanced_accuracy_interval,
        "one class only",
        "The mean over the classes that occur of the share of their rows predicted right. Brodersen, Ong, "
        "Stephan and Buhmann, ICPR 2010.",
    ),
    _counted(
        counts.precision, counts.precision_pull, counts.precision_interval,
        "nothing predicted positive",
        f"TP / (TP + FP){_MEAN_OF_CLASSES}. Sokolova and Lapalme 2009.",
    ),
    _counted(
        counts.recall, counts.recall_pull, counts.recall_interval, "no positive rows",
        f"TP / (TP + FN){_MEAN_OF_CLASSES}. Sokolova and Lapalme 2009.",
    ),
    _counted(
        counts.f1, counts.f1_pull, counts.f1_interval, "no positives, true or predicted",
        f"2 TP / (2 TP + FP + FN){_MEAN_OF_CLASSES}. Van Rijsbergen, Information Retrieval, 1979.",
    ),
    Metric(
        "auc", "maximize", _RANKS, "y_score",
        "The share of pairs of a positive and a negative row in which the positive one has the higher score, a "
        "tie counting half (Mann-Whitney). Hanley and McNeil, Radiology 143 (1982) 29. With several classes the "
        "plain mean over each that occurs against the rest (macro, one-vs-rest). Ranking: positive is relevant.",
        _SHARE, ranks.auc, ranks.auc_influence, ranks.auc_interval,
    ),
    Metric(
        "average_precision", "maximize", _RANKS, "y_score",
        "The sum over scores, from the highest down, of the precision there times the recall gained; no "
        "interpolation. Manning, Raghavan and Schütze, Introduction to Information Retrieval, 2008, 8.4. With "
        "several classes the plain mean over each that occurs against the rest.",
        _SHARE, ranks.average_precision, ranks.average_precision_influence,
        ranks.average_precision_interval,
    ),
    _mean_loss(
        "log_loss", means.log_loss,
        "The mean of -ln of the probability of what came true, which counts as 2.2e-16 where it is less. Bishop, "
        "Pattern Recognition and Machine Learning, 2006, 4.90 and 4.108.",
        _CLASSES,
    ),
    _mean_loss(
        "brier", means.brier,
        "The mean squared distance of the probability of 1 from 0 or 1; with several classes summed over the "
        "classes (0 to 2). Brier, Monthly Weather Review 78 (1950) 1.",
        _CLASSES,
    ),
    Metric(
        "ece", "minimize", _CLASSES, "y_score",
        f"The expected calibration error: over {means.BINS} equal bins of the probability, closed above, the mean "
        "by rows of |share that came true - mean probability|. Of two classes by the probability of 1 (Naeini, "
        "Cooper and Hauskrecht, AAAI 2015), of more by that of the likeliest (Guo, Pleiss, Sun and Weinberger, "
        "ICML 2017). Chance alone makes it greater than 0 where there are few rows.",
        _SHARE, means.ece, means.ece_influence, drawn=means.drawn_ece,
    ),
    _mean_loss("mae", means.absolute, "The mean of |y - p|. Willmott and Matsuura, Clim. Res. 30 (2005) 79."),
    Metric(
        "rmse", "minimize", ("regression",), "y_pred",
        "The root of the mean of (y - p)². Willmott and Matsuura 2005.",
        _POSITIVE, means.rmse, means.rmse_influence, drawn=means.drawn_rmse,
    ),
    Metric(
        "r2", "maximize", ("regression",), "y_pred",
        "1 - sum (y - p)² / sum (y - mean y)², the mean that of the rows looked at. Draper and Smith, Applied "
        "Regression Analysis, 1998, 1.3.",
        (-math.inf, 1.0), means.r2, means.r2_influence, drawn=means.drawn_r2,
    ),
    _mean_loss(
        "mape", means.relative,
        "The mean of |y - p| / |y|; none where a y is 0. Hyndman and Koehler, Int. J. Forecast. 22 (2006) 679.",
        value=means.mape,
    ),
    _mean_loss(
        "pinball", means.pinball(0.5),
        "The mean of max(q (y - p), (q - 1)(y - p)) for the quantile q: 0.5, or as in `pinball@0.9`. Koenker and "
        "Bassett, Econometrica 46 (1978) 33.",
    ),
)  # fmt: skip
METRICS: Mapping[str, Metric] = {metric.name: metric for metric in _ALL}
"""By name."""
_DEFAULTS: Mapping[Task, tuple[str, ...]] = {
    "binary": ("auc", "log_loss", "accuracy", "precision", "recall", "f1"),
    "multiclass": ("accuracy", "balanced_accuracy", "f1", "log_loss"),
    "regression": ("rmse", "mae", "r2"),
    "ranking": ("auc", "average_precision"),
}
_LOSSES: Mapping[str, Callable[[Answers], Floats]] = {
    "error": means.zero_one,
    "log_loss": means.log_loss,
    "squared": means.squared,
}
_MISSING = {"y_pred": "no predictions", "y_score": "no scores"}
ALIKE = 1e-9
"""A spread that is less, for its value, is one of rounding."""
_QUANTILE = re.compile(r"pinball@(0?\.\d+)")


def default_metrics(task: Task) -> tuple[str, ...]:
    """The names of those shown where nobody has chosen, the first of them the one that counts."""
    return _DEFAULTS[task]


def find_metric(name: str) -> Metric:
    """The built-in metric of a name, `pinball@0.9` among them; raises `UnknownMetric`."""
    if name in METRICS:
        return METRICS[name]
    if (given := _QUANTILE.fullmatch(name)) and 0 < float(given[1]) < 1:
        return _mean_loss(name, means.pinball(float(given[1])), METRICS["pinball"].source)
    near = difflib.get_close_matches(name, METRICS, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(METRICS)}"
    raise UnknownMetric(f"there is no built-in metric {name!r}; {hint}")


def measure(
    metric: str,
    answers: Answers,
    confidence: float | None = None,
    *,
    resamples: int = 0,
    seed: int = 0,
) -> Figure:
    """The value of a metric, with an interval where a confidence (0.95) is given; raises `UnknownMetric`."""
    with np.errstate(all="ignore"):
        return _figure(find_metric(metric), answers, Rows(answers), confidence, resamples, seed)


def measure_many(
    metrics: Sequence[str], answers: Answers, masks: Truths, confidence: float | None = None
) -> list[list[Figure]]:
    """The same of several slices: a list a mask, a figure a metric; rows are sorted once for all of them.

    `masks`: (slices, rows). Raises `UnknownMetric`.
    """
    found, whole = [find_metric(name) for name in metrics], Rows(answers)
    figures = []
    with np.errstate(all="ignore"):
        for mask in masks:
            rows = whole.where(mask)
            figures.append([_figure(metric, answers, rows, confidence) for metric in found])
    return figures


def losses(answers: Answers, kind: Loss | None = None) -> Floats:
    """(rows,): how badly each row is answered, for sorting rows and finding slices; NaN where nobody can say.

    `error`: 1 where the class is wrong; `log_loss`: -ln of the probability of what came true; `squared`: the
    error squared; `misplaced`: the share of rows of the other kind it is on the wrong side of. By default: the
    log loss where there are scores, else the error; squared for regression, misplaced for ranking. Raises
    `NoValue` where what it needs is not there.
    """
    kind = kind or _usual_loss(answers)
    needs = "y_pred" if kind in ("error", "squared") else "y_score"
    if getattr(answers, needs) is None:
        raise NoValue(_MISSING[needs])
    with np.errstate(all="ignore"):
        if kind == "misplaced":
            return ranks.misplaced(Rows(answers))
        return _LOSSES[kind](answers)


def _usual_loss(answers: Answers) -> Loss:
    if answers.task == "regression":
        return "squared"
    if answers.task == "ranking":
        return "misplaced"
    return "error" if answers.y_score is None else "log_loss"


def why_not(metric: Metric, answers: Answers, rows: int) -> str | None:
    """Why there can be no value before anything is computed."""
    if answers.task not in metric.tasks:
        return f"not defined for {answers.task}"
    if getattr(answers, metric.needs) is None:
        return _MISSING[metric.needs]
    return None if rows else "no rows"


def standard_error(influence: Floats) -> float:
    """Of a value, by its rows' influence."""
    squares = np.square(influence).sum()  # not a dot product: BLAS wakes threads for it
    return math.sqrt(float(squares)) / len(influence)


def resampled(metric: Metric, rows: Rows, times: Array) -> float:
    """The metric's value where each row counts `times` (rows,); NaN where it has none."""
    try:
        return metric.value(rows.where(times))
    except NoValue:
        return math.nan


def on_draws(metric: Metric, rows: Rows, times: Floats) -> Floats:
    """(draws,): the metric's values where rows count `times` (draws, rows); NaN where it has none."""
    if metric.drawn is not None:
        return metric.drawn(rows, times)
    return np.array([resampled(metric, rows, each) for each in times.astype(np.intp)])


def _figure(
    metric: Metric,
    answers: Answers,
    rows: Rows,
    confidence: float | None,
    resamples: int = 0,
    seed: int = 0,
) -> Figure:
    n = len(rows)
    reason = why_not(metric, answers, n)
    if reason is not None:
        return Figure(None, reason, n)
    try:
        value = metric.value(rows)
        if confidence is None:
            return Figure(value, None, n)
        bounds = (
            _bootstrap(metric, rows, confidence, resamples, seed)
            if resamples
            else _interval(metric, rows, value, normal_quantile(confidence))
        )
    except NoValue as no:
        return Figure(None, str(no), n)
    low, high = bounds or (None, None)
    return Figure(value, None, n, low, high)


def _interval(metric: Metric, rows: Rows, value: float, z: float) -> Interval | None:
    found = metric.interval(rows, z) if metric.interval else None
    if found is None:
        reach = z * standard_error(metric.influence(rows))
        if (
            not ALIKE * abs(value) < reach < math.inf
        ):  # all rows alike: nothing says how far off the value may be
            return None
        found = value - reach, value + reach
    return max(metric.span[0], found[0]), min(metric.span[1], found[1])


def _bootstrap(
    metric: Metric, rows: Rows, confidence: float, resamples: int, seed: int
) -> Interval | None:
    rng, n = np.random.default_rng(seed), len(rows)
    drawn = (np.bincount(rng.integers(0, n, n), minlength=n) for _ in range(resamples))
    values = np.array([resampled(metric, rows, times) for times in drawn])
    values = values[~np.isnan(values)]
    if len(values) < resamples / 2 or values.min() == values.max():
        return None
    low, high = np.quantile(values, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
