"""A chart with a title line above it: drawn when what it shows has changed, painted where cells differ."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from cockpit.format import cut
from cockpit.tui.canvas import style
from cockpit.tui.legend import legend
from cockpit.tui.line_colours import line_colours
from cockpit.tui.plot import Plot, lay_out

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.tui.canvas import Colour, Glyphs
    from cockpit.tui.plot import Picture

REDRAW = 0.25
"""Seconds between two redraws, however fast the data comes."""
NEAR = 6
"""Changed cells so near to each other are painted in one go: moving the cursor costs as much."""


class Chart(Widget):
    """Shows a `Plot`; with nothing to show it says what it waits for."""

    DEFAULT_CSS = """
    Chart { height: 1fr; width: 1fr; padding: 0 1; }
    """
    ALLOW_SELECT = False
    TONES: ClassVar[dict[str, str]] = {
        "plain": "foreground",
        "accent": "tone",
        "quiet": "quiet",
        "faint": "faint",
        "complete": "complete",
    }

    def __init__(
        self,
        empty: str,
        *,
        id: str | None = None,  # noqa: A002
        glyphs: Glyphs | None = None,
    ) -> None:
        """`glyphs` without: as the app says in its `glyphs`, else braille."""
        super().__init__(id=id)
        self._empty = empty
        self._glyphs = glyphs
        self._title: tuple[str, str] = ("", "")
        self._plot = Plot()
        self._cursor: float | None = None
        self._asked = False
        self._drawn = 0.0
        self._due = False
        self._picture: Picture | None = None
        self._laid_out: tuple[object, ...] = ()
        self._strips: list[Strip] = []
        self._painted: tuple[object, ...] = ()

    @property
    def glyphs(self) -> Glyphs:
        """What it is drawn with: ASCII where braille is not to be had."""
        asked: Glyphs | None = getattr(self.app, "glyphs", None)
        return self._glyphs or asked or "braille"

    def show(self, title: str, plot: Plot, note: str = "") -> None:
        """Show `plot`; both texts are painted as they are, so pass them through `format.plain`."""
        if self._asked and (title, note) == self._title and plot == self._plot:
            return
        self._asked, self._title, self._plot = True, (title, note), plot
        self._redraw_within(REDRAW)

    def _redraw_within(self, pace: float) -> None:
        """Draw now, or when `pace` seconds have passed since the last time."""
        wait = self._drawn + pace - monotonic()
        if wait <= 0:
            self._redraw()
        elif not self._due:
            self._due = True
            self.set_timer(wait, self._redraw)

    def _redraw(self) -> None:
        """Draw, and have the cells painted that look different now."""
        self._due = False
        before, look = self._strips, self._look()
        if not self.content_size or look != self._painted or not before:
            self._painted = ()
            self.refresh()
            return
        self._draw(look)
        left, top = self.gutter.left, self.gutter.top
        for row, (old, new) in enumerate(zip(before, self._strips, strict=True)):
            for start, end in changed(old, new):
                self.refresh(Region(left + start, top + row, end - start, 1))

    def render_line(self, y: int) -> Strip:
        look = self._look()
        if look != self._painted:
            self._draw(look)
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width)

    def _look(self) -> tuple[object, ...]:
        """What the whole picture depends on besides what is shown."""
        return self.content_size, self.rich_style, self.app.theme, self.glyphs

    def _draw(self, look: tuple[object, ...]) -> None:
        self._drawn, self._painted = monotonic(), look
        width, height = self.content_size
        base = self.rich_style
        lines = self._lines(width, height, self._colours())[:height]
        lines += [Text()] * (height - len(lines))
        console = self.app.console
        self._strips = [
            Strip(line.render(console)).apply_style(base).adjust_cell_length(width, base)
            for line in lines
        ]

    def _lines(self, width: int, height: int, colours: Mapping[str, Colour]) -> list[Text]:
        lines = [self._heading(width, colours)]
        lines += legend(self._plot, self._cursor, width, height // 5, colours)
        asked = (self._plot, width, height - len(lines), self.glyphs)
        if asked != self._laid_out:
            self._laid_out, self._picture = asked, lay_out(*asked)
        if self._picture:
            return lines + self._picture.lines(colours, self._cursor)
        if self._asked:
            lines.append(Text(cut(self._empty, width), style(colours, "faint"), no_wrap=True))
        return lines

    def _heading(self, width: int, colours: Mapping[str, Colour]) -> Text:
        title, note = self._title
        text = Text(cut(title, width), no_wrap=True)
        if note and len(title) + len(note) + 3 <= width:
            text.append(f"   {note}", style(colours, "quiet"))
        return text

    def _colours(self) -> dict[str, Colour]:
        colours = {tone: self._colour(name) for tone, name in self.TONES.items()}
        theme = self.app.current_theme
        return colours | line_colours(theme.dark, self._colour("background"))

    def _colour(self, variable: str) -> Colour:
        return Color.parse(self.app.theme_variables[variable]).rgb


def changed(old: Strip, new: Strip) -> Iterator[tuple[int, int]]:
    """The stretches of cells, first and past the last one, in which two lines look different."""
    if old == new:
        return
    before, after = ([*_cells(strip)] for strip in (old, new))
    if len(before) != len(after) or len(after) != new.cell_length:
        # Wide characters: no cell answers to each of them.
        yield 0, max(old.cell_length, new.cell_length)
        return
    places = [
        place for place, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1]
    ]
    start = end = places[0] if places else 0
    for place in places:
        if place - end > NEAR:
            yield start, end + 1
            start = place
        end = place
    if places:
        yield start, end + 1


def _cells(strip: Strip) -> Iterator[tuple[str, object]]:
    for segment in strip:
        for char in segment.text:
            yield char, segment.style
