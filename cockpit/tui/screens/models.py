"""Models: their versions and what their aliases mean; what the gates said, what was live when, what each is."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, ClassVar, cast

from textual.binding import Binding, BindingType

from cockpit import format as fmt
from cockpit.tui import clock, remember
from cockpit.tui.commands import Offer
from cockpit.tui.models import pages
from cockpit.tui.reporting import Report
from cockpit.tui.screens.models_data import ModelsQuestion, ModelsSnapshot
from cockpit.tui.screens.views import VersionList, ViewsScreen
from cockpit.tui.widgets.folds import Folds
from cockpit.tui.widgets.line import Piece
from cockpit.tui.widgets.no_models import NoModels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

    from textual.app import ComposeResult

    from cockpit.tui.data.page import Page, Parts
    from cockpit.tui.models.desk import Kind, Shelf
    from cockpit.tui.screens.base import DataScreen, Shared
    from storage.models import Move, Version

LIST = "versions"


class ModelsScreen(ViewsScreen[ModelsQuestion, ModelsSnapshot]):
    """The list, and one of three views beside it; where room is scarce, one of the four at a time."""

    KEYS_FIRST = ("unfold", "promote", "roll_back", "turn(1)", "pane(1)", "report", "back")
    TITLE = "Models"
    DIGIT = "6"
    PANES: ClassVar[dict[str, str]] = {
        LIST: "versions",
        "gates": "gates",
        "history": "history",
        "facts": "facts",
    }
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("p", "promote", "promote", id="models.promote",
                tooltip="Make this version what an alias means, if its gates let it"),
        Binding("B", "roll_back", "roll back", id="models.roll-back",
                tooltip="Put an alias back onto the version it was on before"),
        Binding("escape", "back", "back", id="models.back",
                tooltip="Back to the versions; from there, back"),
        Binding("y", "copy", "copy", show=False, id="copy",
                tooltip="Copy the version's name; again: its run, its digests, the command"),
    ]  # fmt: skip

    @classmethod
    def opened(cls, shared: Shared, before: DataScreen[Any, Any] | None) -> Self:
        return cls(shared, ModelsQuestion())

    def __init__(self, shared: Shared, question: ModelsQuestion) -> None:
        super().__init__(shared, question)
        self._empty = True
        """Whether it was without versions the last time that it was painted."""

    def remembered(self) -> dict[str, Any]:
        return {"chosen": self.question.chosen, **super().remembered()}

    def recall(self, found: Mapping[str, Any]) -> None:
        super().recall(found)
        chosen = remember.text(found, "chosen")
        self._question = replace(self.question, chosen=chosen, kind=cast("Kind", self.shown))

    def compose_body(self) -> ComposeResult:
        yield NoModels(id="no-models")
        versions = VersionList(id=LIST)
        versions.key = self.question.chosen
        yield from self.compose_views(versions)

    # What it is on

    @property
    def chosen(self) -> Version | None:
        """The version under the cursor, whose views may still be on their way."""
        if self.snapshot is None:
            return None
        key = self.query_one(f"#{LIST}", Folds).key
        listed = (one for shelf in self.snapshot.shelves for one in shelf.versions)
        return next((one for one in listed if one.label == key), self.snapshot.chosen)

    @property
    def shelf(self) -> Shelf | None:
        """Its model."""
        version, shelves = self.chosen, self.snapshot.shelves if self.snapshot else ()
        return next((one for one in shelves if version and one.name == version.model), None)

    def command_lines(self) -> tuple[str, ...]:
        version = self.chosen
        if version is None:
            return (self.typed("models"),)
        lines = {
            "gates": self.typed("model", "show", version.label),
            "history": self.typed("history", version.model),
        }
        first = lines.get(self.shown, lines["gates"])
        rest = (line for line in lines.values() if line != first)
        aliases = self.shelf.aliases if self.shelf else ()
        back = (
            self.typed("rollback", version.model, "--alias", move.alias) for move in aliases[:1]
        )
        return (first, *rest, *back, self.typed("models"))

    def report_of(self) -> Report | None:
        """Of the promotion that is looked at, in the views of the gates and of the history; else of the version."""
        version, move = self.chosen, self._move
        if version is None or move is None:
            return Report("model", (version.label,), version.label) if version else None
        told = (version.model, str(move.number))
        return Report("promotion", told, f"move {move.number} of {version.model}")

    @property
    def _move(self) -> Move | None:
        """Of the view that has the keys: the one under the history's cursor, the one that the gates are of."""
        snapshot = self.snapshot
        if snapshot is None or snapshot.question.kind != self.pane:
            return None
        if self.pane != "history":
            return snapshot.grounds if self.pane == "gates" else None
        key = self.query_one("#history", Folds).key
        return next((move for move in snapshot.moves if pages.key_of(move) == key), None)

    def action_copy(self) -> None:
        version = self.chosen
        if not self._offers and version is not None:
            found = {
                "version": version.label,
                "run": version.run,
                "digest": version.digest,
                "bundle": version.bundle,
                "command": self.command_lines()[0],
            }
            self._offers = tuple(Offer(what, text) for what, text in found.items())
            self._offered, self._copied = 0, False
        super().action_copy()

    def able(self, action: str) -> bool:
        if action in ("copy", "promote", "turn"):
            return self.chosen is not None
        if action == "roll_back":
            return bool(self.shelf and self.shelf.aliases)
        return super().able(action)

    # The top lines

    def about(self) -> tuple[Piece, ...]:
        version, shelf = self.chosen, self.shelf
        if version is None or shelf is None:
            return ()
        pieces = [
            Piece(fmt.cut(fmt.plain(version.label), 24), "bold"),
            Piece(fmt.cut(pages.label_of(version), 24), "quiet", rank=2, gap=2),
        ]
        if aliases := shelf.on(version):
            named = ", ".join(f"@{fmt.plain(alias)}" for alias in aliases)
            pieces.append(Piece(fmt.cut(named, 40), "accent", rank=1, gap=2))
        return tuple(pieces)

    def below(self, width: int) -> tuple[Parts, ...]:
        return pages.about(self.chosen, clock.now(), width) if self.chosen else ()

    # Painting

    def paint(self, snapshot: ModelsSnapshot) -> None:
        empty = snapshot.chosen is None
        self.set_class(empty, "-no-models")
        if empty:
            self.query_one(NoModels).show(snapshot.asked)
        elif self._empty:
            self.call_after_refresh(self.focus_pane)  # nothing could have the keys
        self._empty = empty
        if snapshot.chosen is None:
            return
        self._show_list(snapshot)
        versions = self.query_one(f"#{LIST}", Folds)
        label = snapshot.chosen.label
        if versions.key != label and snapshot.question == self.question:
            versions.select(label)  # else the cursor has gone on meanwhile
        self.show_view()

    def freshen(self) -> None:
        super().freshen()
        if self.children and self.snapshot and self.snapshot.chosen:
            self._show_list(self.snapshot)
            self.show_view()

    def _show_list(self, snapshot: ModelsSnapshot) -> None:
        known = (snapshot.shelves, snapshot.lonely, snapshot.asked.problem, self._while)
        self.query_one(f"#{LIST}", Folds).show(
            None,
            known,
            lambda width, _: pages.versions_page(
                snapshot.shelves, snapshot.lonely, snapshot.asked.problem, clock.now(), width
            ),
        )

    @property
    def _while(self) -> int:
        """So often do ages read differently."""
        return int(clock.now().timestamp()) // 10

    def show_view(self) -> None:
        snapshot = self.snapshot
        if snapshot is None or snapshot.chosen is None or snapshot.question.kind != self.shown:
            return
        version, now = snapshot.chosen, clock.now()
        match self.shown:
            case "gates":
                asked = snapshot.asked.gates.get(version.model, {})
                build = partial(pages.grounds_page, version, snapshot.grounds, asked, now)
                known = (version.label, snapshot.grounds and snapshot.grounds.number, repr(asked))
            case "history":
                build = partial(pages.history_page, snapshot.moves, snapshot.total, now)
                known = (version.model, snapshot.total, "")
            case _:
                build = partial(_facts, version, snapshot.facts, now)
                known = (version.label, snapshot.facts.ended, "")
        subject = (self.shown, *known[:1])
        self.query_one(f"#{self.shown}", Folds).show(subject, (*known, self._while), build)

    # Moving

    def on_folds_moved(self, message: Folds.Moved) -> None:
        if message.folds.id == LIST:
            self.ask(chosen=message.key)

    # What is done

    def action_promote(self) -> None:
        if version := self.chosen:
            from cockpit.tui.screens.promoting import begin

            begin(self, version.label)

    def action_roll_back(self) -> None:
        if version := self.chosen:
            from cockpit.tui.screens.returning import begin

            begin(self, version.model, self._alias)

    @property
    def _alias(self) -> str | None:
        """Of the version under the cursor."""
        version, shelf = self.chosen, self.shelf
        return next(iter(shelf.on(version)), None) if version and shelf else None


def _facts(version: Version, finding: Any, now: Any, width: int, _: Any) -> Page:
    return pages.facts_page(version, finding, now, width)
