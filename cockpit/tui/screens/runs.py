"""Runs, the home screen: every run of the store, sortable, live."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.widgets.detail import Detail
from cockpit.tui.widgets.empty import Empty
from cockpit.tui.widgets.run_table import RunTable

if TYPE_CHECKING:
    from textual.app import ComposeResult
    from textual.binding import BindingType

    from cockpit.tui.feed import Snapshot


class RunsScreen(DataScreen):
    """The table, and the run under the cursor."""

    TITLE = "Runs"
    DIGIT = "1"
    BINDINGS: ClassVar[list[BindingType]] = []

    def compose_body(self) -> ComposeResult:
        yield Empty(id="empty")
        yield Static(id="nothing", markup=False)
        yield RunTable(id="runs")
        yield Detail(id="detail")

    def paint(self, snapshot: Snapshot) -> None:
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
