"""The app: holds the source, follows it in a thread, hands each snapshot to the screen in front."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import events, work
from textual._compositor import CompositorUpdate
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.worker import Worker, WorkerState

from cockpit.tui.feed import Feed, Snapshot, Trouble
from cockpit.tui.paint import Painter
from cockpit.tui.places import PLACES, SCREENS
from cockpit.tui.remember import Memory
from cockpit.tui.restore import left, on_hang_up, take_up
from cockpit.tui.screens.base import DataScreen, Shared
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.screens.ways import WaysScreen
from cockpit.tui.settle import begin
from cockpit.tui.theme import PALETTES

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.screen import Screen

    from cockpit.tui.canvas import Glyphs
    from cockpit.tui.config import Settings
    from cockpit.tui.control import Control
    from cockpit.tui.deeds import Deeds
    from cockpit.tui.seam import Source

    AnyScreen = DataScreen[Any, Any]


class CockpitApp(App[None], inherit_bindings=False):
    """Runs and sweeps on one terminal; opens on `sweep` (its name) where one is given."""

    TITLE = "cockpit"
    CSS_PATH = "cockpit.tcss"
    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "go('Runs')", "runs", show=False, id="screen.runs", tooltip="Runs: all of them"),
        Binding("2", "go('Sweeps')", "sweeps", show=False, id="screen.sweeps",
                tooltip="Sweeps: the one that runs, else the newest"),
        Binding("3", "go('Compare')", "compare", show=False, id="screen.compare",
                tooltip="Compare: the marked runs"),
        Binding("4", "go('Slices')", "slices", show=False, id="screen.slices",
                tooltip="Slices: where the marked runs, or the one under the cursor, fail"),
        Binding("5", "go('Data')", "data", show=False, id="screen.data",
                tooltip="Data: versions, profiles, contracts, differences and drift"),
        Binding("6", "go('Models')", "models", show=False, id="screen.models",
                tooltip="Models: versions, what their gates said, what was live when"),
        Binding("L", "launch", "launch", id="launch",
                tooltip="Start a sweep from a spec beside the project"),
        Binding("D", "demo", "demo", id="demo",
                tooltip="Write the demo project beside this one, and run its sweep"),
        Binding("I", "import_runs", "import", show=False, id="import",
                tooltip="Import runs: from MLflow, Optuna, TensorBoard, wandb or a CSV file"),
        Binding("colon,ctrl+p", "palette", "do", key_display=":", id="palette",
                tooltip="All that can be done here, by a few letters of it"),
        Binding("ctrl+l", "redraw", "redraw", show=False, id="redraw",
                tooltip="Paint the whole screen again"),
        Binding("ctrl+z", "suspend_process", "suspend", show=False, id="suspend",
                tooltip="Back to the shell for a while; fg comes back"),
        Binding("question_mark", "help", "help", key_display="?", id="help",
                tooltip="All keys of this screen"),
        Binding("q,ctrl+q,ctrl+c", "quit", "quit", id="quit", tooltip="Quit; a sweep goes on without the screen"),
    ]  # fmt: skip

    @dataclass
    class Arrived(Message):
        """News from the reading thread."""

        news: Snapshot | Trouble

    def __init__(
        self,
        source: Source,
        sweep: str | None = None,
        control: Control | None = None,
        *,
        deeds: Deeds | None = None,
        settings: Settings | None = None,
        store: str | None = None,
    ) -> None:
        super().__init__()
        self._source = source
        self._painter = Painter()
        self._feed = Feed(source, settings.poll if settings else None)
        self._first_sweep = sweep
        self._trouble: Trouble | None = None
        """Why the data cannot be read, for screens that are opened meanwhile."""
        self._news: Snapshot | None = None
        """What was read last, for a screen that is opened anew and asks the same."""
        tabs = tuple((place.key, name) for name, place in SCREENS.items())
        self.shared = Shared(source.project, tabs, control=control)
        self.shared.deeds = deeds or self.shared.deeds
        self.shared.settings = settings or self.shared.settings
        self.shared.store = store
        begin(self, self.shared.settings)
        self.glyphs: Glyphs = "ascii" if self.shared.settings.glyphs == "ascii" else "braille"
        self._memory = self.shared.deeds.recall() if self.shared.settings.restore else Memory()
        take_up(self._memory, self.shared.held)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return PALETTES[self.current_theme.dark]

    def get_default_screen(self) -> RunsScreen:
        screen = RunsScreen.opened(self.shared, None)
        screen.recall(self._memory.places.get(screen.DIGIT, {}))
        return screen

    def on_mount(self) -> None:
        if self._first_sweep:
            from cockpit.tui.screens.sweep import SweepScreen

            self.push_screen(SweepScreen.of(self.shared, self._first_sweep))

        else:
            for place in (*self._memory.below, self._memory.front):
                self._open_again(place)
        if not self.is_headless:
            on_hang_up(self)

    def _open_again(self, place: str) -> None:
        kind = PLACES[place].screen if place in PLACES else None
        if kind and not any(isinstance(screen, kind) for screen in self.screen_stack):
            found = self._memory.places.get(place, {})
            screen = kind.again(self.shared, self.in_front, found)
            if screen is not None:
                self.push_screen(screen)

    def exit(self, *how: Any, **more: Any) -> None:
        """Leave, and remember where."""
        if self.is_running:
            self.shared.deeds.keep(left(self.screen_stack, self.shared.held))
        super().exit(*how, **more)

    def on_ready(self) -> None:
        # Not before the first frame: importing what reads the store would hold it up.
        self.call_after_refresh(self._follow)

    def on_unmount(self) -> None:
        self._feed.close()

    @work(thread=True, group="feed", exclusive=True, exit_on_error=False)
    def _follow(self) -> None:
        for news in self._feed.news():
            self.post_message(self.Arrived(news))
            # Here, so that the first chart does not hold up the screen for its import; after the first rows.
            import plotext  # noqa: F401

    def on_cockpit_app_arrived(self, message: Arrived) -> None:
        if not self.is_running:
            return  # the screens are being taken down
        news = message.news
        self._trouble = news if isinstance(news, Trouble) else None
        for screen in self.screen_stack:
            if isinstance(screen, DataScreen):
                screen.trouble = self._trouble
        if isinstance(news, Snapshot):
            self._news = news
            if self.in_front.takes(news):
                self.in_front.snapshot = news

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        if event.state != WorkerState.ERROR or not self.is_running:
            return
        what = f"{type(event.worker.error).__name__}: {event.worker.error}"
        if event.worker.group == "feed":
            sentence = f"Reading stopped ({what}); q, then open it again"
            self.post_message(self.Arrived(Trouble(sentence)))
        else:
            self.in_front.tell(f"not done, by a fault of cockpit's own: {what}", tone="failed")

    @property
    def in_front(self) -> AnyScreen:
        """The topmost screen with data, under the help too."""
        screens = [screen for screen in self.screen_stack if isinstance(screen, DataScreen)]
        return screens[-1]

    def on_data_screen_asks(self) -> None:
        front = self.in_front
        front.trouble = self._trouble
        if front.snapshot is None and self._news and self._news.question == front.question:
            front.snapshot = self._news  # the feed does not say it twice
        self._feed.ask(front.question)

    def action_go(self, name: str) -> None:
        """Back to the screen of this name where it lies below, else to a new one over the first."""
        kind, before = SCREENS[name].screen, self.in_front
        if problem := kind.hindered(self.shared):
            before.tell(problem)
            return
        there = [isinstance(screen, kind) for screen in self.screen_stack]
        place = there.index(True) if any(there) else 0
        for _ in self.screen_stack[place + 1 :]:
            self.pop_screen()
        if not any(there):
            self.push_screen(kind.opened(self.shared, before))

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Resize):
            self.action_redraw()
        if not (isinstance(event, events.Key) and isinstance(screen := self.screen, WaysScreen)):
            await super().on_event(event)
        elif event.is_forwarded:  # it has come back from the widgets; what it is for is done now
            await super().on_event(event)
            screen.key_done()
        else:
            screen.key_pressed()
            await super().on_event(event)

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        """Send what has changed, and nothing where nothing has."""
        update: object = renderable
        written = not self._batch_count and not self.is_headless
        if written and isinstance(update, CompositorUpdate):
            update = self._painter.changes(update, self.console)
        super()._display(screen, cast("RenderableType | None", update))

    def action_redraw(self) -> None:
        """Send everything again: something else has written to the terminal."""
        self._painter.forget()
        if self.screen_stack:
            self.screen.refresh()

    def action_palette(self) -> None:
        from cockpit.tui.screens.palette import PaletteScreen, do

        if not isinstance(self.screen, PaletteScreen):
            self.push_screen(PaletteScreen(self.screen), do)

    def action_launch(self) -> None:
        from cockpit.tui.screens.launch import LaunchScreen

        if self.shared.control and not isinstance(self.screen, LaunchScreen):
            self.push_screen(LaunchScreen(self.shared, self.shared.control))

    def action_demo(self) -> None:
        from cockpit.tui.screens.starting import start_demo

        if control := self.shared.control:
            start_demo(self, self.shared, control)

    def action_import_runs(self) -> None:
        from cockpit.tui.screens.importing import begin

        begin(self, self.shared.deeds, lambda: self.action_go("Runs"))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The demo is for a store in which nothing has been done yet."""
        if action == "demo" and not self.in_front.has_class("-empty"):
            return False
        return action not in ("launch", "demo") or self.shared.control is not None

    def action_help(self) -> None:
        from cockpit.tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self.screen))
