"""Stores to ask: so many runs of 10 params, 5 metrics and 100 points each, made the way every store is."""

from __future__ import annotations

import os
import random
import tempfile
from functools import cache
from pathlib import Path

from storage.events import (
    Event,
    MetricLogged,
    ParamSet,
    RunChanged,
    RunCreated,
    SweepChanged,
    SweepCreated,
)
from storage.layout import Layout
from storage.spool import SpoolWriter
from storage.store import Store

PARAMS = tuple(f"p{i}" for i in range(10))
METRICS = tuple(f"m{i}" for i in range(5))
POINTS = 100
BEGAN = 1_700_000_000.0
_DISTRIBUTION = (
    '{"name": "FloatDistribution", "attributes": {"low": 0, "high": 1, "step": null, "log": false}}'
)
_AT_ONCE = 2_000
_TEMPORARY = tempfile.TemporaryDirectory(prefix="cockpit-bench-")


def folder(name: str) -> Path:
    """An empty folder that goes away with the process."""
    return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=_TEMPORARY.name))


def empty(name: str) -> Layout:
    return Layout(folder(name) / ".cockpit")


@cache
def with_runs(runs: int, points: int = POINTS) -> Layout:
    """A store of so many complete runs in one sweep, folded in; made once a process."""
    layout, rng = empty(f"runs{runs}"), random.Random(1)
    writer = SpoolWriter(layout)
    sweep = writer.new_id()
    writer.append(
        SweepCreated(sweep, "bench", ["maximize"], BEGAN),
        SweepChanged(sweep, {"metrics": [METRICS[0]]}),
    )
    for start in range(0, runs, _AT_ONCE):
        events: list[Event] = []
        for number in range(start, min(runs, start + _AT_ONCE)):
            events += one_run(writer.new_id(), sweep, number, rng, points)
        writer.append(*events)
        if start % 20_000 == 0:  # a reader looks in now and then, as one does
            with Store(layout).session():
                pass
    writer.append(SweepChanged(sweep, {"state": "complete", "ended": BEGAN}))
    writer.close()
    with Store(layout).session():
        pass
    os.sync()  # or what is measured next waits for the disk to take in all this
    return layout


def one_run(
    run: int, sweep: int | None, number: int, rng: random.Random, points: int
) -> list[Event]:
    """All that is told of a run of `points` points (a multiple of the number of metrics)."""
    begin, params, reports, end = in_four(run, sweep, number, rng, points)
    return [*begin, *params, *reports, *end]


def in_four(
    run: int, sweep: int | None, number: int, rng: random.Random, points: int
) -> tuple[list[Event], list[Event], list[Event], list[Event]]:
    """The same as a program tells it: its beginning, its params, its metrics, its end."""
    last = {name: rng.random() for name in METRICS}
    steps = points // len(METRICS)
    return (
        [RunCreated(run, sweep, number, f"bench#{number}", "running", BEGAN + number)],
        [ParamSet(run, name, rng.random(), _DISTRIBUTION) for name in PARAMS],
        [
            MetricLogged(run, name, step, BEGAN + number + step, value * (step + 1) / steps)
            for step in range(steps)
            for name, value in last.items()
        ],
        [
            RunChanged(
                run,
                {
                    "state": "complete",
                    "values": [last[METRICS[0]]],
                    "metrics": last,
                    "ended": BEGAN + number + steps,
                },
            )
        ],
    )
