"""A sweep that was started from the screens: the demo's, and how any of them comes into sight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cockpit.tui.control import Refused
from cockpit.tui.screens.steering import tell_in_front
from cockpit.tui.screens.sweep import SweepScreen

if TYPE_CHECKING:
    from textual.app import App

    from cockpit.tui.control import Control
    from cockpit.tui.screens.base import Shared


def show_started(app: App[Any], shared: Shared, name: str, said: str) -> None:
    """Put the screen of a sweep over the first one, and say what there is to say of its start."""
    while len(app.screen_stack) > 1:
        app.pop_screen()
    screen = SweepScreen.of(shared, name)
    app.push_screen(screen)
    screen.call_after_refresh(screen.tell, said)


def start_demo(app: App[Any], shared: Shared, control: Control) -> None:
    """Write the demo project beside the project and start its sweep, in a thread of the app's own."""
    asked_on = app.screen

    def run() -> None:
        try:
            name, said = control.demo()
        except Refused as error:
            app.call_from_thread(tell_in_front, app, str(error), "stopped")
        else:
            app.call_from_thread(shown, name, said)

    def shown(name: str, said: str) -> None:
        if app.screen is asked_on:
            show_started(app, shared, name, said)
        else:  # one has gone elsewhere meanwhile
            tell_in_front(app, said)

    tell_in_front(app, "writing the demo project, and importing its code…")
    app.run_worker(run, thread=True, group="control", exit_on_error=False)
