"""How soon the app is there, and what it weighs: in a terminal of its own, as a user starts it."""

from __future__ import annotations

import os
import re
import statistics
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pexpect
import psutil

from tests.bench.measure import Figure
from tests.bench.stores import with_runs
from tests.e2e.conftest import Project
from tests.e2e.test_bytes import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = 9
SIZE = (100, 30)
QUIET = 7.0
"""Seconds after which DuckDB has been let go of."""


def start_up() -> Iterator[Figure]:
    """From enter to the first frame, and to the first rows"""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # nobody starts it without its bytecode
    for runs, goal in ((500, 1.0), (100_000, 1.5)):
        found = [_start(runs) for _ in range(STARTS + 1)][1:]
        cpu, frame, rows = (statistics.median(times) for times in zip(*found, strict=True))
        yield Figure(f"{runs:,} runs: CPU until the first frame", cpu, "s", 0.3)
        yield Figure("  the first frame", frame, "s")
        yield Figure("  the first rows", rows, "s", goal)


def _start(runs: int) -> tuple[float, float, float]:
    """CPU seconds and seconds to the first frame, and seconds to the first rows."""
    began = time.monotonic()
    with _opened(runs) as line:
        _until(line, r" Runs ")
        frame = time.monotonic() - began
        cpu = sum(psutil.Process(line.child.pid).cpu_times()[:2])
        _until(line, rf"bench#{runs - 1}")
        return cpu, frame, time.monotonic() - began


def memory() -> Iterator[Figure]:
    """Resident memory of the app"""
    for runs in (500, 100_000):
        with _opened(runs) as line:
            _until(line, rf"bench#{runs - 1}")
            yield _resident(f"{runs:,} runs: just shown", line, 2.0)
            yield _resident("  idle since", line, QUIET, 120.0)
            line.child.send("ss")
            yield _resident("  sorted by another column", line, 2.0)
            line.child.send("/m1 > 0.5\r")
            yield _resident("  filtered", line, 2.0)
            yield _resident("  idle since", line, QUIET, 120.0)
            line.child.send("2")
            yield _resident("  the Sweep screen", line, 5.0)
            yield _resident("  idle since", line, QUIET, 120.0)


def _resident(what: str, line: Line, seconds: float, goal: float | None = None) -> Figure:
    """After so many seconds."""
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        line.take(left)
    return Figure(what, psutil.Process(line.child.pid).memory_info().rss / 2**20, "MB", goal)


@contextmanager
def _opened(runs: int) -> Iterator[Line]:
    layout = with_runs(runs)
    layout.screens.unlink(missing_ok=True)  # each start is the first one
    line = Line(Project(layout.project), SIZE)
    try:
        yield line
    finally:
        line.child.close(force=True)


def _until(line: Line, pattern: str) -> None:
    """Read until the screen shows it, without a pause between two reads."""
    end = time.monotonic() + 60
    while not re.search(pattern, "\n".join(line.screen.display)):
        assert time.monotonic() < end, f"there is no {pattern!r}"
        try:
            data: Any = line.child.read_nonblocking(65536, timeout=0.01)
            line.feed(data)
        except pexpect.TIMEOUT:
            continue
