"""Reads values off a plot at an x, and moves about on it. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.axes import Span, duration_labels, local
from cockpit.tui.plot import usable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.tui.plot import Plot, Series

CLOSEST = 1e-6
"""The shortest stretch that can be zoomed into, as a part of the whole axis."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A series' value near an x."""

    series: Series
    value: float | None
    """None where the series has not begun yet or has ended."""


def nearest(xs: Sequence[float], x: float) -> int:
    """The place of the value of rising `xs` (not empty) that is nearest to `x`, the lower of two as near."""
    after = bisect_left(xs, x)
    if after == 0:
        return 0
    if after == len(xs):
        return bisect_left(xs, xs[-1])
    place = after if xs[after] - x < x - xs[after - 1] else after - 1
    return bisect_left(xs, xs[place])


def readings(plot: Plot, x: float | None) -> list[Reading]:
    """Of every named series the value at its point nearest to `x`; its last one where `x` is None."""
    return [Reading(one, _value(one, plot, x)) for one in plot.series if one.name]


def _value(one: Series, plot: Plot, x: float | None) -> float | None:
    xs, ys = usable(one, plot)
    if not xs:
        return None
    if x is None:
        return ys[-1]
    # Half a step beyond its ends a series still has a say, as its last point is the nearest of all.
    room = (xs[-1] - xs[0]) / (2 * max(1, len(xs) - 1))
    return ys[nearest(xs, x)] if xs[0] - room <= x <= xs[-1] + room else None


def x_words(plot: Plot, x: float) -> str:
    """What x reads: `step 120`, `14:05:31`, `1h 02m`."""
    if plot.x_kind == "clock":
        return local(x).strftime("%H:%M:%S")
    if plot.x_kind == "duration":
        return duration_labels([x, x + (0.1 if x < 10 else 60)])[0]
    return f"{plot.x_title} {fmt.exact(int(x) if x == int(x) else x)}".strip()


def snapped(plot: Plot, x: float) -> float | None:
    """The nearest x that a named series has a point at."""
    found = [xs[nearest(xs, x)] for xs in _all_xs(plot)]
    return min(found, key=lambda one: abs(one - x), default=None)


def moved(plot: Plot, across: Span, cells: int, x: float, way: int) -> float:
    """The next x with a point at least a cell to the right (`way` 1) or to the left (-1), else `x`."""
    cell = across.part(x) * (cells - 1)
    target = across.at((round(cell) + way * 0.5) / max(1, cells - 1))
    found = []
    for xs in _all_xs(plot):
        if way > 0:
            place = bisect_left(xs, max(target, x))
            place = bisect_right(xs, x) if place < len(xs) and xs[place] <= x else place
        else:
            place = bisect_right(xs, min(target, x)) - 1
            place = bisect_left(xs, x) - 1 if place >= 0 and xs[place] >= x else place
        if 0 <= place < len(xs):
            found.append(xs[place])
    return min(found, key=lambda one: abs(one - x), default=x)


def _all_xs(plot: Plot) -> list[Sequence[float]]:
    found = (usable(one, plot)[0] for one in plot.series if one.name)
    return [xs for xs in found if xs]


def zoomed(full: Span, shown: Span, factor: float, centre: float) -> tuple[float, float] | None:
    """The window with `factor` of the length, x = `centre` staying where it is; None for the whole axis."""
    part = min(1.0, max(0.0, shown.part(centre)))
    return _window(full, shown, part * (1 - factor), part * (1 - factor) + factor)


def panned(full: Span, shown: Span, way: float) -> tuple[float, float] | None:
    """The window moved by `way` of its length, never beyond the whole axis."""
    return _window(full, shown, way, 1 + way)


def _window(full: Span, shown: Span, low: float, high: float) -> tuple[float, float] | None:
    """The part of `shown` from `low` to `high`, as a stretch of `full`."""
    start, end = (full.part(shown.at(part)) for part in (low, high))
    length = min(1.0, max(CLOSEST, end - start))
    start = min(max(0.0, start), 1.0 - length)
    if length >= 1 - 1e-9:
        return None
    return full.at(start), full.at(start + length)
