"""Whether a KPI differs: intervals that hold what they promise, by either way, or a reason where there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from cockpit.evaluate.answered import with_answers
from cockpit.evaluate.answers import Answers
from cockpit.evaluate.handed import Handed, Sums
from cockpit.evaluate.kpi_values import hand_over, kpi_values
from cockpit.evaluate.kpis import NEEDS_DRAWS, compare_kpi, compare_pulls, pull_of, refine_kpi
from cockpit.evaluate.significance import Difference, compare
from cockpit.project.model import Kpi
from storage.frames import Frames

PROFIT = "sum(case when y_pred and y_true then 120 when y_pred then -15 else 0 end)"
PER_CALL = "sum(spent) filter (where y_pred = 1) / count(*) filter (where y_pred = 1)"
EXPRESSIONS = (
    PROFIT,
    PER_CALL,
    "avg(y_score) filter (where age < 40)",
    "stddev(y_score)",
    "stddev_pop(y_score) * avg(spent)",
    "sum(y_pred) - 2 * count_if(y_pred and y_true)",
    "count(y_pred) - avg(case when y_pred then spent end)",
    "median(y_score)",
    "quantile(spent, 0.9) + sum(y_pred)",
    "round(sum(y_pred) / 10)",
)
Pair = tuple[pl.DataFrame, Answers, Answers]


def pair(rows: int, better: float = 0.3, seed: int = 3) -> Pair:
    """Two runs that err on the same rows for a good part; the first reads the labels more by `better`."""
    rng = np.random.default_rng(seed)
    truth = (rng.random(rows) < 0.4).astype(np.int64)
    shared, made = rng.normal(size=rows), []
    for strength in (1 + better, 1.0):
        raw = shared + 0.6 * rng.normal(size=rows) + strength * (2 * truth - 1)
        score = 1 / (1 + np.exp(-raw))
        made.append(Answers("binary", truth, (score > 0.5).astype(np.int64), score))
    spent = rng.exponential(3, rows) + truth
    frame = pl.DataFrame({"age": rng.integers(18, 80, rows), "spent": spent})
    return frame, made[0], made[1]


def kpi(expression: str) -> Kpi:
    return Kpi(expression=expression)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_a_kpi_made_of_its_rows_is_what_the_sandbox_says_of_them(expression: str) -> None:
    frame, answers, _ = pair(300)
    whole = with_answers(frame, answers).with_columns(
        spent=pl.when(pl.col("age") < 25).then(None).otherwise("spent")
    )
    times = np.random.default_rng(1).poisson(1, (4, whole.height))
    times[3] = 1
    with Frames(whole) as frames:
        handed = Handed(expression, frames.taken_apart(expression))
        aggregates = handed.on(np.arange(whole.height), times.astype(np.float64))
        columns = {str(place): column for place, column in enumerate(aggregates.T)}
        found = frames.put_together(expression, pl.DataFrame(columns).fill_nan(None))
        (plain,) = frames.aggregates([expression])
    assert found[3] == pytest.approx(plain[0], rel=1e-12)
    for line, counts in zip(found, times, strict=True):
        with Frames(whole[np.repeat(np.arange(whole.height), counts)]) as frames:
            assert line == pytest.approx(frames.aggregates([expression])[0][0], rel=1e-9)


@pytest.mark.parametrize("expression", EXPRESSIONS[:7])
def test_the_interval_at_once_is_that_of_the_bootstrap(expression: str) -> None:
    frame, first, second = pair(900)
    soon = compare_kpi(kpi(expression), frame, first, second)
    refined = compare_kpi(kpi(expression), frame, first, second, resamples=2_000)
    assert (soon.method, refined.method) == ("normal", "paired bootstrap")
    assert soon.value == refined.value
    widths = []
    for found in (soon, refined):
        assert found.low is not None
        assert found.high is not None
        assert found.low < (found.value or 0.0) < found.high
        widths.append(found.high - found.low)
    assert widths[0] / widths[1] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("expression", [PROFIT, PER_CALL, "stddev(y_score)"])
def test_of_a_hundred_intervals_ninety_five_hold_the_truth(expression: str) -> None:
    draws, rows = 200, 250
    frame, first, second = pair(draws * rows)
    masks = np.arange(draws * rows) // rows == np.arange(draws)[:, None]
    columns = pl.DataFrame({str(place): mask for place, mask in enumerate(masks)})
    sums, pulls, values, truth = Sums(masks), [], [], []
    large, *others = pair(400_000, seed=99)
    for answers, other in zip((first, second), others, strict=True):
        with Frames(with_answers(frame, answers)) as frames:
            values.append([one for (one,) in frames.aggregates([expression], columns)])
            pulls.append(pull_of(hand_over(expression, frames), frames, sums))
        with Frames(with_answers(large, other)) as frames:
            worth = frames.aggregates([expression])[0][0] or 0.0
            truth.append(worth * rows / large.height if expression == PROFIT else worth)
    (mine, theirs), (here, there) = pulls, values
    found = compare_pulls(kpi(expression), mine, theirs, here, there, sums, 0.95, None)
    wanted = truth[0] - truth[1]
    held = [each.low <= wanted <= each.high for each in found if each.low is not None and each.high]
    assert len(held) == draws
    assert 0.92 <= np.mean(held) <= 0.98
    alone = compare_kpi(kpi(expression), frame, first, second, mask=masks[7])
    assert found[7].low == pytest.approx(alone.low, rel=1e-6)
    assert found[7].p == pytest.approx(alone.p, rel=1e-6)


def test_what_is_drawn_for_a_median_holds_the_truth_too() -> None:
    median, held, draws, rows = kpi("median(y_score)"), 0, 40, 200
    large = pair(400_000, seed=99)[1:]
    wanted = float(np.median(large[0].y_score) - np.median(large[1].y_score))  # type: ignore[arg-type]
    frame, *answers = pair(draws * rows)
    soon = Difference(0.0, None, None, None, "normal", NEEDS_DRAWS, "not judged")
    with Frames(frame) as frames:
        handed = {}
        for name, one in zip(("a", "b"), answers, strict=True):
            frames.turn_to(with_answers(frame, one))
            handed[name] = hand_over(median.expression, frames)
        for start in range(0, draws * rows, rows):
            found = refine_kpi(
                median, frames, handed, "b", {"a": soon}, np.arange(start, start + rows),
                confidence=0.95, margin=None, resamples=300, seed=start,
            )["a"]  # fmt: skip
            assert found.low is not None
            assert found.high is not None
            held += found.low <= wanted <= found.high
    assert held >= 34


def _by_chance(expression: str, draws: int, rows: int) -> np.ndarray[tuple[int], np.dtype[Any]]:
    """(draws,): the p-values of two runs as good as each other, on slices of so many rows."""
    frame, first, second = pair(draws * rows, better=0.0)
    masks = np.arange(draws * rows) // rows == np.arange(draws)[:, None]
    sums, pulls, values = Sums(masks), [], []
    for answers in (first, second):
        with Frames(with_answers(frame, answers)) as frames:
            handed = hand_over(expression, frames)
            values += kpi_values([handed], frames, sums)
            pulls.append(pull_of(handed, frames, sums))
    (mine, theirs), (here, there) = pulls, values
    found = compare_pulls(kpi(expression), mine, theirs, here, there, sums, 0.95, None)
    return np.array([1.0 if each.p is None else each.p for each in found])


@pytest.mark.parametrize("expression", ["avg(y_score)", "avg(y_score) filter (where y_pred = 1)"])
def test_on_few_rows_small_p_values_are_no_more_frequent_than_they_say(expression: str) -> None:
    """By a normal distribution, not Student's, they would be two and three times as frequent."""
    rows = 13 if "filter" not in expression else 30
    p = _by_chance(expression, 1_500, rows)
    assert np.mean(p <= 0.05) <= 0.065
    assert np.mean(p <= 0.01) <= 0.0155


