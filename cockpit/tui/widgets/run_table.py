"""A table of runs: the cursor that stays on its run, the marks, the column under the cursor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from cockpit.tui.choices import choices
from cockpit.tui.columns import Column, Columns, arranged
from cockpit.tui.widgets.browser import WINDOW, Browser
from cockpit.tui.widgets.column_chooser import ColumnChooser

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["WINDOW", "RunTable"]

MOST_MARKED = 10_000
"""Runs that are marked by one key."""


class RunTable(Browser):
    """Runs a row each; cursor and marks stay on their runs when the rows move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", key_display="space", id="table.mark",
                tooltip="Mark the run, or take its mark away"),
        Binding("v", "range", "range", show=False, id="table.range",
                tooltip="Mark from here to where v is pressed again (esc: not)"),
        Binding("asterisk", "mark_all", "mark all", key_display="*", show=False,
                id="table.mark-all", tooltip="Mark all runs that match the filter"),
        Binding("u", "unmark", "unmark", show=False, id="table.unmark",
                tooltip="Take all marks away"),
        Binding("left", "column(-1)", "column left", show=False, id="table.column-left",
                tooltip="The column before; columns without room come into sight"),
        Binding("right", "column(1)", "column right", show=False, id="table.column-right",
                tooltip="The next column; columns without room come into sight"),
        Binding("comma", "sort_further", "sort too", key_display=",", show=False,
                id="table.sort-further",
                tooltip="Sort by the column under the cursor too; again: turned around, then no longer"),
        Binding("z", "group", "groups", show=False, id="table.group",
                tooltip="Groups by the column under the cursor, else by sweep: number, best, mean"),
        Binding("C", "choose", "columns", id="table.columns",
                tooltip="Choose columns: any metric, param or field; order, width, pinned"),
        Binding("H", "hide", "hide column", show=False, id="table.hide",
                tooltip="Hide the column under the cursor (left and right choose it)"),
        Binding("escape", "end_range", "no range", show=False, id="table.end-range",
                tooltip="Give the range up"),
    ]  # fmt: skip

    @dataclass
    class Marked(Message):
        """Other runs than before are marked."""

        runs: tuple[str, ...]

    @dataclass
    class NeedIds(Message):
        """So many rows from `offset` on are to be marked; answered by `mark`."""

        offset: int
        limit: int

    @dataclass
    class GroupBy(Message):
        """The runs' groups by a column, or by sweep, are wanted."""

        column: Column | None

    @dataclass
    class Says(Message):
        """A sentence for the reader."""

        sentence: str

    @dataclass
    class Chosen(Message):
        """The reader chose other columns."""

        columns: Columns

    # Marks

    @property
    def marked(self) -> tuple[str, ...]:
        """Ids of the marked runs, in the order in which they were marked."""
        return self.held.marks.ids

    def is_marked(self, row: int) -> bool:
        return row in self._range or super().is_marked(row)

    @property
    def _range(self) -> range:
        if self.range_start is None:
            return range(0)
        low, high = sorted((self.range_start, self.cursor))
        return range(low, high + 1)

    def mark(self, runs: Iterable[str]) -> None:
        """Mark these runs too."""
        self.held.marks.add(runs)
        self._marks_changed()

    def _marks_changed(self) -> None:
        self.tick()
        self.post_message(self.Marked(self.marked))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is the screen's but while a range is open."""
        return action != "end_range" or self.range_start is not None

    def action_mark(self) -> None:
        if self.run is not None:
            self.held.marks.toggle(self.run.id)
            self._marks_changed()

    def action_range(self) -> None:
        if not self.total:
            return
        if self.range_start is None:
            self._follow_top, self.range_start = False, self.cursor
            self.tick()
        else:
            rows = self._range
            self.range_start = None
            self._mark_rows(rows)
        self.refresh_bindings()

    def action_end_range(self) -> None:
        self.range_start = None
        self.tick()
        self.refresh_bindings()

    def action_mark_all(self) -> None:
        self._mark_rows(range(self.total))

    def action_unmark(self) -> None:
        self.held.marks.clear()
        self.action_end_range()
        self._marks_changed()

    def _mark_rows(self, rows: range) -> None:
        if len(rows) > MOST_MARKED:
            self.say(
                f"Marked the first {MOST_MARKED:,} of {len(rows):,} runs; a filter leaves fewer."
            )
            rows = rows[:MOST_MARKED]
        found = [run.id for run in map(self.run_at, rows) if run is not None]
        if len(found) == len(rows):
            self.mark(found)
        else:
            self.tick()
            self.post_message(self.NeedIds(rows.start, len(rows)))

    def say(self, sentence: str) -> None:
        """Tell the reader, in the screen's way."""
        self.post_message(self.Says(sentence))

    # Columns

    def choose(self, columns: Columns) -> None:
        """Show these columns from now on."""
        self.held.columns = columns
        self.lay_out()
        self.post_message(self.Chosen(columns))

    def action_choose(self) -> None:
        if self.page is None:
            return
        found = choices(self._measure, self.page, self.held.columns)
        chooser = ColumnChooser(
            found, self._shown(), self.held.columns, self.width_of, self._choose
        )
        self.app.push_screen(chooser)

    def _choose(self, columns: Columns) -> set[str]:
        self.choose(columns)
        return self._shown()

    def _shown(self) -> set[str]:
        page = self.page
        return set(arranged(self._measure, page, self.held.columns)) if page else set()

    @property
    def column(self) -> Column | None:
        """The column under the cursor."""
        return next((column for column in self.columns if column.id == self.at), None)

    def action_column(self, by: int) -> None:
        if self.page is None:
            return
        ids = (None, *arranged(self._measure, self.page, self.held.columns))
        place = ids.index(self.at) + by if self.at in ids else 0
        self.at = ids[max(0, min(place, len(ids) - 1))]
        self.lay_out()
        self.refresh_titles()

    def action_sort_further(self) -> None:
        if self.column is None:
            self.say("Choose the column to sort by too with the keys ← and →.")
        else:
            self.post_message(self.SortBy(self.column, further=True))

    def action_group(self) -> None:
        self.post_message(self.GroupBy(self.column))

    def action_hide(self) -> None:
        if self.at is None:
            self.say("Choose the column to hide with the keys ← and →.")
            return
        hidden = self.at
        self.action_column(1)
        if self.at == hidden:
            self.action_column(-1)
        self.choose(self.held.columns.show(hidden, shown=False))
        self.refresh_titles()
