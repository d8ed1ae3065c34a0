"""A list of lines with a cursor, painted line by line however long it is."""

from __future__ import annotations

from textual.geometry import Region, Size
from textual.strip import Strip

from cockpit.tui.widgets.cursor_list import CursorList


class Picker(CursorList, inherit_bindings=False):
    """The lines are the subclass's, the keys those of the screen that it stands in."""

    DEFAULT_CSS = """
    Picker { background: $surface; }
    """

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
        base += self.tone("cursor") if here else base
        text, quiet = self.line(row, width - 2)
        bar = self.bar(base, here)
        return Strip([bar, *self.painted([(text, "quiet" if quiet else "")], base)])
