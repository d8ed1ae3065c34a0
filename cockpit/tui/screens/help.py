"""The help: what every key does here, drawn from the bindings."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui.actions import actions
from cockpit.tui.theme import css

if TYPE_CHECKING:
    from textual.app import ComposeResult

FRAME = 9
"""Cells of the box around the text: border, padding, scrollbar."""


class HelpScreen(ModalScreen[None]):
    """Laid over the screen it explains."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen VerticalScroll {
        margin: 1 0;
        width: auto; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $faint; padding: 0 2;
        border-title-color: $tone;
    }
    HelpScreen Static { width: auto; max-width: 100%; padding-right: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape,question_mark,q,enter",
            "dismiss",
            "close",
            id="help.close",
            tooltip="Close the help",
        ),
    ]

    def __init__(self, explained: Screen[object]) -> None:
        super().__init__()
        self._actions = actions(explained)

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(self._content(), markup=False)

    def _content(self) -> Content:
        width = max(len("  ".join(action.keys)) for action in self._actions) + 3
        parts: list[str | tuple[str, str]] = []
        group = ""
        for action in self._actions:
            if action.group != group:
                blank, group = "\n" if group else "", action.group
                parts += [(f"{blank}{group}\n", css("bold"))]
            keys = fmt.fit("  ".join(action.keys), width)
            lines = wrap(action.meaning, max(20, self.app.size.width - width - FRAME))
            meaning = f"\n{' ' * width}".join(lines)
            parts += [(keys, css("accent" if action.enabled else "faint")), f"{meaning}\n"]
        return Content.assemble(*parts).rstrip()


def explain(screen: Screen[object]) -> list[tuple[str, str]]:
    """(keys, meaning) of all bindings that say what they do, by groups."""
    return [("  ".join(action.keys), action.meaning) for action in actions(screen)]
