"""What the trials of a sweep run: a Python function, or a program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Function:
    """A function in the user's code that is given a trial."""

    target: str
    """`FILE.py:NAME` or `MODULE:NAME`, seen from the project's folder."""
    baseline: str | None = None
    """The same, for a `Task.baseline`; None runs `target`."""
    isolation: Literal["warm", "process"] = "warm"
    """`warm` keeps a worker process for trial after trial, `process` starts a fresh one for each."""
    recycle: int | None = None
    """A warm worker is replaced after so many trials."""
    recycle_memory: int | None = None
    """A warm worker with more bytes resident after a trial is replaced."""


@dataclass(frozen=True, slots=True)
class MetricSources:
    """Where a program's metrics are looked for, beside the file of `COCKPIT_METRICS`."""

    json: bool = True
    """Lines of its stdout that are JSON objects."""
    file: str | None = None
    """JSON lines or one JSON object, relative to the run's output folder."""
    patterns: tuple[str, ...] = ()
    """Regular expressions on lines of stdout; each named group is a metric, `step` its step."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program in any language, started anew for each attempt."""

    argv: tuple[str, ...]
    """With placeholders (see command_line.py); no shell reads it."""
    baseline: tuple[str, ...] | None = None
    """The same, for a `Task.baseline`; None runs `argv`."""
    metrics: MetricSources = MetricSources()
