"""The built-in metrics: what scikit-learn says, and a reason wherever there is no right number."""

from __future__ import annotations

import math
from dataclasses import replace
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import calibration
from sklearn import metrics as sk

from cockpit.evaluate.answers import Answers
from cockpit.evaluate.metrics import (
    METRICS,
    UnknownMetric,
    default_metrics,
    find_metric,
    losses,
    measure,
    measure_many,
)
from cockpit.evaluate.rows import NoValue
from tests.unit.made_answers import binary, multiclass, regression

if TYPE_CHECKING:
    from collections.abc import Callable


def exactly(value: float | None) -> Any:
    return pytest.approx(value, rel=1e-9, abs=1e-9)


BINARY: dict[str, Callable[[Any, Any, Any], float]] = {
    "accuracy": lambda y, p, s: sk.accuracy_score(y, p),
    "balanced_accuracy": lambda y, p, s: sk.balanced_accuracy_score(y, p),
    "precision": lambda y, p, s: sk.precision_score(y, p, zero_division=np.nan),
    "recall": lambda y, p, s: sk.recall_score(y, p),
    "f1": lambda y, p, s: sk.f1_score(y, p),
    "auc": lambda y, p, s: sk.roc_auc_score(y, s),
    "average_precision": lambda y, p, s: sk.average_precision_score(y, s),
    "log_loss": lambda y, p, s: sk.log_loss(y, s),
    "brier": lambda y, p, s: sk.brier_score_loss(y, s),
}
MULTICLASS: dict[str, Callable[[Any, Any, Any], float]] = {
    "accuracy": lambda y, p, s: sk.accuracy_score(y, p),
    "balanced_accuracy": lambda y, p, s: sk.balanced_accuracy_score(y, p),
    "precision": lambda y, p, s: sk.precision_score(y, p, average="macro", zero_division=np.nan),
    "recall": lambda y, p, s: sk.recall_score(y, p, average="macro", zero_division=np.nan),
    "f1": lambda y, p, s: sk.f1_score(y, p, average="macro", zero_division=np.nan),
    "auc": lambda y, p, s: sk.roc_auc_score(y, s, multi_class="ovr"),
    "average_precision": lambda y, p, s: sk.average_precision_score(y, s),
    "log_loss": lambda y, p, s: sk.log_loss(y, s),
    "brier": lambda y, p, s: sk.brier_score_loss(y, s),
}
REGRESSION: dict[str, Callable[[Any, Any], float]] = {
    "mae": sk.mean_absolute_error,
    "rmse": sk.root_mean_squared_error,
    "r2": sk.r2_score,
    "mape": sk.mean_absolute_percentage_error,
    "pinball": sk.mean_pinball_loss,
    "pinball@0.9": lambda y, p: sk.mean_pinball_loss(y, p, alpha=0.9),
}
TWO_CLASSES = {
    "random": binary(1, 3_000),
    "tied": binary(2, 3_000, digits=1),
    "all scores alike but one": binary(3, 200, digits=0),
    "imbalanced": binary(4, 3_000, share=0.003),
    "ten rows": binary(5, 10),
    "two rows": binary(6, 2),
}
SEVERAL_CLASSES = {
    "random": multiclass(1, 3_000),
    "tied": multiclass(2, 3_000, digits=0),
    "six, small": multiclass(3, 40, classes=6),
    "three": multiclass(4, 100, classes=3),
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("data", TWO_CLASSES)
def test_two_classes_as_scikit_learn_has_them(name: str, data: str) -> None:
    answers = TWO_CLASSES[data]
    theirs = BINARY[name](answers.y_true, answers.y_pred, answers.y_score)
    ours = measure(name, answers)
    if math.isnan(theirs):
        assert (ours.value, ours.reason) == (None, "nothing predicted positive")
    else:
        assert ours.value == exactly(theirs)


@pytest.mark.parametrize("name", MULTICLASS)
@pytest.mark.parametrize("data", SEVERAL_CLASSES)
def test_several_classes_as_scikit_learn_has_them(name: str, data: str) -> None:
    answers = SEVERAL_CLASSES[data]
    assert answers.y_score is not None
    theirs = MULTICLASS[name](answers.y_true, answers.y_pred, answers.y_score)
    assert measure(name, answers).value == exactly(theirs)


@pytest.mark.parametrize("name", REGRESSION)
@pytest.mark.parametrize("n", [2, 15, 3_000])
def test_regression_as_scikit_learn_has_it(name: str, n: int) -> None:
    answers = regression(n, n)
    theirs = REGRESSION[name](answers.y_true, answers.y_pred)
    assert measure(name, answers).value == exactly(theirs)


@pytest.mark.parametrize("data", TWO_CLASSES)
def test_calibration_error_is_that_of_scikit_learns_curve_weighed_by_rows(data: str) -> None:
    y, s = TWO_CLASSES[data].y_true, TWO_CLASSES[data].y_score
    assert s is not None
    true, said = calibration.calibration_curve(y, s, n_bins=15)
    rows = np.bincount(np.searchsorted(np.linspace(0, 1, 16)[1:-1], s), minlength=15)
    theirs = (np.abs(true - said) * rows[rows > 0]).sum() / len(y)
    assert measure("ece", TWO_CLASSES[data]).value == exactly(theirs)


def test_calibration_error_of_several_classes_looks_at_the_likeliest() -> None:
    answers = SEVERAL_CLASSES["random"]
    assert answers.y_score is not None
    sure, right = answers.y_score.max(1), answers.y_score.argmax(1) == answers.y_true
    off = 0.0
    for low, high in zip(np.linspace(0, 1, 16)[:-1], np.linspace(0, 1, 16)[1:], strict=True):
        inside = (sure > low) & (sure <= high)
        if inside.any():
            off += abs(right[inside].mean() - sure[inside].mean()) * inside.mean()
    assert measure("ece", answers).value == exactly(off)


def test_ranking_takes_what_is_relevant_at_all_for_positive() -> None:
    rng = np.random.default_rng(0)
    grades, score = rng.integers(0, 4, 300), rng.random(300).round(2)
    answers = Answers("ranking", grades, y_score=score)
    assert measure("auc", answers).value == pytest.approx(sk.roc_auc_score(grades > 0, score))
    assert measure("average_precision", answers).value == pytest.approx(
        sk.average_precision_score(grades > 0, score)
    )


@pytest.mark.parametrize(
    "answers",
    [TWO_CLASSES["tied"], SEVERAL_CLASSES["tied"], regression(0, 500)],
    ids=lambda a: a.task,
)
def test_slices_measured_together_are_as_measured_alone(answers: Answers) -> None:
    rng = np.random.default_rng(0)
    masks = rng.random((6, len(answers))) < np.array([[0.0], [0.003], [0.05], [0.5], [0.9], [1.0]])
    names = [m.name for m in METRICS.values() if answers.task in m.tasks]
    together = measure_many(names, answers, masks, 0.95)
    for mask, figures in zip(masks, together, strict=True):
        for name, figure in zip(names, figures, strict=True):
            alone = measure(name, answers.where(mask), 0.95)
            assert (figure.n, figure.reason) == (alone.n, alone.reason)
            for part in ("value", "low", "high"):
                assert getattr(figure, part) == exactly(getattr(alone, part)), name


# No value, and why


def change(answers: Answers, field: str, at: int, value: float) -> Answers:
    array = getattr(answers, field).astype(np.float64)
    array[at] = value
    return replace(answers, **{field: array})


TWO = TWO_CLASSES["random"]
ONES = TWO.where(TWO.y_true == 1)
ZEROS = TWO.where(TWO.y_true == 0)
NUMBERS = regression(1, 50)
ZERO_TRUE = change(NUMBERS, "y_true", 3, 0)
NOTHING = TWO.where(np.zeros(len(TWO), dtype=np.bool_))
SEVERAL = SEVERAL_CLASSES["random"]
assert SEVERAL.y_score is not None
NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("name", "answers", "reason"),
    [
        *((name, NOTHING, "no rows") for name in BINARY),
        ("auc", ONES, "one class only"),
        ("auc", ZEROS, "one class only"),
        ("average_precision", ZEROS, "one class only"),
        ("balanced_accuracy", ONES, "one class only"),
        ("recall", ZEROS, "no positive rows"),
        ("precision", replace(TWO, y_pred=np.zeros(len(TWO))), "nothing predicted positive"),
        ("f1", replace(ZEROS, y_pred=np.zeros(len(ZEROS))), "no positives, true or predicted"),
        ("auc", replace(TWO, y_score=None), "no scores"),
        ("accuracy", replace(TWO, y_pred=None), "no predictions"),
        ("rmse", TWO, "not defined for binary"),
        ("auc", NUMBERS, "not defined for regression"),
        *((name, change(TWO, "y_score", 7, NAN), "a score is missing") for name in list(BINARY)[5:]),
        ("ece", change(TWO, "y_score", 7, NAN), "a score is missing"),
        *(
            (name, change(TWO, "y_score", 7, value), "the scores are no probabilities")
            for name in ("log_loss", "brier", "ece")
            for value in (1.5, -0.1, INF)
        ),
        *((name, change(TWO, "y_true", 7, NAN), "a label is missing") for name in BINARY),
        *((name, change(TWO, "y_true", 7, 2), "a label is unknown") for name in BINARY),
        *((name, change(TWO, "y_true", 7, 0.5), "a label is unknown") for name in BINARY),
        ("accuracy", change(TWO, "y_pred", 7, NAN), "a prediction is missing"),
        ("accuracy", change(TWO, "y_pred", 7, -1), "a prediction is unknown"),
        ("accuracy", change(TWO, "y_pred", 7, INF), "a prediction is unknown"),
        *((name, change(NUMBERS, "y_true", 7, NAN), "a true value is missing") for name in REGRESSION),
        *((name, change(NUMBERS, "y_pred", 7, NAN), "a prediction is missing") for name in REGRESSION),
        *((name, change(NUMBERS, "y_pred", 7, INF), "a prediction is infinite") for name in REGRESSION),
        ("rmse", change(NUMBERS, "y_pred", 7, 1e300), "too large to be computed"),
        ("mape", ZERO_TRUE, "a true value is 0"),
        ("r2", NUMBERS.where(np.arange(50) == 0), "one row only"),
        ("r2", replace(NUMBERS, y_true=np.full(50, 0.1)), "all true values are alike"),
        ("log_loss", replace(SEVERAL, y_score=SEVERAL.y_score * 1.01), "the scores are no probabilities"),
        ("auc", SEVERAL.where(SEVERAL.y_true == 2), "one class only"),
        ("auc", Answers("ranking", np.zeros(3), y_score=np.arange(3.0)), "none is relevant, or all are"),
    ],
)  # fmt: skip
def test_no_value_and_why(name: str, answers: Answers, reason: str) -> None:
    figure = measure(name, answers, 0.95)
    assert (figure.value, figure.low, figure.high) == (None, None, None)
    assert figure.reason == reason
    assert len(reason.split()) <= 6


