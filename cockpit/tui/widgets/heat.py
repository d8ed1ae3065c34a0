"""Slices × runs as a heat table: a cursor on a slice, and one of the runs chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
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
from cockpit.tui.widgets.by_run import CHOSEN, HEADER, ByRun, Placed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.style import Style

    from cockpit.tui.slice_book import Book, Entry
    from cockpit.tui.slice_cells import Part, Plan

BLOCKS = {"braille": ("▇", "░"), "ascii": ("#", ".")}


class HeatTable(ByRun):
    """Paints a `Book`; says what the cursor is on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "rows", key_display="enter", id="slices.rows",
                tooltip="The rows of the slice, those first that the chosen run answers worst"),
        Binding("home", "first", "first", show=False, id="slices.first", tooltip="First line"),
        Binding("left,h", "choose(-1)", "run before", show=False, id="slices.left",
                tooltip="Choose the run to the left"),
        Binding("right,l", "choose(1)", "next run", show=False, id="slices.right",
                tooltip="Choose the run to the right"),
    ]  # fmt: skip

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self.book: Book | None = None
        self._first = 0
        self._plan: Plan | None = None

    def show(self, book: Book, run: str | None = None) -> None:
        """Show this, and choose `run`; the cursor stays on its slice where that is still there."""
        before = self.entry.row if self.entry else None
        # A slice that gets a name is still the same one.
        again = {entry.row.expression: at for at, entry in enumerate(book.entries) if entry.row}
        self.book = book
        there = before is not None and before.expression in again
        self.cursor = again[before.expression] if there and before else self.nearest(self.cursor)
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

    @property
    def places(self) -> Sequence[int]:
        return self.book.places if self.book else ()

    @property
    def runs(self) -> int:
        return len(self.book.runs) if self.book else 0

    @property
    def columns(self) -> Sequence[Placed]:
        return self._plan.columns if self._plan else ()

    # Moving

    def show_chosen(self) -> None:
        self._lay_out()

    def action_open(self) -> None:
        if self.entry and self.entry.row:
            super().action_open()

    # Painting

    def on_resize(self) -> None:
        self._lay_out()
        self.reach(self.cursor)

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
        quiet = base + self.tone("quiet")
        hidden = len(book.runs) - len(plan.columns)
        lead = ("slice" if y else f"{hidden} more runs ← →" if hidden else "", "n" if y else "")
        segments = [
            Segment(" " * EDGE + fmt.fit(lead[0], plan.name + GAP), quiet),
            Segment(fmt.fit(lead[1], COUNT, right=True), quiet),
        ]
        for column in plan.columns:
            chosen = column.place == self.chosen and y == 0
            segments.append(Segment(CHOSEN if chosen else " " * GAP, base + self.tone("accent")))
            if y == 0:
                text = fmt.fit(book.heading(column.place), column.width)
                segments.append(Segment(text, base + self.tone("bold")))
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
            return [Segment(" " * EDGE + text, base + self.tone("quiet"))]
        here = place == self.cursor
        base += self.tone("cursor") if here else base
        count = fmt.fit(f"{entry.row.n:,}", COUNT, right=True)
        dim = "faint" if book.few(entry.row) else ""
        found: list[Part] = [*name_parts(entry, plan), (" " * GAP, ""), (count, dim or "quiet")]
        blocks = BLOCKS[getattr(self.app, "glyphs", "braille")]
        for column in plan.columns:
            found.append((" " * GAP, ""))
            found += parts(book, entry, column, plan.detail, blocks)
        found += [(" ", ""), confirmed(entry, plan.words)]
        bar = self.bar(base, here)
        return [bar, *self.painted(((text, tone) for text, tone in found if text), base)]
