"""A chart with a title line above it, drawn again only when what it shows has changed."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.color import Color
from textual.widget import Widget

from cockpit.format import cut
from cockpit.tui.plot import Plot, draw

if TYPE_CHECKING:
    from cockpit.tui.plot import Colour

REDRAW = 0.33
"""Seconds between two redraws, however fast the data comes."""


class Chart(Widget):
    """Shows a `Plot`; with nothing to show it says what it waits for."""

    DEFAULT_CSS = """
    Chart { height: 1fr; width: 1fr; padding: 0 1; }
    """
    TONES: ClassVar[dict[str, str]] = {
        "plain": "foreground",
        "accent": "tone",
        "quiet": "quiet",
        "faint": "faint",
        "complete": "complete",
    }

    def __init__(self, empty: str, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._empty = empty
        self._title: tuple[str, str] = ("", "")
        self._plot = Plot()
        self._drawn = 0.0
        self._due = False
        self._asked = False

    def show(self, title: str, plot: Plot, note: str = "") -> None:
        """Show `plot`; both texts are painted as they are, so pass them through `format.plain`."""
        if self._asked and (title, note) == self._title and plot == self._plot:
            return
        self._asked, self._title, self._plot = True, (title, note), plot
        wait = self._drawn + REDRAW - monotonic()
        if wait <= 0:
            self.refresh()
        elif not self._due:
            self._due = True
            self.set_timer(wait, self._redraw)

    def _redraw(self) -> None:
        self._due = False
        self.refresh()

    def render(self) -> Text:
        self._drawn = monotonic()
        width, height = self.content_size
        colours = {tone: self._colour(name) for tone, name in self.TONES.items()}
        title, note = self._title
        quiet = f"rgb({','.join(map(str, colours['quiet']))})"
        faint = f"rgb({','.join(map(str, colours['faint']))})"
        text = Text(cut(title, width), no_wrap=True)
        if note and len(title) + len(note) + 3 <= width:
            text.append(f"   {note}", quiet)
        picture = draw(self._plot, width, height - 1, colours)
        text.append("\n")
        if picture or not self._asked:
            return text.append_text(picture)
        return text.append(cut(self._empty, width), faint)

    def _colour(self, variable: str) -> Colour:
        return Color.parse(self.app.theme_variables[variable]).rgb