def test_a_row_without_a_score_spoils_only_the_slices_it_is_in() -> None:
    answers = change(TWO, "y_score", 7, NAN)
    masks = np.ones((2, len(answers)), dtype=np.bool_)
    masks[1, 7] = False
    (spoiled, *_), fine = measure_many(["auc", "log_loss", "average_precision"], answers, masks)
    assert spoiled.reason == "a score is missing"
    assert [f.value for f in fine] == [
        pytest.approx(measure(name, TWO.where(masks[1])).value)
        for name in ("auc", "log_loss", "average_precision")
    ]


def test_one_row_has_a_value_and_no_interval_that_claims_to_know_more() -> None:
    one = TWO.where(np.arange(len(TWO)) == 3)
    right = measure("accuracy", one, 0.95)
    assert right.n == 1
    assert right.value in (0.0, 1.0)
    assert right.high is not None
    assert right.low is not None
    assert right.high - right.low > 0.7
    loss = measure("log_loss", one, 0.95)
    assert loss.value is not None
    assert (loss.low, loss.high) == (None, None)


def test_classes_that_do_not_occur_are_left_out_of_a_mean_over_classes() -> None:
    some = SEVERAL.where(SEVERAL.y_true < 2)
    assert some.y_score is not None
    each = [sk.roc_auc_score(some.y_true == kind, some.y_score[:, kind]) for kind in (0, 1)]
    assert measure("auc", some).value == exactly(np.mean(each))
    assert some.y_pred is not None
    recalls = [(some.y_pred[some.y_true == kind] == kind).mean() for kind in (0, 1)]
    assert measure("recall", some).value == exactly(np.mean(recalls))
    assert measure("balanced_accuracy", some).value == exactly(np.mean(recalls))


