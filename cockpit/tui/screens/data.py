"""Data: versions of datasets, and beside them what is in the chosen one, whether it keeps its contract, and
what differs from another version or drifted away from it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType

from cockpit import format as fmt
from cockpit.tui import clock, remember
from cockpit.tui.commands import Offer
from cockpit.tui.data import panes
from cockpit.tui.data.versions import about as about_version
from cockpit.tui.data.versions import contract_word, versions_page
from cockpit.tui.reporting import Report
from cockpit.tui.screens.data_data import DataQuestion, DataSnapshot
from cockpit.tui.screens.views import VersionList, ViewsScreen
from cockpit.tui.widgets.folds import Folds
from cockpit.tui.widgets.line import Piece
from cockpit.tui.widgets.no_data import NoData

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from textual.app import ComposeResult

    from cockpit.tui.canvas import Glyphs
    from cockpit.tui.data.desk import Kind
    from cockpit.tui.data.page import Parts
    from cockpit.tui.screens.base import DataScreen, Shared
    from storage.datasets import Version

LIST = "versions"
LONGEST = 28
"""Cells of a version's label in the line of the views."""


class DatasetsScreen(ViewsScreen[DataQuestion, DataSnapshot]):
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

    def remembered(self) -> dict[str, Any]:
        asked = self.question
        return {
            "chosen": asked.chosen,
            "other": asked.other,
            **super().remembered(),
        }

    def recall(self, found: Mapping[str, Any]) -> None:
        super().recall(found)
        self._question = replace(
            self.question,
            chosen=remember.text(found, "chosen"),
            other=remember.text(found, "other"),
            kind=cast("Kind", self.shown),
        )

    def compose_body(self) -> ComposeResult:
        yield NoData(id="no-data")
        versions = VersionList(id=LIST)
        versions.key = self.question.chosen
        yield from self.compose_views(versions)

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

    def about(self) -> tuple[Piece, ...]:
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

    def below(self, width: int) -> tuple[Parts, ...]:
        snapshot = self.snapshot
        if snapshot is None or snapshot.chosen is None:
            return ()
        return about_version(snapshot.chosen, snapshot.view.folder, clock.now(), width)

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
        self.show_view()

    @property
    def _minute(self) -> int:
        """So often do ages read differently."""
        return int(clock.now().timestamp()) // 60

    def show_view(self) -> None:
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
        snapshot = self.snapshot
        if self.children and snapshot and snapshot.chosen and not snapshot.finding.ended:
            self.show_view()

    # Moving

    def action_look(self, pane: Kind) -> None:
        """Show a pane; where the list is beside it the keys stay there."""
        self.shown = pane
        if self.pane != LIST or self.has_class("-one"):
            self.pane = pane
        self.place_panes()

    def on_folds_moved(self, message: Folds.Moved) -> None:
        if message.folds.id == LIST:
            self.ask(chosen=message.key)

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
        else:
            super().action_back()
