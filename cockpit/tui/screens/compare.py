"""Compare: the marked runs side by side, only what differs, with their curves and their code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.compare import ABSENT, LAST_STEP, clashes, counted, not_to_compare
from cockpit.tui import remember
from cockpit.tui.ledger import Ledger, ledger
from cockpit.tui.line_colours import LETTERS
from cockpit.tui.overlay import strand
from cockpit.tui.refiner import Refiner, RefineTold
from cockpit.tui.reporting import of_runs
from cockpit.tui.screens.compare_data import CompareQuestion, CompareSnapshot
from cockpit.tui.screens.panes import PanesScreen
from cockpit.tui.screens.run import RunScreen
from cockpit.tui.widgets.explorer import Explorer
from cockpit.tui.widgets.line import Line, Piece, Words
from cockpit.tui.widgets.paper import Paper
from cockpit.tui.widgets.side_by_side import SideBySide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Self

    from textual.app import ComposeResult

    from cockpit.evaluate.compare import Scores
    from cockpit.tui.reporting import Report
    from cockpit.tui.screens.base import DataScreen, Shared
    from cockpit.tui.widgets.paper import Parts
    from storage.runs import Run


class CompareScreen(PanesScreen[CompareQuestion, CompareSnapshot]):
    """The table, and below it the curves of the metric under the cursor and the chosen run's code."""

    KEYS_FIRST = ("everything", "difference(1)", "pane(1)", "back", "base", "report")
    TITLE = "Compare"
    DIGIT = "3"
    PANES: ClassVar[dict[str, str]] = {"values": "values", "overlay": "curves", "code": "code"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a", "everything", "all", id="compare.all",
                tooltip="What does not differ too, and back to what differs"),
        Binding("right_square_bracket", "difference(1)", "next difference", key_display="]",
                id="compare.next", tooltip="The next difference"),
        Binding("left_square_bracket", "difference(-1)", "previous", show=False, key_display="[",
                id="compare.previous", tooltip="The difference before"),
        Binding("b", "base", "set base", id="compare.base",
                tooltip="Measure the others against the chosen run"),
        Binding("i", "refine", "intervals", show=False, id="compare.refine",
                tooltip="End the refining of the intervals, or begin it again"),
        Binding("escape", "back", "back", id="compare.back", tooltip="Back"),
    ]  # fmt: skip

    @classmethod
    def of(cls, shared: Shared, runs: tuple[str, ...]) -> Self:
        """The runs of these ids, the first one the base."""
        return cls(shared, CompareQuestion(runs, runs[0], runs[min(1, len(runs) - 1)]))

    @classmethod
    def opened(cls, shared: Shared, before: DataScreen[Any, Any] | None) -> Self:
        return cls.of(shared, shared.held.marks.ids)

    @classmethod
    def again(
        cls, shared: Shared, before: DataScreen[Any, Any] | None, found: Mapping[str, Any]
    ) -> Self | None:
        runs = remember.names(found, "runs")
        if not_to_compare(len(runs)):
            return None
        screen = cls.of(shared, runs)
        screen.recall(found)
        return screen

    def remembered(self) -> dict[str, Any]:
        asked = self.question
        return {
            **{name: getattr(asked, name) for name in ("runs", "base", "chosen", "metric")},
            "all": self._everything,
            **super().remembered(),
        }

    def recall(self, found: Mapping[str, Any]) -> None:
        super().recall(found)
        runs = self.question.runs
        base, chosen = remember.text(found, "base"), remember.text(found, "chosen")
        self._everything = remember.flag(found, "all", False)
        self._question = replace(
            self.question,
            base=base if base in runs else self.question.base,
            chosen=chosen if chosen in runs else self.question.chosen,
            metric=remember.text(found, "metric"),
        )

    @classmethod
    def hindered(cls, shared: Shared) -> str:
        marked = len(shared.held.marks)
        if marked < 2:
            one = "one run is marked; mark another" if marked else "mark two runs or more"
            return f"{one} with space, then c compares them"
        return not_to_compare(marked)

    def __init__(self, shared: Shared, question: CompareQuestion) -> None:
        super().__init__(shared, question)
        self._everything = False
        self._refiner: Refiner[Scores] = Refiner(self, _refined, _refinable)

    def compose_body(self) -> ComposeResult:
        yield Static(id="clash", markup=False)
        yield Static(id="alone", markup=False)
        with Vertical(id="compare"):
            values = SideBySide(id="values")
            values.chosen = self.question.runs.index(self.question.chosen)
            yield values
            yield Line(id="whole")
            yield Line(id="marks")
            with Horizontal(id="below"):
                yield Explorer("no curve: nothing was reported by step", id="overlay")
                yield Paper("code", id="code")

    # What it is on

    def subject(self) -> Run | None:
        found = self.snapshot.found if self.snapshot else None
        return found.runs[self.values.chosen] if found else None

    @property
    def refined(self) -> CompareSnapshot | None:
        """What is shown: the snapshot, with the intervals that are known by now."""
        snapshot = self.snapshot
        if snapshot is None or snapshot.scores is None:
            return snapshot
        return snapshot.refined(self._refiner.shown(snapshot.scores))

    def report_of(self) -> Report | None:
        base = self.question.base
        others = (run for run in self.question.runs if run != base)
        there = self.snapshot is not None and self.snapshot.found is not None
        return of_runs((base, *others), None) if there else None

    def command_lines(self) -> tuple[str, ...]:
        base = self.question.base
        others = [run for run in self.question.runs if run != base]
        every = ["--all"] * self._everything
        lines = [self.typed("compare", base, *others, *every)]
        if run := self.subject():
            other = run.id if run.id != base else next(iter(others), base)
            lines.append(self.typed("compare", base, other, "--diff"))
        return tuple(lines)

    @property
    def values(self) -> SideBySide:
        return self.query_one(SideBySide)

    # The top lines

    def title_words(self) -> str:
        count = len(self.question.runs)
        return f"Compare {count} run{'s' * (count != 1)}"

    def alive(self, snapshot: CompareSnapshot) -> tuple[Piece, ...]:
        if snapshot.found is None:
            return super().alive(snapshot)
        how = counted(snapshot.found, self._everything, "a")
        percent = self._refiner.percent
        scoring = (Piece("scoring", "quiet", rank=3),) if snapshot.scoring else ()
        if percent is not None:
            said = f"refining intervals {percent} % (i ends it)"
            scoring = (*scoring, Piece(said, "quiet", rank=3))
        return (*scoring, Piece(how, "accent"))

    # Painting

    def paint(self, snapshot: CompareSnapshot) -> None:
        self._refiner.want(snapshot.scores)
        self._paint(self.refined or snapshot)

    def _paint(self, snapshot: CompareSnapshot) -> None:
        found = snapshot.found
        self.set_class(found is None, "-alone")
        if found is None:
            problem = fmt.plain(snapshot.problem)
            text = f"{problem[:1].upper()}{problem[1:]}. Esc leads back; space marks a run, c compares."
            self.query_one("#alone", Static).update(text)
            return
        sentences = (*clashes(found, snapshot.base), *snapshot.problems, *snapshot.seeds)
        said = "\n".join(f"{fmt.plain(sentence).rstrip('.')}." for sentence in sentences)
        clash = self.query_one("#clash", Static)
        clash.display = bool(said)
        clash.update(said)
        self.values.show(ledger(found, snapshot.base, self._everything))
        names = [run.name for run in found.runs]
        strands = [strand(name, one) for name, one in zip(names, snapshot.curves, strict=False)]
        self.query_one(Explorer).show_strands(fmt.plain(snapshot.metric or "curves"), strands)
        self.query_one(Paper).show([_diff_line(line) for line in snapshot.code])
        self._show_marks(snapshot)
        self._show_whole()

    def _show_marks(self, snapshot: CompareSnapshot) -> None:
        marks = self.query_one("#marks", Line)
        marks.set_class(not snapshot.marks, "-none")
        marks.words = Words((Piece(snapshot.marks, "faint"),))

    # Refining

    def on_refine_told(self, message: RefineTold) -> None:
        if not self._refiner.heard(message):
            return
        snapshot = self.refined
        if message.found is not None and snapshot and snapshot.found:
            self.values.show(ledger(snapshot.found, snapshot.base, self._everything))
            self._show_marks(snapshot)
            self._show_whole()
        if message.problem:
            self.tell(message.problem, tone="stopped")
        self.freshen()
        self.refresh_bindings()

    def action_refine(self) -> None:
        self._refiner.toggle()
        self.freshen()

    def able(self, action: str) -> bool:
        return self._refiner.can_toggle if action == "refine" else super().able(action)

    def on_screen_suspend(self) -> None:
        self._refiner.leave()

    def on_unmount(self) -> None:
        self._refiner.leave()

    # The line under the cursor

    def _show_whole(self) -> None:
        """The full values of the line under the cursor."""
        row, snapshot, pieces = self.values.row, self.refined, []
        if row is None or snapshot is None or snapshot.found is None:
            return
        if row.count is not None:
            pieces.append(Piece(f"{row.count:,} rows", "quiet"))
        for place, value in enumerate(row.values):
            if value is not ABSENT:
                text = fmt.exact(value) if not isinstance(value, tuple) else ""
                interval = snapshot.found.interval(row, place, snapshot.base)
                within = f"Δ {interval}" if interval else ""
                words = " ".join(filter(None, [LETTERS[place], text, within]))
                # Where there is no room for all, the chosen run's stays: it is the one that is asked about.
                rank = 0 if place == self.values.chosen else place + 1
                pieces.append(Piece(words, "quiet", rank=rank))
        self.query_one("#whole", Line).words = Words(tuple(pieces))

    # Moving

    def on_by_run_moved(self) -> None:
        row, run = self.values.row, self.subject()
        self._show_whole()
        if run is None:
            return
        has_curve = row is not None and row.group == "metrics" and row.name != LAST_STEP
        metric = row.name if row and has_curve else None
        self.question = replace(self.question, chosen=run.id, metric=metric or self.question.metric)

    def on_by_run_opened(self) -> None:
        if run := self.subject():
            self.app.push_screen(RunScreen.of(self.shared, run.id))

    def action_everything(self) -> None:
        self._everything = not self._everything
        if self.snapshot:
            self.paint(self.snapshot)
            self.freshen()

    def action_difference(self, way: int) -> None:
        book = self.values.book
        if book is None:
            return
        places = [place for place in book.places if _differs(book, place)]
        beyond = [place for place in places if (place - self.values.cursor) * way > 0]
        if beyond:
            self.values.go(min(beyond) if way > 0 else max(beyond))

    def action_base(self) -> None:
        if run := self.subject():
            self.ask(base=run.id)


def _refined(
    what: Scores, *, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> Scores:
    from cockpit.evaluate.compare import refined_scores  # not before the first frame

    return refined_scores(what, progress=progress, cancelled=cancelled)


def _refinable(what: Scores) -> bool:
    return what.refinable


def _differs(book: Ledger, place: int) -> bool:
    row = book.entries[place].row
    return row is not None and row.differs


def _diff_line(line: str) -> Parts:
    """A line of a diff: signs say what colour says."""
    text = fmt.plain(line.expandtabs(4))
    if line.startswith("# "):
        return ((text.removeprefix("# "), "bold accent"),)
    if line.startswith(("+++", "---", "diff ", "index ", "@@")):
        return ((text, "quiet"),)
    tone = {"+": "complete", "-": "failed"}.get(line[:1], "")
    return ((text, tone),)
