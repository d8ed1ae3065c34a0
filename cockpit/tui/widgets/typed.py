"""A line to type in that nothing in it can break: what it holds may come from a store, a file, a clipboard."""

from __future__ import annotations

from rich.text import Text
from textual.reactive import var
from textual.widgets import Input

from cockpit import format as fmt


class Typed(Input):
    """Holds what was typed as it is, and paints it without control characters, each in its own place."""

    cursor_blink: var[bool] = var(False, init=False)
    """A cursor that blinks sends bytes twice a second while nothing happens."""

    @property
    def _value(self) -> Text:
        # What joins emoji is left out elsewhere; here every character needs a place for the cursor.
        shown = "".join(fmt.plain(char) or char for char in self.value)
        return Text(shown, no_wrap=True, overflow="ignore", end="")
