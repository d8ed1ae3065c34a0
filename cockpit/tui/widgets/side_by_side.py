"""Runs side by side: a cursor on a thing that is compared, and one of the runs chosen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from cockpit import format as fmt
from cockpit.tui.ledger import EDGE, GAP, Ledger, columns, heading, name_width, parts, value_width

if TYPE_CHECKING:
    from rich.style import Style
    from textual import events

    from cockpit.compare import Row
    from cockpit.tui.ledger import Column

HEADER = 2
CHOSEN = " ▸ "
"""In the gap before the chosen run, as wide as that."""
TONES = ("quiet", "faint", "accent", "best", "stopped", "better", "worse", "cursor")


class SideBySide(ScrollView, can_focus=True):
    """Paints a `Ledger`; says what the cursor is on."""

    DEFAULT_CSS = """
    SideBySide {
        height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden;
        scrollbar-color: $faint; scrollbar-background: $background;
        scrollbar-color-hover: $quiet; scrollbar-color-active: $quiet;
        scrollbar-background-hover: $background; scrollbar-background-active: $background;
        & > .side--quiet { color: $quiet; }
        & > .side--faint { color: $faint; }
        & > .side--accent { color: $tone; }
        & > .side--stopped { color: $stopped; }
        & > .side--better { color: $complete; }
        & > .side--worse { color: $failed; }
        & > .side--best { text-style: bold; }
        & > .side--cursor { background: $cursor; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {f"side--{tone}" for tone in TONES}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", key_display="enter", id="compare.open",
                tooltip="Open the chosen run"),
        Binding("up,k", "move(-1)", "up", show=False, id="pane.row-up", tooltip="One line up"),
        Binding("down,j", "move(1)", "down", show=False, id="pane.row-down",
                tooltip="One line down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="pane.page-up",
                tooltip="A screenful up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="pane.page-down",
                tooltip="A screenful down"),
        Binding("g,home", "move(-9999)", "first", show=False, id="pane.row-first",
                tooltip="First line"),
        Binding("G,end", "move(9999)", "last", show=False, id="pane.row-last",
                tooltip="Last line"),
        Binding("left", "choose(-1)", "run before", show=False, id="compare.left",
                tooltip="Choose the run to the left"),
        Binding("right", "choose(1)", "next run", show=False, id="compare.right",
                tooltip="Choose the run to the right"),
    ]  # fmt: skip

    @dataclass
    class Moved(Message):
        """The cursor is on another line, or another run is chosen."""

    @dataclass
    class Opened(Message):
        """Enter."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.book: Ledger | None = None
        self.cursor = 0
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
            self.cursor = names.index(key) if key in names else self._nearest(self.cursor)
        else:
            self.cursor = self._nearest(0)
        self.chosen = min(self.chosen, len(book.found.runs) - 1)
        self._lay_out(before)

    @property
    def row(self) -> Row | None:
        """What the cursor is on."""
        entries = self.book.entries if self.book else ()
        return entries[self.cursor].row if self.cursor < len(entries) else None

    def _nearest(self, place: int) -> int:
        places = self.book.places if self.book else ()
        return min(places, key=lambda one: abs(one - place), default=0)

    # Moving

    def go(self, place: int) -> None:
        """Put the cursor on a line."""
        before, self.cursor = self.cursor, place
        room = max(1, self.size.height - HEADER)
        # The title of a group comes into sight with its first line.
        top = place - (
            place == 1 or (self.book is not None and not self.book.entries[place - 1].row)
        )
        if top < self.scroll_offset.y:
            self.scroll_to(y=max(0, top), animate=False)
        elif place >= self.scroll_offset.y + room:
            self.scroll_to(y=place - room + 1, animate=False)
        self._refresh_lines(before, place)
        self.post_message(self.Moved())

    def action_move(self, by: int) -> None:
        places = self.book.places if self.book else ()
        if places:
            now = places.index(self.cursor) if self.cursor in places else 0
            self.go(places[max(0, min(now + by, len(places) - 1))])

    def action_page(self, way: int) -> None:
        self.action_move(way * max(1, self.size.height - HEADER - 1))

    def action_choose(self, way: int) -> None:
        if self.book is None:
            return
        place = self.chosen + way
        if 0 <= place < len(self.book.found.runs):
            self.choose(place)

    def choose(self, place: int) -> None:
        """Choose a run; its column comes into sight."""
        self.chosen = place
        self._reach()
        self.refresh(Region(0, 0, self.size.width, HEADER))
        self.post_message(self.Moved())

    def _reach(self) -> None:
        """Move the columns until the chosen one is among them."""
        runs = len(self.book.found.runs) if self.book else 0
        for first in sorted(range(runs), key=lambda one: abs(one - self._first)):
            if self.chosen in [column.place for column in self._columns]:
                return
            self._first = first
            self._lay_out()

    def action_open(self) -> None:
        self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        for column in self._columns:
            if column.x <= event.x < column.x + column.width:
                self.choose(column.place)
        place = event.y - HEADER + self.scroll_offset.y
        if self.book and event.y >= HEADER and place in self.book.places:
            self.go(place)

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
            self._refresh_lines(*(place for place, (old, new) in pairs if old != new))

    def _refresh_lines(self, *places: int) -> None:
        for place in places:
            y = HEADER + place - self.scroll_offset.y
            if y >= HEADER:
                self.refresh(Region(0, y, self.size.width, 1))

    def _style(self, tone: str) -> Style:
        return self.get_component_rich_style(f"side--{tone}", partial=True)

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
            before = Segment(CHOSEN if chosen else " " * GAP, base + self._style("accent"))
            text = fmt.fit(heading(self.book, column.place), column.width)
            segments += [before, Segment(text, base + self._style("best"))]
        return segments

    def _states(self, base: Style) -> list[Segment]:
        assert self.book is not None
        hidden = len(self.book.found.runs) - len(self._columns)
        segments = self._lead(f"{hidden} more → " if hidden else "", base)
        for column in self._columns:
            look = fmt.look(self.book.found.runs[column.place].state)
            said = "base" if column.place == self.book.base else ""
            text = f"{look.glyph} {look.word}  {said}"
            style = base + self._style("quiet")
            segments.append(Segment(fmt.fit(text, column.width + GAP), style))
        return segments

    def _lead(self, text: str, base: Style) -> list[Segment]:
        assert self.book is not None
        width = EDGE + name_width(self.book) + GAP
        return [Segment(fmt.fit(f"  {text}", width), base + self._style("quiet"))]

    def _line(self, book: Ledger, place: int, base: Style) -> list[Segment]:
        if place >= len(book.entries):
            return [Segment(" ", base)]
        entry = book.entries[place]
        if entry.row is None:
            return [Segment(f"  {fmt.plain(entry.title)}", base + self._style("faint"))]
        here = place == self.cursor
        base += self._style("cursor") if here else base
        mark = self._style("accent" if self.has_focus else "faint")
        name = fmt.fit(fmt.plain(entry.row.name), name_width(book)) + " " * GAP
        tone = base if entry.row.differs else base + self._style("quiet")
        segments = [Segment("▌ " if here else "  ", base + mark), Segment(name, tone)]
        for column in self._columns:
            for text, shade in parts(book, entry.row, column, self._values[column.place]):
                segments.append(Segment(text, base + self._style(shade) if shade else base))
            segments.append(Segment(" " * GAP, base))
        return segments


def _frame(book: Ledger) -> object:
    """What all lines depend on, besides their own values."""
    states = [run.state for run in book.found.runs]
    return book.base, len(book.entries), book.found.data, states
