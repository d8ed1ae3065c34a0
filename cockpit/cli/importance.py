"""`cockpit importance`: which params mattered in a sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from cockpit.cli.common import json_option, layout_to_read, open_session, store_option

if TYPE_CHECKING:
    from cockpit.sweep.importance import Importance, Share

NOTHING_COMPLETE = 3
BAR = 24
EIGHTHS = " ▏▎▍▌▋▊▉"


@click.command("importance", short_help="Show which params mattered in a sweep.")
@click.argument("sweep", metavar="SWEEP")
@click.option("--metric", metavar="M", help="One of several objectives. [default: all together]")
@json_option
@store_option
@click.pass_context
def command(
    ctx: click.Context, sweep: str, metric: str | None, as_json: bool, store: str | None
) -> int:
    """Show which params set the best tenth of a sweep's complete trials apart (PED-ANOVA).

    The figures add up to 1. Of several objectives, being near their Pareto front is explained. A
    sweep that runs is weighed as far as it has come. Where nothing can be said yet (fewer than two
    complete trials, or all of them the same), that is said and the exit code is 3.
    """
    from cockpit.sweep.importance import importance, material
    from storage.events import to_json

    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        read = material(session, sweep, metric)
    found = importance(read)
    if as_json:
        click.echo(to_json(_as_json(found)))
    else:
        for line in lines(found):
            click.echo(line)
    return 0 if found.shares else NOTHING_COMPLETE


def _as_json(found: Importance) -> dict[str, object]:
    return {
        "sweep": found.sweep,
        "metrics": found.objectives,
        "trials": found.trials,
        "importance": {one.param: one.share for one in found.shares},
        "trials_with": {one.param: one.trials for one in found.shares},
        "left_out": found.left_out,
        "reason": found.reason or None,
    }


def lines(found: Importance) -> list[str]:
    """What was found, a line a param."""
    from cockpit.format import count, listed, plain
    from cockpit.sweep.importance import STEADY

    if found.reason:
        return [f"{plain(found.sweep)}: {plain(found.reason)}."]
    names = listed([plain(name) for name in found.objectives])
    front = "the Pareto front of " * (len(found.objectives) > 1)
    said = [
        f"{plain(found.sweep)}: what sets the best tenth apart in {front}{names}, "
        f"from {count(found.trials)} complete trials"
    ]
    width = min(32, max(len(plain(one.param)) for one in found.shares))
    said += [_line(one, found, width) for one in found.shares]
    if found.trials < STEADY:
        said.append(f"Rough: it gets steady from about {STEADY} complete trials on.")
    if found.left_out:
        left = ", ".join(map(plain, found.left_out))
        said.append(f"Left out, as the store could not keep their choices: {left}.")
    return said


def _line(one: Share, found: Importance, width: int) -> str:
    from cockpit.format import count, fit, plain

    part = f"   in {count(one.trials)} of {count(found.trials)}" * (one.trials < found.trials)
    return f"  {fit(plain(one.param), width)}  {bar(one.share)}  {one.share:.2f}{part}"


def bar(share: float, cells: int = BAR) -> str:
    """A bar of `cells` cells where the share is 1, exact to an eighth of a cell."""
    whole, eighths = divmod(round(share * cells * 8), 8)
    return ("█" * whole + EIGHTHS[eighths].strip()).ljust(cells)
