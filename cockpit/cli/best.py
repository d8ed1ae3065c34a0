"""`cockpit best`: what a sweep found: its best runs, of several objectives the Pareto front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.table import Table

    from cockpit.sweep.after import Best
    from storage.runs import Run

NOTHING_COMPLETE = 3


@click.command("best", short_help="Show a sweep's best runs.")
@click.argument("sweep", metavar="SWEEP")
@click.option(
    "-n",
    "most",
    metavar="N",
    type=click.IntRange(min=1),
    help="How many. [default: 1; the whole Pareto front]",
)
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context, sweep: str, most: int | None, as_json: bool, store: str | None
) -> int:
    """Show the best complete run of a sweep, or the N best, and what they won over the baseline.

    Of several objectives, show the Pareto front: the runs that no other one is as good as in all
    objectives and better than in one. Runs that break a constraint are left out, and counted.
    A sweep that runs is shown as far as it has come. Without one complete run that keeps to the
    constraints the exit code is 3.
    """
    from cockpit.sweep.after import best
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        found = best(session, sweep, most)
    if as_json:
        click.echo(to_json(_as_json(found)))
    else:
        _print(found)
    return 0 if found.runs else NOTHING_COMPLETE


def _as_json(found: Best) -> dict[str, Any]:
    from cockpit.cli.tables import run_as_json
    from cockpit.gain import gains

    sweep = found.sweep
    return {
        "sweep": sweep.name,
        "state": sweep.state,
        "metrics": sweep.metrics,
        "directions": sweep.directions,
        "complete": found.complete,
        "infeasible": found.infeasible,
        "found": found.found,
        "baseline": sweep.baseline and run_as_json(sweep.baseline),
        "runs": [{**run_as_json(run), "gains": gains(run, sweep)} for run in found.runs],
    }


def _print(found: Best) -> None:
    from rich.text import Text

    from cockpit.cli.tables import console, print_constants, split

    out = console()
    out.print(Text(sentence(found)))
    if not found.runs:
        return
    rows = [*found.runs, *_beside(found)]
    names = list(dict.fromkeys(key for run in rows for key in run.params))
    if len(found.runs) == 1 and len(found.sweep.directions) == 1:
        out.print(_block(found.runs[0], rows[1:], names))
        return
    constant, varying = split(rows, names)
    print_constants(out, constant)
    out.print(_table(found, rows, varying))


def _beside(found: Best) -> list[Run]:
    """The baseline, where it is complete and not among the runs anyway."""
    baseline = found.sweep.baseline
    if baseline is None or baseline.state != "complete":
        return []
    return [baseline] if baseline.id not in {run.id for run in found.runs} else []


def sentence(found: Best) -> str:
    """The answer in words, above the figures."""
    from cockpit.format import count, listed, number, plain
    from cockpit.gain import run_gain, words

    sweep = found.sweep
    name = plain(sweep.name)
    broke = f"; {count(found.infeasible)} of them break a constraint" * bool(found.infeasible)
    complete = f"{count(found.complete)} complete run{'s' * (found.complete != 1)}{broke}"
    if not found.runs:
        yet = " yet" if sweep.state in ("running", "paused") else ""
        return f"{name} has {complete if found.complete else f'no complete run{yet}'}."
    goals = [
        f"{plain(metric)} ({way})"
        for metric, way in zip(sweep.metrics, sweep.directions, strict=False)
    ]
    if len(goals) > 1:
        shown = f"{count(len(found.runs))} of " * (len(found.runs) < found.found)
        front = f"{shown}{count(found.found)} on the Pareto front of {listed(goals)}"
        return f"{name}: {front}, out of {complete}."
    best = found.runs[0]
    value = f"best {goals[0]} {number(best.metrics[sweep.metrics[0]], keep_zeros=True)}"
    won = run_gain(best, sweep)
    gained = "" if won is None else f", {words(won)}"
    return f"{name}: {value} by #{best.number}{gained}, out of {complete}."


def _block(best: Run, beside: list[Run], names: Iterable[str]) -> Table:
    """A param a line, beside the baseline's."""
    from rich.text import Text

    from cockpit.cli.tables import param, table_of
    from cockpit.format import plain

    table = table_of("param", f"#{best.number}", *["baseline"] * len(beside))
    for column in table.columns[1:]:
        column.justify = "right"
    for key in names:
        table.add_row(Text(plain(key)), *(param(run, key) for run in (best, *beside)))
    return table


def _table(found: Best, rows: list[Run], varying: list[str]) -> Table:
    """A run a line, the baseline last."""
    from rich.text import Text

    from cockpit.cli.tables import name, param, table_of
    from cockpit.format import MISSING, duration, number
    from cockpit.gain import figure, run_gain

    metrics = found.sweep.metrics
    gains = [run_gain(run, found.sweep) for run in rows]
    over = ["over baseline"] * (len(metrics) == 1 and any(won is not None for won in gains))
    table = table_of("run", *metrics, *over, *varying, "time")
    for column in table.columns[1:]:
        column.justify = "right"
    for run, won in zip(rows, gains, strict=True):
        table.add_row(
            Text(name(run)),
            *(
                Text(number(run.metrics[m], keep_zeros=True) if m in run.metrics else MISSING)
                for m in metrics
            ),
            *[Text(MISSING if won is None or run.baseline else figure(won))] * len(over),
            *(param(run, key) for key in varying),
            Text(duration(run.seconds)),
        )
    return table
