"""Two runs are the same where every value is, and the first place where they are not is named."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.sweep.rerun.sameness import CLOSE, Compared, Figures, compare, worst

CURVE = {0: 0.5, 1: 0.25, 2: 0.125}


def figures(
    points: dict[str, dict[int, float]] | None = None,
    final: dict[str, float] | None = None,
    whole: bool = True,
) -> Figures:
    return Figures(points or {}, final or {}, whole)


def one(original: Figures, again: Figures) -> Compared:
    (found,) = compare(original, again)
    return found


def test_the_same_values_are_the_same_to_the_last_digit() -> None:
    run = figures({"auc": CURVE}, {"auc": 0.125})
    found = one(run, run)
    assert (found.how, found.steps, found.first, found.off) == ("exact", 3, None, 0.0)
    assert (found.original, found.again, found.at_end) == (0.125, 0.125, True)


def test_the_first_step_that_differs_is_named() -> None:
    again = figures({"auc": {**CURVE, 1: 0.26, 2: 0.2}}, {"auc": 0.125})
    found = one(figures({"auc": CURVE}, {"auc": 0.125}), again)
    assert (found.how, found.first) == ("different", 1)


def test_the_last_digit_is_told_from_the_noise_of_sums() -> None:
    third = 0.1 + 0.2
    found = one(figures(final={"auc": 0.3}), figures(final={"auc": third}))
    assert third != 0.3
    assert found.how == "close"
    assert 0 < found.off < CLOSE


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_is_the_same_as_itself_alone(value: float) -> None:
    run = figures(final={"loss": value})
    assert one(run, run).how == "exact"
    assert one(run, figures(final={"loss": 1.0})).how == "different"
    assert one(figures(final={"loss": 1.0}), run).how == "different"


def test_a_missing_metric_is_different_and_a_new_one_too() -> None:
    found = one(figures(final={"auc": 1.0}), figures())
    assert (found.how, found.again) == ("different", None)
    found = one(figures(), figures(final={"auc": 1.0}))
    assert (found.how, found.original) == ("different", None)


def test_a_missing_step_and_one_too_many_are_different() -> None:
    long, short = figures({"auc": CURVE}), figures({"auc": {0: 0.5, 1: 0.25}})
    assert (one(long, short).how, one(long, short).first) == ("different", 2)
    assert one(short, long).how == "different"


def test_of_a_run_that_was_ended_only_its_own_steps_count() -> None:
    ended = figures({"auc": {0: 0.5, 1: 0.25}}, {"auc": 0.25}, whole=False)
    found = one(ended, figures({"auc": CURVE}, {"auc": 0.125}))
    assert (found.how, found.steps, found.at_end) == ("exact", 2, False)
    assert (found.original, found.again) == (0.25, 0.25)


def test_a_trial_that_was_told_without_running_is_compared_at_its_end() -> None:
    told = figures({}, {"auc": 0.125})
    assert one(told, figures({"auc": CURVE}, {"auc": 0.125})).how == "exact"


def test_nothing_to_compare_is_nothing_different() -> None:
    assert compare(figures(), figures()) == ()
    assert worst(()) == "exact"


NUMBERS = st.floats(allow_nan=True, allow_infinity=True)


@given(a=NUMBERS, b=NUMBERS)
def test_it_does_not_matter_which_of_two_came_first(a: float, b: float) -> None:
    there = one(figures(final={"x": a}), figures(final={"x": b}))
    back = one(figures(final={"x": b}), figures(final={"x": a}))
    assert (there.how, there.off) == (back.how, back.off)
    assert (there.how == "exact") == (a == b or (math.isnan(a) and math.isnan(b)))
