"""Slices: where runs fail, slice by slice; slices written, found, saved, and evaluation sets grown by them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui import remember, slice_words
from cockpit.tui.refiner import Refiner, RefineTold
from cockpit.tui.reporting import of_runs
from cockpit.tui.screens.slices_data import SlicesQuestion, SlicesSnapshot
from cockpit.tui.screens.writing import WritingScreen
from cockpit.tui.slice_book import ORDERS, Order, book
from cockpit.tui.theme import css
from cockpit.tui.widgets.heat import HeatTable
from cockpit.tui.widgets.line import Line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Self

    from textual.app import ComposeResult

    from cockpit.evaluate.slices import SliceTable
    from cockpit.tui.judged import Judged
    from cockpit.tui.reporting import Report
    from cockpit.tui.screens.base import DataScreen, Shared
    from storage.runs import Run

NEEDS_TABLE = ("expression", "find", "grow", "sort", "metric", "base", "save", "drop", "variants")
"""Actions that want something to be shown."""
NARROW = 120
"""Columns that have no room for a run's figures and how far they are from the base's in one line."""


class SlicesScreen(WritingScreen):
    """The heat table; below it the slice under the cursor in full, and the line to write one in."""

    KEYS_FIRST: ClassVar[tuple[str, ...]] = (
        "screen.complete", "submit", "screen.keep_typed",
        "open", "expression", "find", "variants", "save", "grow", "metric(1)", "sort", "base", "version",
        "report", "back",
    )  # fmt: skip
    TITLE = "Slices"
    DIGIT = "4"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash,x", "expression", "slice", key_display="/", id="slices.write",
                tooltip="Write a slice: a condition over the columns, age < 25 and sex = 'Female'"),
        Binding("f", "find", "find weak", id="slices.find",
                tooltip="Find the slices that the chosen run answers worst"),
        Binding("ctrl+s", "save", "save", key_display="ctrl+s", id="slices.save",
                tooltip="Name the slice and write it into cockpit.toml"),
        Binding("delete,backspace", "drop", "take away", show=False, id="slices.drop",
                tooltip="Take away a slice that was written here"),
        Binding("g", "grow", "grow set", id="slices.grow",
                tooltip="Make a new version of an evaluation set, with such rows from elsewhere"),
        Binding("m", "metric(1)", "metric", id="slices.metric", tooltip="The next metric or KPI"),
        Binding("M", "metric(-1)", "metric before", show=False, id="slices.metric-before",
                tooltip="The metric or KPI before"),
        Binding("s", "sort", "sort", id="slices.sort",
                tooltip="Worst first, lowest value first, most rows first, as in cockpit.toml"),
        Binding("b", "base", "set base", id="slices.base",
                tooltip="Measure the others against the chosen run"),
        Binding("i", "refine", "intervals", show=False, id="slices.refine",
                tooltip="End the refining of the intervals, or begin it again"),
        Binding("v", "version", "version", id="slices.version",
                tooltip="The next evaluation set, or version of it, that a run was scored on"),
        Binding("escape", "back", "back", id="slices.back", tooltip="End the search; else back"),
    ]  # fmt: skip

    def __init__(self, shared: Shared, question: SlicesQuestion) -> None:
        super().__init__(shared, question)
        self._order: Order = "worst"
        self._run: str | None = None
        """The run to choose as soon as it is there."""
        self._painted: object = None
        self._refiner: Refiner[SliceTable] = Refiner(self, _refined, _refinable)

    # Where it opens

    @classmethod
    def of(cls, shared: Shared, runs: tuple[str, ...], beside: str | None = None) -> Self:
        """The runs of these ids; `beside` is what a single one is measured against."""
        return cls(shared, SlicesQuestion(runs, beside if len(runs) == 1 else None))

    @classmethod
    def opened(cls, shared: Shared, before: DataScreen[Any, Any] | None) -> Self:
        runs = shared.held.marks.ids
        asked = before.question if before else None
        if base := getattr(asked, "base", None) if runs else None:
            screen = cls.of(shared, runs)
            screen._question = replace(screen._question, base=base)
            return screen
        sweeps = before.snapshot.sweeps if before and before.snapshot else ()
        run = before.subject() if before else None
        if run is None and sweeps:
            run = sweeps[0].best
        if not runs:
            runs = (run.id,) if run else ()
        baseline = next((s.baseline for s in sweeps if run and s.name == run.sweep), None)
        return cls.of(shared, runs, baseline.id if baseline else None)

    @classmethod
    def again(
        cls, shared: Shared, before: DataScreen[Any, Any] | None, found: Mapping[str, Any]
    ) -> Self | None:
        screen = cls(shared, SlicesQuestion())
        screen.recall(found)
        return screen

    def remembered(self) -> dict[str, Any]:
        asked = self.question
        entry = self.heat.entry
        return {
            **{name: getattr(asked, name) for name in ("runs", "beside", "base", "on", "metric")},
            "written": self._written,
            "order": self._order,
            "chosen": self.heat.run,
            "slice": entry.row.name if entry and entry.row else None,
        }

    def recall(self, found: Mapping[str, Any]) -> None:
        self._written = remember.names(found, "written")
        order = remember.text(found, "order")
        self._order = next((one for one in ORDERS if one == order), "worst")
        self._run, self._slice = remember.text(found, "chosen"), remember.text(found, "slice")
        self._question = SlicesQuestion(
            remember.names(found, "runs"),
            remember.text(found, "beside"),
            remember.text(found, "base"),
            remember.text(found, "on"),
            remember.text(found, "metric"),
            self._written,
        )

    def compose_body(self) -> ComposeResult:
        yield Line(id="judged")
        yield Static(id="left-out", markup=False)
        yield HeatTable(id="slices")
        yield Static(id="to-do", markup=False)
        yield Static(id="slice", markup=False)

    @property
    def judged(self) -> Judged | None:
        """What is shown; None where there is nothing yet."""
        judged = self.snapshot.judged if self.snapshot else None
        return self._refined(judged) if judged and judged.table else None

    # What it is on

    def subject(self) -> Run | None:
        return self.snapshot.runs.get(self.heat.run or "") if self.snapshot else None

    def title_words(self) -> str:
        judged = self.judged
        if judged is None or judged.table is None:
            return "Slices"
        runs = [fmt.plain(judged.names[run]) for run in judged.table.runs]
        if judged.table.base and len(runs) == 2:
            base = fmt.plain(judged.names[judged.table.base])
            return f"Slices of {next(one for one in runs if one != base or runs[0] == runs[1])} against {base}"
        return f"Slices of {runs[0]}" if len(runs) == 1 else f"Slices of {len(runs)} runs"

    def report_of(self) -> Report | None:
        judged = self.judged
        if judged is None or judged.table is None:
            return None
        runs, base = judged.table.runs, judged.table.base
        first = (base,) if base else ()
        marked = (*first, *(run for run in runs if run != base))
        return of_runs(marked, self.subject(), judged.set)

    def command_lines(self) -> tuple[str, ...]:
        judged, entry = self.judged, self.heat.entry
        if judged is None or judged.table is None or self.heat.run is None:
            return ()
        on = ["--on", judged.set]
        base = ["--base", judged.table.base] if judged.table.base else []
        others = [run for run in judged.table.runs if run != judged.table.base]
        row = entry.row if entry else None
        where = ["-w", row.expression] if row and row.expression else []
        typed = where if entry and not entry.kept else []
        return (
            self.typed("slices", *others, *base, *on, "-m", judged.metric, *typed),
            self.typed("slices", self.heat.run, *on, *where, "--rows", "20"),
            self.typed("slices", self.heat.run, *on, "--find"),
        )

    # Painting

    def paint(self, snapshot: SlicesSnapshot) -> None:
        self._refiner.want(snapshot.judged.table)
        judged = self._refined(snapshot.judged)
        self.set_class(judged.table is None, "-todo")
        if judged.table is None:
            parts = slice_words.to_do(judged, len(snapshot.question.runs))
            self.query_one("#to-do", Static).update(_content(parts))
        elif self.focused is None:
            self.heat.focus()  # it had to let go of the keys while it was out of sight
        self.editor.know(judged.columns, judged.values)
        self.editor.show(snapshot.matching)
        if self._adding:
            self._add()
        self.lay_out(judged)

    def lay_out(self, judged: Judged) -> None:
        """Lay the table out, where it is another than the one that stands there."""
        runs = judged.table.runs if judged.table else ()
        wanted = (self._run, self.heat.run, self._other(judged))
        run = next((one for one in wanted if one in runs), None)
        key = (judged, self._order, run, self.found)
        if key == self._painted:
            return
        self._painted = key
        self.heat.show(book(judged, self.found, self._order, run), run)
        self._run = None if self._run in runs else self._run
        if self._slice and self.heat.select(self._slice):
            self._slice = None
        beside = self.query_one("#left-out", Static)
        lines = slice_words.beside(judged) if judged.table else []
        beside.display = bool(lines)
        beside.update(_content(_joined(lines)))
        self._show_headline(judged)
        self._show_slice()

    def _show_headline(self, judged: Judged) -> None:
        words = slice_words.headline(judged, self._order, self._refiner.percent)
        self.query_one("#judged", Line).words = words

    def _other(self, judged: Judged) -> str | None:
        """The run to begin with: the first that is measured against the base."""
        table = judged.table
        runs = table.runs if table else ()
        return next((run for run in runs if table and run != table.base), next(iter(runs), None))

    def _show_slice(self) -> None:
        shown = self.heat.book
        narrow = self.size.width < NARROW
        lines = slice_words.detail(shown, self.heat.entry, self.heat.run, narrow) if shown else []
        self.query_one("#slice", Static).update(_content(_joined(lines)))

    def on_by_run_moved(self) -> None:
        self._show_slice()
        judged = self.judged
        if judged and self._order in ("worst", "value"):
            self.lay_out(judged)
        self.refresh_bindings()

    # Refining

    def _refined(self, judged: Judged) -> Judged:
        """With the intervals that are known by now."""
        table = judged.table and self._refiner.shown(judged.table)
        return judged if table is judged.table else replace(judged, table=table)

    def on_refine_told(self, message: RefineTold) -> None:
        if self._refiner.heard(message) and (judged := self.judged):
            if message.problem:
                self.tell(message.problem, tone="stopped")
            self.lay_out(judged)
            self._show_headline(judged)
            self.refresh_bindings()

    def action_refine(self) -> None:
        self._refiner.toggle()
        if judged := self.judged:
            self._show_headline(judged)

    def on_screen_suspend(self) -> None:
        self._refiner.leave()

    def on_unmount(self) -> None:
        self._refiner.leave()

    # What is asked

    def on_mount(self) -> None:
        self.heat.focus()

    def action_metric(self, way: int) -> None:
        if judged := self.judged:
            names = judged.metrics
            self.ask(metric=names[(names.index(judged.metric) + way) % len(names)])

    def action_sort(self) -> None:
        orders = list(ORDERS)
        self._order = orders[(orders.index(self._order) + 1) % len(orders)]
        if judged := self.judged:
            self.lay_out(judged)

    def action_base(self) -> None:
        if (judged := self.judged) and judged.table and self.heat.run:
            if len(judged.table.runs) < 2:
                self.tell("mark another run with space on Runs (1): a base is for measuring others")
                return
            self.ask(base=self.heat.run)

    def action_version(self) -> None:
        judged = self.snapshot.judged if self.snapshot else None
        if judged is None or len(judged.sets) < 2:
            return
        place = judged.sets.index(judged.set) if judged.set in judged.sets else -1
        self.ask(on=judged.sets[(place + 1) % len(judged.sets)])

    # Growing

    def action_grow(self) -> None:
        from cockpit.tui.screens.growing import grow_by, ways
        from cockpit.tui.screens.rows_of_slice import nothing_to_grow

        judged, entry = self.judged, self.heat.entry
        if judged is None or entry is None or entry.row is None:
            return
        found = list(ways(judged.set, judged.name, judged.rows, judged.others, False))
        if found:
            grow_by(self, found, entry.row.expression, (), self.heat.run)
        else:
            self.tell(nothing_to_grow(judged.name, False))

    # Rows

    def on_by_run_opened(self) -> None:
        from cockpit.tui.screens.rows_of_slice import RowsOfSliceScreen

        judged, entry, run = self.judged, self.heat.entry, self.heat.run
        if judged and entry and entry.row and run:
            self.app.push_screen(RowsOfSliceScreen.of(self.shared, judged, run, entry.row))

    # Leaving

    def able(self, action: str) -> bool:
        judged = self.snapshot.judged if self.snapshot else None
        if action == "version":
            return judged is not None and len(judged.sets) > 1
        if action in NEEDS_TABLE and (self.judged is None or self.editor.display):
            return False
        if action == "refine":
            return self._refiner.can_toggle
        entry = self.heat.entry
        if action == "save":
            return entry is not None and not entry.kept
        if action == "drop":
            return entry is not None and not entry.kept and entry.weak is None
        return super().able(action)

    def action_back(self) -> None:
        if self.editor.display:
            self._close_editor()
        elif not self.end_hunt():
            super().action_back()

    def leave(self) -> None:
        self.app.pop_screen()


def _refined(
    what: SliceTable, *, progress: Callable[[float], None], cancelled: Callable[[], bool]
) -> SliceTable:
    from cockpit.evaluate.refining import refined  # not before the first frame

    return refined(what, progress=progress, cancelled=cancelled)


def _refinable(what: SliceTable) -> bool:
    from cockpit.evaluate.refining import refinable

    return refinable(what)


def _joined(lines: list[slice_words.Parts]) -> slice_words.Parts:
    parts: slice_words.Parts = []
    for place, line in enumerate(lines):
        parts += [("\n", "")] * bool(place)
        parts += line
    return parts


def _content(parts: slice_words.Parts) -> Content:
    return Content.assemble(*((text, css(tone)) if tone else text for text, tone in parts if text))
