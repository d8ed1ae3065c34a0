"""A reader beside a writer: how much the writer feels of it."""

from __future__ import annotations

import multiprocessing
import time
from typing import TYPE_CHECKING

from storage.events import MetricLogged, RunCreated
from storage.spool import SpoolWriter
from tests.bench.ours import fold, top
from tests.bench.stores import BEGAN, empty

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from storage.layout import Layout

SECONDS = 3.0


def write(layout: Layout, work: bool, answer: Connection) -> None:
    """Append a point again and again; with `work`, a training step of about a millisecond before each."""
    spool = SpoolWriter(layout)
    run = spool.new_id()
    spool.append(RunCreated(run, None, None, "writer", "running", BEGAN))
    end, done = time.perf_counter() + SECONDS, 0
    while time.perf_counter() < end:
        if work:
            sum(i * i for i in range(15_000))
        spool.append(MetricLogged(run, "loss", done, BEGAN, 0.5))
        done += 1
    answer.send(done / SECONDS)
    spool.close()


def read(layout: Layout, pause: float, answer: Connection) -> None:
    """Look at the store again and again until somebody ends it."""
    from storage.store import Store

    answer.send("ready")
    while not answer.poll(pause):
        with Store(layout).session(60) as session:
            top(session, "started")


def rate(work: bool, pause: float | None) -> float:
    """Appends a second; `pause` is the reader's, in seconds; without one there is no reader."""
    context = multiprocessing.get_context("spawn")
    layout = empty("beside")
    layout.create()
    fold(layout)
    here, there = context.Pipe()
    ours, theirs = context.Pipe()
    reader = context.Process(target=read, args=(layout, pause, theirs))
    if pause is not None:
        reader.start()
        ours.recv()
    writer = context.Process(target=write, args=(layout, work, there))
    writer.start()
    found: float = here.recv()
    writer.join()
    if pause is not None:
        ours.send("enough")
        reader.join()
        if reader.exitcode:
            raise RuntimeError(f"the reader ended with {reader.exitcode}: nothing was measured")
    return found
