"""How long a person waits for an answer to a key: the app on a terminal of its own, over a large store."""

from __future__ import annotations

import os
import signal
import statistics
import time
from typing import TYPE_CHECKING, Any

import pexpect

from tests.bench.measure import Figure
from tests.bench.stores import METRICS, with_runs
from tests.bench.sweeps import COCKPIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout

RUNS = 100_000
MARKED = 30
REPEATS = 9
QUIET = 0.6
"""Seconds without a byte after which a key has brought all it brings."""
GOAL = 0.1
KEYS = {
    "down": "j",
    "a page down": "\x1b[6~",
    "mark": " ",
    "the last run": "G",
    "the first run": "g",
    "sort by the next column": "s",
    "turn the order around": ".",
    "the next column": "\x1b[C",
    "help": "?",
    "close the help": "\x1b[27u",
    "filter": "/",
    "a letter of the filter": "7",
    "clear the filter": "\x1b[27u",
}
"""What is pressed, one after the other; escape as terminals send it that tell it from a sequence."""


def keys() -> Iterator[Figure]:
    """A key's answer on a terminal, 100,000 runs, 30 of them marked: its first bytes, and its last"""
    for size in ((80, 24), (200, 50)):
        yield from _at(with_runs(RUNS, len(METRICS)), size)


def _at(layout: Layout, size: tuple[int, int]) -> Iterator[Figure]:
    layout.screens.unlink(missing_ok=True)  # each begins on the first screen, without marks
    child = pexpect.spawn(
        COCKPIT[0],
        [*COCKPIT[1:], "--store", str(layout.root)],
        env={**os.environ, "TERM": "xterm-256color"},
        dimensions=size[::-1],
    )
    child.expect(f"{RUNS:,} runs".encode(), timeout=60)
    _pressed(child, "g", 3.0)
    for _ in range(MARKED):
        _pressed(child, " j", 0.05)
    first: dict[str, list[float]] = {name: [] for name in KEYS}
    last: dict[str, list[float]] = {name: [] for name in KEYS}
    for _ in range(REPEATS):
        for name, key in KEYS.items():
            began, ended = _pressed(child, key, QUIET)
            first[name].append(began)
            last[name].append(ended)
    child.kill(signal.SIGKILL)
    child.wait()
    for name in KEYS:
        where = f"{name}, {size[0]}x{size[1]}"
        yield Figure(where, statistics.median(first[name]), "s", GOAL)
        yield Figure("  the slowest", max(first[name]), "s")
        yield Figure("  all of it", statistics.median(last[name]), "s")


def _pressed(child: pexpect.spawn[Any], key: str, quiet: float) -> tuple[float, float]:
    """Seconds until the first and until the last byte that a key brings; infinite where none comes."""
    child.send(key)
    start = time.perf_counter()
    first, last = float("inf"), float("inf")
    while True:
        try:
            child.read_nonblocking(65536, timeout=quiet)
        except pexpect.TIMEOUT:
            return first, last
        last = time.perf_counter() - start
        first = min(first, last)
