"""Saves the report of what a screen shows, in a thread of its own, and copies it."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui import clipboard
from cockpit.tui.commands import Offer
from cockpit.tui.control import Refused
from cockpit.tui.screens.steering import tell_in_front
from cockpit.tui.screens.ways import WaysScreen

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.tui.reporting import SavedReport


def begin(screen: WaysScreen, called: str, save: Callable[[], SavedReport]) -> None:
    """Say that it is at work; what comes of it is said on the screen that is in front by then."""
    app = screen.app

    def run() -> None:
        try:
            saved = save()
        except Refused as error:
            app.call_from_thread(tell_in_front, app, f"no report: {error}", "stopped")
        else:
            app.call_from_thread(shown, saved)

    def shown(saved: SavedReport) -> None:
        there = (one for one in reversed(app.screen_stack) if isinstance(one, WaysScreen))
        _copied(next(there), saved)

    screen.tell(f"writing the report of {fmt.plain(called)}…")
    # The app's own: the screen's would end with the screen.
    app.run_worker(run, thread=True, group="reports", exit_on_error=False)


def _copied(screen: WaysScreen, saved: SavedReport) -> None:
    """Copy the text, or where it is too long its path; what `y` copies is the path."""
    offers = (Offer("its path", os.fspath(saved.path)),)
    if screen.to_clipboard(saved.text):
        screen.offer(offers, f"report saved: {saved.shown} (copied)", "y copies its path")
        return
    size = len(saved.text.encode())
    if size <= clipboard.LONGEST or not screen.to_clipboard(offers[0].text):
        screen.offer(offers, f"report saved: {saved.shown}")
        return
    why = f"{fmt.size(size)} are too much to copy; its path is copied"
    screen.offer(offers, f"report saved: {saved.shown} ({why})")
