"""How fast runs come in from where people come from, beside the peers' own readers.

A peer is asked where COCKPIT_PEERS_MLFLOW names a Python that has it.
"""

from __future__ import annotations

import os
import random
import subprocess
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.interop.landing import Landing, Source
from cockpit.interop.mlflow import read
from storage.layout import Layout
from storage.store import Store
from tests.bench.measure import Figure, seconds
from tests.bench.stores import folder
from tests.unit.mlflow_stores import Database, Run

if TYPE_CHECKING:
    from collections.abc import Iterator

PYTHON = os.environ.get("COCKPIT_PEERS_MLFLOW", "")
READS = Path(__file__).with_name("mlflow_reads.py")
SHAPES = {
    "100 runs with 1,000,000 points": (100, 1, 10_000),
    "10,000 runs, 50,000 points": (10_000, 5, 1),
}


def imports() -> Iterator[Figure]:
    """MLflow's database imported whole, read and folded in; beside what MLflow's own client takes to read it"""
    for what, (runs, metrics, points) in SHAPES.items():
        file = _database(runs, metrics, points)
        layout = Layout(folder("imported") / ".cockpit")
        cpu = time.process_time()
        yield Figure(f"{what}: cockpit", seconds(partial(_land, layout, file)), "s", 10)
        yield Figure("  its CPU", time.process_time() - cpu, "s")
        with Store(layout).session() as session:
            assert session.rows("select count(*) from metrics") == [(runs * metrics * points,)]
        yield Figure("  of it read", seconds(partial(_read, file)), "s")
        yield Figure("  a second time, nothing new", seconds(partial(_land, layout, file)), "s")
        if PYTHON:
            took, *counts = _peer("read", file)
            assert counts == [runs, runs * metrics * points]
            yield Figure("  MLflow's client, reading alone", took, "s")
    if not PYTHON:
        print("  COCKPIT_PEERS_MLFLOW names no Python that has MLflow, so its figures are left out")


def _land(layout: Layout, file: Path) -> None:
    with Landing(layout, Source("mlflow", str(file), unique=True)) as landing:
        landing.take(read(file))


def _read(file: Path) -> None:
    for _ in read(file):
        pass


def _peer(what: str, file: Path) -> list[float]:
    done = subprocess.run(
        [PYTHON, str(READS), what, f"sqlite:///{file}"], check=True, capture_output=True, text=True
    )
    return [float(word) for word in done.stdout.split()]


def _database(runs: int, metrics: int, points: int) -> Path:
    file = folder("mlflow") / "mlflow.db"
    if PYTHON:
        _peer("init", file)
    store, chance = Database(file), random.Random(7)
    store.base.execute("begin")
    for number in range(runs):
        store.add(
            Run(
                f"{number:032x}",
                params={f"p{i}": repr(chance.random()) for i in range(10)},
                metrics={
                    f"m{i}": [(step, chance.random()) for step in range(points)]
                    for i in range(metrics)
                },
            )
        )
    if PYTHON:  # by which its client knows what metrics a run has
        store.base.execute(
            'insert into latest_metrics select "key", value, max(timestamp), step, is_nan, run_uuid'
            ' from metrics group by run_uuid, "key"'
        )
    store.base.execute("commit")
    store.base.close()
    return file
