"""Asks by which rows an evaluation set is to grow, and has it grow: a failure once seen is tested for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui.deeds import Done, Growing
from cockpit.tui.screens.ask import AskScreen, Confirm, said
from cockpit.tui.theme import css
from cockpit.tui.widgets.entry import Entry
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from textual.app import ComposeResult

    from cockpit.tui.judged import Other
    from cockpit.tui.screens.ways import WaysScreen

LABEL = 10
"""Cells of the names of what is asked."""


@dataclass(frozen=True, slots=True)
class Way:
    """A set that can take rows, and where they come from."""

    set: str
    """Its name."""
    source: str
    """The version they come from."""
    rows: int | None

    def words(self) -> str:
        """`adult-eval takes rows of train@v1 (32,561 rows)`."""
        rows = "" if self.rows is None else f" ({self.rows:,} rows)"
        return f"{fmt.plain(self.set)} takes rows of {fmt.plain(self.source)}{rows}"


def ways(label: str, name: str, rows: int, others: Sequence[Other], marked: bool) -> Iterator[Way]:
    """What can grow, while the set `label` is looked at: itself by rows from elsewhere, others by its rows.

    Rows that are `marked` are rows of it already, so they can only go elsewhere.
    """
    if not marked:
        yield from (Way(name, one.label, one.rows) for one in others)
    yield from (Way(one.name, label, rows) for one in others if one.evaluation)


def grow_by(
    screen: WaysScreen,
    found: Sequence[Way],
    where: str | None,
    rows: tuple[str, ...],
    run: str | None,
) -> None:
    """Ask which set is to grow and why, then once more whether it shall; then do it."""

    def grow(growing: Growing) -> None:
        screen.do(lambda: Done(screen.shared.deeds.grow(growing)))

    def asked(growing: Growing | None) -> None:
        if growing is None:
            return
        which = f" where {growing.where}" if growing.where else ""
        which += f": the {len(rows)} marked" if rows else ""
        most = f", {growing.limit:,} at most" if growing.limit else ""
        more = f"Its rows, and those of {growing.source}{which}{most}."

        def answered(yes: bool | None) -> None:
            if yes:
                grow(growing)

        question = f"Make the next version of {fmt.plain(growing.set)}?"
        screen.app.push_screen(ConfirmGrowth(question, fmt.plain(more)), answered)

    screen.app.push_screen(AskGrow(found, where, rows, run), asked)


class ConfirmGrowth(Confirm):
    """Says in full which rows are meant."""

    def __init__(self, question: str, which: str) -> None:
        super().__init__(question)
        self._which = which

    def compose_sheet(self) -> ComposeResult:
        yield from super().compose_sheet()
        yield Static(self._which, id="which", markup=False)


class Choice(Widget, can_focus=True):
    """One of several, changed by the arrows."""

    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; margin-right: 1; background: $surface; }
    Choice:focus { background: $panel; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "choose(-1)", "another", key_display="← →", id="grow.before",
                tooltip="The set and source before"),
        Binding("right,space", "choose(1)", "next", show=False, id="grow.after",
                tooltip="The next set and source"),
        Binding("up", "app.focus_previous", "up", show=False, id="grow.up",
                tooltip="The value before"),
        Binding("down", "app.focus_next", "down", show=False, id="grow.down",
                tooltip="The next value"),
        Binding("enter", "screen.answer", "grow", key_display="enter", id="grow.choice",
                tooltip="Grow the set by these rows"),
    ]  # fmt: skip

    @dataclass
    class Changed(Message):
        """Another is chosen."""

    def __init__(self, choices: Sequence[str]) -> None:
        super().__init__()
        self._choices = choices
        self.place = 0

    def render(self) -> Content:
        text = self._choices[self.place]
        if len(self._choices) == 1:
            return Content(text)
        of = f"   {self.place + 1} of {len(self._choices)}"
        return Content.assemble(text, (of, css("quiet")))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return action != "choose" or len(self._choices) > 1

    def action_choose(self, by: int) -> None:
        self.place = (self.place + by) % len(self._choices)
        self.refresh()
        self.post_message(self.Changed())


class GrowEntry(Entry):
    """One of the texts."""

    DEFAULT_CSS = """
    GrowEntry { width: 1fr; margin-right: 1; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "screen.answer", "grow", key_display="enter", id="grow.do",
                tooltip="Grow the set by these rows"),
    ]  # fmt: skip


class AskGrow(AskScreen[Growing]):
    """Which set, from where, by which rows, and why."""

    DEFAULT_CSS = f"""
    AskGrow Horizontal {{ height: 1; padding: 0 1; }}
    AskGrow .label {{ width: {LABEL}; color: $quiet; }}
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "no", id="ask.leave", tooltip="Leave it as it is"),
    ]  # fmt: skip

    def __init__(
        self, found: Sequence[Way], where: str | None, rows: tuple[str, ...], run: str | None
    ) -> None:
        super().__init__()
        self._ways, self._where, self._rows, self._run = found, where, rows, run

    def compose_sheet(self) -> ComposeResult:
        more = Piece("a new version; the one there is stays", "quiet")
        yield said(Words((Piece("Grow an evaluation set", "bold"), more)), "question")
        yield self._row("set", Choice([way.words() for way in self._ways]))
        if self._rows:
            count = f"the {len(self._rows)} marked" if len(self._rows) > 1 else "the marked one"
            yield self._row("rows", Static(count, markup=False))
        else:
            text = self._where or ""
            yield self._row("where", GrowEntry("where", text, "a condition over its columns"))
        yield self._row(
            "why", GrowEntry("why", "", "kept with the version, so that it is known later")
        )
        yield self._row("at most", GrowEntry("most", "", "all of them; else so many new rows"))
        yield Line(id="refusal")

    def _row(self, label: str, widget: Widget) -> Horizontal:
        return Horizontal(Static(label, classes="label", markup=False), widget)

    def on_mount(self) -> None:
        first = "where" if not self._rows and not self._where else "why"
        next(one for one in self.query(GrowEntry) if one.place == first).focus()

    def on_input_changed(self) -> None:
        self._complain("")

    def action_answer(self) -> None:
        typed = {entry.place: entry.value.strip() for entry in self.query(GrowEntry)}
        most = typed["most"].replace(",", "")
        if not self._rows and not typed["where"]:
            self._complain("which rows? write a condition over its columns")
        elif not typed["why"]:
            self._complain("why? a few words, kept with the version")
        elif most and not (most.isdecimal() and int(most) > 0):
            self._complain(
                f"at most how many rows? {fmt.plain(typed['most'])!r} is no whole number above 0"
            )
        else:
            way = self._ways[self.query_one(Choice).place]
            limit = int(most) if most else None
            where = typed.get("where") or None
            self.dismiss(
                Growing(way.set, way.source, where, self._rows, self._run, typed["why"], limit)
            )

    def _complain(self, text: str) -> None:
        self.query_one("#refusal", Line).words = Words((Piece(text, "stopped"),))
