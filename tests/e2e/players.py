"""What the kill test kills: `python -m tests.e2e.players writer|drainer|reader STORE SEED`.

A writer says on stdout `RUN STEPS` once the spool has acknowledged so many steps of a run; the others say
`ok` whenever they have been through the store.
"""

from __future__ import annotations

import os
import random
import sys
import time
from pathlib import Path

from storage.events import Event, MetricLogged, ParamSet, RunChanged, RunCreated
from storage.layout import Layout
from storage.spool import SpoolWriter

SEGMENT_BYTES = 1_000_000
STEPS_A_RUN = 3_000
PATIENCE = 30.0


def say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def write(layout: Layout, rng: random.Random) -> None:
    spool = SpoolWriter(layout, SEGMENT_BYTES)
    while True:
        run = spool.new_id()
        spool.append(
            RunCreated(run, None, None, f"run {run}", "running", time.time()),
            ParamSet(run, "lr", rng.random(), ""),
        )
        say(f"{run} 0")
        step = 0
        while step < STEPS_A_RUN:
            # Now and then a batch of many pages: a kill in its middle tears a line.
            size = 2_000 if rng.random() < 0.01 else rng.randrange(1, 40)
            points = [
                MetricLogged(run, "loss", at, time.time(), at / 7)
                for at in range(step, step + size)
            ]
            step += size
            events: list[Event] = [*points, RunChanged(run, {"metrics": {"steps": step}})]
            spool.append(*events)
            say(f"{run} {step}")
            time.sleep(rng.random() * 0.01)  # or the disk would fill while others are being killed


def drain(layout: Layout) -> None:
    from storage.store import Store

    while True:
        with Store(layout).session(PATIENCE):
            pass
        say("ok")


def read(layout: Layout) -> None:
    from storage.runs import RunQuery, curve, page
    from storage.store import Store

    while True:
        with Store(layout).session(PATIENCE) as session:
            newest = page(session, RunQuery(sort="loss", limit=50)).runs
            for run in newest[:3]:
                curve(session, run.id, "loss")
        say("ok")


def main() -> None:
    role, store, seed = sys.argv[1:]
    layout = Layout(Path(store))
    if role == "writer":
        write(layout, random.Random(int(seed)))
    elif role == "drainer":
        drain(layout)
    else:
        read(layout)


if __name__ == "__main__":
    main()
