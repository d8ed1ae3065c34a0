"""A table of runs that paints only what changed and holds only the rows around the viewport."""

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
from cockpit.tui import clock
from cockpit.tui.columns import EDGE, GAP, Cell, Column, Measure, cell, lay_out, shown_name

if TYPE_CHECKING:
    from datetime import datetime

    from rich.style import Style
    from textual import events

    from storage.runs import Run, RunQuery, RunsPage

WINDOW = 300
"""Rows asked for at a time."""
MARGIN = 60
"""Rows of the window left beyond the viewport when the next window is asked for."""
TONES = ("quiet", "faint", "accent", "complete", "failed", "stopped", "lost", "best")


class RunTable(ScrollView, can_focus=True):
    """Runs a row each; the cursor stays on its run when the rows move."""

    DEFAULT_CSS = """
    RunTable {
        height: 1fr; width: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden;
        scrollbar-color: $faint; scrollbar-background: $background;
        scrollbar-color-hover: $quiet; scrollbar-color-active: $quiet;
        scrollbar-background-hover: $background; scrollbar-background-active: $background;
        & > .run-table--quiet { color: $quiet; }
        & > .run-table--faint { color: $faint; }
        & > .run-table--accent { color: $tone; }
        & > .run-table--complete { color: $complete; }
        & > .run-table--failed { color: $failed; }
        & > .run-table--stopped { color: $stopped; }
        & > .run-table--lost { color: $lost; }
        & > .run-table--best { text-style: bold; }
        & > .run-table--sorted { color: $tone; text-style: bold; }
        & > .run-table--cursor { background: $cursor; }
    }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *(f"run-table--{tone}" for tone in TONES),
        "run-table--cursor",
        "run-table--sorted",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False, id="table.up", tooltip="One run up"),
        Binding("down,j", "move(1)", "down", show=False, id="table.down", tooltip="One run down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="table.page-up",
                tooltip="A screenful up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="table.page-down",
                tooltip="A screenful down"),
        Binding("g,home", "top", "first", show=False, id="table.first",
                tooltip="First run; the cursor stays on top as rows come in"),
        Binding("G,end", "bottom", "last", show=False, id="table.last", tooltip="Last run"),
        Binding("enter", "open", "open", key_display="enter", id="table.open",
                tooltip="Open the run: its sweep, and there its log"),
    ]  # fmt: skip

    @dataclass
    class Selected(Message):
        """The cursor is on another run."""

        run: str | None

    @dataclass
    class Opened(Message):
        """Enter, or a second click, on a run."""

        run: Run

    @dataclass
    class NeedRows(Message):
        """The viewport nears rows that are not here."""

        offset: int

    @dataclass
    class SortBy(Message):
        """A column's title was clicked."""

        column: Column

    def __init__(self, *, trials: bool = False, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.trials = trials
        self.page: RunsPage | None = None
        self.columns: tuple[Column, ...] = ()
        self.cursor = 0
        self.run_id: str | None = None
        self._query: RunQuery | None = None
        self._measure = Measure()
        self._at: datetime = clock.now()
        self._painted: dict[int, tuple[Cell, ...]] = {}
        self._follow_top = True
        self._asked: int | None = None

    # What is shown

    def show(self, page: RunsPage, query: RunQuery, at: datetime) -> None:
        """Take a window of rows, read at `at` (UTC) in answer to `query`."""
        if _subject(query) != _subject(self._query):
            self._measure = Measure()
        resorted = self._query is not None and _order(query) != _order(self._query)
        self.page, self._query, self._at, self._asked = page, query, at, None
        names = {run.id: shown_name(run, self.trials) for run in page.runs}
        self._measure.take(page, names)
        self._keep_cursor()
        self._lay_out(force=resorted)
        self.tick()
        self._want_rows()

    def select(self, run_id: str) -> None:
        """Put the cursor on a run, now or when its row arrives."""
        self.run_id, self._follow_top = run_id, False
        self._keep_cursor()

    def restart(self) -> None:
        """Back to the first row: what is shown is about to be something else."""
        self._follow_top, self.cursor, self.run_id = True, 0, None
        self.scroll_to(y=0, animate=False)

    def run_at(self, row: int) -> Run | None:
        """The run of a row, where it is in the window."""
        if self.page is None or not 0 <= row - self.page.offset < len(self.page.runs):
            return None
        return self.page.runs[row - self.page.offset]

    @property
    def run(self) -> Run | None:
        """The run under the cursor."""
        return self.run_at(self.cursor)

    @property
    def total(self) -> int:
        return self.page.total if self.page else 0

    @property
    def header(self) -> int:
        """Lines above the first row: the constants, where there are any, and the titles."""
        return 1 + bool(self.page and self._measure.constants(self.page))

    # The cursor

    def _keep_cursor(self) -> None:
        page, before = self.page, self.cursor
        if page is None:
            return
        rows = {run.id: page.offset + index for index, run in enumerate(page.runs)}
        if self._follow_top:
            row = 0
        elif self.run_id in rows:
            row = rows[self.run_id]
        else:
            row = min(before, max(0, page.total - 1))
        on_screen = 0 <= row - self.scroll_offset.y < self._rows_shown
        if row != before and not self._follow_top and not (on_screen and not self.scroll_offset.y):
            # The row went elsewhere: the view goes with it, so the eye finds it where it was.
            self.scroll_to(y=max(0, self.scroll_offset.y + row - before), animate=False)
        self._set_cursor(row)

    def _set_cursor(self, row: int) -> None:
        before, self.cursor = self.cursor, row
        for line in {before, row}:
            self._painted.pop(line, None)
            self._refresh_row(line)
        run = self.run
        if run is not None and run.id != self.run_id:
            self.run_id = run.id
        self.post_message(self.Selected(self.run_id))

    def _go(self, row: int) -> None:
        if not self.total:
            return
        row = max(0, min(row, self.total - 1))
        self._follow_top = False
        if row < self.scroll_offset.y:
            self.scroll_to(y=row, animate=False)
        elif row >= self.scroll_offset.y + self._rows_shown:
            self.scroll_to(y=row - self._rows_shown + 1, animate=False)
        if self.run_at(row) is None:
            self.run_id = None
        self._set_cursor(row)
        self._want_rows()

    @property
    def _rows_shown(self) -> int:
        return max(1, self.size.height - self.header)

    def action_move(self, rows: int) -> None:
        self._go(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        self._go(self.cursor + pages * self._rows_shown)

    def action_top(self) -> None:
        self._go(0)
        self._follow_top = True

    def action_bottom(self) -> None:
        self._go(self.total - 1)

    def action_open(self) -> None:
        if self.run is not None:
            self.post_message(self.Opened(self.run))

    def on_click(self, event: events.Click) -> None:
        row = event.y - self.header + self.scroll_offset.y
        if event.y >= self.header:
            if row == self.cursor and event.chain > 1:
                self.action_open()
            elif row < self.total:
                self._go(row)
        elif event.y == self.header - 1:
            for column, x in self._places():
                if x <= event.x < x + column.width + GAP:
                    self.post_message(self.SortBy(column))

    # The window of rows

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._painted.clear()
            self._want_rows()

    def _want_rows(self) -> None:
        page = self.page
        if page is None:
            return
        first, last = self.scroll_offset.y, self.scroll_offset.y + self._rows_shown
        end = page.offset + len(page.runs)
        short = (first - MARGIN < page.offset and page.offset > 0) or (
            last + MARGIN > end and end < page.total
        )
        offset = max(0, (first + last - WINDOW) // 2)
        if short and offset not in (self._asked, page.offset):
            self._asked = offset
            self.post_message(self.NeedRows(offset))

    # Painting

    def on_resize(self) -> None:
        self._lay_out(force=True)
        self._want_rows()

    def _lay_out(self, force: bool = False) -> None:
        if self.page is None:
            return
        columns = lay_out(self._measure, self.page, self.size.width, self.trials)
        size = Size(self.size.width, self.header + self.total)
        if force or columns != self.columns or size != self.virtual_size:
            self.columns, self.virtual_size = columns, size
            self._painted.clear()
            self.refresh()

    def tick(self) -> None:
        """Paint the cells whose text is another one by now: new values, ages, times."""
        for row in range(self.scroll_offset.y, self.scroll_offset.y + self._rows_shown):
            new, old = self._cells(row), self._painted.get(row)
            if new == old:
                continue
            self._painted[row] = new
            if old is None or len(old) != len(new):
                self._refresh_row(row)
                continue
            for (column, x), now, before in zip(self._places(), new, old, strict=True):
                if now != before:
                    y = self.header + row - self.scroll_offset.y
                    self.refresh(Region(x, y, column.width, 1))

    def _refresh_row(self, row: int) -> None:
        self.refresh(Region(0, self.header + row - self.scroll_offset.y, self.size.width, 1))

    def _places(self) -> list[tuple[Column, int]]:
        """Each column and the cell where it starts."""
        places, x = [], EDGE
        for column in self.columns:
            places.append((column, x))
            x += column.width + GAP
        return places

    def _cells(self, row: int) -> tuple[Cell, ...]:
        run, page = self.run_at(row), self.page
        if page is None or run is None:
            return ()
        now = clock.now()
        elapsed = max(0.0, (now - self._at).total_seconds())
        return tuple(cell(run, column, page, now, elapsed) for column in self.columns)

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y < self.header:
            titles = y == self.header - 1
            segments = self._titles(base) if titles else self._constants(base)
        else:
            segments = self._row(y - self.header + self.scroll_offset.y, base)
        return Strip(segments).adjust_cell_length(width, segments[-1].style if segments else base)

    def _style(self, name: str) -> Style:
        return self.get_component_rich_style(f"run-table--{name}", partial=True)

    def _titles(self, base: Style) -> list[Segment]:
        quiet, chosen = base + self._style("quiet"), base + self._style("sorted")
        segments = [Segment(" " * EDGE, base)]
        for column in self.columns:
            arrow = self._arrow(column)
            text = f"{fmt.cut(column.title, column.width - 1)}{arrow}" if arrow else column.title
            text = fmt.fit(text, column.width, right=column.numeric)
            segments.append(Segment(text, chosen if arrow else quiet))
            segments.append(Segment(" " * GAP, base))
        return segments

    def _arrow(self, column: Column) -> str:
        if self._query is None or column.field != (self._query.sort or "started"):
            return ""
        # The newest first is the smallest age first.
        return "▼" if self._query.descending != (column.key == "age") else "▲"

    def _constants(self, base: Style) -> list[Segment]:
        constants = self._measure.constants(self.page) if self.page else ()
        values = self._measure.values
        pairs = "  ".join(f"{fmt.plain(key)}={fmt.value(values[key])}" for key in constants)
        text = f"constant: {pairs}"
        room = self.size.width - EDGE
        shown = text if len(text) <= room else fmt.fit(text, room)
        return [Segment(" " * EDGE, base), Segment(shown, base + self._style("quiet"))]

    def _row(self, row: int, base: Style) -> list[Segment]:
        if row == self.cursor and row < self.total:
            base += self._style("cursor")
        if row >= self.total:
            return [Segment(" ", base)]
        mark = "▌ " if row == self.cursor else "  "
        marked = self._style("accent" if self.has_focus else "faint")
        segments = [Segment(mark, base + marked)]
        cells = self._cells(row)
        if not cells:
            return [*segments, Segment(fmt.ELLIPSIS, base + self._style("faint"))]
        self._painted[row] = cells
        for found in cells:
            style = base + self._style(found.tone) if found.tone else base
            segments += [Segment(found.text, style), Segment(" " * GAP, base)]
        return segments


def _subject(query: RunQuery | None) -> object:
    return query and (query.sweep, query.where)


def _order(query: RunQuery | None) -> object:
    return query and (query.sort, query.descending)
