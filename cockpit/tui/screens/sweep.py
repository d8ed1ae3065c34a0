"""One sweep, live: where it stands, the best so far, the trials and what they print."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical

from cockpit import format as fmt
from cockpit.tui import clock, phrases
from cockpit.tui.reporting import Report
from cockpit.tui.screens.run import RunScreen
from cockpit.tui.screens.steering import SteeringScreen
from cockpit.tui.screens.sweep_data import SweepQuestion, SweepSnapshot
from cockpit.tui.screens.table import TableScreen
from cockpit.tui.widgets.detail import metrics, title
from cockpit.tui.widgets.empty import Empty
from cockpit.tui.widgets.evidence import Evidence
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.log_tail import LogTail
from cockpit.tui.widgets.run_table import WINDOW, RunTable
from storage.runs import RunQuery

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from textual.app import ComposeResult

    from cockpit.tui.screens.base import DataScreen, Shared
    from storage.runs import Run
    from storage.sweeps import Sweep


class SweepScreen(SteeringScreen, TableScreen[SweepQuestion, SweepSnapshot]):
    """The sweep of the question; without one the newest that runs."""

    KEYS_FIRST = (*SteeringScreen.KEYS_FIRST, *TableScreen.KEYS_FIRST)
    TITLE = "Sweep"
    DIGIT = "2"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("i,greater_than_sign", "evidence(1)", "next chart", key_display="i", id="sweep.evidence",
                tooltip="The next chart: importance, params, trials by time, a param's slice"),
        Binding("less_than_sign", "evidence(-1)", "chart before", show=False, key_display="<",
                id="sweep.evidence.before", tooltip="The chart before"),
        Binding("l", "log", "log", id="sweep.log", tooltip="The selected trial's log, large"),
        Binding("left_square_bracket", "step(1)", "older", key_display="[", id="sweep.older",
                tooltip="The sweep before this one"),
        Binding("right_square_bracket", "step(-1)", "newer", key_display="]", id="sweep.newer",
                tooltip="The sweep after this one"),
        Binding("escape", "back", "back", id="sweep.back",
                tooltip="Small log again; clear the filter; else back to Runs"),
    ]  # fmt: skip

    _recalled = False

    @classmethod
    def of(cls, shared: Shared, name: str | None, run_id: str | None = None) -> Self:
        """The sweep of a name, the cursor on one of its trials."""
        query = RunQuery(sweep=name, limit=WINDOW)
        screen = cls(shared, SweepQuestion(query, run_id))
        if run_id:
            screen.select(run_id)
        return screen

    @classmethod
    def opened(cls, shared: Shared, before: DataScreen[Any, Any] | None) -> Self:
        run = before.subject() if isinstance(before, RunScreen) else None
        return cls.of(shared, run.sweep, run.id) if run and run.sweep else cls.of(shared, None)

    def recall(self, found: Mapping[str, Any]) -> None:
        super().recall(found)
        self._recalled = True

    def spec_of(self) -> str | None:
        return self.question.query.sweep

    def report_of(self) -> Report | None:
        sweep = self.steered
        return Report("sweep", (sweep.name,), sweep.name) if sweep else None

    def compose_body(self) -> ComposeResult:
        yield Empty(id="empty")
        with Vertical(id="sweep"):
            yield Line(id="answer")
            yield Evidence(id="charts")
            yield RunTable(trials=True, held=self.shared.held, id="trials")
            yield Line(id="log-title")
            yield LogTail(id="log")

    def paint(self, snapshot: SweepSnapshot) -> None:
        starts = self.question.query.sweep is not None and not self._recalled
        self.set_class(not snapshot.sweeps and not starts, "-empty")
        view = snapshot.view
        if view is None:
            if snapshot.sweeps and self._recalled:
                self.ask(sweep=None)  # what was looked at the last time is gone by now
            return
        if self.question.query.sweep is None:
            # The newest was asked for: from here on it is this one, whatever starts later.
            self.ask(sweep=view.sweep.name)
            snapshot = replace(snapshot, question=self.question)
        super().paint(snapshot)
        self.query_one(LogTail).show(snapshot.log, snapshot.question.selected)

    def freshen(self) -> None:
        super().freshen()
        snapshot = self.snapshot
        if snapshot is None or snapshot.view is None:
            if (name := self.question.query.sweep) and self.children and not self._recalled:
                self.query_one("#answer", Line).words = _starting(name)
            return
        answer, usage = phrases.answer(snapshot.view, clock.now()), phrases.usage(snapshot.usage)
        words = Words(answer, usage)
        self.query_one("#answer", Line).words = words
        run = self.table.run
        pieces = (
            Piece("log", "quiet"),
            *(
                (*title(run, snapshot.view.sweep), *_values(run, snapshot.view.sweep))
                if run
                else ()
            ),
        )
        self.query_one("#log-title", Line).words = Words(pieces)
        evidence = self.query_one(Evidence)
        evidence.show(snapshot.view, snapshot.importance, run)
        self.ask(weigh=evidence.weighs)

    def alive(self, snapshot: SweepSnapshot) -> tuple[Piece, ...]:
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

    @property
    def steered(self) -> Sweep | None:
        return self.snapshot.view.sweep if self.snapshot and self.snapshot.view else None

    def select(self, run_id: str) -> None:
        """Put the cursor on one of the sweep's trials."""
        self.call_after_refresh(lambda: self.table.select(run_id))

    def action_evidence(self, by: int) -> None:
        self.query_one(Evidence).step(by)
        self.freshen()

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


def _starting(name: str) -> Words:
    text = "its trials show here as soon as it has said the first word"
    return Words((Piece(f"starting {fmt.plain(name)} …", "bold"), Piece(text, "quiet", rank=1)))


def _values(run: Run, sweep: Sweep) -> tuple[Piece, ...]:
    """Its metrics: in full once they stay, the objectives alone while they change all the time."""
    if run.state != "running":
        return metrics(run)
    return tuple(
        Piece(f"{fmt.plain(name)} {fmt.number(run.metrics[name], keep_zeros=True)}", rank=2)
        for name in sweep.metrics
        if name in run.metrics
    )
