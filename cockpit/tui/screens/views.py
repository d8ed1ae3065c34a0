"""Screens of a list and several views of what is chosen in it: beside each other, or one at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from cockpit.tui import remember
from cockpit.tui.feed import Question, Snapshot
from cockpit.tui.screens.panes import PanesScreen
from cockpit.tui.widgets.folds import Folds
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.paper import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from textual.app import ComposeResult
    from textual.widget import Widget

    from cockpit.tui.data.page import Parts
    from cockpit.tui.screens.base import Shared

Q = TypeVar("Q", bound=Question)
S = TypeVar("S", bound=Snapshot)


class VersionList(Folds):
    """The versions, a line each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unfold", "read", key_display="enter", id="views.read",
                tooltip="Go on to the view of this version"),
    ]  # fmt: skip


class ViewsScreen(PanesScreen[Q, S]):
    """The first of `PANES` is the list; the question's `kind` says which of the others is shown."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "turn(1)", "next view", key_display="→", id="views.next",
                tooltip="The next view of what is chosen"),
        Binding("left", "turn(-1)", "view before", show=False, key_display="←",
                id="views.previous", tooltip="The view before"),
    ]  # fmt: skip

    def __init__(self, shared: Shared, question: Q) -> None:
        super().__init__(shared, question)
        self.list, *self.views = self.PANES
        self.shown = self.views[0]
        """The view beside the list."""

    def remembered(self) -> dict[str, Any]:
        return {"shown": self.shown, **super().remembered()}

    def recall(self, found: Mapping[str, Any]) -> None:
        super().recall(found)
        shown = remember.text(found, "shown")
        self.shown = shown if shown in self.views else self.shown

    def compose_views(self, first: Folds) -> Iterator[Widget]:
        """The line that names the views, the list, and the views."""
        yield Line(id="views-line")
        with Horizontal(id="views"):
            with Vertical(id="views-left"):
                yield first
                with Vertical(id="views-about"):
                    yield Sheet()
            with Vertical(id="views-right"):
                for view in self.views:
                    yield Folds(id=view)

    def compose_body(self) -> ComposeResult:
        raise NotImplementedError

    def about(self) -> tuple[Piece, ...]:
        """What the views are of."""
        return ()

    def below(self, width: int) -> tuple[Parts, ...]:
        """What is said below the list, of what is chosen."""
        return ()

    def show_view(self) -> None:
        """Paint the view that is shown."""
        raise NotImplementedError

    def beside_tabs(self) -> tuple[Piece, ...]:
        return ()

    def freshen(self) -> None:
        super().freshen()
        if self.children:
            self.query_one("#views-line", Line).words = self._words()
            sheet = self.query_one("#views-about Sheet", Sheet)
            sheet.show(self.below(sheet.size.width - 2))

    def _words(self) -> Words:
        alone = self.has_class("-one")
        pieces = []
        for pane, name in self.PANES.items():
            if pane == self.list and not alone:
                continue
            here = pane == (self.pane if alone else self.shown)
            tone = "bold accent" if here else "quiet"
            pieces.append(Piece(name, tone, gap=2 if alone else 3))
        return Words(tuple(pieces), self.about())

    # Moving

    def place_panes(self) -> None:
        if self.pane != self.list:
            self.shown = self.pane
        for view in self.views:
            self.query_one(f"#{view}").display = view == self.shown
        listing = self.pane == self.list
        super().place_panes()
        alone = self.has_class("-one")
        self.query_one("#views-left").display = listing or not alone
        self.query_one("#views-right").display = not listing or not alone
        self.focus_pane()
        self.ask(kind=self.shown)
        self.show_view()

    def action_pane(self, way: int) -> None:
        if self.has_class("-one"):
            super().action_pane(way)
            return
        self.pane = self.shown if self.pane == self.list else self.list
        self.place_panes()

    def action_turn(self, way: int) -> None:
        if self.has_class("-one"):
            super().action_pane(way)
            return
        self.shown = self.views[(self.views.index(self.shown) + way) % len(self.views)]
        if self.pane != self.list:
            self.pane = self.shown
        self.place_panes()

    def on_folds_opened(self, message: Folds.Opened) -> None:
        if message.folds.id == self.list:
            self.pane = self.shown
            self.place_panes()

    def action_back(self) -> None:
        if self.pane != self.list and not self.notice and not self.alone:
            self.pane = self.list
            self.place_panes()
        else:
            super().action_back()
