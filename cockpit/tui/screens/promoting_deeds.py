"""Does what has to wait for the store in a thread of its own, and goes on with what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from cockpit.tui.control import Refused
from cockpit.tui.screens.steering import tell_in_front

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App

T = TypeVar("T")


def in_background(
    app: App[Any], deed: Callable[[], T], then: Callable[[T], None], doing: str = ""
) -> None:
    """`then` gets what `deed` gives; where it is refused, the screen in front says why."""

    def run() -> None:
        try:
            found = deed()
        except Refused as error:
            app.call_from_thread(tell_in_front, app, str(error), "stopped")
        else:
            app.call_from_thread(then, found)

    if doing:
        tell_in_front(app, doing)
    # The app's own: the screen's would end with the screen.
    app.run_worker(run, thread=True, group="models", name="models", exit_on_error=False)
