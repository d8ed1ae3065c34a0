"""On a terminal, how far a long study of data is: a line on stderr that goes again."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit.data.watching import Watch

LONG = 1.0
"""Seconds that a study may take without a word."""
BETWEEN = 0.1
"""Seconds between two words."""


@contextmanager
def watched(what: str) -> Iterator[Watch]:
    """Somebody who waits, told `what` is done and how far it is; nobody where stderr is no terminal."""
    from cockpit.data.watching import UNWATCHED, Watch

    if not sys.stderr.isatty():
        yield UNWATCHED
        return
    line = _Line(what)
    try:
        yield Watch(line.tell)
    finally:
        line.clear()


class _Line:
    def __init__(self, what: str) -> None:
        self._what = what
        self._next = time.monotonic() + LONG
        self._said = False

    def tell(self, done: int, of: int, what: str) -> None:
        from shutil import get_terminal_size

        from cockpit.format import cut, plain

        if (now := time.monotonic()) < self._next or not of:
            return
        self._next, self._said = now + BETWEEN, True
        text = plain(f"{self._what} {done / of:4.0%}  {what}")
        room = get_terminal_size().columns - 1
        click.echo(f"\r{cut(text, room)}\x1b[K", err=True, nl=False)

    def clear(self) -> None:
        if self._said:
            click.echo("\r\x1b[K", err=True, nl=False)
