"""What the charts of a sweep and of a run show. Pure."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite, nan
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.axes import edge_of
from cockpit.gain import baseline_values
from cockpit.tui.plot import Plot, Rule, Series
from cockpit.tui.thinning import thin

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from storage.runs import Curve, Run
    from storage.sweeps import Sweep, SweepView

FACTOR = 20.0
"""Between a param's smallest and largest value: from here on it is shown on a log axis."""
STRETCHES = 2_000
"""Of so many stretches of trials the lowest and the highest are drawn: far more than a screen has columns."""
UNFINISHED = ("pruned", "stopped", "failed", "timeout", "oom", "lost")


def best_so_far(view: SweepView) -> Plot:
    """The best value as a staircase over the trials' own values (pruned ones small)."""
    sweep = view.sweep
    complete = _dots(view, ("complete",), "quiet", "•")
    series = [_dots(view, UNFINISHED, "faint", "·"), complete, _stairs(view)]
    maximize = not sweep.directions or sweep.directions[0] == "maximize"
    edge = edge_of([y for _, y, state in view.values if state == "complete"], maximize)
    return Plot(
        tuple(one for one in series if one.xs),
        "trial",
        low=edge if maximize else None,
        high=None if maximize else edge,
        rule=baseline(sweep),
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
    return Plot(lines, "step", rule=baseline(view.sweep))


def baseline(sweep: Sweep) -> Rule | None:
    """The baseline's level in the first objective, for the charts that show that."""
    value = baseline_values(sweep).get(sweep.metrics[0]) if sweep.metrics else None
    return None if value is None or not isfinite(value) else Rule(value, ("baseline", fmt.BASELINE))


def trials_by_time(
    runs: Sequence[Run], metric: str, maximize: bool, rule: Rule | None = None
) -> Plot:
    """Every trial's value over the time it was started at, counted from the first one's start.

    The best is ▲; complete ones are •, running ones ○, others ·. `beyond` counts what does not fit in.
    """
    started = [run.started.timestamp() for run in runs if run.started]
    first = min(started, default=0.0)
    points = [
        (run.started.timestamp() - first, run.metrics[metric], run)
        for run in sorted(runs, key=lambda run: run.started.timestamp() if run.started else 0.0)
        if run.started and isfinite(run.metrics.get(metric, nan))
    ]
    return _scatter(points, maximize, Plot((), "since the start", x_kind="duration", rule=rule))


def slice_plot(
    runs: Sequence[Run], param: str, metric: str, maximize: bool, log: bool | None = None
) -> Plot:
    """Every trial's value over one param: a log axis for one that spans factors, unless `log` says.

    Choices stand beside each other, in the order of their names. Marks as in `trials_by_time`.
    """
    found = [
        (run.params[param], run.metrics[metric], run)
        for run in runs
        if run.params.get(param) is not None and isfinite(run.metrics.get(metric, nan))
    ]
    raw = [value for value, _, _ in found]
    if not all(map(is_number, raw)):
        names = sorted({fmt.value(value) for value in raw})
        places = [(float(names.index(fmt.value(value))), y, run) for value, y, run in found]
        return _scatter(places, maximize, Plot((), fmt.plain(param), x_names=tuple(names)))
    points = sorted(((float(value), y, run) for value, y, run in found), key=lambda one: one[0])
    values = [x for x, _, _ in points]
    whole = all(isinstance(value, int) for value in raw)
    log_x = spans_factors(values) if log is None else log
    return _scatter(points, maximize, Plot((), fmt.plain(param), whole=whole, log_x=log_x))


def is_number(value: Any) -> bool:
    """Whether a param's value lies on an axis, and is no choice."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def spans_factors(values: Sequence[float]) -> bool:
    """Whether values are better told apart on a log axis."""
    return bool(values) and min(values) > 0 and max(values) >= FACTOR * min(values)


def beyond(plot: Plot) -> int:
    """How many points lie beyond the picture's lowest or highest value."""
    low, high = plot.low, plot.high
    ys = [y for one in plot.series for y in one.ys]
    return sum((low is not None and y < low) or (high is not None and y > high) for y in ys)


def _scatter(points: Sequence[tuple[float, float, Run]], maximize: bool, plot: Plot) -> Plot:
    """The points by what became of them, the best one on top."""
    kinds = (
        ([p for p in points if p[2].state in UNFINISHED], "faint", "·"),
        ([p for p in points if p[2].state == "complete"], "quiet", "•"),
        ([p for p in points if p[2].state == "running"], "accent", "○"),
    )
    complete = kinds[1][0]
    best = sorted(complete, key=lambda p: p[1], reverse=maximize)[:1]
    edge = edge_of([y for _, y, _ in complete], maximize)
    series = (_marks(*kind) for kind in (*kinds, (best, "accent", "▲")))
    return replace(
        plot,
        series=tuple(one for one in series if one.xs),
        low=edge if maximize else None,
        high=None if maximize else edge,
    )


def _marks(points: Sequence[tuple[float, float, Run]], tone: str, glyph: str) -> Series:
    return Series(tuple(x for x, _, _ in points), tuple(y for _, y, _ in points), tone, glyph)


def single(curve: Curve) -> Plot:
    """One run's curve."""
    return Plot((Series(curve.steps, curve.values, "accent"),), "step")


def _line(curve: Curve, selected: str | None) -> Series:
    tone = "faint" if curve.state in UNFINISHED else "quiet"
    return Series(curve.steps, curve.values, "accent" if curve.run == selected else tone)


def _rank(curve: Curve, selected: str | None) -> tuple[bool, bool]:
    return curve.run == selected, curve.state in ("complete", "running")


def _dots(view: SweepView, states: Sequence[str], tone: str, glyph: str) -> Series:
    numbers = [number for number, _, state in view.values if state in states]
    values = [value for _, value, state in view.values if state in states]
    xs, ys = thin(numbers, values, STRETCHES)
    return Series(tuple(xs), tuple(ys), tone, glyph)


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
