"""Asks where runs lie that other tools wrote, counts what is there, and takes it in."""

from __future__ import annotations

from threading import Event
from time import monotonic
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal

from cockpit import format as fmt
from cockpit.tui import importing
from cockpit.tui.control import Refused
from cockpit.tui.screens.ask import AskScreen, said
from cockpit.tui.screens.steering import tell_in_front
from cockpit.tui.widgets.entry import Entry
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App, ComposeResult
    from textual.timer import Timer
    from textual.widgets import Input

    from cockpit.interop.moving import Moved, Seen
    from cockpit.tui.deeds import Deeds

PAUSE = 0.3
"""Seconds without a key after which what was typed is looked at."""
EVERY = 0.2
"""Seconds between two figures of how far it is."""


class PlaceEntry(Entry):
    """A path."""

    DEFAULT_CSS = """
    PlaceEntry { width: 1fr; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # Here, not on the screen, so that it comes after whatever was typed before it.
        Binding("enter", "screen.answer", "import", key_display="enter", id="import.do",
                tooltip="Take in what was found"),
    ]  # fmt: skip


class ImportScreen(AskScreen["Moved"]):
    """Gives what was taken in; nothing where it was left."""

    DEFAULT_CSS = """
    ImportScreen #where { height: 1; }
    ImportScreen #where Line { width: 9; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "no", id="import.leave",
                tooltip="End the import, what is in stays; before it, leave everything as it is"),
    ]  # fmt: skip

    def __init__(self, deeds: Deeds) -> None:
        super().__init__()
        self._deeds = deeds
        self._stop = Event()
        """Ends what is at work."""
        self._timer: Timer | None = None
        self._found: Moved | None = None
        """What was counted of what is typed."""
        self._importing = False

    def compose_sheet(self) -> ComposeResult:
        peers = Piece("of MLflow, Optuna, TensorBoard, wandb or a CSV file", "quiet")
        safe = Piece("nothing is written there", "quiet", rank=1)
        yield said(Words((Piece("Import runs", "bold"), peers, safe)), "question")
        with Horizontal(id="where"):
            yield said(Words((Piece("  from", "quiet"),)), "from")
            yield PlaceEntry("place", "", "a folder or a file")
        yield Line(id="found")

    def on_mount(self) -> None:
        self.query_one(Entry).focus()
        self.run_worker(self._look_around, thread=True, group="imports", exit_on_error=False)

    def on_unmount(self) -> None:
        self._stop.set()

    def _look_around(self) -> None:
        places = self._deeds.importable()
        self.app.call_from_thread(self._suggest, places)

    def _suggest(self, places: tuple[str, ...]) -> None:
        entry = self.query_one(Entry)
        if places and not entry.value:
            entry.value = places[0]
            entry.cursor_position = len(places[0])
        elif not entry.value:
            self._tell("nothing was found here by its usual name: type where it lies")

    # Counting

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        if self._importing:
            return
        self._stop.set()
        self._found = None
        self._tell("")
        if self._timer:
            self._timer.stop()
        if event.value.strip():
            self._timer = self.set_timer(PAUSE, self._count)

    def _count(self) -> None:
        self._at_work(True, "counting", None, self._counted)

    def _counted(self, found: Moved) -> None:
        self._found = found
        self._tell(f"{importing.counted(found)}   enter imports")

    # Importing

    def action_answer(self) -> None:
        if self._importing or not self.query_one(Entry).value.strip():
            return
        if self._timer:
            self._timer.stop()
        self._importing = True
        self.query_one(Entry).disabled = True
        self.set_focus(None)
        of = self._found.landed.runs if self._found else None
        self._at_work(False, "importing", of, self.dismiss)

    def action_leave(self) -> None:
        self._stop.set()
        if self._importing:
            self._tell("ending…")
        else:
            self.dismiss()

    # In a thread

    def _at_work(
        self, dry: bool, doing: str, of: int | None, then: Callable[[Moved], object]
    ) -> None:
        self._stop.set()
        stop = self._stop = Event()
        text = self.query_one(Entry).value.strip()
        last = [0.0]
        self._tell(f"{doing}…")

        def told(seen: Seen) -> None:
            if monotonic() - last[0] >= EVERY and not stop.is_set():
                last[0] = monotonic()
                words = f"{doing} {importing.progress(seen, of)}"
                self.app.call_from_thread(self._still, stop, f"{words}   esc ends it")

        def run() -> None:
            try:
                found = self._deeds.take_in(text, dry, told, stop.is_set)
            except Refused as error:
                self.app.call_from_thread(self._refused, stop, str(error))
            else:
                if not dry or not stop.is_set():
                    self.app.call_from_thread(then, found)

        self.run_worker(run, thread=True, group="imports", exit_on_error=False)

    def _still(self, stop: Event, text: str) -> None:
        if not stop.is_set():
            self._tell(text)

    def _refused(self, stop: Event, text: str) -> None:
        if stop is not self._stop:
            return
        self._tell(text, "stopped")
        if self._importing:
            self._importing = False
            self.query_one(Entry).disabled = False
            self.query_one(Entry).focus()

    def _tell(self, text: str, tone: str = "quiet") -> None:
        self.query_one("#found", Line).words = Words((Piece(f"  {fmt.plain(text)}", tone),))


def begin(app: App[Any], deeds: Deeds, then: Callable[[], None]) -> None:
    """Ask and import over the screen in front; `then` shows the runs that came in."""

    def ended(found: Moved | None) -> None:
        if found is None:
            return
        if found.landed.new or found.landed.changed:
            then()
        tell_in_front(app, importing.outcome(found))

    app.push_screen(ImportScreen(deeds), ended)
