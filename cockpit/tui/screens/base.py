"""What the screens have in common: the frame, the question they ask, the snapshot they paint."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.reactive import reactive
from textual.screen import Screen
from textual.widgets import Input, Static

from cockpit import format as fmt
from cockpit.tui import clock, phrases
from cockpit.tui.feed import Question, Snapshot, Trouble
from cockpit.tui.source import gist
from cockpit.tui.widgets.key_bar import KeyBar
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.run_table import WINDOW, RunTable
from storage.runs import RunQuery

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from cockpit.tui.columns import Column
    from storage.runs import Run
    from storage.sweeps import Sweep

FRESHEN = 1.0
"""Seconds between two looks at whether an age or a time left reads differently by now."""
UPWARD = ("name", "state", "param")
"""Columns that are first sorted from small to large."""


class DataScreen(Screen[None]):
    """Paints one frozen snapshot; asks for another when the reader wants to see something else."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", key_display="/", id="filter",
                tooltip="Only runs with a word, or where auc > 0.9; Esc clears it"),
        Binding("s", "sort", "sort", id="sort", tooltip="Sort by the next column"),
        Binding("S", "reverse", "reverse", id="reverse", tooltip="Turn the order around"),
        Binding("tab", "app.focus_next", "next pane", show=False, id="pane.next",
                tooltip="Next pane"),
        Binding("shift+tab", "app.focus_previous", "previous pane", show=False,
                id="pane.previous", tooltip="Previous pane"),
        Binding("escape", "back", "back", show=False, id="back",
                tooltip="Clear the filter; else back"),
    ]  # fmt: skip
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-vast")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS = [(0, "-low"), (20, "-mid"), (30, "-high")]  # noqa: RUF012
    TITLE = ""
    DIGIT = ""

    snapshot: reactive[Snapshot | None] = reactive(None)
    trouble: reactive[Trouble | None] = reactive(None)
    question: reactive[Question] = reactive(Question(RunQuery()))

    class Asks(Message):
        """The screen shows something else now and wants the data for it."""

    def __init__(self, project: str, question: Question, heard: set[str]) -> None:
        """`heard` holds the store's notices that need not be shown any more; the screens share it."""
        super().__init__()
        self.project = project
        self.heard = heard
        self.set_reactive(DataScreen.question, question)

    def compose(self) -> ComposeResult:
        yield Line(id="top")
        yield Line(id="tabs")
        yield Line(id="trouble")
        yield Static(id="notice", markup=False)
        yield from self.compose_body()
        with Container(id="filter"):
            yield Line(id="filter-label")
            yield Input(id="filter-text", compact=True, select_on_focus=False)
            yield Line(id="complaint")
        yield KeyBar(id="keys")

    def compose_body(self) -> ComposeResult:
        """What stands between the top lines and the bottom line."""
        raise NotImplementedError

    def on_mount(self) -> None:
        label = Words((Piece("/", "bold accent"), Piece("filter", "quiet", gap=1)))
        self.query_one("#filter-label", Line).words = label
        self.table.focus()
        self.freshen()
        self.set_interval(FRESHEN, self.freshen)

    @property
    def table(self) -> RunTable:
        return self.query_one(RunTable)

    @property
    def elapsed(self) -> float:
        """Seconds since the snapshot was read."""
        return (clock.now() - self.snapshot.at).total_seconds() if self.snapshot else 0.0

    # Asking

    def ask(self, **changes: Any) -> None:
        """Change what is asked: fields of the query, or of the question itself."""
        asked = {key: changes.pop(key) for key in list(changes) if key in RunQuery.__match_args__}
        changes.setdefault("query", replace(self.question.query, **asked))
        self.question = replace(self.question, **changes)

    def on_screen_resume(self) -> None:
        self.post_message(self.Asks())

    def watch_question(self) -> None:
        self.post_message(self.Asks())

    def on_run_table_need_rows(self, message: RunTable.NeedRows) -> None:
        self.ask(offset=message.offset, limit=WINDOW)

    def on_run_table_selected(self, message: RunTable.Selected) -> None:
        self.ask(selected=message.run)
        self.freshen()

    def on_run_table_sort_by(self, message: RunTable.SortBy) -> None:
        if message.column.field:
            self.sort(message.column)

    def sweep_of(self, run: Run | None) -> Sweep | None:
        """The sweep a run belongs to."""
        sweeps = self.snapshot.sweeps if run and self.snapshot else ()
        return next((sweep for sweep in sweeps if run and sweep.name == run.sweep), None)

    # Painting

    def watch_snapshot(self, snapshot: Snapshot | None) -> None:
        if snapshot is None:
            return
        self.paint(snapshot)
        self.freshen()
        self.refresh_bindings()

    def watch_trouble(self) -> None:
        self.freshen()

    def paint(self, snapshot: Snapshot) -> None:
        """Hand a new snapshot to the widgets."""
        if snapshot.question.query == self.question.query:
            shown = replace(snapshot.question.query, where=snapshot.where)
            self.table.show(snapshot.page, shown, snapshot.at)
        self.set_class(bool(snapshot.complaint), "-refused")
        complaint = Piece(fmt.plain(snapshot.complaint), "stopped")
        self.query_one("#complaint", Line).words = Words((complaint,))

    def freshen(self) -> None:
        """Say again what depends on the time; what reads the same is not painted again."""
        if not self.children:
            return
        self.query_one("#top", Line).words = self.top()
        self.query_one("#tabs", Line).words = self.tabs()
        trouble = self.query_one("#trouble", Line)
        trouble.display = self.trouble is not None
        if self.trouble:
            trouble.words = Words((Piece(self._trouble(self.trouble), "stopped"),))
        self._show_notice()
        self.table.tick()

    @property
    def notice(self) -> str | None:
        """What the store says about itself and nobody has put away yet."""
        said = self.snapshot.notices if self.snapshot else ()
        return next((notice for notice in said if gist(notice) not in self.heard), None)

    def _show_notice(self) -> None:
        line, notice = self.query_one("#notice", Static), self.notice
        text = f"{_sentence(notice)} (esc hides this)" if notice else ""
        if text != str(line.content):
            line.update(text)
            line.display = bool(text)

    def _trouble(self, trouble: Trouble) -> str:
        sentence = _sentence(trouble.sentence)
        if self.snapshot is None:
            return sentence
        at = self.snapshot.at.astimezone().strftime("%H:%M:%S")
        return f"{sentence} Showing what was there at {at}."

    def top(self) -> Words:
        """Where am I, and what is alive."""
        place = [
            Piece("cockpit", "bold"),
            Piece(f"· {fmt.plain(self.project)}", "quiet", rank=2, gap=1),
        ]
        place.append(Piece(f"· {self.title_words()}", "", gap=1))
        right: tuple[Piece, ...] = ()
        if self.snapshot:
            right = self.alive(self.snapshot)
            right += (Piece(f"store {fmt.size(self.snapshot.size)}", "faint", rank=5),)
        return Words(tuple(place), right)

    def alive(self, snapshot: Snapshot) -> tuple[Piece, ...]:
        """The right end of the top line: what runs now."""
        return phrases.alive(snapshot.sweeps, self.elapsed)

    def title_words(self) -> str:
        """The screen's name in the top line."""
        return self.TITLE

    def tabs(self) -> Words:
        """The screens by their digits, and what is left out of the table and how it is sorted."""
        left = []
        for digit, name in (("1", "Runs"), ("2", "Sweeps")):
            here = digit == self.DIGIT
            left.append(Piece(digit, "bold accent" if here else "faint", gap=3))
            left.append(Piece(name, "bold" if here else "quiet", gap=1))
        return Words(tuple(left), tuple(self._table_words()))

    def _table_words(self) -> list[Piece]:
        if not self.snapshot or not self.snapshot.page.stored:
            return []
        page, query = self.snapshot.page, self.snapshot.question.query
        pieces = []
        where = self.snapshot.where
        if where:
            pieces.append(Piece(f"filter: {fmt.plain(where)}", "accent"))
        order = f"by {fmt.plain(query.sort)}" if query.sort else "newest first"
        if not query.sort and not query.descending:
            order = "oldest first"
        pieces.append(Piece(order, "quiet", rank=1))
        unit = "run" if page.total == 1 else "runs"
        of = f" of {fmt.count(page.stored)}" if where else f" {unit}"
        pieces.append(Piece(f"{fmt.count(page.total)}{of}", "quiet"))
        return pieces

    # Actions

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Without a run there is nothing to sort or to filter."""
        if action in ("sort", "reverse", "filter", "log"):
            return not self.has_class("-empty")
        return True

    def action_sort(self) -> None:
        columns = [column for column in self.table.columns if column.field]
        if not columns:
            return
        now = self.question.query.sort or "started"
        place = next((i for i, column in enumerate(columns) if column.field == now), -1)
        self.sort(columns[(place + 1) % len(columns)])

    def sort(self, column: Column) -> None:
        """Sort by a column, its best or newest first; by the same one again: turned around."""
        query = self.question.query
        if column.field == (query.sort or "started"):
            self.action_reverse()
            return
        directions = self.snapshot.page.directions if self.snapshot else {}
        down = directions.get(column.field) != "minimize" and column.key not in UPWARD
        field = None if column.field == "started" else column.field
        self.table.restart()
        self.ask(sort=field, descending=down, offset=0)

    def action_reverse(self) -> None:
        self.table.restart()
        self.ask(descending=not self.question.query.descending, offset=0)

    def action_filter(self) -> None:
        self.add_class("-filtering")
        self.query_one("#filter-text", Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        if event.value != self.question.query.where:
            self.table.restart()
            self.ask(where=event.value, offset=0)

    def on_input_submitted(self) -> None:
        if not self.has_class("-refused"):
            self._end_filtering()

    def _end_filtering(self) -> None:
        self.remove_class("-filtering")
        self.table.focus()

    def action_back(self) -> None:
        if self.has_class("-filtering") or self.question.query.where:
            self.query_one("#filter-text", Input).value = ""
            self._end_filtering()
        elif self.notice:
            self.heard.add(gist(self.notice))
            self.freshen()
        else:
            self.leave()

    def leave(self) -> None:
        """Where Esc leads when there is nothing to clear."""


def _sentence(text: str) -> str:
    """With a capital letter and a full stop, safe to paint."""
    text = fmt.plain(text).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}."
