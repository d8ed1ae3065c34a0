"""The cursor of a table of runs: it stays on its run while rows come, go and move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from cockpit.tui.columns import GAP, Column
from cockpit.tui.widgets.rows import Rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from textual import events

    from cockpit.tui.marks import Held
    from storage.runs import Run, RunQuery, RunsPage
    from storage.sparks import Spark

WINDOW = 300
"""Rows asked for at a time."""
MARGIN = 60
"""Rows of the window left beyond the viewport when the next window is asked for."""


class Browser(Rows, inherit_bindings=False):
    """Rows to go through; asks for those that are not here."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open", key_display="enter", id="table.open",
                tooltip="Open the run"),
        Binding("up,k", "move(-1)", "up", show=False, id="table.up", tooltip="One run up"),
        Binding("down,j", "move(1)", "down", show=False, id="table.down", tooltip="One run down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="table.page-up",
                tooltip="A screenful up"),
        Binding("pagedown", "page(1)", "page down", show=False, id="table.page-down",
                tooltip="A screenful down"),
        Binding("g,home", "top", "first", show=False, id="table.first",
                tooltip="First run; the cursor stays on top as rows come in"),
        Binding("G,end", "last", "last", show=False, id="table.last", tooltip="Last run"),
    ]  # fmt: skip

    @dataclass
    class Selected(Message, namespace="run_table"):
        """The cursor is on another run."""

        run: str | None

    @dataclass
    class Opened(Message, namespace="run_table"):
        """Enter, or a second click, on a run."""

        run: Run

    @dataclass
    class NeedRows(Message, namespace="run_table"):
        """The viewport nears rows that are not here."""

        offset: int

    @dataclass
    class SortBy(Message, namespace="run_table"):
        """A column's title was clicked; with shift, to sort by it too."""

        column: Column
        further: bool = False

    def __init__(
        self,
        *,
        trials: bool = False,
        held: Held | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(trials=trials, held=held, id=id)
        self.run_id: str | None = None
        self._follow_top = True
        self._asked: int | None = None
        self.range_start: int | None = None
        """The row at the other end of an open range."""

    # What is shown

    def show(
        self,
        page: RunsPage,
        query: RunQuery,
        at: datetime,
        sparks: Mapping[tuple[str, str], Spark] | None = None,
    ) -> None:
        """Take a window of rows, read at `at` (UTC) in answer to `query`, and their curves."""
        resorted = self._query is not None and _order(query) != _order(self._query)
        self.take(page, query, at)
        self._sparks, self._asked = sparks or {}, None
        self._keep_cursor()
        self.lay_out(force=resorted)
        self.tick()
        self._want_rows()

    def select(self, run_id: str) -> None:
        """Put the cursor on a run, now or when its row arrives."""
        self.run_id, self._follow_top = run_id, False
        self._keep_cursor()

    def restart(self) -> None:
        """Back to the first row: what is shown is about to be something else."""
        self._follow_top, self.cursor, self.run_id = True, 0, None
        self.range_start = None
        self.scroll_to(y=0, animate=False)

    @property
    def follows_top(self) -> bool:
        """Whether the cursor was left on the first row, and stays there whatever comes in."""
        return self._follow_top

    @property
    def run(self) -> Run | None:
        """The run under the cursor."""
        return self.run_at(self.cursor)

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
        on_screen = 0 <= row - self.scroll_offset.y < self.room
        if row != before and not self._follow_top and not (on_screen and not self.scroll_offset.y):
            # The row went elsewhere: the view goes with it, so the eye finds it where it was.
            self.scroll_to(y=max(0, self.scroll_offset.y + row - before), animate=False)
        if self.range_start is not None:
            self.range_start = max(0, min(self.range_start + row - before, page.total - 1))
        self._set_cursor(row)

    def _set_cursor(self, row: int) -> None:
        before, self.cursor = self.cursor, row
        if row != before:
            self.refresh_lines(before, row)
        run = self.run
        if run is not None and run.id != self.run_id:
            self.run_id = run.id
        self.post_message(self.Selected(self.run_id))

    def _go(self, row: int) -> None:
        if not self.total:
            return
        row = max(0, min(row, self.total - 1))
        self._follow_top = False
        self.reach(row)
        if self.run_at(row) is None:
            self.run_id = None
        self._set_cursor(row)
        if self.range_start is not None:
            self.tick()
        self._want_rows()

    def action_move(self, rows: int) -> None:
        self._go(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        self._go(self.cursor + pages * self.room)

    def action_top(self) -> None:
        self._go(0)
        self._follow_top = self.range_start is None

    def action_last(self) -> None:
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
            for column, x in self.places():
                if x <= event.x < x + column.width + GAP:
                    self.post_message(self.SortBy(column, event.shift))

    # The window of rows

    def on_resize(self) -> None:
        self.lay_out(force=True)
        self._want_rows()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        if round(old_value) != round(new_value):
            self._painted.clear()
            self._want_rows()

    def _want_rows(self) -> None:
        page = self.page
        if page is None:
            return
        first, last = self.scroll_offset.y, self.scroll_offset.y + self.room
        end = page.offset + len(page.runs)
        short = (first - MARGIN < page.offset and page.offset > 0) or (
            last + MARGIN > end and end < page.total
        )
        offset = max(0, (first + last - WINDOW) // 2)
        if short and offset not in (self._asked, page.offset):
            self._asked = offset
            self.post_message(self.NeedRows(offset))


def _order(query: RunQuery) -> object:
    return (query.sort, query.descending, query.then)
