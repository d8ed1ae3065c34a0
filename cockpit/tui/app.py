"""The app: holds the source, follows it in a thread, hands each snapshot to the screen in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import Worker, WorkerState

from cockpit.tui.feed import Feed, Question, Snapshot, Trouble
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.screens.help import HelpScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.screens.sweep import LOG_LINES, SweepScreen
from cockpit.tui.theme import COCKPIT, PALETTES
from cockpit.tui.widgets.run_table import WINDOW, RunTable
from storage.runs import RunQuery

if TYPE_CHECKING:
    from cockpit.tui.source import Source


class CockpitApp(App[None], inherit_bindings=False):
    """Runs and sweeps on one terminal; opens on `sweep` (its name) where one is given."""

    TITLE = "cockpit"
    CSS_PATH = "cockpit.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "runs", "runs", show=False, id="screen.runs", tooltip="Runs: all of them"),
        Binding("2", "sweeps", "sweeps", show=False, id="screen.sweeps",
                tooltip="Sweeps: the one that runs, else the newest"),
        Binding("question_mark", "help", "help", key_display="?", id="help",
                tooltip="All keys of this screen"),
        Binding("q,ctrl+q,ctrl+c", "quit", "quit", id="quit", tooltip="Quit; a sweep goes on without the screen"),
    ]  # fmt: skip

    @dataclass
    class Arrived(Message):
        """News from the reading thread."""

        news: Snapshot | Trouble

    def __init__(self, source: Source, sweep: str | None = None) -> None:
        super().__init__()
        self._source = source
        self._feed = Feed(source)
        self._first_sweep = sweep
        self._heard: set[str] = set()
        self.register_theme(COCKPIT)
        self.theme = COCKPIT.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return PALETTES[self.current_theme.dark]

    def get_default_screen(self) -> RunsScreen:
        return RunsScreen(self._source.project, Question(RunQuery(limit=WINDOW)), self._heard)

    def on_mount(self) -> None:
        if self._first_sweep:
            self._open_sweep(self._first_sweep)

    def on_ready(self) -> None:
        # Not before the first frame: importing what reads the store would hold it up.
        self.call_after_refresh(self._follow)

    def on_unmount(self) -> None:
        self._feed.close()

    @work(thread=True, group="feed", exclusive=True, exit_on_error=False)
    def _follow(self) -> None:
        # Here, so that the first chart does not hold up the screen for its import.
        import plotext  # noqa: F401

        for news in self._feed.news():
            self.post_message(self.Arrived(news))

    def on_cockpit_app_arrived(self, message: Arrived) -> None:
        for screen in self.screen_stack:
            if not isinstance(screen, DataScreen):
                continue
            if isinstance(message.news, Trouble):
                screen.trouble = message.news
            else:
                screen.trouble = None
                if screen is self._in_front:
                    screen.snapshot = message.news

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.worker.group == "feed" and event.state == WorkerState.ERROR:
            error = event.worker.error
            sentence = f"Reading stopped ({type(error).__name__}: {error}); q, then open it again"
            self.post_message(self.Arrived(Trouble(sentence)))

    @property
    def _in_front(self) -> DataScreen:
        """The topmost screen with data, under the help too."""
        screens = [screen for screen in self.screen_stack if isinstance(screen, DataScreen)]
        return screens[-1]

    def on_data_screen_asks(self) -> None:
        self._feed.ask(self._in_front.question)

    def on_run_table_opened(self, message: RunTable.Opened) -> None:
        if isinstance(self.screen, RunsScreen) and message.run.sweep:
            self._open_sweep(message.run.sweep, message.run.id)

    def _open_sweep(self, name: str | None, run_id: str | None = None) -> None:
        query = RunQuery(sweep=name, limit=WINDOW)
        question = Question(query, into_sweep=True, selected=run_id, log_lines=LOG_LINES)
        screen = SweepScreen(self._source.project, question, self._heard)
        self.push_screen(screen)
        if run_id:
            screen.select(run_id)

    def action_runs(self) -> None:
        if isinstance(self.screen, SweepScreen):
            self.pop_screen()

    def action_sweeps(self) -> None:
        if isinstance(self.screen, RunsScreen):
            self._open_sweep(None)

    def action_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))
