"""A reader beside a writer: how much the writer feels of it.

Two processes share caches, and on a rented machine often a core: so there is a neighbour that only
computes and touches no store, to tell what is the store's doing and what the machine's.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.events import MetricLogged, RunCreated
from storage.spool import SpoolWriter
from storage.store import Store
from tests.bench.ours import fold, top
from tests.bench.stores import BEGAN, empty

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from storage.layout import Layout

SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Speed:
    """How a writer gets on."""

    rate: float
    """Appends a second."""
    cpu: float
    """Seconds of its own CPU an append: what a neighbour adds here is not the wait for a core."""


def write(layout: Layout, work: bool, answer: Connection) -> None:
    """Append a point again and again; with `work`, a training step of about half a millisecond before each."""
    spool = SpoolWriter(layout)
    run = spool.new_id()
    spool.append(RunCreated(run, None, None, "writer", "running", BEGAN))
    end, done, began = time.perf_counter() + SECONDS, 0, time.process_time()
    while time.perf_counter() < end:
        if work:
            sum(i * i for i in range(15_000))
        spool.append(MetricLogged(run, "loss", done, BEGAN, 0.5))
        done += 1
    answer.send(Speed(done / SECONDS, (time.process_time() - began) / done))
    spool.close()


def read(layout: Layout, pause: float, answer: Connection) -> None:
    """Look at the store again and again until somebody ends it."""
    answer.send("ready")
    while not answer.poll(pause):
        with Store(layout).session(60) as session:
            top(session, "started")


def compute(layout: Layout, pause: float, answer: Connection) -> None:
    """Keep one core busy until somebody ends it."""
    answer.send("ready")
    while not answer.poll(pause):
        sum(i * i for i in range(15_000))


Neighbour = Callable[["Layout", float, "Connection"], None]


def speed(work: bool, neighbour: Neighbour | None = None, pause: float = 0.0) -> Speed:
    """A writer alone, or beside a neighbour that pauses so many seconds in between."""
    context = multiprocessing.get_context("spawn")
    layout = empty("beside")
    layout.create()
    fold(layout)
    here, there = context.Pipe()
    ours, theirs = context.Pipe()
    beside = context.Process(target=neighbour, args=(layout, pause, theirs)) if neighbour else None
    if beside:
        beside.start()
        ours.recv()
    writer = context.Process(target=write, args=(layout, work, there))
    writer.start()
    found: Speed = here.recv()
    writer.join()
    if beside:
        ours.send("enough")
        beside.join()
        if beside.exitcode:
            raise RuntimeError("the neighbour ended before its time")
    return found
