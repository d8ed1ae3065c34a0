"""Whether a difference is one: intervals that hold what they promise, p-values, verdicts."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy import stats

from cockpit.evaluate.answers import Answers
from cockpit.evaluate.metrics import METRICS, measure
from cockpit.evaluate.significance import (
    Verdict,
    benjamini_hochberg,
    compare,
    compare_many,
    judge,
    matched_difference,
    mcnemar,
    over_seeds,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

Pair = tuple[Answers, Answers]


def binary(rng: np.random.Generator, n: int, better: float = 0.0) -> Pair:
    """Two that err on the same rows for a good part; the first reads the labels more by `better`."""
    truth = (rng.random(n) < 0.4).astype(np.int64)
    shared = rng.normal(size=n)
    made = []
    for strength in (1 + better, 1.0):
        raw = shared + 0.6 * rng.normal(size=n) + strength * (2 * truth - 1)
        score = 1 / (1 + np.exp(-raw))
        made.append(Answers("binary", truth, (score > 0.5).astype(np.int64), score))
    return made[0], made[1]


def multiclass(rng: np.random.Generator, n: int) -> Pair:
    truth = rng.integers(0, 3, n)
    made = []
    for strength in (1.3, 1.0):
        raw = rng.normal(size=(n, 3))
        raw[np.arange(n), truth] += strength
        score = np.exp(raw) / np.exp(raw).sum(1, keepdims=True)
        made.append(Answers("multiclass", truth, score.argmax(1), score, ("a", "b", "c")))
    return made[0], made[1]


def regression(rng: np.random.Generator, n: int) -> Pair:
    truth = rng.uniform(5, 9, n)
    shared = rng.normal(size=n)
    first, second = (truth + shared + spread * rng.normal(size=n) for spread in (0.8, 1.0))
    return Answers("regression", truth, first), Answers("regression", truth, second)


def names(task: Any) -> list[str]:
    return [metric.name for metric in METRICS.values() if task in metric.tasks]


# The interval at once and the refined one agree, and are about the plain difference

MADE = {"binary": binary, "multiclass": multiclass, "regression": regression}


@pytest.mark.parametrize(
    ("task", "name"), [(task, name) for task in MADE for name in names(task) if name != "ece"]
)
def test_the_interval_at_once_is_that_of_the_bootstrap(task: str, name: str) -> None:
    first, second = MADE[task](np.random.default_rng(3), 900)
    plain = [measure(name, answers).value for answers in (first, second)]
    assert plain[0] is not None
    assert plain[1] is not None
    soon = compare(name, first, second)
    refined = compare(name, first, second, resamples=1_500, seed=4)
    assert soon.value == refined.value == pytest.approx(plain[0] - plain[1])
    for found in (soon, refined):
        assert found.low is not None
        assert found.high is not None
        assert found.low < plain[0] - plain[1] < found.high
    widths = [(found.high or 0) - (found.low or 0) for found in (soon, refined)]
    assert widths[0] / widths[1] == pytest.approx(1, abs=0.08)
    assert refined.method == {
        "accuracy": "multinomial bootstrap",
        "balanced_accuracy": "multinomial bootstrap",
        "precision": "multinomial bootstrap",
        "recall": "multinomial bootstrap",
        "f1": "multinomial bootstrap",
        "auc": "delong",
    }.get(name, "paired bootstrap")


def test_the_difference_in_calibration_is_refined_too() -> None:
    first, second = binary(np.random.default_rng(3), 900)
    assert second.y_score is not None
    worse = replace(second, y_score=second.y_score**4)
    soon, refined = compare("ece", first, worse), compare("ece", first, worse, resamples=500)
    assert soon.verdict == refined.verdict == "better"
    assert soon.high == pytest.approx(refined.high, abs=0.02)


def test_the_same_seed_gives_the_same_interval() -> None:
    pair = binary(np.random.default_rng(3), 400)
    one, again, other = (compare("f1", *pair, resamples=300, seed=seed) for seed in (1, 1, 2))
    assert one == again
    assert one != other


@pytest.mark.parametrize(("name", "resamples"), [
    ("accuracy", 0), ("recall", 0), ("precision", 0), ("f1", 0), ("auc", 0), ("log_loss", 0),
    ("average_precision", 0), ("accuracy", 400), ("f1", 400),
])  # fmt: skip
def test_of_a_hundred_intervals_ninety_five_hold_the_truth(name: str, resamples: int) -> None:
    rng, draws = np.random.default_rng(17), 400
    values = [
        [measure(name, answers).value or 0 for answers in binary(rng, 200_000, better=0.3)]
        for _ in range(2)
    ]
    truth = float(np.mean([first - second for first, second in values]))
    held = 0
    for _ in range(draws):
        found = compare(name, *binary(rng, 250, better=0.3), resamples=resamples)
        assert found.low is not None
        assert found.high is not None
        held += found.low <= truth <= found.high
    assert 0.92 <= held / draws <= 0.98


@pytest.mark.parametrize("name", ["accuracy", "auc", "log_loss"])
def test_no_difference_is_found_where_there_is_none_in_more_than_one_of_twenty(name: str) -> None:
    rng, draws = np.random.default_rng(23), 400
    found = [compare(name, *binary(rng, 250)) for _ in range(draws)]
    by_p = sum(one.p is not None and one.p < 0.05 for one in found)
    by_verdict = sum(one.verdict in ("better", "worse") for one in found)
    assert by_p / draws <= 0.075
    assert by_verdict / draws <= 0.075


# Against what others compute


def test_mcnemar_is_scipys_exact_binomial_test() -> None:
    for only_first, only_second in [(0, 0), (0, 1), (3, 9), (9, 3), (5, 5), (200, 260)]:
        both = only_first + only_second
        theirs = stats.binomtest(only_first, both).pvalue if both else 1.0
        assert mcnemar(only_first, only_second) == pytest.approx(theirs, rel=1e-9)


def test_accuracy_and_recall_are_judged_by_the_rows_only_one_has_right() -> None:
    truth = np.array([1] * 20 + [0] * 20)
    first, second = truth.copy(), truth.copy()
    first[[0, 20, 21]] ^= 1
    second[[1, 2, 3, 4, 5, 6, 22]] ^= 1
    a, b = Answers("binary", truth, first), Answers("binary", truth, second)
    accuracy, recall = compare("accuracy", a, b), compare("recall", a, b)
    assert accuracy.p == pytest.approx(stats.binomtest(7, 10).pvalue)
    assert recall.p == pytest.approx(stats.binomtest(6, 7).pvalue)
    assert (accuracy.low, accuracy.high) == pytest.approx(
        matched_difference(7, 3, 40, 1.959964), rel=1e-6
    )
    assert (recall.low, recall.high) == pytest.approx(
        matched_difference(6, 1, 20, 1.959964), rel=1e-6
    )
    refined = compare("accuracy", a, b, resamples=200)
    assert (refined.p, refined.method) == (accuracy.p, "multinomial bootstrap")


def test_the_paired_variance_of_auc_is_delongs_by_all_pairs() -> None:
    rng = np.random.default_rng(9)
    first, second = binary(rng, 60)
    assert first.y_score is not None
    first = replace(first, y_score=first.y_score.round(1))
    positive = first.y_true == 1
    parts = []
    for answers in (first, second):
        assert answers.y_score is not None
        high, low = answers.y_score[positive][:, None], answers.y_score[~positive][None, :]
        wins = (high > low) + 0.5 * (high == low)
        parts.append((wins.mean(1), wins.mean(0)))
    error = math.sqrt(sum((a - b).var(ddof=1) / len(a) for a, b in zip(*parts, strict=True)))
    found = compare("auc", first, second)
    assert found.low is not None
    assert found.high is not None
    assert (found.high - found.low) / 2 == pytest.approx(1.959964 * error, rel=1e-6)
    assert found.method == "delong"


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_benjamini_hochberg_rejects_what_scipys_adjusted_values_reject(alpha: float) -> None:
    rng = np.random.default_rng(2)
    for n, power in itertools.product((1, 2, 7, 60), (1, 4)):
        p = (rng.random(n) ** power).tolist()
        theirs = (stats.false_discovery_control(p) <= alpha).tolist()
        assert benjamini_hochberg(p, alpha) == theirs


def test_benjamini_hochberg_leaves_out_what_has_no_p_value() -> None:
    assert benjamini_hochberg([None, 0.04, None, 0.9], 0.1) == [False, True, False, False]
    assert benjamini_hochberg([], 0.1) == []


@pytest.mark.parametrize("values", [[1.0, 2.0], [0.91, 0.93, 0.9, 0.95, 0.92]])
def test_over_seeds_is_students_t_interval(values: Sequence[float]) -> None:
    mean, low, high = over_seeds(values, 0.9)
    theirs = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert mean == pytest.approx(np.mean(values))
    assert (low, high) == pytest.approx((theirs.low, theirs.high))


def test_over_seeds_of_one_value_none_or_a_missing_one() -> None:
    assert over_seeds([0.5]) == (0.5, None, None)
    assert over_seeds([]) == (None, None, None)
    assert over_seeds([0.5, math.nan]) == (None, None, None)


# Verdicts


@pytest.mark.parametrize(
    ("low", "high", "margin", "verdict"),
    [
        (0.01, 0.03, None, "better"),
        (-0.03, -0.01, None, "worse"),
        (-0.01, 0.03, None, "unclear"),
        (0.0, 0.03, None, "unclear"),
        (0.001, 0.004, 0.005, "equivalent"),
        (-0.004, 0.004, 0.005, "equivalent"),
        (0.001, 0.009, 0.005, "better"),
        (-0.004, 0.009, 0.005, "unclear"),
    ],
)
def test_verdicts(low: float, high: float, margin: float | None, verdict: Verdict) -> None:
    turned: dict[Verdict, Verdict] = {"better": "worse", "worse": "better"}
    assert judge("maximize", low, high, margin) == verdict
    assert judge("minimize", low, high, margin) == turned.get(verdict, verdict)


def test_a_lower_loss_is_better_and_so_is_a_higher_auc() -> None:
    pair = binary(np.random.default_rng(1), 4_000, better=0.5)
    loss, auc = compare("log_loss", *pair), compare("auc", *pair)
    assert loss.value is not None
    assert loss.value < 0
    assert auc.value is not None
    assert auc.value > 0
    assert loss.verdict == auc.verdict == "better"
    assert compare("auc", *pair, margin=0.5).verdict == "equivalent"
    back = compare("log_loss", pair[1], pair[0])
    assert (back.verdict, back.value) == ("worse", -loss.value)


def test_the_same_answers_are_never_better() -> None:
    one, _ = binary(np.random.default_rng(1), 200)
    for name, resamples in itertools.product(names("binary"), (0, 50)):
        found = compare(name, one, one, resamples=resamples)
        assert (found.value, found.p, found.verdict) == (0, 1, "unclear")
        assert compare(name, one, one, margin=0.05, resamples=resamples).verdict == "equivalent"


@pytest.mark.parametrize(
    ("name", "rows"), [("auc", 8), ("auc", 30), ("log_loss", 8), ("log_loss", 30), ("precision", 8)]
)
def test_too_few_rows_to_judge_or_all_alike(name: str, rows: int) -> None:
    truth = np.arange(rows) % 2
    a = Answers("binary", truth, truth, np.where(truth, 0.9, 0.1))
    b = Answers("binary", truth, np.ones(rows), np.where(truth, 0.1, 0.9))
    found = compare(name, a, b)
    assert found.value is not None
    assert (found.low, found.p, found.verdict) == (None, None, "not judged")
    assert found.reason == "too few rows to judge"


def test_one_row_says_next_to_nothing() -> None:
    a = Answers("binary", np.array([1]), np.array([1]))
    b = Answers("binary", np.array([1]), np.array([0]))
    found = compare("accuracy", a, b)
    assert (found.value, found.p, found.verdict) == (1, 1, "unclear")


def test_no_difference_where_one_has_no_value() -> None:
    one, other = binary(np.random.default_rng(1), 50)
    found = compare("auc", one, replace(other, y_score=None))
    assert (found.value, found.reason, found.verdict) == (None, "no scores", "not judged")
    ones = one.where(one.y_true == 1)
    assert compare("auc", ones, ones).reason == "one class only"


@pytest.mark.parametrize("task", MADE)
def test_slices_compared_together_are_as_compared_alone(task: str) -> None:
    rng = np.random.default_rng(6)
    first, second = MADE[task](rng, 400)
    masks = rng.random((4, 400)) < np.array([[0.0], [0.02], [0.5], [1.0]])
    for name in names(task):
        together = compare_many(name, first, second, masks, margin=0.01)
        for mask, found in zip(masks, together, strict=True):
            alone = compare(name, first.where(mask), second.where(mask), margin=0.01)
            assert (found.verdict, found.reason, found.method) == (
                alone.verdict,
                alone.reason,
                alone.method,
            )
            for part in ("value", "low", "high", "p"):
                assert getattr(found, part) == pytest.approx(getattr(alone, part), abs=1e-9)


def test_answers_to_other_rows_are_not_compared() -> None:
    one, other = binary(np.random.default_rng(1), 50)
    with pytest.raises(ValueError, match="same rows"):
        compare("auc", one, other.where(np.arange(50) < 49))