def test_infinite_scores_can_be_ranked() -> None:
    answers = Answers("binary", np.array([0, 1, 0, 1]), y_score=np.array([-INF, INF, 0.0, INF]))
    assert measure("auc", answers).value == 1.0
    assert measure("average_precision", answers).value == 1.0


def test_a_probability_of_nothing_for_what_came_true_costs_much_and_not_everything() -> None:
    answers = Answers("binary", np.array([0, 1]), y_score=np.array([1.0, 1.0]))
    assert measure("log_loss", answers).value == pytest.approx(
        sk.log_loss([0, 1], [1.0, 1.0], labels=[0, 1])
    )


def test_boolean_labels_and_small_integers_count_as_numbers() -> None:
    assert TWO.y_pred is not None
    same = replace(TWO, y_true=TWO.y_true == 1, y_pred=TWO.y_pred.astype(np.int8))
    for name in BINARY:
        assert measure(name, same) == measure(name, TWO)


@pytest.mark.parametrize(
    ("field", "array"),
    [("y_pred", np.zeros(3)), ("y_score", np.zeros((4, 2))), ("y_score", np.zeros(5))],
)
def test_answers_of_another_shape_are_refused(field: str, array: np.ndarray[Any, Any]) -> None:
    with pytest.raises(ValueError, match=f"{field} has the shape"):
        Answers("binary", np.zeros(4), **{"y_pred": None, "y_score": None, field: array})  # type: ignore[arg-type]


