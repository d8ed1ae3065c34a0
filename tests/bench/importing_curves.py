"""How fast the curves of TensorBoard and wandb come in, beside the peers' own readers.

A peer is asked where COCKPIT_PEERS names a Python that has tensorboard, COCKPIT_PEERS_WANDB one that has wandb
before 0.20 (the later ones have no reader of their own).
"""

from __future__ import annotations

import json
import os
import random
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.interop import tensorboard, wandb
from cockpit.interop.landing import Landing, Source
from storage.layout import Layout
from storage.store import Store
from tests.bench.measure import Figure, seconds
from tests.bench.stores import folder
from tests.unit.event_bytes import event, event_file, history, item, message, old_scalar, run_file

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cockpit.interop.foreign import Damaged, ForeignRun, Skipped

    Read = Callable[[Path], Iterator[ForeignRun | Damaged | Skipped]]

READS = Path(__file__).with_name("curve_reads.py")
METRICS = tuple(f"train/metric_{number}" for number in range(5))
STEPS = 200_000
_OWN = ("_step", "_timestamp", "_runtime")


def event_files() -> Iterator[Figure]:
    """1,000,000 points of one TensorBoard run imported, read and folded in; beside TensorBoard's own reader"""
    place, chance = folder("tensorboard"), random.Random(7)
    events = (
        event(step, old_scalar(name, chance.random()), time=1.7e9 + step / 100)
        for step in range(STEPS)
        for name in METRICS
    )
    file = place / "events.out.tfevents.1700000000.bench"
    file.write_bytes(event_file(events))
    yield from _figures("tensorboard", place, file.parent, tensorboard.read, "COCKPIT_PEERS")


def run_files() -> Iterator[Figure]:
    """1,000,000 points of one wandb run imported, read and folded in; beside wandb's own reader"""
    place = folder("wandb") / "offline-run-20260101_000000-bench"
    place.mkdir()
    file = place / "run-bench.wandb"
    file.write_bytes(run_file(_records()))
    yield from _figures("wandb", place, file, wandb.read, "COCKPIT_PEERS_WANDB")


def _records() -> Iterator[bytes]:
    """As wandb 0.31 writes them: a summary beside every row of the history."""
    chance = random.Random(7)
    yield message((17, message((1, "bench"), (3, "bench"))))
    for step in range(STEPS):
        values = (*(chance.random() for _ in METRICS), step, 1.7e9 + step / 100, step / 100)
        items = [
            message((2, name), (16, json.dumps(value)))
            for name, value in zip((*METRICS, *_OWN), values, strict=True)
        ]
        yield message((3, message(*((1, one) for one in items))))
        yield history(step, *items)
    yield message((5, message((1, item(["lr"], "0.1")))))


def _figures(peer: str, place: Path, theirs: Path, read: Read, variable: str) -> Iterator[Figure]:
    layout = Layout(folder(f"imported-{peer}") / ".cockpit")
    points: list[int] = []

    def land() -> None:
        with Landing(layout, Source(peer, str(place))) as landing:
            points.append(landing.take(read(place)).points)

    yield Figure("cockpit", seconds(land), "s", 10)
    with Store(layout).session() as session:
        assert session.rows("select count(*) from metrics") == [(STEPS * len(METRICS),)]
    yield Figure("  of it read", seconds(lambda: list(read(place))), "s")
    yield Figure("  a second time, nothing new", seconds(land), "s")
    assert points == [STEPS * len(METRICS), 0]
    python = os.environ.get(variable)
    if not python:
        print(f"  {variable} names no Python that has {peer}, so its figures are left out")
        return
    done = subprocess.run(
        [python, str(READS), peer, str(theirs)], check=True, capture_output=True, text=True
    )
    took, found = map(float, done.stdout.split())
    assert found == STEPS * len(METRICS)
    yield Figure(f"  {peer}'s own reader, reading alone", took, "s")
