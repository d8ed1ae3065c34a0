"""Puts an alias back onto the version before, once it was said which versions are meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui.models.pages import label_of
from cockpit.tui.screens.promoting_ask import AskWhy, ways_back
from cockpit.tui.screens.promoting_deeds import in_background

if TYPE_CHECKING:
    from cockpit.tui.models.deeds import Return
    from cockpit.tui.screens.ways import WaysScreen
    from storage.models import Move


def begin(screen: WaysScreen, model: str, alias: str | None) -> None:
    """Ask which alias of a model goes back, where there are several; then name the versions and ask why."""
    deeds = screen.shared.deeds.models

    def offered(returns: tuple[Return, ...]) -> None:
        if not any(one.target for one in returns):
            screen.tell(
                f"{fmt.plain(model)} has nothing to go back to: no alias of it was elsewhere"
            )
            return
        if len(returns) == 1:
            _confirm(screen, model, returns[0])
            return

        def chosen(place: int | None) -> None:
            if place is not None:
                _confirm(screen, model, returns[place])

        screen.app.push_screen(ways_back(model, returns, alias), chosen)

    in_background(screen.app, lambda: deeds.returns(model), offered)


def _confirm(screen: WaysScreen, model: str, one: Return) -> None:
    alias, name = fmt.plain(one.alias), fmt.plain(model)
    if one.target is None:
        screen.tell(f"nothing was {alias} of {name} before: there is nothing to go back to")
        return
    here, there = (f"v{each.number} ({label_of(each)})" for each in (one.here, one.target))
    question = f"Roll {name}@{alias} back from {here} to {there}?"
    more = "One more entry in the history; nothing of it is taken away. p promotes it again."

    def done(move: Move) -> None:
        text = f"{alias} of {name} is {name}@v{move.target} again; it was {name}@v{move.origin}"
        screen.tell(text)

    def answered(reason: str | None) -> None:
        if reason is not None:
            deeds = screen.shared.deeds.models
            in_background(
                screen.app, lambda: deeds.roll_back(model, one.alias, reason), done, "rolling back…"
            )

    screen.app.push_screen(AskWhy(question, more), answered)
