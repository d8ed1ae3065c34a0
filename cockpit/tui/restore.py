"""Opens the app where it was left: which screen, what its table showed, what was marked."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from cockpit.tui import remember
from cockpit.tui.columns import Columns
from cockpit.tui.marks import Marks
from cockpit.tui.remember import Memory
from cockpit.tui.screens.base import DataScreen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import App
    from textual.screen import Screen

    from cockpit.tui.marks import Held

LOOK_SECONDS = 1.0
"""Between two looks at whether the terminal is still there."""
HELD = "held"
"""The place of what all screens share."""


def left(stack: Sequence[Screen[object]], held: Held) -> Memory:
    """Where the screens stand now."""
    screens = [screen for screen in stack if isinstance(screen, DataScreen) and screen.place()]
    places = {screen.place(): screen.remembered() for screen in screens}
    shared = {"marks": held.marks.ids, "columns": asdict(held.columns)}
    *below, front = [screen.place() for screen in screens] or [""]
    return Memory(front, {**places, HELD: shared}, tuple(below[1:]))


def take_up(memory: Memory, held: Held) -> None:
    """Mark the runs again, choose the columns again."""
    shared = memory.places.get(HELD, {})
    held.marks = Marks(remember.names(shared, "marks"))
    columns = shared.get("columns")
    held.columns = Columns.read(columns) if isinstance(columns, dict) else Columns()


def on_hang_up(app: App[None]) -> None:
    """When the line drops, remember and go at once; when asked to end, leave as by `q`.

    Where the terminal is not the one that rules us, nobody tells of its end: it has to be looked for.

    Python's own handlers, not asyncio's: a loop that waits for a terminal which takes nothing any more
    would never come to them.
    """
    loop = asyncio.get_running_loop()

    def hang_up(number: int, frame: object) -> None:
        app.exit()  # remembers; there is nobody left to give the terminal back to
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def end(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        loop.call_soon_threadsafe(app.exit)

    terminal = select.poll()
    terminal.register(sys.__stdin__.fileno() if sys.__stdin__ else 0, 0)

    def look() -> None:
        if any(seen & select.POLLHUP for _, seen in terminal.poll(0)):
            hang_up(signal.SIGHUP, None)

    app.set_interval(LOOK_SECONDS, look)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, hang_up)
    signal.signal(signal.SIGTERM, end)
