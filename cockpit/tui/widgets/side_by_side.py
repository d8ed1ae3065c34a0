"""Runs side by side: a cursor on a thing that is compared, and one of the runs chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.strip import Strip

from cockpit import format as fmt
from cockpit.tui.ledger import EDGE, GAP, Ledger, columns, heading, name_width, parts, value_width
from cockpit.tui.widgets.by_run import CHOSEN, HEADER, ByRun

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

    from cockpit.compare import Row
    from cockpit.tui.ledger import Column


class SideBySide(ByRun):
    """Paints a `Ledger`; says what the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g,home", "first", "first", show=False, id="pane.row-first",
                tooltip="First line"),
    ]  # fmt: skip

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.book: Ledger | None = None
        self.chosen = 1
        self._first = 0
        self._columns: tuple[Column, ...] = ()
        self._values: dict[int, int] = {}

    def show(self, book: Ledger) -> None:
        """Show this; the cursor stays on its row where that is still there."""
        if book == self.book:
            return
        row, before = self.row, self.book
        self.book = book
        if row is not None:
            names = [(e.row.group, e.row.name) if e.row else None for e in book.entries]
            key = (row.group, row.name)
            self.cursor = names.index(key) if key in names else self.nearest(self.cursor)
        else:
            self.cursor = self.nearest(0)
        self.chosen = min(self.chosen, len(book.found.runs) - 1)
        self._lay_out(before)

    @property
    def row(self) -> Row | None:
        """What the cursor is on."""
        entries = self.book.entries if self.book else ()
        return entries[self.cursor].row if self.cursor < len(entries) else None

    @property
    def places(self) -> Sequence[int]:
        return self.book.places if self.book else ()

    @property
    def runs(self) -> int:
        return len(self.book.found.runs) if self.book else 0

    @property
    def columns(self) -> Sequence[Column]:
        return self._columns

    # Moving

    def top_of(self, place: int) -> int:
        """The title of a group comes into sight with its first line."""
        title = self.book is not None and not self.book.entries[place - 1].row
        return place - (place == 1 or title)

    def show_chosen(self) -> None:
        self._reach()
        self.refresh(Region(0, 0, self.size.width, HEADER))

    def _reach(self) -> None:
        """Move the columns until the chosen one is among them."""
        for first in sorted(range(self.runs), key=lambda one: abs(one - self._first)):
            if self.chosen in [column.place for column in self._columns]:
                return
            self._first = first
            self._lay_out()

    # Painting

    def on_resize(self) -> None:
        self._lay_out()

    def _lay_out(self, before: Ledger | None = None) -> None:
        """Find the columns' places; where they stay, only lines other than `before` are painted again."""
        if self.book is None:
            return
        places, values = self._columns, self._values
        # A scroll bar comes without a word on the room it takes.
        lines = HEADER + len(self.book.entries)
        room = self.outer_size.width - (lines > self.outer_size.height)
        self._columns = columns(self.book, room, self._first)
        self._values = {one.place: value_width(self.book, one.place) for one in self._columns}
        self.virtual_size = Size(room, lines)
        moved = (places, values) != (self._columns, self._values)
        if before is None or moved or _frame(before) != _frame(self.book):
            self.refresh()
        else:
            pairs = enumerate(zip(before.entries, self.book.entries, strict=True))
            self.refresh_lines(*(place for place, (old, new) in pairs if old != new))

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if self.book is None:
            return Strip.blank(width, base)
        if y < HEADER:
            segments = self._names(base) if y == 0 else self._states(base)
        else:
            segments = self._line(self.book, y - HEADER + self.scroll_offset.y, base)
        return Strip(segments).adjust_cell_length(width, segments[-1].style if segments else base)

    def _names(self, base: Style) -> list[Segment]:
        assert self.book is not None
        segments = self._lead("", base)
        segments[0] = Segment(segments[0].text[:-GAP], segments[0].style)
        for column in self._columns:
            chosen = column.place == self.chosen
            before = Segment(CHOSEN if chosen else " " * GAP, base + self.tone("accent"))
            text = fmt.fit(heading(self.book, column.place), column.width)
            segments += [before, Segment(text, base + self.tone("bold"))]
        return segments

    def _states(self, base: Style) -> list[Segment]:
        assert self.book is not None
        hidden = len(self.book.found.runs) - len(self._columns)
        segments = self._lead(f"{hidden} more → " if hidden else "", base)
        for column in self._columns:
            look = fmt.look(self.book.found.runs[column.place].state)
            said = "base" if column.place == self.book.base else ""
            text = f"{look.glyph} {look.word}  {said}"
            style = base + self.tone("quiet")
            segments.append(Segment(fmt.fit(text, column.width + GAP), style))
        return segments

    def _lead(self, text: str, base: Style) -> list[Segment]:
        assert self.book is not None
        width = EDGE + name_width(self.book) + GAP
        return [Segment(fmt.fit(f"  {text}", width), base + self.tone("quiet"))]

    def _line(self, book: Ledger, place: int, base: Style) -> list[Segment]:
        if place >= len(book.entries):
            return [Segment(" ", base)]
        entry = book.entries[place]
        if entry.row is None:
            return [Segment(f"  {fmt.plain(entry.title)}", base + self.tone("faint"))]
        here = place == self.cursor
        base += self.tone("cursor") if here else base
        name = fmt.fit(fmt.plain(entry.row.name), name_width(book)) + " " * GAP
        tone = base if entry.row.differs else base + self.tone("quiet")
        segments = [self.bar(base, here), Segment(name, tone)]
        for column in self._columns:
            values = self._values[column.place]
            segments += self.painted(parts(book, entry.row, column, values), base)
            segments.append(Segment(" " * GAP, base))
        return segments


def _frame(book: Ledger) -> object:
    """What all lines depend on, besides their own values."""
    states = [run.state for run in book.found.runs]
    return book.base, len(book.entries), book.found.data, states
