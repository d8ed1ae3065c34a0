"""The search for weak slices: in a thread of its own, its progress in a line, ended by Esc."""

from __future__ import annotations

from dataclasses import replace
from threading import Event
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from cockpit import format as fmt
from cockpit.tui.control import Refused
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.screens.slices_data import SlicesQuestion, SlicesSnapshot
from cockpit.tui.widgets.heat import BLOCKS, HeatTable
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from cockpit.tui.judged import Judged
    from cockpit.tui.screens.base import Shared
    from cockpit.tui.slice_book import Found

CELLS = 20
"""Of the bar."""


class HuntingScreen(DataScreen[SlicesQuestion, SlicesSnapshot]):
    """A screen that shows how a run does on slices, and can look for the weak ones."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "variants", "variants", id="slices.variants",
                tooltip="Show or hide weak slices that are variants of a better one: mostly the same rows"),
    ]  # fmt: skip

    def __init__(self, shared: Shared, question: SlicesQuestion) -> None:
        super().__init__(shared, question)
        self.found: Found | None = None
        """What was found last."""
        self._stop: Event | None = None

    @property
    def judged(self) -> Judged | None:
        """What is shown."""
        raise NotImplementedError

    def ask_more(self) -> None:
        """Ask for what was found to be measured too."""
        raise NotImplementedError

    def compose_hunt(self) -> ComposeResult:
        """The line of the search."""
        yield Line(id="hunt")

    def action_find(self) -> None:
        judged, run = self.judged, self.query_one(HeatTable).run
        if judged is None or run is None or self._stop:
            return
        stop = self._stop = Event()
        name, on = judged.names.get(run, run), judged.set
        self._progress(name, 0)
        self.run_worker(
            lambda: self._hunt(run, name, on, stop),
            thread=True,
            group="hunt",
            exit_on_error=False,
        )

    def _hunt(self, run: str, name: str, on: str, stop: Event) -> None:
        told = [0]

        def progress(share: float) -> None:
            if (percent := int(100 * share)) > told[0] and not stop.is_set():
                told[0] = percent
                self.app.call_from_thread(self._progress, name, percent)

        try:
            found = self.shared.deeds.weak_slices(run, on, progress, stop.is_set)
        except Refused as error:
            self.app.call_from_thread(self._ended, None, str(error))
        else:
            self.app.call_from_thread(self._ended, found, "")

    def _progress(self, name: str, percent: int) -> None:
        full, ground = BLOCKS[getattr(self.app, "glyphs", "braille")]
        done = round(percent * CELLS / 100)
        line = self.query_one("#hunt", Line)
        line.display = True
        line.words = Words(
            (
                Piece(f"searching weak slices of {fmt.plain(name)}", "accent"),
                Piece(full * done + ground * (CELLS - done), "accent", rank=1),
                Piece(f"{percent} %", "", gap=1),
                Piece("esc ends it", "quiet"),
            )
        )

    def _ended(self, found: Found | None, problem: str) -> None:
        self._stop = None
        self.query_one("#hunt", Line).display = False
        if found is None:
            self.tell(problem, tone="stopped")
            return
        self.found = found
        self.ask_more()
        if self.snapshot:
            self.paint(self.snapshot)
        own = found.shown
        sure = sum(one.confirmed is True for one in own)
        early = "" if found.complete else "; the search was ended early"
        capped = f"; {fmt.plain(found.capped[0][0])}: {found.capped[0][1]}" if found.capped else ""
        if found.slices:
            said = f"{sure} of {len(own)} weak slices are confirmed{early}{capped}"
            self.tell(said, "ctrl+s saves the one under the cursor")
        else:
            self.tell(f"no slice is weaker than the rest{early}{capped}")

    def action_variants(self) -> None:
        if self.found is not None:
            self.found = replace(self.found, everything=not self.found.everything)
            self.ask_more()
            if self.snapshot:
                self.paint(self.snapshot)

    def able(self, action: str) -> bool:
        if action == "variants":
            return self.found is not None and self.found.variants > 0
        return super().able(action)

    def end_hunt(self) -> bool:
        """End the search; whether there was one."""
        if self._stop is None or self._stop.is_set():
            return False
        self._stop.set()
        return True

    def on_unmount(self) -> None:
        self.end_hunt()
