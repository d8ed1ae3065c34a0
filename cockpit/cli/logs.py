"""`cockpit logs`: what a run, or all the trials of a sweep, printed."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import layout_to_read, open_session, store_option
from cockpit.format import log_line, plain

if TYPE_CHECKING:
    from cockpit.logs import Logs
    from storage.layout import Layout

LINES = {False: 100, True: 10}
"""How many are shown where nobody says: of a run, and of each trial of a sweep."""
LOOK_SECONDS = 0.2
"""Between two looks at the files."""
ASK_SECONDS = 1.0
"""Between two looks into the store, for new trials and for the end."""
_COLOURS = (36, 32, 33, 34, 35, 96, 92, 93, 94, 95)
"""Of the names before the lines, by ANSI's numbers; the terminal's own palette says what they are."""


@click.command("logs", short_help="Show what runs printed.")
@click.argument("target", metavar="SWEEP|RUN")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until it has ended.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    metavar="LINES",
    help="How many from the end. [default: 100; of a sweep 10 a trial]",
)
@click.option("--all", "whole", is_flag=True, help="All lines.")
@store_option
@click.pass_context
def command(
    ctx: click.Context,
    target: str,
    follow: bool,
    lines: int | None,
    whole: bool,
    store: str | None,
) -> None:
    """Show the log of a run, or of every trial of a sweep with the trial's number before each line.

    RUN is an id, the start of one, SWEEP#NUMBER, SWEEP#best, SWEEP#baseline or @latest.
    """
    from cockpit.logs import of_target

    if whole and lines is not None:
        raise click.UsageError("--all and --lines both say how much; give one of them")
    layout = layout_to_read(ctx, store)
    with open_session(layout) as session:
        logs = of_target(session, layout, target)
    several = logs.width > 0
    if not whole and logs.seek_last(LINES[several] if lines is None else lines) and lines is None:
        each = " of each" if several else ""
        click.echo(f"(the last {LINES[several]} lines{each}; --all shows the rest)", err=True)
    shown = _print(logs)
    if follow:
        shown = _follow(logs, layout) or shown
    shown = _print(logs, final=True) or shown
    if not shown and lines != 0:
        click.echo(
            f"({plain(target)} has written nothing{'' if logs.ended else ' so far'})", err=True
        )


def _follow(logs: Logs, layout: Layout) -> bool:
    """Print what comes until the end has come and all of it is printed; whether anything came."""
    from storage.faults import StoreBusy
    from storage.store import Store

    store, asked, shown = Store(layout), time.monotonic(), False
    while not logs.ended:
        time.sleep(LOOK_SECONDS)
        if time.monotonic() - asked >= ASK_SECONDS:
            with contextlib.suppress(StoreBusy), store.session() as session:
                logs.look(session)
            asked = time.monotonic()
        shown = _print(logs) or shown
    return shown


def _print(logs: Logs, final: bool = False) -> bool:
    shown = False
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for source, lines in logs.read(final):
        start = _start(source.name, logs.width, colour)
        click.echo("\n".join(start + log_line(line) for line in lines), color=True)
        shown = True
    return shown


def _start(name: str, width: int, colour: bool) -> str:
    """What stands before each line of a log; nothing where it is the only one."""
    if not name:
        return ""
    start = f"{name:>{width}} │ "
    if not colour:
        return start
    number = int(name[1:]) if name[1:].isdigit() else -1
    return f"\x1b[{_COLOURS[number % len(_COLOURS)]}m{start}\x1b[0m"
