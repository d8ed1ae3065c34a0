"""Slices × runs as a heat table: a cursor on a slice, and one of the runs chosen."""

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
from cockpit.tui.slice_cells import (
    COUNT,
    EDGE,
    GAP,
    confirmed,
    name_parts,
    parts,
    plan,
    title,
)

if TYPE_CHECKING:
    from rich.style import Style
    from textual import events

    from cockpit.tui.slice_book import Book, Entry
    from cockpit.tui.slice_cells import Part, Plan

HEADER = 2
CHOSEN = " ▸ "
"""In the gap before the chosen run, as wide as that."""
TONES = ("quiet", "faint", "accent", "complete", "failed", "stopped")
BLOCKS = {"braille": ("▇", "░"), "ascii": ("#", ".")}


class HeatTable(ScrollView, can_focus=True):
    """Paints a `Book`; says what the cursor is on."""

    DEFAULT_CSS = """
    HeatTable {
        height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden;
        scrollbar-color: $faint; scrollbar-background: $background;
        scrollbar-color-hover: $quiet; scrollbar-color-active: $quiet;
        scrollbar-background-hover: $background; scrollbar-background-active: $background;
        & > .heat--quiet { color: $quiet; }
        & > .heat--faint { color: $faint; }
        & > .heat--accent { color: $tone; }
        & > .heat--complete { color: $complete; }
        & > .heat--failed { color: $failed; }
        & > .heat--stopped { color: $stopped; }
        & > .heat--name { text-style: bold; }
        & > .heat--cursor { background: $cursor; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"heat--{tone}" for tone in TONES),
        "heat--name",
        "heat--cursor",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "rows", key_display="enter", id="slices.rows",
                tooltip="The rows of the slice, those first that the chosen run answers worst"),
        Binding("up,k", "move(-1)", "up", show=False, id="pane.row-up", tooltip="One line up"),
        Binding("down,j", "move(1)", "down", show=False, id="pane.row-down",
                tooltip="One line down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="pane.page-up",
                tooltip="A screenful up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="pane.page-down",
                tooltip="A screenful down"),
        Binding("home", "move(-9999)", "first", show=False, id="slices.first",
                tooltip="First line"),
        Binding("G,end", "move(9999)", "last", show=False, id="pane.row-last",
                tooltip="Last line"),
        Binding("left,h", "choose(-1)", "run before", show=False, id="slices.left",
                tooltip="Choose the run to the left"),
        Binding("right,l", "choose(1)", "next run", show=False, id="slices.right",
                tooltip="Choose the run to the right"),
    ]  # fmt: skip

    @dataclass
    class Moved(Message):
        """The cursor is on another slice, or another run is chosen."""

    @dataclass
    class Opened(Message):
        """Enter."""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.book: Book | None = None
        self.cursor = 0
        self.chosen = 0
        """The place of a run."""
        self._first = 0
        self._plan: Plan | None = None

    def show(self, book: Book, run: str | None = None) -> None:
        """Show this, and choose `run`; the cursor stays on its slice where that is still there."""
        before = self.entry.row if self.entry else None
        # A slice that gets a name is still the same one.
        again = {entry.row.expression: at for at, entry in enumerate(book.entries) if entry.row}
        self.book = book
        there = before is not None and before.expression in again
        self.cursor = again[before.expression] if there and before else self._nearest(self.cursor)
        last = max(0, len(book.runs) - 1)
        self.chosen = book.runs.index(run) if run in book.runs else min(self.chosen, last)
        self._lay_out()

    @property
    def entry(self) -> Entry | None:
        """What the cursor is on."""
        entries = self.book.entries if self.book else ()
        return entries[self.cursor] if self.cursor < len(entries) else None

    @property
    def run(self) -> str | None:
        """The chosen run's id."""
        runs = self.book.runs if self.book else ()
        return runs[self.chosen] if self.chosen < len(runs) else None

    def select(self, name: str) -> bool:
        """Put the cursor on a slice, by its name or its condition; whether it is there."""
        for place, entry in enumerate(self.book.entries if self.book else ()):
            if entry.row and name in (entry.row.name, entry.row.expression):
                self.go(place)
                return True
        return False

    def _nearest(self, place: int) -> int:
        places = self.book.places if self.book else ()
        return min(places, key=lambda one: abs(one - place), default=0)

    # Moving

    def go(self, place: int) -> None:
        """Put the cursor on a line."""
        before, self.cursor = self.cursor, place
        self._reach_line()
        self._refresh_lines(before, place)
        self.post_message(self.Moved())

    def _reach_line(self) -> None:
        room = max(1, self.size.height - HEADER)
        if self.cursor < self.scroll_offset.y:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= self.scroll_offset.y + room:
            self.scroll_to(y=self.cursor - room + 1, animate=False)

    def action_move(self, by: int) -> None:
        places = self.book.places if self.book else ()
        if places:
            now = places.index(self.cursor) if self.cursor in places else 0
            self.go(places[max(0, min(now + by, len(places) - 1))])

    def action_page(self, way: int) -> None:
        self.action_move(way * max(1, self.size.height - HEADER - 1))

    def action_choose(self, way: int) -> None:
        place = self.chosen + way
        if self.book and 0 <= place < len(self.book.runs):
            self.choose(place)

    def choose(self, place: int) -> None:
        """Choose a run; its column comes into sight."""
        self.chosen = place
        self._lay_out()
        self.post_message(self.Moved())

    def action_open(self) -> None:
        if self.entry and self.entry.row:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        for column in self._plan.columns if self._plan else ():
            if column.x <= event.x < column.x + column.width:
                self.choose(column.place)
        place = event.y - HEADER + self.scroll_offset.y
        if self.book and event.y >= HEADER and place in self.book.places:
            self.go(place)

    # Painting

    def on_resize(self) -> None:
        self._lay_out()
        self._reach_line()

    def _lay_out(self) -> None:
        """Find the columns' places, with the chosen run among them."""
        if self.book is None or not self.size.width:
            return
        runs = range(len(self.book.runs))
        for first in sorted(runs, key=lambda one: abs(one - self._first)) or [0]:
            self._plan = plan(self.book, self.size.width, first)
            if self.chosen in [column.place for column in self._plan.columns]:
                self._first = first
                break
        self.virtual_size = Size(self.size.width, HEADER + len(self.book.entries))
        self.refresh()

    def _refresh_lines(self, *places: int) -> None:
        for place in places:
            y = HEADER + place - self.scroll_offset.y
            if y >= HEADER:
                self.refresh(Region(0, y, self.size.width, 1))

    def watch_has_focus(self, has_focus: bool) -> None:
        super().watch_has_focus(has_focus)
        self._refresh_lines(self.cursor)

    def _style(self, tone: str) -> Style:
        return self.get_component_rich_style(f"heat--{tone}", partial=True)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if self.book is None or self._plan is None:
            return Strip.blank(width, base)
        if y < HEADER:
            segments = self._head(self.book, self._plan, y, base)
        else:
            segments = self._line(self.book, self._plan, y - HEADER + self.scroll_offset.y, base)
        return Strip(segments).adjust_cell_length(width, segments[-1].style if segments else base)

    def _head(self, book: Book, plan: Plan, y: int, base: Style) -> list[Segment]:
        quiet = base + self._style("quiet")
        hidden = len(book.runs) - len(plan.columns)
        lead = ("slice" if y else f"{hidden} more runs ← →" if hidden else "", "n" if y else "")
        segments = [
            Segment(" " * EDGE + fmt.fit(lead[0], plan.name + GAP), quiet),
            Segment(fmt.fit(lead[1], COUNT, right=True), quiet),
        ]
        for column in plan.columns:
            chosen = column.place == self.chosen and y == 0
            segments.append(Segment(CHOSEN if chosen else " " * GAP, base + self._style("accent")))
            if y == 0:
                text = fmt.fit(book.heading(column.place), column.width)
                segments.append(Segment(text, base + self._style("name")))
            else:
                segments.append(Segment(title(book, column, plan.detail), quiet))
        return segments

    def _line(self, book: Book, plan: Plan, place: int, base: Style) -> list[Segment]:
        if place >= len(book.entries):
            return [Segment(" ", base)]
        entry = book.entries[place]
        if entry.row is None:
            room = self.size.width - EDGE - 1
            fits = len(entry.title) + len(entry.more) <= room
            text = entry.title + entry.more if fits else fmt.cut(entry.title, room)
            return [Segment(" " * EDGE + text, base + self._style("quiet"))]
        here = place == self.cursor
        base += self._style("cursor") if here else base
        mark = self._style("accent" if self.has_focus else "faint")
        count = fmt.fit(f"{entry.row.n:,}", COUNT, right=True)
        dim = "faint" if book.few(entry.row) else ""
        found: list[Part] = [*name_parts(entry, plan), (" " * GAP, ""), (count, dim or "quiet")]
        blocks = BLOCKS[getattr(self.app, "glyphs", "braille")]
        for column in plan.columns:
            found.append((" " * GAP, ""))
            found += parts(book, entry, column, plan.detail, blocks)
        found += [(" ", ""), confirmed(entry, plan.words)]
        return [
            Segment("▌ " if here else "  ", base + mark),
            *(
                Segment(text, base + self._style(tone) if tone else base)
                for text, tone in found
                if text
            ),
        ]
