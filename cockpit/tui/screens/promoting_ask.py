"""Small questions before an alias is moved: which one, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui import clock
from cockpit.tui.data.page import Column, Item, Page, laid_out
from cockpit.tui.models.pages import label_of
from cockpit.tui.screens.ask import AskScreen, said
from cockpit.tui.widgets.entry import Entry
from cockpit.tui.widgets.folds import Folds
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.app import ComposeResult

    from cockpit.tui.data.page import Cell
    from cockpit.tui.models.deeds import Choice, Return

MOST = 10
"""Lines to choose from that are in sight."""
WHERE = (
    Column("model", most=24, rank=2),
    Column("alias", most=24),
    Column("is now", most=40, least=20),
    Column("since", right=True, rank=1),
)
BACK = (
    Column("alias", most=24),
    Column("is now", most=34, least=14),
    Column("", rank=0),
    Column("goes back to", most=34),
)


class Lines(Folds):
    """What there is to choose from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unfold", "choose", key_display="enter", id="choose.do",
                tooltip="Take what the cursor is on"),
    ]  # fmt: skip


class Choose(AskScreen[int]):
    """One of several lines; gives its place."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "no", id="ask.leave", tooltip="Leave it as it is"),
    ]  # fmt: skip

    def __init__(
        self,
        question: Words,
        columns: Sequence[Column],
        rows: Sequence[Sequence[Cell]],
        first: int = 0,
    ) -> None:
        super().__init__()
        self._question, self._columns, self._rows, self._first = question, columns, rows, first

    def compose_sheet(self) -> ComposeResult:
        yield said(self._question, "question")
        lines = Lines(id="lines")
        lines.key = str(self._first)
        lines.styles.height = min(MOST, len(self._rows)) + 1
        yield lines

    def on_mount(self) -> None:
        lines = self.query_one(Lines)
        lines.show(None, 0, lambda width, _: self._page(width))
        lines.focus()

    def _page(self, width: int) -> Page:
        titles, lines = laid_out(self._columns, self._rows, width)
        items = (Item(str(place), line) for place, line in enumerate(lines))
        return Page((), titles, tuple(items))

    def on_folds_opened(self, message: Folds.Opened) -> None:
        self.dismiss(int(message.key))


class ChooseAlias(Choose):
    """Where something is promoted to; one place beyond the last means another alias."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "another", "another alias", id="promote.another",
                tooltip="An alias of your own"),
    ]  # fmt: skip

    def __init__(self, name: str, choices: Sequence[Choice]) -> None:
        models = dict.fromkeys(choice.model for choice in choices)
        first = next((n for n, one in enumerate(choices) if not one.is_it), 0)
        several = len(models) > 1
        rows = [self._row(choice)[not several :] for choice in choices]
        more = f"of {fmt.plain(next(iter(models)))}" if len(models) == 1 else ""
        pieces = (
            Piece(f"Promote {fmt.plain(name)}", "bold"),
            Piece(f"to which alias {more}".rstrip() + "?", "", gap=1),
            Piece("its gates are judged first", "quiet", rank=1),
        )
        super().__init__(Words(pieces), WHERE[not several :], rows, first)

    @staticmethod
    def _row(choice: Choice) -> list[Cell]:
        version = choice.version
        now = "nothing yet"
        if version is not None:
            now = f"v{version.number} · {label_of(version)}" + ", this one" * choice.is_it
        since = fmt.age(choice.since, clock.now()) if choice.since else ""
        return [
            (fmt.plain(choice.model), ""),
            (fmt.plain(choice.alias), "accent"),
            (now, "" if version else "quiet"),
            (since, "quiet"),
        ]

    def action_another(self) -> None:
        # Of the model under the cursor.
        place = int(self.query_one(Lines).key or 0)
        self.dismiss(-1 - place)


def ways_back(model: str, returns: Sequence[Return], alias: str | None) -> Choose:
    """Which alias of a model is to go back."""
    rows = [_way_back(one) for one in returns]
    first = next((place for place, one in enumerate(returns) if one.alias == alias), 0)
    pieces = (
        Piece("Roll back", "bold"),
        Piece(f"which alias of {fmt.plain(model)}?", "", gap=1),
    )
    return Choose(Words(pieces), BACK, rows, first)


def _way_back(one: Return) -> list[Cell]:
    target = "nothing: nothing was there before"
    if one.target is not None:
        target = f"v{one.target.number} · {label_of(one.target)}"
    here = f"v{one.here.number} · {label_of(one.here)}"
    return [
        (fmt.plain(one.alias), "accent"),
        (here, ""),
        ("→", "quiet"),
        (target, "bold" if one.target else "quiet"),
    ]


class WhyEntry(Entry):
    """The reason."""

    DEFAULT_CSS = """
    WhyEntry { width: 1fr; margin: 0 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        # Here, not on the screen, so that it comes after whatever was typed before it.
        Binding("enter", "screen.answer", "do it", key_display="enter", id="why.do",
                tooltip="Do it, for this reason"),
    ]  # fmt: skip


class AskWhy(AskScreen[str]):
    """Names what is about to be done and asks for a reason; gives it, or nothing where it shall not be."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "no", id="ask.leave", tooltip="Leave it as it is"),
    ]  # fmt: skip
    DEFAULT_CSS = """
    AskWhy #what { height: auto; max-height: 6; padding: 0 1; color: $quiet; }
    """

    def __init__(self, question: str, more: str, needed: str = "") -> None:
        """`needed` says why there has to be a reason, where there has to be one."""
        super().__init__()
        self._words = Words((Piece(question, "bold stopped" if needed else "bold"),))
        self._more, self._needed = more, needed

    def compose_sheet(self) -> ComposeResult:
        yield said(self._words, "question")
        yield Static(self._more, id="what", markup=False)
        hint = "why" if self._needed else "why (may stay empty); kept with it"
        yield WhyEntry("why", "", hint)
        yield Line(id="refusal")

    def on_mount(self) -> None:
        self.query_one(WhyEntry).focus()

    def on_input_changed(self) -> None:
        self.query_one("#refusal", Line).words = Words()

    def action_answer(self) -> None:
        reason = self.query_one(WhyEntry).value.strip()
        if self._needed and not reason:
            self.query_one("#refusal", Line).words = Words((Piece(self._needed, "stopped"),))
        else:
            self.dismiss(reason)
