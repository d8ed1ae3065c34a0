"""Ticks on log and time axes are few, round and within; a place on an axis is found again."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.axes import (
    ROUND_TIMES,
    Span,
    clock_labels,
    duration_labels,
    log_labels,
    log_ticks,
    marks,
    span,
    tick_labels,
    time_ticks,
)


@given(st.floats(-250, 250), st.floats(0.01, 300), st.integers(1, 12))
def test_log_ticks_are_few_rising_and_within(power: float, decades: float, most: int) -> None:
    low, high = 10.0**power, 10.0 ** min(300.0, power + decades)
    values = log_ticks(low, high, most)
    assert len(values) <= most
    assert values == sorted(set(values))
    room = (high - low) * 1e-6
    assert all(low * (1 - 1e-6) - room <= value <= high * (1 + 1e-6) + room for value in values)
    assert len(log_labels(values)) == len(values)


def test_log_ticks_are_the_ones_people_draw() -> None:
    assert log_labels(log_ticks(1e-5, 0.2, 6)) == ["1e-5", "1e-4", "0.001", "0.01", "0.1"]
    assert log_labels(log_ticks(1, 100, 9)) == ["1", "2", "5", "10", "20", "50", "100"]
    assert log_labels(log_ticks(900, 3e6, 5)) == ["1k", "10k", "100k", "1e6"]
    assert log_labels(log_ticks(1e-9, 1e9, 4)) == ["1e-5", "1", "100k"]
    assert log_labels(log_ticks(0.91, 0.97, 4)) == ["0.92", "0.94", "0.96"]


@given(st.floats(-250, 250), st.floats(0.01, 40), st.floats(0, 1))
def test_a_place_on_a_log_axis_is_found_again(power: float, decades: float, part: float) -> None:
    axis = Span(10.0**power, 10.0 ** (power + decades), log=True)
    assert axis.part(axis.at(part)) == pytest.approx(part, abs=1e-6)
    assert axis.place(axis.low, 50) == 0
    assert axis.places([axis.low, axis.at(part), axis.high], 50)[::2] == [0, 49]


@given(st.lists(st.floats()))
def test_a_log_axis_covers_what_lies_above_zero(values: list[float]) -> None:
    shown = [value for value in values if math.isfinite(value) and value > 0]
    axis = span(values, log=True)
    assert (axis is None) == (not shown)
    if axis:
        assert 0 < axis.low < axis.high
        assert all(axis.holds(value) for value in shown if 1e-300 <= value <= 1e300)


@given(
    st.floats(0, 2e9), st.floats(2.1, 5e8), st.integers(1, 12), st.sampled_from([0, 3600, -1800])
)
def test_times_are_few_round_and_within(low: float, length: float, most: int, shift: int) -> None:
    values = time_ticks(low, low + length, most, shift)
    assert len(values) <= most
    assert all(low - 1e-3 * length <= value <= low + 1.001 * length for value in values)
    if len(values) > 1:
        step = values[1] - values[0]
        assert any(math.isclose(step, one) for one in ROUND_TIMES)
        assert len(clock_labels(values)) == len(duration_labels(values)) == len(values)


def test_labels_say_as_much_as_is_needed() -> None:
    assert tick_labels([500.0, 1000.0, 1500.0]) == ["500", "1k", "1.5k"]
    assert duration_labels([0.0, 1800.0, 3600.0, 5400.0]) == ["0", "30m", "1h", "1h 30m"]
    assert duration_labels([0.0, 0.5, 1.0]) == ["0", "0.5s", "1s"]
    local = datetime(2026, 3, 14, 12, 5, tzinfo=UTC).astimezone()
    noon = local.timestamp()
    assert clock_labels([noon, noon + 300])[0] == local.strftime("%H:%M")
    assert clock_labels([noon, noon + 15])[1] == local.strftime("%H:%M:15")
    assert clock_labels([noon, noon + 86_400])[0] == "14 Mar"


def test_each_kind_of_axis_has_its_marks() -> None:
    assert marks(Span(1, 1000, log=True), 5)[-1] == (1000, "1k")
    assert [label for _, label in marks(Span(0, 7200), 5, "duration")] == [
        "0",
        "30m",
        "1h",
        "1h 30m",
        "2h",
    ]
    assert [label for _, label in marks(Span(0, 0.2), 5)] == [
        "0.00",
        "0.05",
        "0.10",
        "0.15",
        "0.20",
    ]
    assert len(marks(Span(1.7e9, 1.7e9 + 3600), 7, "clock")) == 6