# Intervals


@pytest.mark.parametrize("name", BINARY)
def test_the_interval_of_two_classes_agrees_with_the_bootstraps(name: str) -> None:
    _agrees(name, binary(11, 1_500), 0.07)


def test_the_interval_of_a_plain_lack_of_calibration_agrees_with_the_bootstraps() -> None:
    answers = binary(11, 1_500)
    assert answers.y_score is not None
    _agrees("ece", replace(answers, y_score=answers.y_score**3), 0.07)


@pytest.mark.parametrize("name", MULTICLASS)
def test_the_interval_of_several_classes_agrees_with_the_bootstraps(name: str) -> None:
    _agrees(name, multiclass(12, 1_200, classes=3), 0.07)


@pytest.mark.parametrize("name", REGRESSION)
def test_the_interval_of_numbers_agrees_with_the_bootstraps(name: str) -> None:
    _agrees(name, regression(13, 800), 0.09)


def _agrees(name: str, answers: Answers, tolerance: float) -> None:
    ours = measure(name, answers, 0.95)
    drawn = measure(name, answers, 0.95, resamples=1_500, seed=1)
    assert ours.low is not None
    assert ours.high is not None
    assert drawn.low is not None
    assert drawn.high is not None
    assert ours.value is not None
    assert ours.low < ours.value < ours.high
    assert (ours.high - ours.low) / (drawn.high - drawn.low) == pytest.approx(1, abs=tolerance)


def test_the_intervals_hold_what_they_promise() -> None:
    rng, draws = np.random.default_rng(5), 400
    truth = np.repeat([0, 1], [80, 40])
    so = {
        "accuracy": 0.8,
        "recall": 0.7,
        "balanced_accuracy": 0.775,
        "auc": NormalDist().cdf(0.5**0.5),
    }
    held = dict.fromkeys(so, 0)
    for _ in range(draws):
        hit = rng.random(120) < np.where(truth == 1, 0.7, 0.85)
        score = rng.normal(size=120) + truth
        answers = Answers("binary", truth, np.where(hit, truth, 1 - truth), score)
        for name, value in so.items():
            figure = measure(name, answers, 0.95)
            assert figure.low is not None
            assert figure.high is not None
            held[name] += figure.low <= value <= figure.high
    assert all(0.92 <= count / draws <= 0.98 for count in held.values()), held


# Names and losses


def test_an_unknown_metric_is_answered_with_a_near_one() -> None:
    with pytest.raises(UnknownMetric, match="did you mean accuracy"):
        measure("acuracy", TWO)
    with pytest.raises(UnknownMetric, match="there are: accuracy, balanced"):
        find_metric("win rate")


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "ranking"])
def test_the_default_metrics_are_defined_for_their_task(task: Any) -> None:
    assert all(task in METRICS[name].tasks for name in default_metrics(task))


def test_losses_by_row() -> None:
    assert losses(TWO).mean() == pytest.approx(measure("log_loss", TWO).value)
    assert losses(replace(TWO, y_score=None)).mean() == pytest.approx(
        1 - sk.accuracy_score(TWO.y_true, TWO.y_pred)
    )
    assert losses(NUMBERS).mean() == pytest.approx(
        sk.mean_squared_error(NUMBERS.y_true, NUMBERS.y_pred)
    )
    ranking = Answers("ranking", TWO.y_true, y_score=TWO.y_score)
    assert losses(ranking)[TWO.y_true == 1].mean() == pytest.approx(
        1 - sk.roc_auc_score(TWO.y_true, TWO.y_score)
    )
    assert np.isnan(losses(change(TWO, "y_score", 7, NAN))).nonzero()[0].tolist() == [7]
    with pytest.raises(NoValue, match="no scores"):
        losses(replace(TWO, y_score=None), "log_loss")
