"""What the Runs and the Sweep screen share: a table of runs, its filter, its order."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Input

from cockpit import format as fmt
from cockpit.tui import commands, grouping, order, remember
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.screens.table_data import TableQuestion, TableSnapshot
from cockpit.tui.widgets.group_list import GroupList
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.rows import MARK
from cockpit.tui.widgets.run_table import WINDOW, RunTable
from cockpit.tui.widgets.typed import Typed
from storage.groups import RunGroup
from storage.runs import RunQuery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual.app import ComposeResult

    from cockpit.tui.columns import Column
    from storage.runs import Run
    from storage.sweeps import Sweep

NEEDS_ROWS = ("sort", "reverse", "filter", "compare", "log")
"""Actions that want a run or more in the store."""

Q = TypeVar("Q", bound=TableQuestion)
S = TypeVar("S", bound=TableSnapshot)


class FilterText(Typed):
    """What the runs are filtered by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "keep it", key_display="enter", id="filter.keep",
                tooltip="Back to the table, filtered like this"),
        Binding("escape", "screen.back", "clear it", id="filter.clear",
                tooltip="All runs again"),
    ]  # fmt: skip


class TableScreen(DataScreen[Q, S]):
    """Shows a window onto the runs; what is typed, sorted or scrolled to changes the question."""

    KEYS_FIRST: ClassVar[tuple[str, ...]] = ("open", "mark", "compare", "sort", "filter")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", id="filter",
                tooltip="Only runs with a word, or where auc > 0.9; Esc clears it"),
        Binding("s", "sort", "sort", id="sort", tooltip="Sort by the next column"),
        Binding("full_stop", "reverse", "reverse", key_display=".", id="reverse",
                tooltip="Turn the order around"),
        Binding("c", "compare", "compare", id="compare", tooltip="Compare the marked runs"),
        Binding("escape", "back", "back", show=False, id="back",
                tooltip="Clear the filter; else back"),
    ]  # fmt: skip

    def compose_foot(self) -> ComposeResult:
        with Container(id="filter"):
            yield Line(id="filter-label")
            yield FilterText(id="filter-text", compact=True, select_on_focus=False)
            yield Line(id="complaint")

    def on_mount(self) -> None:
        label = Words((Piece("/", "bold accent"), Piece("filter", "quiet", gap=1)))
        self.query_one("#filter-label", Line).words = label
        self.query_one("#filter-text", Input).value = self.question.query.where
        self.table.focus()

    @property
    def filtering(self) -> bool:
        """Whether the line to type a filter in is shown."""
        return bool(self.query_one("#filter").display)

    @filtering.setter
    def filtering(self, shown: bool) -> None:
        # Not by a class of the screen, which would style everything on it anew.
        self.query_one("#filter").display = shown

    @property
    def table(self) -> RunTable:
        return self.query_one(RunTable)

    # What it is on

    def subject(self) -> Run | None:
        return self.table.run

    def sorted_by(self) -> str | None:
        return self.question.query.sort

    def command_lines(self) -> tuple[str, ...]:
        directions = self.snapshot.page.directions if self.snapshot else {}
        shown = commands.runs(self.question.query, directions, self.shared.store)
        sweep = self.question.query.sweep
        more = commands.of_sweep(sweep, self.shared.store) if sweep else ()
        return (shown, *more, *super().command_lines(), *self._group_lines())

    def _group_lines(self) -> tuple[str, ...]:
        """The command for the groups that `z` shows now."""
        query, page = self.question.query, self.snapshot.page if self.snapshot else None
        by = grouping.column_of(self.table.column, query)
        metric = grouping.metric_of(query, page) if page else None
        if by is None or metric is None:
            return ()
        return (commands.groups(query, by, metric, self.shared.store),)

    def marked(self) -> tuple[str, ...]:
        return self.shared.held.marks.ids

    def remembered(self) -> dict[str, Any]:
        query, table = self.question.query, self.table
        return {
            **{name: getattr(query, name) for name in ("sweep", "where", "sort", "descending")},
            "then": order.written(query),
            "selected": None if table.follows_top else table.run_id,
        }

    def recall(self, found: Mapping[str, Any]) -> None:
        query = replace(
            self.question.query,
            sweep=self.question.query.sweep or remember.text(found, "sweep"),
            where=remember.text(found, "where") or "",
            sort=remember.text(found, "sort"),
            descending=remember.flag(found, "descending", True),
            then=order.read(found.get("then")),
        )
        self._question = replace(self.question, query=query)
        if run := remember.text(found, "selected"):
            self.call_after_refresh(lambda: self.table.select(run))

    # Asking

    def ask(self, **changes: Any) -> None:
        """Change what is asked: fields of the query, or of the question itself."""
        asked = {key: changes.pop(key) for key in list(changes) if key in RunQuery.__match_args__}
        changes.setdefault("query", replace(self.question.query, **asked))
        super().ask(**changes)

    def on_run_table_need_rows(self, message: RunTable.NeedRows) -> None:
        self.ask(offset=message.offset, limit=WINDOW)

    def on_run_table_need_ids(self, message: RunTable.NeedIds) -> None:
        self.ask(picked=(message.offset, message.limit))

    def on_run_table_need_curves(self, message: RunTable.NeedCurves) -> None:
        self.ask(curves=message.metrics)

    def on_run_table_group_by(self, message: RunTable.GroupBy) -> None:
        if self.snapshot is None:
            return
        query, page = self.question.query, self.snapshot.page
        by, metric = grouping.column_of(message.column, query), grouping.metric_of(query, page)
        if by is None or metric is None:
            self.tell("Choose a param, the state or the sweep to group by with the keys ← and →.")
            return
        told = commands.groups(query, by, metric, self.shared.store)
        found = GroupList(by, metric, told, lambda values: self.ask(unfolded=values))
        self.app.push_screen(found, lambda chosen: self._grouped(by, chosen))
        self.ask(grouped=(by, metric))

    def _grouped(self, by: str, chosen: RunGroup | Run | None) -> None:
        """Go on with what was chosen in the list of groups."""
        self.ask(grouped=None, unfolded=())
        if isinstance(chosen, RunGroup):
            where = grouping.narrowed(self.question.query.where, by, chosen.value)
            self.query_one("#filter-text", Input).value = where
        elif chosen:
            self.open_run(chosen)

    def on_run_table_says(self, message: RunTable.Says) -> None:
        self.tell(message.sentence)

    def on_run_table_marked(self) -> None:
        self.freshen()

    def on_run_table_selected(self, message: RunTable.Selected) -> None:
        self.ask(selected=message.run)
        self.freshen()

    def on_run_table_opened(self, message: RunTable.Opened) -> None:
        self.open_run(message.run)

    def open_run(self, run: Run) -> None:
        """Where Enter leads."""
        from cockpit.tui.screens.run import RunScreen  # not before the first frame

        self.app.push_screen(RunScreen.of(self.shared, run.id))

    def on_run_table_sort_by(self, message: RunTable.SortBy) -> None:
        self.sort(message.column, message.further)

    def sweep_of(self, run: Run | None) -> Sweep | None:
        """The sweep a run belongs to."""
        sweeps = self.snapshot.sweeps if run and self.snapshot else ()
        return next((sweep for sweep in sweeps if run and sweep.name == run.sweep), None)

    # Painting

    def paint(self, snapshot: S) -> None:
        asked = snapshot.question.query
        if asked == self.question.query:
            shown = replace(asked, where=snapshot.where)
            self.table.show(snapshot.page, shown, snapshot.at, snapshot.sparks)
        if snapshot.question.picked and snapshot.question.picked == self.question.picked:
            self.table.mark(snapshot.picked)
            self.ask(picked=None)
        if isinstance(self.app.screen, GroupList) and snapshot.question.grouped:
            self.app.screen.show(snapshot.groups, snapshot.members)
        self.set_class(bool(snapshot.complaint), "-refused")
        complaint = Piece(fmt.plain(snapshot.complaint), "stopped")
        self.query_one("#complaint", Line).words = Words((complaint,))

    def freshen(self) -> None:
        super().freshen()
        if self.children:
            self.table.tick()

    def beside_tabs(self) -> tuple[Piece, ...]:
        """What is left out of the table and how it is sorted."""
        if not self.snapshot or not self.snapshot.page.stored:
            return ()
        page, query = self.snapshot.page, self.snapshot.question.query
        pieces = []
        where = self.snapshot.where
        if marked := len(self.shared.held.marks):
            pieces.append(Piece(f"{MARK} {fmt.count(marked)} marked", "accent"))
        if where:
            pieces.append(Piece(f"filter: {fmt.plain(where)}", "accent"))
        asked = self.question.query
        under_way = f" {fmt.ELLIPSIS}" * (
            (asked.order, asked.descending) != (query.order, query.descending)
        )
        usual = not asked.order and asked.descending
        pieces.append(Piece(order.words(asked) + under_way, "quiet", rank=2 if usual else 0))
        unit = "run" if page.total == 1 else "runs"
        of = f" of {fmt.count(page.stored)}" if where else f" {unit}"
        pieces.append(Piece(f"{fmt.count(page.total)}{of}", "quiet"))
        return tuple(pieces)

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a run there is nothing to sort, to filter or to compare."""
        if action in NEEDS_ROWS:
            return not self.has_class("-empty")
        return self.able(action)

    def action_compare(self) -> None:
        """The marked runs side by side, or a sentence on what has to be marked."""
        self.app.action_go("Compare")  # type: ignore[attr-defined]  # the app imports the screens

    def action_sort(self) -> None:
        if column := order.following(self.table.columns, self.table.column, self.question.query):
            self.sort(column)
        else:
            self._reorder(replace(self.question.query, sort=None, descending=True, then=()))

    def sort(self, column: Column, further: bool = False) -> None:
        """Sort by a column, or by it too; its best or newest first."""
        directions = self.snapshot.page.directions if self.snapshot else {}
        by = order.further if further else order.sorted_by
        if column.field:
            self._reorder(by(self.question.query, column, directions))

    def action_reverse(self) -> None:
        self._reorder(order.turned(self.question.query))

    def _reorder(self, query: RunQuery) -> None:
        self.table.restart()
        self.ask(query=replace(query, offset=0))
        self.freshen()  # a key is answered at once, also where the rows take their time

    def action_filter(self) -> None:
        self.filtering = True
        self.query_one("#filter-text", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.value != self.question.query.where:
            self.table.restart()
            self.ask(where=event.value, offset=0)

    def on_input_submitted(self) -> None:
        if not self.has_class("-refused"):
            self._end_filtering()

    def _end_filtering(self) -> None:
        self.filtering = False
        self.table.focus()

    def action_back(self) -> None:
        if self.filtering or self.question.query.where:
            self.query_one("#filter-text", Input).value = ""
            self._end_filtering()
        else:
            super().action_back()
