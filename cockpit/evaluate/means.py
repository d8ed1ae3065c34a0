"""Metrics made of what each row adds: mean losses, and functions of them.

Numbers that overflow or are missing come out as infinite or NaN, without a warning where the caller has
silenced numpy's, and are refused at the end.
"""

from __future__ import annotations

import math
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from cockpit.evaluate.rows import NoValue, Rows, scores_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.evaluate.answers import Answers, Array, Floats

BINS = 15
"""Of the calibration error, as in Guo et al. 2017."""
LEAST = float(np.finfo(np.float64).eps)
"""A probability of 0 for what came true counts as this one in the log loss."""


# Losses by row, NaN where there is none


def zero_one(answers: Answers) -> Floats:
    assert answers.y_pred is not None
    wrong = (answers.y_pred != answers.y_true).astype(np.float64)
    return np.where(_missing(answers.y_true) | _missing(answers.y_pred), np.nan, wrong)


def log_loss(answers: Answers) -> Floats:
    return np.asarray(-np.log(np.maximum(_probability_of_truth(answers), LEAST)))


def brier(answers: Answers) -> Floats:
    truth = _probability_of_truth(answers)
    if answers.task == "binary":
        return (1 - truth) ** 2
    return np.asarray((scores_of(answers) ** 2).sum(1) - 2 * truth + 1)


def absolute(answers: Answers) -> Floats:
    return np.abs(_residual(answers))


def squared(answers: Answers) -> Floats:
    return np.asarray(_residual(answers) ** 2)


def relative(answers: Answers) -> Floats:
    return np.asarray(np.abs(_residual(answers)) / np.abs(answers.y_true))


@cache
def pinball(quantile: float) -> Callable[[Answers], Floats]:
    """The loss of predictions that are to lie above a share `quantile` of what comes true."""
    return partial(_pinball, quantile)


def _pinball(quantile: float, answers: Answers) -> Floats:
    residual = _residual(answers)
    return np.maximum(quantile * residual, (quantile - 1) * residual)


def gap(answers: Answers) -> Floats:
    """How much more often it came true than its probability says: summed by bin, what is not calibrated."""
    sure, came_true = _confidence(answers)
    return came_true - sure


def bin_of(answers: Answers) -> Array:
    """The bin, of `BINS` equal ones closed above, that a row's probability lies in."""
    sure, _ = _confidence(answers)
    return np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], sure, side="left")


# Metrics


def mean(loss: Callable[[Answers], Floats], rows: Rows) -> float:
    values = rows.each(loss)
    found = float(values.mean())
    return _finite(found, rows)


def mean_influence(loss: Callable[[Answers], Floats], rows: Rows) -> Floats:
    values = rows.each(loss)
    return np.asarray((values - values.mean()) * _small_sample(rows))


def mape(rows: Rows) -> float:
    if (rows.each(_truth) == 0).any():
        raise NoValue("a true value is 0")
    return mean(relative, rows)


def rmse(rows: Rows) -> float:
    return math.sqrt(mean(squared, rows))


def rmse_influence(rows: Rows) -> Floats:
    value = rmse(rows)
    return mean_influence(squared, rows) / (2 * value) if value else np.full(len(rows), np.nan)


def r2(rows: Rows) -> float:
    error, truth = mean(squared, rows), rows.each(_truth)
    if len(truth) < 2:
        raise NoValue("one row only")
    if truth.min() == truth.max():
        raise NoValue("all true values are alike")
    return _finite(1 - error / float(truth.var()), rows)


def r2_influence(rows: Rows) -> Floats:
    truth, errors = rows.each(_truth), rows.each(squared)
    spread, around = float(truth.var()), (truth - truth.mean()) ** 2
    pull = errors.mean() * (around - spread) / spread**2 - (errors - errors.mean()) / spread
    return np.asarray(pull * _small_sample(rows))


def ece(rows: Rows) -> float:
    return _finite(float(np.abs(_gaps(rows)).sum()) / len(rows), rows)


