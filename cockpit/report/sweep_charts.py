"""The charts of a sweep's report. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.axes import edge_of
from cockpit.gain import baseline_values
from cockpit.report.charts import Bars, Chart, Series, stairs
from cockpit.report.words import better, many

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.report.charts import Kind
    from cockpit.sweep.after import Best
    from cockpit.sweep.importance import Importance
    from storage.outcomes import Outcome
    from storage.sweeps import SweepView

UNFINISHED = ("failed", "timeout", "oom", "lost", "stopped", "pruned")


def convergence(seen: SweepView) -> Chart | None:
    """The best value as a staircase over the trials' own values, pruned ones small."""
    sweep = seen.sweep
    if not seen.best_so_far or not sweep.metrics:
        return None
    metric, maximize = sweep.metrics[0], sweep.directions[0] == "maximize"
    complete = [(n, value) for n, value, state in seen.values if state == "complete"]
    others = [(n, value) for n, value, state in seen.values if state in UNFINISHED]
    last = max(n for n, _, _ in seen.values)
    edge = edge_of([value for _, value in complete], maximize)
    series = [*_dots(others, "faint"), *_dots(complete, "dots")]
    series.append(Series("", *stairs(seen.best_so_far, last)))
    first, top = seen.best_so_far[0], seen.best_so_far[-1]
    about = (
        f"Best {metric} by trial: {fmt.number(first[1])} at trial {first[0]}, {fmt.number(top[1])} "
        f"from trial {top[0]} on; {many(len(complete), 'complete trial')} as dots, {len(others):,} others small"
    )
    beside = baseline_values(sweep).get(metric)
    rules = () if beside is None else ((beside, f"baseline {fmt.number(beside, keep_zeros=True)}"),)
    return Chart(
        "convergence",
        f"Best {metric} by trial",
        about,
        "trial",
        metric,
        tuple(series),
        rules,
        low=edge if maximize else None,
        high=None if maximize else edge,
        note="dots: complete trials"
        + "; small: those that did not get to their end" * bool(others),
    )


def _dots(points: Sequence[tuple[int, float]], kind: Kind) -> list[Series]:
    xs, ys = tuple(float(n) for n, _ in points), tuple(value for _, value in points)
    return [Series("", xs, ys, kind)] if points else []


def importance(found: Importance) -> Bars | None:
    if not found.shares:
        return None
    shares = tuple((one.param, one.share) for one in found.shares)
    told = ", ".join(f"{name} {share:.2f}" for name, share in shares)
    return Bars(
        "importance",
        "Importance of the params",
        f"Share of what sets the best trials apart: {told}",
        shares,
    )


def front(found: Best, told: Sequence[Outcome]) -> Chart | None:
    """The Pareto front of two objectives among all complete trials; None of one, or of more."""
    sweep = found.sweep
    if len(sweep.directions) != 2 or not found.runs or len(sweep.metrics) < 2:
        return None
    one, other = sweep.metrics[:2]
    points = sorted(
        (run.metrics[one], run.metrics[other])
        for run in found.runs
        if one in run.metrics and other in run.metrics
    )
    if not points:
        return None
    xs, ys = tuple(x for x, _ in points), tuple(y for _, y in points)
    every = sorted((each.values[0], each.values[1]) for each in told)
    ways = " and ".join(
        f"{name} {better(way)}" for name, way in zip(sweep.metrics, sweep.directions, strict=False)
    )
    about = (
        f"{many(len(every), 'complete trial')} by {one} and {other}; better is {ways}. The Pareto front goes "
        f"from {fmt.number(xs[0])}, {fmt.number(ys[0])} to {fmt.number(xs[-1])}, {fmt.number(ys[-1])}"
    )
    others = Series("", tuple(x for x, _ in every), tuple(y for _, y in every), "faint")
    series = (others, Series("", xs, ys, "dots"), Series("", xs, ys))
    return Chart(
        "front",
        "Pareto front",
        about,
        one,
        other,
        series,
        whole=False,
        note="small dots: all complete trials",
    )
