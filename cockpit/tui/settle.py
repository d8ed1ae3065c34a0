"""What the user's settings make of the app before its first frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.filter import Monochrome, NoColor

from cockpit.tui.theme import COCKPIT, THEMES

if TYPE_CHECKING:
    from textual.app import App

    from cockpit.tui.config import Settings


def begin(app: App[None], settings: Settings) -> None:
    """Themes, keys, the pace of looking; without colours where NO_COLOR says so."""
    for theme in THEMES.values():
        app.register_theme(theme)
    app.theme = settings.theme if settings.theme in app.available_themes else COCKPIT.name
    app.set_keymap(dict(settings.keys))
    if app.no_color:
        # Textual's answer to NO_COLOR is shades of grey, which are colours to a terminal.
        app._filters = [
            NoColor() if isinstance(each, Monochrome) else each for each in app._filters
        ]
