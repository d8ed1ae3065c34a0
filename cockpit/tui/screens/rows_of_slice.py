"""The rows of a slice, those first that a run answers worst; marked ones can make another evaluation set grow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from textual.binding import Binding, BindingType
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.screens.growing import grow_by, ways
from cockpit.tui.screens.rows_of_slice_data import RowsQuestion, RowsSnapshot
from cockpit.tui.widgets.answer_rows import AnswerRows
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.rows import MARK

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from cockpit.evaluate.slices import SliceRow
    from cockpit.tui.judged import Judged
    from cockpit.tui.screens.base import Shared


@dataclass(frozen=True, slots=True)
class Slice:
    """Whose rows they are."""

    name: str
    run: str
    """The run's name."""
    set: str
    """The evaluation set's name."""
    rows: int
    """Of the whole set."""


class RowsOfSliceScreen(DataScreen[RowsQuestion, RowsSnapshot]):
    """A table of rows that scrolls both ways."""

    KEYS_FIRST: ClassVar[tuple[str, ...]] = ("mark", "grow", "across(1)", "back")
    TITLE = "Rows"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "grow", "grow set", id="rows.grow",
                tooltip="Make a new version of an evaluation set, with the marked rows or with such rows"),
        Binding("escape", "back", "back", id="rows.back", tooltip="Back to where the slice was opened"),
    ]  # fmt: skip

    @classmethod
    def of(cls, shared: Shared, judged: Judged, run: str, row: SliceRow) -> Self:
        """The rows of a slice that is shown on the Slices screen."""
        question = RowsQuestion(run, judged.set, row.expression)
        name = judged.names.get(run, run)
        about = Slice(row.name, name, judged.name, judged.rows)
        return cls(shared, question, about)

    def __init__(self, shared: Shared, question: RowsQuestion, about: Slice) -> None:
        super().__init__(shared, question)
        self._about = about

    def compose_body(self) -> ComposeResult:
        yield Line(id="slice-title")
        yield Static(id="no-rows", markup=False)
        yield AnswerRows(id="slice-rows")

    def on_mount(self) -> None:
        self.table.focus()
        self._entitle()

    @property
    def table(self) -> AnswerRows:
        return self.query_one(AnswerRows)

    def title_words(self) -> str:
        return f"Rows of {fmt.plain(self._about.name)}"

    def command_lines(self) -> tuple[str, ...]:
        asked = self.question
        where = ["-w", asked.condition] if asked.condition else []
        count = str(max(20, self.table.cursor + 1))
        return (self.typed("slices", asked.run, "--on", asked.on, *where, "--rows", count),)

    # Painting

    def paint(self, snapshot: RowsSnapshot) -> None:
        problem, none = self.query_one("#no-rows", Static), ""
        if snapshot.problem:
            none = f"{snapshot.problem}. Esc leads back."
        elif snapshot.rows and not snapshot.rows.of:
            none = "No row is in this slice. Esc leads back."
        problem.update(none)
        self.set_class(bool(none), "-nothing-there")
        if snapshot.rows and snapshot.question == self.question:
            self.table.show(snapshot.rows)
        self._entitle()

    def _entitle(self) -> None:
        rows = self.snapshot.rows if self.snapshot else None
        asked, about = self.question, self._about
        pieces = [Piece(fmt.plain(about.name), "bold")]
        if asked.condition and asked.condition != about.name:
            pieces.append(Piece(fmt.plain(asked.condition), "quiet", rank=4, gap=2))
        if rows:
            pieces.append(Piece(f"{rows.of:,} rows", "quiet", rank=2))
            pieces.append(Piece(f"of {fmt.plain(rows.set)}", "quiet", rank=3, gap=1))
            order = f"worst of {fmt.plain(about.run)} first, by {rows.loss}"
            pieces.append(Piece(order, "quiet", rank=1))
        right = []
        if marked := len(self.table.marks):
            right.append(Piece(f"{MARK} {marked} marked", "accent"))
        if rows and rows.of:
            right.append(Piece(f"{self.table.cursor + 1:,} of {rows.of:,}", "quiet"))
        self.query_one("#slice-title", Line).words = Words(tuple(pieces), tuple(right))

    # What is asked

    def on_answer_rows_need_rows(self, message: AnswerRows.NeedRows) -> None:
        self.ask(offset=message.offset)

    def on_answer_rows_moved(self) -> None:
        self._entitle()

    def action_grow(self) -> None:
        about, asked = self._about, self.question
        shown = self.snapshot.rows if self.snapshot else None
        if shown is None:
            return
        marked = self.table.marks
        rows = tuple(key[0] for key in marked)
        if any(len(key) > 1 for key in marked):
            self.tell(
                "rows with a key of several columns cannot be picked: unmark them, then g takes the slice"
            )
            return
        found = list(ways(asked.on, about.set, about.rows, shown.others, bool(rows)))
        if not found:
            self.tell(nothing_to_grow(about.set, bool(rows)))
            return
        grow_by(self, found, None if rows else asked.condition, rows, asked.run)

    def leave(self) -> Any:
        return self.app.pop_screen()


def nothing_to_grow(name: str, marked: bool) -> str:
    """Why no set can grow, and what could be done."""
    if marked:
        return (
            f"these rows are in {name} already, and there is no other evaluation set in cockpit.toml to "
            "take them; without marks, g takes such rows from other data"
        )
    return (
        f"{name} can only grow by rows that it has not: cockpit data register NAME FILE makes other data "
        "of the same columns known"
    )