def ece_influence(rows: Rows) -> Floats:
    """The derivative at each row, the bins taken as they are."""
    pull = np.sign(_gaps(rows))[rows.each(bin_of)] * rows.each(gap)
    return np.asarray((pull - pull.mean()) * _small_sample(rows))


# The same where rows count so often: (draws, rows) in, (draws,) out


def drawn_mean(loss: Callable[[Answers], Floats], rows: Rows, times: Floats) -> Floats:
    return np.asarray(times @ rows.each(loss) / len(rows))


def drawn_rmse(rows: Rows, times: Floats) -> Floats:
    return np.sqrt(drawn_mean(squared, rows, times))


def drawn_r2(rows: Rows, times: Floats) -> Floats:
    truth = rows.each(_truth)
    apart = truth - truth.mean()
    spread = times @ apart**2 / len(rows) - (times @ apart / len(rows)) ** 2
    return np.where(
        spread > LEAST * truth.var(), 1 - drawn_mean(squared, rows, times) / spread, np.nan
    )


def drawn_ece(rows: Rows, times: Floats) -> Floats:
    gaps = np.zeros((len(rows), BINS))
    gaps[np.arange(len(rows)), rows.each(bin_of)] = rows.each(gap)
    return np.asarray(np.abs(times @ gaps).sum(1) / len(rows))


def _gaps(rows: Rows) -> Floats:
    return np.bincount(rows.each(bin_of), rows.each(gap), minlength=BINS).astype(np.float64)


def _finite(value: float, rows: Rows) -> float:
    if not math.isfinite(value):
        raise NoValue(_why(rows))
    return value


def _why(rows: Rows) -> str:
    if rows.task == "regression":
        truth, predicted = rows.each(_truth), rows.each(_predicted)
        for values, name in ((truth, "true value"), (predicted, "prediction")):
            if np.isnan(values).any():
                return f"a {name} is missing"
            if np.isinf(values).any():
                return f"a {name} is infinite"
        return "too large to be computed"
    _ = rows.truth
    if np.isnan(rows.each(scores_of)).any():
        return "a score is missing"
    return "the scores are no probabilities"


def _small_sample(rows: Rows) -> float:
    return math.sqrt(len(rows) / (len(rows) - 1)) if len(rows) > 1 else math.nan


def _probability_of_truth(answers: Answers) -> Floats:
    """NaN where the label or the scores of a row are not what they should be."""
    truth, scores, usable = _usable(answers)
    known = np.where(usable, truth, 0).astype(np.intp)
    if answers.task == "binary":
        found = np.where(known == 1, scores, 1 - scores)
    else:
        found = np.take_along_axis(scores, known[:, None], axis=1)[:, 0]
    return np.where(usable, found, np.nan)


def _confidence(answers: Answers) -> tuple[Floats, Floats]:
    """How probable the class looked at is (of two: 1; of more: the likeliest), and whether it came true."""
    truth, scores, usable = _usable(answers)
    if answers.task == "binary":
        sure, came_true = scores, truth == 1
    else:
        sure, came_true = scores.max(1), truth == scores.argmax(1)
    return np.where(usable, sure, np.nan), came_true.astype(np.float64)


def _usable(answers: Answers) -> tuple[Array, Floats, Array]:
    scores, truth = scores_of(answers), answers.y_true
    usable = (truth >= 0) & (truth < (2 if scores.ndim == 1 else scores.shape[1]))
    fit = (scores >= 0) & (scores <= 1)
    if scores.ndim == 2:
        fit = fit.all(1) & (np.abs(scores.sum(1) - 1) <= 1e-4)
    return truth, scores, usable & fit & (truth == np.floor(truth))


def _residual(answers: Answers) -> Floats:
    return np.asarray(_truth(answers) - _predicted(answers))


def _truth(answers: Answers) -> Floats:
    return answers.y_true.astype(np.float64, copy=False)


def _predicted(answers: Answers) -> Floats:
    assert answers.y_pred is not None
    return answers.y_pred.astype(np.float64, copy=False)


def _missing(values: Array) -> Array:
    return np.isnan(values) if values.dtype.kind == "f" else np.zeros(len(values), dtype=np.bool_)
