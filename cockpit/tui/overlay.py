"""Curves laid over each other: by step or by time, smoothed, on log axes. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Literal

from cockpit import format as fmt
from cockpit.tui.line_colours import LETTERS, tone
from cockpit.tui.plot import Plot, Series, left_out
from cockpit.tui.smoothing import ema
from cockpit.tui.thinning import is_rising

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.history import History

By = Literal["step", "time", "relative"]
BYS: tuple[By, ...] = ("step", "time", "relative")
_X = {
    "step": ("by step", "step", "number"),
    "time": ("by wall time", "time", "clock"),
    "relative": ("by time since its start", "time", "duration"),
}


@dataclass(frozen=True, slots=True)
class Strand:
    """One of the curves that are compared."""

    name: str
    """Safe to paint."""
    steps: tuple[float, ...]
    """Rising."""
    values: tuple[float, ...]
    """As long as `steps`."""
    times: tuple[float, ...] = ()
    """Seconds since 1970 (UTC), as long as `steps`; empty where they are not known."""


@dataclass(frozen=True, slots=True)
class View:
    """How the curves are looked at."""

    by: By = "step"
    smooth: float = 0.0
    """The factor of `smoothing.ema`."""
    log_x: bool = False
    """Not by wall time, which has no zero to count factors from."""
    log_y: bool = False
    window: tuple[float, float] | None = None
    """The stretch of x that is zoomed into."""


@dataclass(frozen=True, slots=True)
class Overlay:
    """What a chart shows: see `widgets.chart.Chart.show`."""

    title: str
    plot: Plot
    note: str


def strand(name: str, history: History) -> Strand:
    """A run's history under a name that people know it by."""
    return Strand(fmt.plain(name), history.steps, history.values, history.times)


def overlay(title: str, strands: Sequence[Strand], view: View) -> Overlay:
    """Up to twelve curves, each with its letter; what is left out is counted in the note."""
    shown = strands[: len(LETTERS)]
    untimed = sum(not one.times for one in shown if one.steps) if view.by != "step" else 0
    lettered = len(shown) > 1
    lines = [_line(one, place, view, lettered) for place, one in enumerate(shown)]
    behind = [
        _raw(one, line, view.by) for one, line in zip(shown, lines, strict=True) if view.smooth
    ]
    words, x_title, kind = _X[view.by]
    log_x = view.log_x and view.by != "time"
    plot = Plot(
        tuple(one for one in (*behind, *lines) if one.xs),
        x_title,
        x_kind=kind,
        log_x=log_x,
        log_y=view.log_y,
        window=view.window,
    )
    said = [f"{title} {words}" + " (log)" * log_x]
    said += ["log y"] * view.log_y + [f"EMA {view.smooth:g}"] * (view.smooth > 0)
    # The raw points behind a smoothed line are the ones that were left out, once.
    hidden = left_out(Plot(tuple(behind or lines), log_x=log_x, log_y=view.log_y))
    notes = [f"first {len(shown)} of {len(strands)}"] * (len(strands) > len(shown))
    notes += [f"{fmt.count(hidden)} at or below 0 left out"] * (hidden > 0)
    notes += [f"{untimed} without times"] * (untimed > 0)
    return Overlay(", ".join(said), plot, ", ".join(notes))


def _line(one: Strand, place: int, view: View, lettered: bool) -> Series:
    letter, shade = (LETTERS[place], tone(place)) if lettered else ("", "accent")
    points = _in_order(_xs(one, view.by), ema(one.values, view.smooth))
    return Series(*points, shade, "", letter, one.name)


def _raw(one: Strand, line: Series, by: By) -> Series:
    """The same without smoothing, behind it and without a name."""
    shade = f"{line.tone}-faint" if line.letter else "faint"
    return Series(*_in_order(_xs(one, by), one.values), shade, behind=True)


def _in_order(
    xs: Sequence[float], ys: Sequence[float]
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The points by rising x: a run that was resumed on another machine may have a clock that went back."""
    if is_rising(xs):
        return tuple(xs), tuple(ys[: len(xs)])
    order = sorted(range(len(xs)), key=xs.__getitem__)
    return tuple(xs[place] for place in order), tuple(ys[place] for place in order)


def _xs(one: Strand, by: By) -> tuple[float, ...]:
    if by == "step":
        return one.steps
    start = min(filter(isfinite, one.times), default=0.0) if by == "relative" else 0.0
    return tuple(time - start for time in one.times)
