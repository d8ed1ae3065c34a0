"""Screens of several panes: beside each other where there is room, else one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.binding import Binding, BindingType

from cockpit.tui import remember
from cockpit.tui.feed import Question, Snapshot
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.widgets.line import Piece

if TYPE_CHECKING:
    from collections.abc import Mapping

    from textual import events

    from cockpit.tui.screens.base import Shared

BESIDE = (100, 30)
"""Columns and rows from which on all panes have room."""

Q = TypeVar("Q", bound=Question)
S = TypeVar("S", bound=Snapshot)


class PanesScreen(DataScreen[Q, S]):
    """Tab goes from pane to pane; the class `-one` says that only `-on-ID` has room."""

    AUTO_FOCUS = ""
    """The current pane has the keys, which may be another than the first."""
    PANES: ClassVar[dict[str, str]]
    """Names by the ids of the widgets, in the order of Tab."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "pane(1)", "next pane", id="pane.next", tooltip="Next pane"),
        Binding("shift+tab", "pane(-1)", "previous pane", show=False, id="pane.previous",
                tooltip="Previous pane"),
    ]  # fmt: skip

    def __init__(self, shared: Shared, question: Q) -> None:
        super().__init__(shared, question)
        self.pane = next(iter(self.PANES))
        self.alone = False
        """Whether the pane has the screen for itself though there were room for others."""

    def remembered(self) -> dict[str, Any]:
        return {"pane": self.pane, "alone": self.alone}

    def recall(self, found: Mapping[str, Any]) -> None:
        pane = remember.text(found, "pane")
        self.pane = pane if pane in self.PANES else self.pane
        self.alone = remember.flag(found, "alone", False)

    def on_mount(self) -> None:
        self.place_panes()

    def on_resize(self) -> None:
        self.place_panes()

    def place_panes(self) -> None:
        """Show the panes there is room for, the keys going to the current one."""
        cramped = self.size.width < BESIDE[0] or self.size.height < BESIDE[1]
        self.set_class(cramped or self.alone, "-one")
        self._name_pane()
        self.focus_pane()

    def _name_pane(self) -> None:
        for pane in self.PANES:
            self.set_class(pane == self.pane, f"-on-{pane}")
        self.freshen()

    def focus_pane(self) -> None:
        """Give the keys to the current pane, or to what is first in it."""
        pane = self.query_one(f"#{self.pane}")
        if self.focused and pane in self.focused.ancestors_with_self:
            return
        within = [pane, *pane.query("*")]
        self.set_focus(next((widget for widget in within if widget.can_focus), None))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """A click leads to another pane too."""
        ids = {node.id for node in event.widget.ancestors_with_self}
        pane = next((pane for pane in self.PANES if pane in ids), self.pane)
        if pane != self.pane:
            self.pane = pane
            self._name_pane()

    def beside_tabs(self) -> tuple[Piece, ...]:
        """The panes by name, where they are shown one at a time."""
        if not self.has_class("-one"):
            return ()
        return tuple(
            Piece(name, "bold accent" if pane == self.pane else "quiet", gap=2)
            for pane, name in self.PANES.items()
        )

    def action_pane(self, way: int) -> None:
        ids = list(self.PANES)
        self.pane = ids[(ids.index(self.pane) + way) % len(ids)]
        self.place_panes()

    def action_large(self, pane: str) -> None:
        self.alone = not (self.alone and self.pane == pane)
        self.pane = pane
        self.place_panes()

    def action_back(self) -> None:
        if self.alone:
            self.alone = False
            self.place_panes()
        else:
            super().action_back()

    def leave(self) -> Any:
        return self.app.pop_screen()
