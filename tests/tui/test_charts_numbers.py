"""Thinning keeps spikes, smoothing is the formula it says, and a cursor finds the nearest point."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.axes import Span
from cockpit.tui.plot import Plot, Series, reach
from cockpit.tui.reading import moved, nearest, panned, readings, snapped, zoomed
from cockpit.tui.smoothing import FACTORS, ema, stepped
from cockpit.tui.thinning import thin, thin_along

VALUES = st.floats(-1e6, 1e6)
XS = st.lists(st.floats(0.001, 1e6), min_size=1, max_size=300).map(sorted)
PART = st.floats(0, 1)


# Thinning


@given(XS, st.data(), st.integers(1, 30), st.booleans(), PART, PART)
def test_thinning_along_an_axis_keeps_what_can_be_seen(
    xs: list[float], data: st.DataObject, buckets: int, log: bool, one: float, other: float
) -> None:
    ys = data.draw(st.lists(VALUES, min_size=len(xs), max_size=len(xs)))
    whole = Span(0.001, 1e6, log)
    low, high = whole.at(min(one, other)), whole.at(max(one, other))
    if not low < high:
        return
    across = Span(low, high, log)
    kept_xs, kept_ys = thin_along(xs, ys, across, buckets)
    assert len(kept_xs) <= 2 * buckets + 2
    assert all(a <= b for a, b in pairwise(kept_xs))
    assert set(zip(kept_xs, kept_ys, strict=True)) <= set(zip(xs, ys, strict=True))
    seen = [y for x, y in zip(xs, ys, strict=True) if across.holds(x)]
    kept = [y for x, y in zip(kept_xs, kept_ys, strict=True) if across.holds(x)]
    # Of the two stretches at the edges a neighbour from outside may be the extreme.
    inside = [y for x, y in zip(xs, ys, strict=True) if _is_within(x, across, buckets)]
    assert bool(kept) == bool(seen) or not inside
    if inside:
        assert max(kept) >= max(inside)
        assert min(kept) <= min(inside)


def _is_within(x: float, across: Span, buckets: int) -> bool:
    return across.holds(x) and 1 / buckets < across.part(x) < 1 - 1 / buckets


def test_a_spike_among_thousands_survives_on_any_axis() -> None:
    xs = [float(step) for step in range(1, 5001)]
    ys = [0.5] * 5000
    ys[7], ys[3210] = 9.0, -9.0
    for across in (Span(1, 5000), Span(1, 5000, log=True), Span(2, 4000)):
        assert {9.0, -9.0} <= set(thin_along(xs, ys, across, 40)[1])
    assert {9.0, -9.0} <= set(thin(xs, ys, 40)[1])


# Smoothing


@given(st.lists(VALUES, max_size=60), st.sampled_from(FACTORS))
def test_smoothing_is_the_formula(values: list[float], factor: float) -> None:
    smooth = ema(values, factor)
    for t, shown in enumerate(smooth, start=1):
        weights = [(1 - factor) * factor ** (t - 1 - place) for place in range(t)]
        total = sum(w * x for w, x in zip(weights, values, strict=False))
        assert shown == pytest.approx(total / (1 - factor**t), rel=1e-6, abs=1e-6)


@given(st.floats(-1e9, 1e9), st.sampled_from(FACTORS), st.integers(1, 50))
def test_a_flat_line_stays_where_it_is_from_its_first_point(y: float, f: float, n: int) -> None:
    assert ema([y] * n, f) == pytest.approx([y] * n)


def test_what_is_not_finite_is_left_as_it_is() -> None:
    smooth = ema([1.0, math.nan, 1.0, math.inf], 0.9)
    assert math.isnan(smooth[1])
    assert (smooth[0], smooth[2], smooth[3]) == pytest.approx((1.0, 1.0, math.inf))
    with pytest.raises(ValueError, match="below 1"):
        ema([1.0], 1.0)


def test_the_factor_steps_up_and_down_and_stops() -> None:
    factor, seen = 0.0, []
    for _ in range(10):
        factor = stepped(factor, 1)
        seen.append(factor)
    assert seen[-1] == seen[-2] == FACTORS[-1]
    assert stepped(0.5, -1) == 0.3
    assert stepped(0.0, -1) == 0.0


# Reading


@given(XS, st.floats(-10, 2e6))
def test_the_nearest_point_is_the_nearest(xs: list[float], x: float) -> None:
    found = xs[nearest(xs, x)]
    assert abs(found - x) == min(abs(one - x) for one in xs)


@given(XS, XS, st.booleans(), st.integers(12, 80), st.integers(0, 299), st.sampled_from([1, -1]))
def test_a_step_goes_to_a_point_on_that_side(
    xs: list[float], others: list[float], log: bool, cells: int, place: int, way: int
) -> None:
    both = [Series(tuple(one), tuple(one), name=name) for one, name in ((xs, "a"), (others, "b"))]
    plot = Plot(tuple(both), log_x=log)
    across = reach(plot)
    assert across is not None
    x = xs[place % len(xs)]
    found = moved(plot, across, cells, x, way)
    assert found in {*xs, *others}
    beyond = [one for one in (*xs, *others) if (one - x) * way > 0]
    assert (found - x) * way > 0 if beyond and _far(across, cells, beyond, x) else True
    assert (found - x) * way >= 0


def _far(across: Span, cells: int, points: list[float], x: float) -> bool:
    return any(abs(across.part(one) - across.part(x)) * (cells - 1) > 1 for one in points)


def test_stepping_through_reaches_the_end_and_stops() -> None:
    plot = Plot((Series((0.0, 1.0, 50.0, 100.0), (1.0,) * 4, name="a"),))
    across, x, seen = Span(0, 100), 0.0, [0.0]
    for _ in range(5):
        x = moved(plot, across, 41, x, 1)
        seen.append(x)
    # 0 and 1 share a cell of a picture 41 cells wide.
    assert seen == [0.0, 50.0, 100.0, 100.0, 100.0, 100.0]


def test_values_are_read_where_a_series_has_some() -> None:
    short = Series((0.0, 1.0, 2.0), (0.1, 0.2, 0.3), name="short")
    long = Series((0.0, 10.0), (1.0, 2.0), name="long")
    raw = Series((0.0, 10.0), (9.0, 9.0), behind=True)
    plot = Plot((raw, short, long))
    assert [one.value for one in readings(plot, None)] == [0.3, 2.0]
    assert [one.value for one in readings(plot, 2.4)] == [0.3, 1.0]
    assert [one.value for one in readings(plot, 6.0)] == [None, 2.0]
    assert snapped(plot, 7.0) == 10.0
    assert snapped(Plot(), 7.0) is None


# Zoom


@given(st.booleans(), st.lists(st.tuples(st.sampled_from("+-<>"), PART), max_size=40))
def test_a_window_stays_within_the_axis(log: bool, keys: list[tuple[str, float]]) -> None:
    full = Span(0.5, 5000, log)
    shown = full
    for key, part in keys:
        if key in "+-":
            window = zoomed(full, shown, 0.5 if key == "+" else 2.0, shown.at(part))
        else:
            window = panned(full, shown, part if key == ">" else -part)
        shown = Span(*window, log) if window else full
        assert full.low * (1 - 1e-9) <= shown.low < shown.high <= full.high * (1 + 1e-9)


def test_zooming_keeps_the_place_that_is_looked_at() -> None:
    full = Span(0, 100)
    assert zoomed(full, full, 0.5, 30.0) == pytest.approx((15.0, 65.0))
    assert zoomed(full, Span(15, 65), 2.0, 30.0) is None
    assert panned(full, Span(0, 50), 3.0) == pytest.approx((50.0, 100.0))
