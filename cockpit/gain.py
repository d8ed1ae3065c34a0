"""What was won over a sweep's baseline. Pure."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cockpit.format import number

if TYPE_CHECKING:
    from storage.runs import Run
    from storage.sweeps import Sweep


def gain(best: float, baseline: float, direction: str) -> float:
    """How much better `best` is, positive where it is, whichever way the metric is better."""
    return best - baseline if direction == "maximize" else baseline - best


def figure(won: float) -> str:
    """`+0.0121`, `-0.003`, `±0`; a difference of three significant digits says enough."""
    if won == 0:
        return "±0"
    shown = number(float(f"{won:.3g}"))
    return f"+{shown}" if won > 0 else shown


def words(won: float) -> str:
    """`+0.0121 over the baseline`; what is worse or the same says so."""
    if won == 0:
        return "no gain over the baseline"
    way = "over" if won > 0 else "worse than"
    return f"{figure(abs(won)).lstrip('+' * (won < 0))} {way} the baseline"


def baseline_values(sweep: Sweep) -> dict[str, float]:
    """The baseline's objectives by name; empty until it is complete, or where there is none."""
    run = sweep.baseline
    if run is None or run.state != "complete":
        return {}
    return {name: run.metrics[name] for name in sweep.metrics if name in run.metrics}


def gains(run: Run, sweep: Sweep) -> dict[str, float]:
    """What a complete run has won over its sweep's baseline, by objective; only what can be compared."""
    if run.state != "complete":
        return {}
    beside = baseline_values(sweep)
    won = {
        name: gain(run.metrics[name], beside[name], way)
        for name, way in zip(sweep.metrics, sweep.directions, strict=False)
        if name in beside and name in run.metrics
    }
    return {name: value for name, value in won.items() if not math.isnan(value)}


def run_gain(run: Run | None, sweep: Sweep | None) -> float | None:
    """What a run has won in the only objective of its sweep; None where nothing can be compared."""
    if run is None or sweep is None or len(sweep.directions) != 1:
        return None
    return gains(run, sweep).get(sweep.metrics[0]) if sweep.metrics else None


def sweep_gain(sweep: Sweep) -> float | None:
    """What a sweep's best run has won over its baseline."""
    return run_gain(sweep.best, sweep)
