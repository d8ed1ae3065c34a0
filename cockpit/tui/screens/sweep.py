"""One sweep, live: where it stands, the best so far, the trials and what they print."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from cockpit import format as fmt
from cockpit.tui import charts, clock, phrases
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.widgets.chart import Chart
from cockpit.tui.widgets.detail import metrics, title
from cockpit.tui.widgets.empty import Empty
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.log_tail import LogTail
from cockpit.tui.widgets.run_table import RunTable

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from cockpit.tui.feed import Snapshot
    from storage.sweeps import SweepView

LOG_LINES = 400


class SweepScreen(DataScreen):
    """The sweep of the question; without one the newest that runs."""

    TITLE = "Sweep"
    DIGIT = "2"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "log", "log", id="sweep.log", tooltip="The selected trial's log, large"),
        Binding("left_square_bracket", "step(1)", "older", key_display="[", id="sweep.older",
                tooltip="The sweep before this one"),
        Binding("right_square_bracket", "step(-1)", "newer", key_display="]", id="sweep.newer",
                tooltip="The sweep after this one"),
        Binding("escape", "back", "back", id="sweep.back",
                tooltip="Small log again; clear the filter; else back to Runs"),
    ]  # fmt: skip

    def compose_body(self) -> ComposeResult:
        yield Empty(id="empty")
        with Vertical(id="sweep"):
            yield Line(id="answer")
            with Horizontal(id="charts"):
                yield Chart("no trial has a value yet", id="best")
                yield Chart("no trial has reported yet", id="reports")
            yield RunTable(id="trials", trials=True)
            yield Line(id="log-title")
            yield LogTail(id="log")

    def paint(self, snapshot: Snapshot) -> None:
        self.set_class(not snapshot.sweeps, "-empty")
        view = snapshot.view
        if view is None:
            return
        if self.question.query.sweep is None:
            # The newest was asked for: from here on it is this one, whatever starts later.
            self.ask(sweep=view.sweep.name)
            snapshot = replace(snapshot, question=self.question)
        super().paint(snapshot)
        self._paint_charts(view)
        self.query_one(LogTail).show(snapshot.log)

    def _paint_charts(self, view: SweepView) -> None:
        metric = fmt.plain(view.sweep.metrics[0]) if view.sweep.metrics else "value"
        best, reports = self.query_one("#best", Chart), self.query_one("#reports", Chart)
        plot = charts.best_so_far(view)
        hidden = charts.out_of_sight(view, plot)
        several = len(view.sweep.metrics) > 1
        note = "• trials" + (f"   {hidden} beyond" if hidden else "")
        best.show(metric if several else f"best {metric} so far", plot, note)
        run = self.table.run
        note = f"{phrases.label(run)} bright, pruned dim" if run else "pruned dim"
        plot = charts.reports(view, run.id if run else None)
        reports.show(f"{metric} by step", plot, note)

    def freshen(self) -> None:
        super().freshen()
        snapshot = self.snapshot
        if snapshot is None or snapshot.view is None:
            return
        answer, usage = phrases.answer(snapshot.view, clock.now()), phrases.usage(snapshot.usage)
        words = Words(answer, usage)
        self.query_one("#answer", Line).words = words
        run = self.table.run
        pieces = (
            Piece("log", "quiet"),
            *((*title(run, snapshot.view.sweep), *metrics(run)) if run else ()),
        )
        self.query_one("#log-title", Line).words = Words(pieces)
        self._paint_charts(snapshot.view)

    def alive(self, snapshot: Snapshot) -> tuple[Piece, ...]:
        if snapshot.view is None:
            return super().alive(snapshot)
        shown = snapshot.view.sweep
        others = sum(one.state == "running" and one.id != shown.id for one in snapshot.sweeps)
        more = (Piece(f"+{others} running", "quiet", rank=4),) if others else ()
        return phrases.state(shown, self.elapsed) + more

    def title_words(self) -> str:
        view = self.snapshot.view if self.snapshot else None
        name = view.sweep.name if view else self.question.query.sweep
        return f"Sweep {fmt.plain(name)}" if name else "Sweep"

    def select(self, run_id: str) -> None:
        """Put the cursor on one of the sweep's trials."""
        self.call_after_refresh(lambda: self.table.select(run_id))

    def on_run_table_opened(self) -> None:
        self.action_log()

    def action_log(self) -> None:
        large = not self.has_class("-log")
        self.set_class(large, "-log")
        (self.query_one(LogTail) if large else self.table).focus()

    def action_step(self, older: int) -> None:
        names = [sweep.name for sweep in self.snapshot.sweeps] if self.snapshot else []
        if self.question.query.sweep not in names:
            return
        place = names.index(self.question.query.sweep) + older
        if 0 <= place < len(names):
            self.table.restart()
            self.ask(sweep=names[place], offset=0, sort=None, descending=True, selected=None)

    def action_back(self) -> None:
        if self.has_class("-log"):
            self.action_log()
        else:
            super().action_back()

    def leave(self) -> None:
        self.app.pop_screen()
