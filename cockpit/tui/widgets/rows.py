"""Runs a row each: paints only the cells that changed, and holds only the rows around the viewport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.segment import Segment
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip

from cockpit import format as fmt
from cockpit.tui import clock
from cockpit.tui.cells import Around, Cell, cell, shown_name
from cockpit.tui.columns import EDGE, GAP, Column, Layout, lay_out, width_of
from cockpit.tui.marks import Held
from cockpit.tui.measure import Measure
from cockpit.tui.order import arrow
from cockpit.tui.widgets.cursor_list import CursorList

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from rich.style import Style

    from storage.runs import Run, RunQuery, RunsPage
    from storage.sparks import Spark

MARK = "◆"


class Rows(CursorList):
    """The painting of a table; `RunTable` adds the keys."""

    @dataclass
    class NeedCurves(Message, namespace="run_table"):
        """Other metrics than before are shown as curves."""

        metrics: tuple[str, ...]

    def __init__(
        self,
        *,
        trials: bool = False,
        held: Held | None = None,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.trials = trials
        self.held = held or Held()
        self.page: RunsPage | None = None
        self.at: str | None = None
        """Id of the column under the cursor."""
        self._laid_out = Layout()
        self._query: RunQuery | None = None
        self._measure = Measure()
        self._chosen = self.held.columns
        self._at: datetime = clock.now()
        self._sparks: Mapping[tuple[str, str], Spark] = {}
        self._painted: dict[int, tuple[Cell, ...]] = {}

    @property
    def columns(self) -> tuple[Column, ...]:
        return self._laid_out.columns

    @property
    def total(self) -> int:
        return self.page.total if self.page else 0

    @property
    def header(self) -> int:
        """Lines above the first row: the constants, where there are any, and the titles."""
        return 1 + bool(self.page and self._measure.constants(self.page))

    def run_at(self, row: int) -> Run | None:
        """The run of a row, where it is in the window."""
        if self.page is None or not 0 <= row - self.page.offset < len(self.page.runs):
            return None
        return self.page.runs[row - self.page.offset]

    def is_marked(self, row: int) -> bool:
        """Whether the row's run is marked, or about to be."""
        run = self.run_at(row)
        return run is not None and run.id in self.held.marks

    # Layout

    def take(self, page: RunsPage, query: RunQuery, at: datetime) -> None:
        """Take a window of rows, read at `at` (UTC) in answer to `query`."""
        if self._query is None or (query.sweep, query.where) != (
            self._query.sweep,
            self._query.where,
        ):
            self._measure = Measure()
        # The same page comes back with every move of the cursor: its cells are measured once.
        if page is not self.page or not self._measure.rows:
            self._measure.take(page, {run.id: shown_name(run, self.trials) for run in page.runs})
        self.page, self._query, self._at = page, query, at

    def lay_out(self, force: bool = False) -> None:
        """Choose the columns anew; paint everything where they are others than before."""
        if self.page is None:
            return
        self._chosen = self.held.columns
        width = self.size.width
        found = lay_out(self._measure, self.page, width, self.trials, self._chosen, self.at)
        size = Size(width, self.header + self.total)
        if force or found != self._laid_out or size != self.virtual_size:
            before = self.curves
            self._laid_out, self.virtual_size = found, size
            self._painted.clear()
            self.refresh()
            if self.curves != before:
                self.post_message(self.NeedCurves(self.curves))

    @property
    def curves(self) -> tuple[str, ...]:
        """The metrics that are shown as curves."""
        return tuple(column.name for column in self.columns if column.key == "curve")

    def width_of(self, column: str) -> int:
        """The cells of a column, whether there is room for it or not."""
        page = self.page
        return width_of(self._measure, page, self.trials, self.held.columns, column) if page else 0

    def places(self) -> list[tuple[Column, int]]:
        """Each column and the cell where it starts."""
        places, x = [], EDGE
        for column in self.columns:
            places.append((column, x))
            x += column.width + GAP
        return places

    # Painting

    def tick(self) -> None:
        """Paint the cells whose text is another one by now: new values, ages, times, marks."""
        if self._chosen is not self.held.columns:
            self.lay_out()
        for row in range(self.scroll_offset.y, self.scroll_offset.y + self.room):
            new, old = self._cells(row), self._painted.get(row)
            if new != old:
                self._painted[row] = new
                self._refresh_cells(row, new, old)

    def _refresh_cells(self, row: int, new: tuple[Cell, ...], old: tuple[Cell, ...] | None) -> None:
        if old is None or len(old) != len(new):
            self.refresh_lines(row)
            return
        y = self.header + row - self.scroll_offset.y
        spans = [(0, EDGE), *((x, column.width) for column, x in self.places())]
        for (x, width), now, before in zip(spans, new, old, strict=True):
            if now != before:
                self.refresh(Region(x, y, width, 1))

    def refresh_titles(self) -> None:
        self.refresh(Region(0, self.header - 1, self.size.width, 1))

    def _cells(self, row: int) -> tuple[Cell, ...]:
        """The edge and the columns of a row."""
        run, page = self.run_at(row), self.page
        if page is None or run is None:
            return ()
        now = clock.now()
        elapsed = max(0.0, (now - self._at).total_seconds())
        around = Around(page, now, elapsed, self.trials, self._sparks, self._measure.longest)
        edge = Cell(MARK if self.is_marked(row) else " ", "accent")
        return (edge, *(cell(run, column, around) for column in self.columns))

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y < self.header:
            titles = y == self.header - 1
            segments = self._titles(base) if titles else self._constants(base)
        else:
            segments = self._row(y - self.header + self.scroll_offset.y, base)
        return Strip(segments).adjust_cell_length(width, segments[-1].style if segments else base)

    def _titles(self, base: Style) -> list[Segment]:
        segments = [Segment(" " * EDGE, base)]
        for column in self.columns:
            mark = arrow(column, self._query)
            title = (
                fmt.cut(column.title, max(1, column.width - len(mark))) if mark else column.title
            )
            text = fmt.fit(f"{title}{mark}", column.width, right=column.numeric)
            style = base + self.tone("sorted" if mark else "quiet")
            if column.id == self.at:
                style += self.tone("at")
            segments += [Segment(text, style), Segment(" " * GAP, base)]
        return segments + self._left_out(base)

    def _left_out(self, base: Style) -> list[Segment]:
        """How many columns there is no room for, where there is room to say so."""
        text = f"+{self._laid_out.left_out}"
        used = EDGE + sum(column.width + GAP for column in self.columns)
        blank = self.size.width - used - len(text) - 1  # the bar's cell
        if not self._laid_out.left_out or blank < 0:
            return []
        return [Segment(" " * blank, base), Segment(text, base + self.tone("faint"))]

    def _constants(self, base: Style) -> list[Segment]:
        constants = self._measure.constants(self.page) if self.page else ()
        values = self._measure.values
        pairs = "  ".join(f"{fmt.plain(key)}={fmt.value(values[key])}" for key in constants)
        text = f"constant: {pairs}"
        room = self.size.width - EDGE
        shown = text if len(text) <= room else fmt.fit(text, room)
        return [Segment(" " * EDGE, base), Segment(shown, base + self.tone("quiet"))]

    def _row(self, row: int, base: Style) -> list[Segment]:
        if row >= self.total:
            return [Segment(" ", base)]
        here = row == self.cursor
        base += self.tone("cursor") if here else base
        segments = [self.bar(base, here, 1)]
        cells = self._cells(row)
        if not cells:
            return [*segments, Segment(f"  {fmt.ELLIPSIS}", base + self.tone("faint"))]
        self._painted[row] = cells
        edge, *others = cells
        segments.append(Segment(f"{edge.text} ", base + self.tone(edge.tone)))
        for found in others:
            segments += self.painted(((found.text, found.tone), (" " * GAP, "")), base)
        return segments