@pytest.mark.parametrize("metric", ["mae", "rmse"])
def test_nor_are_they_of_a_metric(metric: str) -> None:
    rng, truth, p = np.random.default_rng(8), np.zeros(13), []
    for _ in range(1_500):
        one, other = (Answers("regression", truth, rng.random(13)) for _ in range(2))
        p.append(compare(metric, one, other).p)
    assert np.mean([each is not None and each <= 0.01 for each in p]) <= 0.0155


def test_no_difference_is_found_where_there_is_none_in_more_than_one_of_twenty() -> None:
    assert np.mean(_by_chance(PROFIT, 200, 250) <= 0.05) <= 0.075


@pytest.mark.parametrize("resamples", [0, 500])
@pytest.mark.parametrize("expression", [*EXPRESSIONS, "max(y_score) - min(y_score)"])
def test_two_runs_that_answer_alike_do_not_differ(expression: str, resamples: int) -> None:
    frame, first, _ = pair(300)
    found = compare_kpi(kpi(expression), frame, first, first, margin=1e-9, resamples=resamples)
    if "max" in expression:
        assert (found.value, found.low, found.verdict) == (0.0, None, "not judged")
    else:
        assert (found.value, found.low, found.high, found.p) == (0.0, 0.0, 0.0, 1.0)
        assert found.verdict == "equivalent"


