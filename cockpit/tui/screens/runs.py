"""Runs, the home screen: every run of the store, sortable, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui.screens.table import TableScreen
from cockpit.tui.screens.table_data import TableQuestion, TableSnapshot
from cockpit.tui.widgets.detail import Detail
from cockpit.tui.widgets.empty import Empty
from cockpit.tui.widgets.run_table import WINDOW, RunTable
from storage.runs import RunQuery

if TYPE_CHECKING:
    from typing import Any, Self

    from textual.app import ComposeResult
    from textual.binding import BindingType

    from cockpit.tui.screens.base import DataScreen, Shared


class RunsScreen(TableScreen[TableQuestion, TableSnapshot]):
    """The table, and the run under the cursor."""

    # So that at 80 columns a newcomer sees how to write a note and how to start a sweep.
    KEYS_FIRST = ("open", "mark", "compare", "filter", "note", "launch", "sort")
    TITLE = "Runs"
    DIGIT = "1"
    BINDINGS: ClassVar[list[BindingType]] = []

    @classmethod
    def opened(cls, shared: Shared, before: DataScreen[Any, Any] | None) -> Self:
        return cls(shared, TableQuestion(RunQuery(limit=WINDOW)))

    def compose_body(self) -> ComposeResult:
        yield Empty(id="empty")
        yield Static(id="nothing", markup=False)
        yield RunTable(held=self.shared.held, id="runs")
        yield Detail(id="detail")

    def paint(self, snapshot: TableSnapshot) -> None:
        super().paint(snapshot)
        page = snapshot.page
        self.set_class(not page.stored, "-empty")
        self.set_class(bool(page.stored) and not page.total, "-nothing")
        if page.stored and not page.total:
            text = fmt.plain(snapshot.where)
            self.query_one("#nothing", Static).update(
                f"No run matches “{text}”. Esc clears the filter."
            )

    def freshen(self) -> None:
        super().freshen()
        curve = self.snapshot.curve if self.snapshot else None
        run = self.table.run
        self.query_one(Detail).show(run, curve, self.sweep_of(run))
