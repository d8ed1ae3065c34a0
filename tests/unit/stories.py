"""A small store with a sweep in it, for the tests of its care."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from storage.events import (
    MetricLogged,
    ParamSet,
    RunChanged,
    RunCreated,
    SweepChanged,
    SweepCreated,
)
from storage.spool import SpoolWriter

if TYPE_CHECKING:
    from storage.layout import Layout

RUNS = 4
POINTS = 25


def tell(layout: Layout, name: str = "income", runs: int = RUNS, points: int = POINTS) -> int:
    """Write a whole sweep to a spool whose writer is gone afterwards; returns the sweep's id."""
    writer = SpoolWriter(layout)
    sweep = writer.new_id()
    writer.append(SweepCreated(sweep, name, ["maximize"], time.time()))
    for number in range(runs):
        tell_run(writer, sweep, f"{name}#{number}", number, points)
    writer.append(SweepChanged(sweep, {"state": "complete", "ended": time.time()}))
    writer.close()
    return sweep


def tell_run(writer: SpoolWriter, sweep: int | None, name: str, number: int, points: int) -> int:
    """Write a run from its beginning to its end; returns its id."""
    run = writer.new_id()
    writer.append(
        RunCreated(run, sweep, number, name, "running", time.time()),
        ParamSet(run, "lr", number / 7, ""),
        *[MetricLogged(run, "value", step, time.time(), step / 3) for step in range(points)],
        RunChanged(
            run,
            {
                "state": "complete",
                "values": [float(number)],
                "metrics": {"value": float(number)},
                "ended": time.time(),
            },
        ),
    )
    return run
