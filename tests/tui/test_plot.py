"""A chart never breaks, and its axes say the truth."""

from __future__ import annotations

from math import isfinite

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from cockpit.axes import span, tick_labels, ticks
from cockpit.tui.plot import Plot, Rule, Series, draw
from cockpit.tui.thinning import thin

COLOURS = dict.fromkeys(("plain", "accent", "quiet", "faint"), (90, 160, 250))
POINTS = st.lists(st.tuples(st.floats(-1e9, 1e9), st.floats()), max_size=30)


@settings(max_examples=60)
@given(POINTS, st.integers(0, 60), st.integers(0, 12), st.sampled_from(["", "•"]))
def test_any_points_at_any_size(
    points: list[tuple[float, float]], width: int, height: int, glyph: str
) -> None:
    series = Series(tuple(x for x, _ in points), tuple(y for _, y in points), "accent", glyph)
    rule = Rule(points[0][1], ("baseline", "◇")) if points and isfinite(points[0][1]) else None
    lines = draw(Plot((series,), "step", rule=rule), width, height, COLOURS).plain.split("\n")
    assert len(lines) <= max(1, height)
    assert max(cell_len(line) for line in lines) <= max(0, width)


@pytest.mark.parametrize("values", [(), (0.5,), (0.5, 0.5), (float("nan"),), (0.0, 0.0)])
def test_nothing_one_point_and_flat_data(values: tuple[float, ...]) -> None:
    steps = tuple(float(step) for step in range(len(values)))
    text = draw(Plot((Series(steps, values),)), 40, 8, COLOURS).plain
    drawn = bool(set(text) & {chr(0x2800 + dots) for dots in range(1, 256)} or "•" in text)
    assert drawn == any(value == value for value in values)


def test_a_value_stands_at_its_label() -> None:
    series = Series((0.0, 100.0), (0.0, 1.0), "accent", "•")
    lines = draw(Plot((series,)), 40, 12, COLOURS).plain.split("\n")
    assert lines[0].startswith("1.0┤")
    assert lines[0].endswith("•")
    assert lines[10].startswith("0.0┤•")


@given(st.floats(-1e12, 1e12), st.floats(1e-6, 1e12), st.integers(1, 12), st.booleans())
@example(450359962738.0, 0.001, 6, False)
def test_ticks_are_few_and_within(low: float, length: float, most: int, whole: bool) -> None:
    high = low + length
    values = ticks(low, high, most, whole)
    assert len(values) <= most
    room = (high - low) * 1e-6
    assert all(low - room <= value <= high + room for value in values)
    assert len(tick_labels(values)) == len(values)


def test_tick_labels_are_as_long_as_needed() -> None:
    assert tick_labels([0.0, 0.05, 0.1]) == ["0.00", "0.05", "0.10"]
    assert tick_labels([0.0, 1000.0, 2000.0]) == ["0", "1k", "2k"]
    assert tick_labels([0.0, 50.0, 100.0]) == ["0", "50", "100"]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=500), st.integers(1, 40))
def test_thinning_keeps_spikes_and_ends(values: list[float], buckets: int) -> None:
    xs, ys = thin(range(len(values)), values, buckets)
    assert len(xs) <= 2 * buckets + 2
    assert (min(ys), max(ys)) == (min(values), max(values))
    assert (xs[0], xs[-1]) == (0, len(values) - 1)


def test_a_span_parts_what_is_the_same() -> None:
    flat = span([2.0, 2.0])
    assert flat is not None
    assert flat.low < 2.0 < flat.high
    assert span([float("inf")]) is None
    assert isfinite(span([1.79e308]).high)  # type: ignore[union-attr]