def test_a_planted_difference_is_found_and_read_the_way_the_kpi_is_better() -> None:
    frame, first, second = pair(3_000, better=0.8)
    for resamples in (0, 1_000):
        up = compare_kpi(kpi(PROFIT), frame, first, second, resamples=resamples)
        down = compare_kpi(
            Kpi(expression=f"- {PROFIT}", direction="minimize"),
            frame, first, second, resamples=resamples,
        )  # fmt: skip
        back = compare_kpi(kpi(PROFIT), frame, second, first, resamples=resamples)
        assert up.verdict == down.verdict == "better"
        assert back.verdict == "worse"
        assert up.p is not None
        assert up.p < 0.001
        assert back.low == pytest.approx(-(up.high or 0.0))


def test_the_same_rows_give_the_same_figures_whenever_they_are_looked_at() -> None:
    made = pair(400)
    one, again = (compare_kpi(kpi(PROFIT), *made, resamples=300) for _ in range(2))
    assert one == again
    assert one != compare_kpi(kpi(PROFIT), *made, resamples=300, seed=5)


@pytest.mark.parametrize(("expression", "reason"), [
    ("max(y_score)", "no interval: a max says nothing of other rows"),
    ("sum(y_pred) / min(spent)", "no interval: a min says nothing of other rows"),
    ("count(distinct age) + sum(y_pred)", "no interval: count(distinct) says nothing of other rows"),
    ("median(y_score)", NEEDS_DRAWS),
    ("round(sum(y_pred))", NEEDS_DRAWS),
    ("avg(1 / y_pred)", "no value"),
    ("1 / (1 + sum(1 / (y_pred * 0)))", "no value"),
    ("avg(y_pred) filter (where age > 500)", "no value"),
])  # fmt: skip
def test_where_no_interval_is_sound_there_is_a_reason(expression: str, reason: str) -> None:
    found = compare_kpi(kpi(expression), *pair(300))
    assert (found.low, found.high, found.p, found.verdict) == (None, None, None, "not judged")
    assert found.reason == reason
    if reason != NEEDS_DRAWS:
        assert compare_kpi(kpi(expression), *pair(300), resamples=200).low is None


@pytest.mark.parametrize("resamples", [0, 200])
@pytest.mark.parametrize(("rows", "reason"), [(0, "no rows"), (1, "too few rows to judge")])
def test_of_no_row_and_of_one_nothing_is_judged(rows: int, reason: str, resamples: int) -> None:
    frame, first, second = pair(300)
    mask = np.arange(300) < rows
    found = compare_kpi(kpi(PROFIT), frame, first, second, mask=mask, resamples=resamples)
    assert (found.low, found.reason, found.verdict) == (None, reason, "not judged")


def test_answers_to_other_rows_are_refused() -> None:
    frame, first, _ = pair(300)
    with pytest.raises(ValueError, match="not answered the same rows"):
        compare_kpi(kpi(PROFIT), frame, first, pair(200)[2])
