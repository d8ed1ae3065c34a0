"""A list of lines with a cursor, painted line by line however long it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

if TYPE_CHECKING:
    from rich.style import Style


class Picker(ScrollView, can_focus=True):
    """The lines are the subclass's."""

    DEFAULT_CSS = """
    Picker {
        height: 1fr; background: $surface; scrollbar-size-vertical: 1; overflow-x: hidden;
        scrollbar-color: $faint; scrollbar-background: $surface;
        scrollbar-color-hover: $quiet; scrollbar-color-active: $quiet;
        scrollbar-background-hover: $surface; scrollbar-background-active: $surface;
        & > .picker--cursor { background: $cursor; }
        & > .picker--quiet { color: $quiet; }
        & > .picker--bar { color: $tone; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"picker--cursor", "picker--quiet", "picker--bar"}

    def __init__(self) -> None:
        super().__init__()
        self.cursor = 0

    def count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line(self, row: int, width: int) -> tuple[str, bool]:
        """A line's text, and whether it is quiet."""
        raise NotImplementedError

    def show(self, cursor: int | None = None) -> None:
        """Paint again, with the cursor on this line."""
        last = max(0, self.count() - 1)
        self.cursor = max(0, min(self.cursor if cursor is None else cursor, last))
        self.virtual_size = Size(self.size.width, self.count())
        self.scroll_to_region(Region(0, self.cursor, 1, 1), animate=False)
        self.refresh()

    def on_resize(self) -> None:
        self.show()

    def render_line(self, y: int) -> Strip:
        row, width, base = y + self.scroll_offset.y, self.size.width, self.rich_style
        if row >= self.count():
            return Strip.blank(width, base)
        here = row == self.cursor
        base += self._part("cursor") if here else base
        text, quiet = self.line(row, width - 2)
        style = base + self._part("quiet") if quiet else base
        return Strip(
            [Segment("▌ " if here else "  ", base + self._part("bar")), Segment(text, style)]
        )

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"picker--{name}", partial=True)
