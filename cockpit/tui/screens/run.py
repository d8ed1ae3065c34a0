"""One run: what came out, its curves, what it printed, where it comes from."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui import remember, run_words
from cockpit.tui.screens.panes import PanesScreen
from cockpit.tui.screens.run_data import RunQuestion, RunSnapshot
from cockpit.tui.widgets.curves import Curves
from cockpit.tui.widgets.detail import title
from cockpit.tui.widgets.line import Line, Words
from cockpit.tui.widgets.log_tail import LogTail
from cockpit.tui.widgets.paper import Paper, heading

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from textual.app import ComposeResult

    from cockpit.tui.screens.base import DataScreen, Shared
    from storage.runs import Run


class RunScreen(PanesScreen[RunQuestion, RunSnapshot]):
    """Four panes; where room is scarce, one at a time."""

    TITLE = "Run"
    PLACE = "run"
    PANES: ClassVar[dict[str, str]] = {
        "summary": "summary",
        "curves": "curves",
        "run-log": "log",
        "origin": "origin",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("l", "large('run-log')", "log", id="run.log", tooltip="The log alone, and back"),
        Binding("escape", "back", "back", id="run.back",
                tooltip="All panes again; else back"),
    ]  # fmt: skip

    @classmethod
    def of(cls, shared: Shared, run: str) -> Self:
        """The run of an id."""
        return cls(shared, RunQuestion(run))

    @classmethod
    def again(
        cls, shared: Shared, before: DataScreen[Any, Any] | None, found: Mapping[str, Any]
    ) -> Self | None:
        run = remember.text(found, "run")
        if run is None:
            return None
        screen = cls.of(shared, run)
        screen.recall(found)
        return screen

    def remembered(self) -> dict[str, Any]:
        return {"run": self.question.run, **super().remembered()}

    def compose_body(self) -> ComposeResult:
        yield Line(id="run-title")
        yield Static("This run is in the trash, or gone. Esc leads back.", id="gone")
        with Horizontal(id="run"):
            with Vertical(id="run-left"):
                yield Paper("summary", id="summary")
                yield Paper("origin", id="origin")
            with Vertical(id="run-right"):
                yield Curves(id="curves")
                with Vertical(id="run-log"):
                    yield Line(id="run-log-title")
                    yield LogTail(id="run-lines")

    # What it is on

    def subject(self) -> Run | None:
        detail = self.snapshot.detail if self.snapshot else None
        return detail.run if detail else None

    def title_words(self) -> str:
        run = self.subject()
        return f"Run {fmt.plain(run.name)}" if run else "Run"

    # Painting

    def paint(self, snapshot: RunSnapshot) -> None:
        detail = snapshot.detail
        self.set_class(detail is None, "-gone")
        if detail is None:
            return
        words = run_words.summary(detail, snapshot.traces, snapshot.sweep)
        self.query_one("#summary", Paper).show(list(words))
        self.query_one("#origin", Paper).show(list(run_words.origin(snapshot.traces)))
        self.query_one(LogTail).show(snapshot.log)
        self.run_worker(self._paint_curves(snapshot), group="curves", exclusive=True)

    async def _paint_curves(self, snapshot: RunSnapshot) -> None:
        curves = self.query_one(Curves)
        await curves.show(snapshot.curves)
        if self.pane == "curves":
            self.focus_pane()

    def freshen(self) -> None:
        super().freshen()
        if not self.children:
            return
        log = self.query_one("#run-log-title", Line)
        log.words = heading("log", self.pane == "run-log")
        run = self.subject()
        if run and self.snapshot:
            self.query_one("#run-title", Line).words = Words(title(run, self.snapshot.sweep))
