"""The help: what every key does here, drawn from the bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui.theme import css

if TYPE_CHECKING:
    from textual.app import ComposeResult


class HelpScreen(ModalScreen[None]):
    """Laid over the screen it explains."""

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen VerticalScroll {
        width: auto; max-width: 76; height: auto; max-height: 100%;
        background: $surface; border: round $faint; padding: 0 2;
        border-title-color: $tone; scrollbar-size-vertical: 1;
    }
    HelpScreen Static { width: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "close", id="help.close"),
    ]

    def __init__(self, explained: Screen[object]) -> None:
        super().__init__()
        self._keys = explain(explained)

    def compose(self) -> ComposeResult:
        with VerticalScroll() as box:
            box.border_title = "Keys"
            box.border_subtitle = "esc closes"
            yield Static(self._content(), markup=False)

    def _content(self) -> Content:
        width = max(len(keys) for keys, _ in self._keys) + 3
        parts: list[str | tuple[str, str]] = []
        for keys, meaning in self._keys:
            parts += [(fmt.fit(keys, width), css("accent")), f"{meaning}\n"]
        return Content.assemble(*parts[:-1], parts[-1].rstrip("\n") if parts else "")  # type: ignore[union-attr]


def explain(screen: Screen[object]) -> list[tuple[str, str]]:
    """(keys, meaning) of all bindings that say what they do, those nearest to the focus first."""
    found: dict[str, tuple[list[str], str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.tooltip:
            keys, _ = found.setdefault(binding.action, ([], binding.tooltip))
            key = screen.app.get_key_display(binding)
            if key not in keys:
                keys.append(key)
    return [("  ".join(keys), meaning) for keys, meaning in found.values()]
