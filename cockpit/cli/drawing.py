"""What the commands share that draw rows for their intervals."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MOST = 100_000
resamples_option = click.option(
    "--resamples",
    metavar="N",
    type=click.IntRange(0, MOST),
    default=0,
    help="Draw the rows N times for the intervals, 2000 say. [default: those that are there at once]",
)


@contextmanager
def told() -> Iterator[Callable[[float], None]]:
    """Says on a terminal how far the drawing is, and wipes it out at the end."""
    said = ""

    def say(share: float) -> None:
        nonlocal said
        text = f"\rdrawing rows {share:4.0%}"
        if text != said:
            said = text
            click.echo(text, err=True, nl=False)

    def silent(share: float) -> None:
        pass

    try:
        yield say if sys.stderr.isatty() else silent
    finally:
        if said:
            click.echo("\r\x1b[K", err=True, nl=False)
