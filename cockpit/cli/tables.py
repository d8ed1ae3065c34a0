"""Runs and sweeps as plain tables, for a terminal or a pipe, and as JSON objects."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cockpit.format import MISSING, age, cut, duration, look, number, plain, value
from cockpit.gain import figure, sweep_gain

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.groups import RunGroup
    from storage.runs import Run, RunsPage
    from storage.sweeps import Sweep

PIPE_WIDTH = 200
PARAM_WIDTH = 40
"""Cells of a param's value; `cockpit show` has all of it."""


def console() -> Console:
    """The console for results: as wide as the terminal, or wide enough where there is none."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def run_as_json(run: Run) -> dict[str, Any]:
    """A run as the object that `--json` prints."""
    return {
        "id": run.id,
        "name": run.name,
        "sweep": run.sweep,
        "number": run.number,
        "state": run.state,
        "reason": run.reason,
        "params": run.params,
        "metrics": run.metrics,
        "step": run.step,
        "started": run.started and run.started.isoformat(),
        "seconds": run.seconds,
        "tags": run.tags,
        "note": run.note,
        "pinned": run.pinned,
        "attempt": run.attempt,
        "baseline": run.baseline,
    }


def sweep_as_json(sweep: Sweep) -> dict[str, Any]:
    """A sweep as the object that `--json` prints."""
    return {
        "id": sweep.id,
        "name": sweep.name,
        "state": sweep.state,
        "reason": sweep.reason,
        "metrics": sweep.metrics,
        "directions": sweep.directions,
        "trials": sweep.trials,
        "counts": sweep.counts,
        "best": sweep.best and run_as_json(sweep.best),
        "baseline": sweep.baseline and run_as_json(sweep.baseline),
        "gain": sweep_gain(sweep),
        "workers": sweep.workers,
        "sampler": sweep.sampler,
        "pruner": sweep.pruner,
        "seed": sweep.seed,
        "started": sweep.started and sweep.started.isoformat(),
        "seconds": sweep.seconds,
        "driver": sweep.driver,
    }


def print_runs(page: RunsPage) -> None:
    """A table of runs; what is the same in all of them stands above it."""
    out = console()
    constant, varying = split(page.runs, page.params)
    print_constants(out, constant)
    reasons = any(map(_reason, page.runs))
    tagged = any(run.tags for run in page.runs)
    words = ["tags"] * tagged + ["reason"] * reasons
    table = table_of("run", "state", *page.metrics, *varying, "time", "age", *words)
    for column in table.columns[2 : len(table.columns) - len(words)]:
        column.justify = "right"
    now = datetime.now(UTC)
    for run in page.runs:
        table.add_row(
            Text(name(run)),
            state(run.state),
            *(_metric(run, metric, page) for metric in page.metrics),
            *(param(run, key) for key in varying),
            Text(duration(run.seconds)),
            Text(age(run.started, now)),
            *[Text(plain(" ".join(run.tags)))] * tagged,
            *[Text(_reason(run))] * reasons,
        )
    out.print(table)
    if len(page.runs) < page.total:
        out.print(Text(f"{len(page.runs)} of {page.total} runs; --limit N shows more", style="dim"))


def print_sweeps(sweeps: tuple[Sweep, ...]) -> None:
    """A table of sweeps, newest first."""
    measured = any(sweep.baseline for sweep in sweeps)
    over = ["over baseline"] * measured
    table = table_of("sweep", "state", "trials", "", "best", "run", *over, "time", "age")
    now = datetime.now(UTC)
    for sweep in sweeps:
        best = sweep.best
        metric = sweep.metrics[0] if sweep.metrics else ""
        table.add_row(
            Text(plain(sweep.name)),
            state(sweep.state),
            Text(f"{sweep.settled}/{sweep.trials or sweep.settled}"),
            Text("  ".join(f"{look(s).glyph} {n}" for s, n in sorted(sweep.counts.items()))),
            Text(_best(best, metric)),
            Text(f"#{best.number}" if best else MISSING),
            *[Text(_over(sweep))] * measured,
            Text(duration(sweep.seconds)),
            Text(age(sweep.started, now)),
        )
    console().print(table)


def print_run_groups(groups: Sequence[RunGroup], by: str, metric: str) -> None:
    """A table of groups of runs, the best first."""
    from storage.groups import MOST

    table = table_of(by, "runs", f"best {metric}", f"mean {metric}", "best run")
    for column in table.columns[1:4]:
        column.justify = "right"
    for group in groups:
        figures = [MISSING if one is None else number(one) for one in (group.best, group.mean)]
        shown = MISSING if group.value is None else plain(group.value)
        table.add_row(
            Text(shown), Text(str(group.runs)), *map(Text, figures), Text(group.best_run or MISSING)
        )
    console().print(table)
    if len(groups) >= MOST:
        console().print(Text(f"the first {MOST:,} groups; -w narrows them", style="dim"))


def _over(sweep: Sweep) -> str:
    won = sweep_gain(sweep)
    return MISSING if won is None else figure(won)


def state(name: str) -> Text:
    """A state as glyph and word."""
    shown = look(name)
    return Text(f"{shown.glyph} {shown.word}")


def table_of(*columns: str) -> Table:
    """An empty table with these titles."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for name in columns:
        table.add_column(Text(plain(name)), no_wrap=True, overflow="ellipsis")
    return table


def split(runs: Sequence[Run], params: Sequence[str]) -> tuple[Mapping[str, Any], list[str]]:
    """The params with one value in all runs, and the others; a lone run has none to compare with."""
    if len(runs) < 2:
        return {}, list(params)
    constant: dict[str, Any] = {}
    varying: list[str] = []
    for key in params:
        first, *others = [run.params.get(key) for run in runs]
        if all(other == first for other in others):
            constant[key] = first
        else:
            varying.append(key)
    return constant, varying


def print_constants(out: Console, constant: Mapping[str, Any]) -> None:
    """What is the same in all rows, in a line above them."""
    if constant:
        line = "  ".join(f"{key}={value(raw)}" for key, raw in constant.items())
        out.print(Text(f"constant: {plain(line)}", style="dim", no_wrap=True, overflow="ellipsis"))


def name(run: Run) -> str:
    """A run's name; that it is a baseline is said where the name does not."""
    said = not run.baseline or run.name.endswith("#baseline")
    return plain(run.name) if said else f"{plain(run.name)} (baseline)"


def param(run: Run, key: str) -> Text:
    """A param's value, or that the run has none."""
    return Text(cut(value(run.params[key]), PARAM_WIDTH) if key in run.params else MISSING)


def _best(best: Run | None, metric: str) -> str:
    if best is None or metric not in best.metrics:
        return MISSING
    return f"{plain(metric)} {number(best.metrics[metric])}"


def _reason(run: Run) -> str:
    return plain(run.reason) if run.reason and run.state != "pruned" else ""


def _metric(run: Run, name: str, page: RunsPage) -> Text:
    if name not in run.metrics:
        return Text(MISSING)
    if page.best.get(name) == run.id:
        return Text(f"{number(run.metrics[name])}▲", style="bold")
    return Text(f"{number(run.metrics[name])} ")
