"""Data: versions of datasets, and beside them what is in the chosen one, whether it keeps its contract, and
what differs from another version or drifted away from it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical

from cockpit import format as fmt
from cockpit.tui import clock, remember
from cockpit.tui.commands import Offer
from cockpit.tui.data import panes
from cockpit.tui.data.versions import about, contract_word, versions_page
from cockpit.tui.reporting import Report
from cockpit.tui.screens.data_data import DataQuestion, DataSnapshot
from cockpit.tui.screens.panes import PanesScreen
from cockpit.tui.widgets.folds import Folds
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.no_data import NoData
from cockpit.tui.widgets.paper import Sheet

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from textual.app import ComposeResult

    from cockpit.tui.canvas import Glyphs
    from cockpit.tui.data.desk import Kind
    from cockpit.tui.screens.base import DataScreen, Shared
    from storage.datasets import Version

LIST = "versions"
LONGEST = 28
"""Cells of a version's label in the line of the views."""


class VersionList(Folds):
    """The versions, a line each."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unfold", "read", key_display="enter", id="data.read",
                tooltip="Go on to the view of this version"),
    ]  # fmt: skip


class DatasetsScreen(PanesScreen[DataQuestion, DataSnapshot]):
    """The list, and one of four panes beside it; where room is scarce, one of the five at a time."""

    KEYS_FIRST = ("unfold", "turn(1)", "base", "look('difference')", "pane(1)", "again", "back")
    TITLE = "Data"
    DIGIT = "5"
    PANES: ClassVar[dict[str, str]] = {
        LIST: "versions",
        "profile": "profile",
        "contract": "contract",
        "difference": "difference",
        "drift": "drift",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right", "turn(1)", "next view", key_display="→", id="data.next",
                tooltip="Profile, contract, difference, drift: the next one"),
        Binding("left", "turn(-1)", "view before", show=False, key_display="←",
                id="data.previous", tooltip="Profile, contract, difference, drift: the one before"),
        Binding("b,space", "base", "compare with", key_display="b", id="data.base",
                tooltip="Compare the others with this version; again: each with the one before it"),
        Binding("d", "look('difference')", "difference", id="data.difference",
                tooltip="What differs from the version it is compared with"),
        Binding("R", "again", "again", id="data.again", tooltip="Begin what was ended once more"),
        Binding("escape", "back", "back", id="data.back",
                tooltip="End what is under way; back to the versions; from there, back"),
        Binding("y", "copy", "copy", show=False, id="copy",
                tooltip="Copy the version's name; again: its digest, its path, the command"),
    ]  # fmt: skip

    @classmethod
    def opened(cls, shared: Shared, before: DataScreen[Any, Any] | None) -> Self:
        return cls(shared, DataQuestion())

    def __init__(self, shared: Shared, question: DataQuestion) -> None:
        super().__init__(shared, question)
        self.shown: Kind = question.kind
        """The pane beside the list."""

    def remembered(self) -> dict[str, Any]:
        asked = self.question
        return {
            "chosen": asked.chosen,
            "other": asked.other,
            "shown": self.shown,
            **super().remembered(),
        }

    def recall(self, found: Mapping[str, Any]) -> None:
        super().recall(found)
        shown = remember.text(found, "shown")
        if shown in self.PANES and shown != LIST:
            self.shown = cast("Kind", shown)
        self._question = replace(
            self.question,
            chosen=remember.text(found, "chosen"),
            other=remember.text(found, "other"),
            kind=self.shown,
        )

    def compose_body(self) -> ComposeResult:
        yield NoData(id="no-data")
        yield Line(id="data-views")
        with Horizontal(id="data"):
            with Vertical(id="data-left"):
                versions = VersionList(id=LIST)
                versions.key = self.question.chosen
                yield versions
                with Vertical(id="data-about"):
                    yield Sheet()
            with Vertical(id="data-right"):
                for pane in self.PANES:
                    if pane != LIST:
                        yield Folds(id=pane)

    # What it is on

    @property
    def chosen(self) -> Version | None:
        """The version that is looked at."""
        one = self.snapshot.chosen if self.snapshot else None
        return one.version if one else None

    @property
    def other(self) -> Version | None:
        """The version it is compared with."""
        one = self.snapshot.other if self.snapshot else None
        return one.version if one else None

    def command_lines(self) -> tuple[str, ...]:
        version, other = self.chosen, self.other
        if version is None:
            return (self.typed("data", "register", "NAME", "PATH"),)
        lines = {
            LIST: self.typed("data", "list", version.name),
            "profile": self.typed("data", "show", version.label),
            "contract": self.typed("data", "check", version.label),
        }
        if other is not None:
            ends = (other.label, version.label)
            lines["difference"] = self.typed("data", "diff", *ends)
            lines["drift"] = self.typed("data", "drift", *ends)
        first = [lines[self.shown]] if self.shown in lines else []
        return (*first, *(line for line in lines.values() if line not in first))

    def report_of(self) -> Report | None:
        version = self.chosen
        return Report("data", (version.label,), version.label) if version else None

    def action_copy(self) -> None:
        version = self.chosen
        if not self._offers and version is not None:
            found = {
                "version": version.label,
                "digest": version.digest,
                "path": version.path,
                "command": self.command_lines()[0],
            }
            self._offers = tuple(Offer(what, text) for what, text in found.items())
            self._offered, self._copied = 0, False
        super().action_copy()

    def able(self, action: str) -> bool:
        if action in ("copy", "base", "look", "turn"):
            return self.chosen is not None
        if action == "again":
            return self.snapshot is not None and self.snapshot.finding.stopped
        return super().able(action)

    # The top lines

    def beside_tabs(self) -> tuple[Piece, ...]:
        return ()

    def _views(self) -> Words:
        """The panes by name, and of what they are."""
        alone = self.has_class("-one")
        pieces = []
        for pane, name in self.PANES.items():
            if pane == LIST and not alone:
                continue
            here = pane == (self.pane if alone else self.shown)
            tone = "bold accent" if here else "quiet"
            pieces.append(Piece(name, tone, gap=2 if alone else 3))
        return Words(tuple(pieces), self._subject_words())

    def _subject_words(self) -> tuple[Piece, ...]:
        version, other = self.chosen, self.other
        if version is None or self.snapshot is None or self.snapshot.chosen is None:
            return ()
        pieces = [Piece(fmt.cut(fmt.plain(version.label), LONGEST), "bold")]
        held, tone = contract_word(self.snapshot.chosen.contract)
        if self.snapshot.chosen.contract is not None:
            pieces.append(Piece(held, tone, rank=3, gap=2))
        if other is not None:
            near = other.name == version.name
            name = f"@v{other.number}" if near else fmt.plain(other.label)
            pieces.append(Piece(f"against {name}", "quiet", rank=2, gap=2))
        return tuple(pieces)

    # Painting

    def paint(self, snapshot: DataSnapshot) -> None:
        self.set_class(not snapshot.view.listed, "-no-data")
        if snapshot.chosen is None:
            return
        versions = self.query_one(f"#{LIST}", Folds)
        label = snapshot.chosen.version.label
        base = snapshot.other.version.label if snapshot.other else None
        known = (snapshot.view.listed, base, self._minute)
        versions.show(
            None,
            known,
            lambda width, _: versions_page(snapshot.view.listed, base, clock.now(), width),
        )
        if versions.key != label and snapshot.question == self.question:
            versions.select(label)  # else the cursor has gone on meanwhile
        self._show_pane()

    @property
    def _minute(self) -> int:
        """So often do ages read differently."""
        return int(clock.now().timestamp()) // 60

    def _show_pane(self) -> None:
        """The pane beside the list, as far as it is known."""
        snapshot = self.snapshot
        if snapshot is None or snapshot.chosen is None:
            return
        finding = snapshot.finding
        kind = snapshot.question.kind
        if kind != self.shown:
            return  # its own answer is on its way
        seconds = 0 if finding.began is None else int((clock.now() - finding.began).total_seconds())
        ends = (snapshot.chosen.version, snapshot.other.version if snapshot.other else None)
        glyphs: Glyphs = self.app.glyphs  # type: ignore[attr-defined]
        subject = (kind, ends[0].label, ends[1].label if ends[1] else None)
        build = partial(panes.page, kind, *ends, finding, glyphs)
        self.query_one(f"#{kind}", Folds).show(
            subject, (subject, finding, snapshot.chosen, seconds), build
        )

    def freshen(self) -> None:
        super().freshen()
        if not self.children:
            return
        self.query_one("#data-views", Line).words = self._views()
        if self.snapshot and self.snapshot.chosen:
            if not self.snapshot.finding.ended:
                self._show_pane()
            sheet = self.query_one("#data-about Sheet", Sheet)
            folder = self.snapshot.view.folder
            sheet.show(about(self.snapshot.chosen, folder, clock.now(), sheet.size.width - 2))

    # Moving

    def place_panes(self) -> None:
        if self.pane != LIST:
            self.shown = cast("Kind", self.pane)
        for pane in self.PANES:
            self.set_class(pane == self.shown, f"-show-{pane}")
        super().place_panes()
        self.ask(kind=self.shown)
        self._show_pane()

    def action_pane(self, way: int) -> None:
        if self.has_class("-one"):
            super().action_pane(way)
            return
        self.pane = self.shown if self.pane == LIST else LIST
        self.place_panes()

    def action_turn(self, way: int) -> None:
        if self.has_class("-one"):
            super().action_pane(way)
            return
        views = [pane for pane in self.PANES if pane != LIST]
        self.shown = cast("Kind", views[(views.index(self.shown) + way) % len(views)])
        if self.pane != LIST:
            self.pane = self.shown
        self.place_panes()

    def action_look(self, pane: Kind) -> None:
        """Show a pane; where the list is beside it the keys stay there."""
        self.shown = pane
        if self.pane != LIST or self.has_class("-one"):
            self.pane = pane
        self.place_panes()

    def on_folds_moved(self, message: Folds.Moved) -> None:
        if message.folds.id == LIST:
            self.ask(chosen=message.key)

    def on_folds_opened(self, message: Folds.Opened) -> None:
        if message.folds.id == LIST:
            self.pane = self.shown
            self.place_panes()

    def action_base(self) -> None:
        version = self.chosen
        if version is None:
            return
        if self.question.other == version.label:
            self.ask(other=None)
            self.tell("each version is compared with the one before it")
        else:
            self.ask(other=version.label)
            self.tell(f"the others are compared with {version.label}")

    def ask(self, **changes: Any) -> None:
        """As everywhere; whoever asks for something else asks for it to be found out."""
        asked = self.question
        if any(getattr(asked, name) != value for name, value in changes.items()):
            super().ask(**{"ended": False, **changes})

    @property
    def _lasts(self) -> bool:
        """Whether what is shown is under way for so long that it is told how to end it."""
        snapshot = self.snapshot
        if snapshot is None or snapshot.question.kind != self.shown or self.question.ended:
            return False
        version = self.chosen
        if self.shown == "profile" and version is not None and "columns" in version.facts:
            return False  # it is there; only whether its file still is has to be seen
        began = snapshot.finding.began
        seconds = (clock.now() - began).total_seconds() if began else 0.0
        return snapshot.finding.under_way and seconds >= panes.SOON

    def action_again(self) -> None:
        self.ask(ended=False)

    def action_back(self) -> None:
        if self._lasts and not self.notice:
            self.ask(ended=True)
        elif self.pane != LIST and not self.notice and not self.alone:
            self.pane = LIST
            self.place_panes()
        else:
            super().action_back()
