"""What the charts of a sweep and of a run show. Pure."""

from __future__ import annotations

from math import isfinite
from statistics import quantiles
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.gain import baseline_values
from cockpit.tui.plot import Plot, Rule, Series

if TYPE_CHECKING:
    from storage.runs import Curve
    from storage.sweeps import Sweep, SweepView

SPREAD = 4
"""A value further from the best than so many times the better half's spread is out of the picture."""
ENOUGH = 8
"""Values from which on the spread says something."""
UNFINISHED = ("pruned", "stopped", "failed", "timeout", "oom", "lost")


def best_so_far(view: SweepView) -> Plot:
    """The best value as a staircase over the trials' own values (pruned ones small)."""
    sweep = view.sweep
    complete = [(n, y) for n, y, state in view.values if state == "complete"]
    others = [(n, y) for n, y, state in view.values if state in UNFINISHED]
    series = [_dots(others, "faint", "·"), _dots(complete, "quiet", "•"), _stairs(view)]
    maximize = not sweep.directions or sweep.directions[0] == "maximize"
    edge = _edge([y for _, y in complete], maximize)
    return Plot(
        tuple(one for one in series if one.xs),
        "trial",
        low=edge if maximize else None,
        high=None if maximize else edge,
        rule=_baseline(sweep),
    )


def out_of_sight(view: SweepView, plot: Plot) -> int:
    """How many trials' values lie beyond the picture."""
    values = [y for _, y, _ in view.values]
    low, high = plot.low, plot.high
    return sum((low is not None and y < low) or (high is not None and y > high) for y in values)


def reports(view: SweepView, selected: str | None) -> Plot:
    """Every trial's curve: pruned ones faint, the selected one on top in the accent colour."""
    ordered = sorted(view.curves, key=lambda curve: _rank(curve, selected))
    lines = tuple(_line(curve, selected) for curve in ordered if curve.steps)
    return Plot(lines, "step", rule=_baseline(view.sweep))


def _baseline(sweep: Sweep) -> Rule | None:
    """The baseline's level in the first objective, which both charts show."""
    value = baseline_values(sweep).get(sweep.metrics[0]) if sweep.metrics else None
    return None if value is None or not isfinite(value) else Rule(value, ("baseline", fmt.BASELINE))


def single(curve: Curve) -> Plot:
    """One run's curve."""
    return Plot((Series(curve.steps, curve.values, "accent"),), "step")


def _line(curve: Curve, selected: str | None) -> Series:
    tone = "faint" if curve.state in UNFINISHED else "quiet"
    return Series(curve.steps, curve.values, "accent" if curve.run == selected else tone)


def _rank(curve: Curve, selected: str | None) -> tuple[bool, bool]:
    return curve.run == selected, curve.state in ("complete", "running")


def _dots(points: list[tuple[int, float]], tone: str, glyph: str) -> Series:
    return Series(tuple(n for n, _ in points), tuple(y for _, y in points), tone, glyph)


def _stairs(view: SweepView) -> Series:
    xs: list[float] = []
    ys: list[float] = []
    for number, value in view.best_so_far:
        if ys and value != ys[-1]:
            xs.append(number)
            ys.append(ys[-1])
        xs.append(number)
        ys.append(value)
    last = max((number for number, _, _ in view.values), default=0)
    if xs and last > xs[-1]:
        xs.append(last)
        ys.append(ys[-1])
    return Series(tuple(xs), tuple(ys), "accent")


def _edge(values: list[float], maximize: bool) -> float | None:
    """The worst value still worth a place, or none where all are."""
    if len(values) < ENOUGH:
        return None
    ranked = sorted(values, reverse=maximize)
    best, middle, worst = ranked[0], quantiles(ranked, n=2)[0], ranked[-1]
    edge = best + SPREAD * (middle - best)
    beyond = worst < edge if maximize else worst > edge
    return edge if beyond and middle != best else None
