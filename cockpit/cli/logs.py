"""`cockpit logs`: what a run, or all the trials of a sweep, printed."""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
import time
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import layout_to_read, open_session, store_option
from cockpit.format import cut, log_line, plain

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
    printer = _Printer(logs)
    printer.print()
    if follow:
        try:
            _follow(logs, layout, printer)
        except KeyboardInterrupt:
            printer.leave()
            raise
    printer.print(final=True)
    if not printer.shown and lines != 0:
        click.echo(
            f"({plain(target)} has written nothing{'' if logs.ended else ' so far'})", err=True
        )


def _follow(logs: Logs, layout: Layout, printer: _Printer) -> None:
    """Print what comes until the end has come."""
    from storage.faults import StoreBusy
    from storage.store import Store

    store, asked = Store(layout), time.monotonic()
    while not logs.ended:
        printer.show_begun()
        time.sleep(LOOK_SECONDS)
        if time.monotonic() - asked >= ASK_SECONDS:
            with contextlib.suppress(StoreBusy), store.session() as session:
                logs.look(session)
            asked = time.monotonic()
        printer.print()


class _Printer:
    """Prints what is new; on a terminal a line without an end is painted over and over, as who wrote it meant it."""

    def __init__(self, logs: Logs) -> None:
        self._logs = logs
        self._terminal = sys.stdout.isatty()
        self._colour = self._terminal and not os.environ.get("NO_COLOR")
        self._begun = ""
        self.shown = False
        """Whether there was anything to print."""

    def print(self, final: bool = False) -> None:
        for source, lines in self._logs.read(final):
            start = _start(source.name, self._logs.width, self._colour)
            self._paint("")
            click.echo("\n".join(start + log_line(line) for line in lines), color=True)
            self.shown = True

    def show_begun(self) -> None:
        """Paint the line that has no end yet: a progress bar, say."""
        self._paint(cut(log_line(self._logs.begun), shutil.get_terminal_size().columns - 1))

    def leave(self) -> None:
        """Let the line without an end stand, and what comes after it begin a line of its own."""
        if self._begun:
            click.echo()

    def _paint(self, line: str) -> None:
        if self._terminal and line != self._begun:
            click.echo(f"\r\x1b[K{line}", nl=False, color=True)
            self._begun = line


def _start(name: str, width: int, colour: bool) -> str:
    """What stands before each line of a log; nothing where it is the only one."""
    if not name:
        return ""
    start = f"{name:>{width}} │ "
    if not colour:
        return start
    number = int(name[1:]) if name[1:].isdigit() else -1
    return f"\x1b[{_COLOURS[number % len(_COLOURS)]}m{start}\x1b[0m"
