"""What takes the bottom line for a moment: something to type, or what was just said and done."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from cockpit import format as fmt
from cockpit.tui.theme import css
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.typed import Typed

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import ComposeResult


class Said(Static):
    """One saying, with what can be done about it at its end; it goes when the reader goes on."""

    DEFAULT_CSS = """
    Said { display: none; dock: bottom; height: auto; max-height: 4; padding: 0 1; }
    """

    def say(self, text: str, hint: str = "", tone: str = "") -> None:
        """Show a sentence; an empty one puts it away."""
        parts: list[str | tuple[str, str]] = [(text, css(tone)) if tone else text]
        if hint:
            parts.append((f"   {hint}", css("quiet")))
        self.update(Content.assemble(*parts) if text else "")
        self.display = bool(text)
        self.screen.set_class(bool(text), "-saying")


class Prompt(Horizontal):
    """A label and a line to type in; Enter hands over what was typed, Esc nothing."""

    DEFAULT_CSS = """
    Prompt { display: none; dock: bottom; height: 1; padding: 0 1; }
    Prompt Line { width: auto; padding: 0 2 0 0; }
    Prompt Input { width: 1fr; height: 1; border: none; padding: 0; background: $background; }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "leave it", id="prompt.close", tooltip="Leave it as it is"),
    ]

    def compose(self) -> ComposeResult:
        yield Line()
        yield Typed(compact=True, select_on_focus=False)

    def ask(self, label: str, value: str, then: Callable[[str], None]) -> None:
        """Ask for a line; `then` gets it."""
        self._then = then
        words = Words((Piece(fmt.plain(label), "accent"),))
        line, text = self.query_one(Line), self.query_one(Input)
        line.words = words
        line.styles.width = min(len(fmt.plain(label)) + 2, max(8, self.screen.size.width // 2))
        text.value, text.cursor_position = value, len(value)
        self.display = True
        self.screen.set_class(True, "-asking")
        self._before = self.screen.focused
        text.focus()

    def action_close(self) -> None:
        """Give the bottom line and the focus back."""
        self.display = False
        self.screen.set_class(False, "-asking")
        self.screen.set_focus(self._before)

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()  # it is no filter

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_close()
        self._then(event.value)
