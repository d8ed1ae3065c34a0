"""Runs sweeps in the foreground or behind a terminal that has gone; says how they ended."""

from __future__ import annotations

import math
import shlex
import sys
from typing import TYPE_CHECKING

import click

from cockpit.cli.progress import Bar, HangUpProof, JsonLines, Lines, Progress, Quiet, which
from cockpit.format import duration, number, plain
from cockpit.gain import gain, words
from cockpit.sweep.launch import is_known, let_go, replay, run_sweep, stored_spec
from cockpit.sweep.signals import hang_ups_ignored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.sweep.listener import Summary
    from cockpit.sweep.spec import Spec
    from storage.layout import Layout

CAME_OUT_OTHERWISE = 1
NOTHING_COMPLETE = 3
STOPPED = 130
SHOWN = 10
"""Differences of a replay."""


@hang_ups_ignored()
def swept(
    specs: Sequence[Spec], layout: Layout, as_json: bool, resume: bool, detached: bool
) -> int:
    """Run sweeps one after the other and show how they go; returns the command's exit code.

    With `resume`, those of a matrix that have not begun are begun.
    """
    _check_data(specs, layout)
    code = 0
    for spec in specs:
        goes_on = resume and (len(specs) == 1 or is_known(spec.sweep.name, layout))
        listener = HangUpProof(_progress(spec, layout, as_json, detached))
        summary = run_sweep(spec, layout, listener, goes_on)
        listener.ended(summary)
        code = max(code, _code(summary))
        if summary.state == "stopped":
            return STOPPED
    return code


@hang_ups_ignored()
def replayed(name: str, layout: Layout, as_json: bool, detached: bool) -> int:
    """Run a sweep once more in the order of then; returns the exit code."""
    spec = stored_spec(name, layout)
    _check_data([spec], layout)
    listener = HangUpProof(_progress(spec, layout, as_json, detached))
    summary = replay(spec, layout, listener)
    listener.ended(summary)
    if summary.state != "stopped" and not as_json:
        click.echo(_compared(summary))
    return _code(summary) or (CAME_OUT_OTHERWISE if summary.differences else 0)


def _check_data(specs: Sequence[Spec], layout: Layout) -> None:
    """Warn of data that break their contract, before anything starts; raises `ContractBroken`."""
    from cockpit.data.contracts import check_before

    for sentence in check_before(specs, layout):
        click.echo(f"cockpit: {plain(sentence)}", err=True)


def _progress(spec: Spec, layout: Layout, as_json: bool, detached: bool) -> Progress:
    if detached:
        return Quiet(lambda name: let_go(name, layout.sweep_log(name)))
    if as_json:
        return JsonLines()
    metrics, ways = spec.sweep.metrics, spec.sweep.directions
    goal = ", ".join(f"{way} {name}" for way, name in zip(ways, metrics, strict=True))
    shows = Bar if sys.stdout.isatty() else Lines
    return shows(metrics[0], goal, lambda summary: sentence(summary, spec))


def _code(summary: Summary) -> int:
    if summary.state == "stopped":
        return STOPPED
    return 0 if summary.any_complete else NOTHING_COMPLETE


def sentence(summary: Summary, spec: Spec) -> str:
    """A sweep's end in a line or two."""
    metric = spec.sweep.metrics[0]
    counts = ", ".join(f"{n} {state}" for state, n in sorted(summary.counts.items())) or "no trial"
    text = f"{plain(summary.name)} {summary.state} in {duration(summary.seconds)}: {counts}."
    if summary.reason and summary.state == "complete":
        text += f" It ended since {summary.reason}."
    best, baseline = summary.best, summary.baseline
    if best is None and summary.any_complete:
        several = f" cockpit best {shlex.quote(plain(summary.name))} has the Pareto front."
        none = " None is the best: every complete one breaks a constraint."
        text += several if len(spec.sweep.metrics) > 1 else none
    if best is not None:
        text += f" Best {metric} {number(best.metrics[metric])} ({which(best)})"
        if baseline is not None and baseline.values and best.values:
            text += _beside(best.values[0], baseline.values[0], spec.sweep.directions[0])
            if any(limit.violation(baseline.metrics) > 0 for limit in spec.sweep.constraints):
                text += ", which breaks a constraint"
        text += "."
    return text


def _beside(best: float, baseline: float, direction: str) -> str:
    won = gain(best, baseline, direction)
    beside = "as the baseline is" if math.isnan(won) else words(won)  # both are infinite
    return f", {beside} ({number(baseline)})"


def _compared(summary: Summary) -> str:
    differences = summary.differences or ()
    if not differences:
        return "Every suggestion and every result came out the same."
    shown = "\n".join(f"  {plain(each)}" for each in differences[:SHOWN])
    more = len(differences) - SHOWN
    return f"{len(differences)} came out otherwise:\n{shown}" + (
        f"\n  and {more} more" * (more > 0)
    )
