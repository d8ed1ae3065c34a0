"""A sweep's charts side by side: the best so far, one to choose, and which params mattered."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import floor, log10
from typing import TYPE_CHECKING

from textual.containers import Horizontal
from textual.content import Content

from cockpit import format as fmt
from cockpit.tui import charts, phrases, text_charts
from cockpit.tui.widgets.chart import Chart
from cockpit.tui.widgets.text_chart import TextChart

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from cockpit.sweep.importance import Importance
    from cockpit.tui.plot import Plot
    from storage.runs import Run
    from storage.sweeps import SweepView

ROOMY = (1.0, 2.0, 5.0, 10.0)
SLICES = 6
"""Params that have a slice plot of their own, those that matter most."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What can stand in the second place."""

    kind: str
    """`reports`, `importance`, `params`, `time` or `slice`."""
    param: str = ""


class Evidence(Horizontal):
    """Paints what a snapshot knows; the reader chooses what stands in the second place."""

    DEFAULT_CSS = """
    Evidence #beside-importance { max-width: 44; }
    """

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._choice = Choice("reports")
        self._view: SweepView | None = None
        self._importance: Importance | None = None
        self._run: Run | None = None

    def compose(self) -> ComposeResult:
        yield Chart("no trial has a value yet", id="best")
        yield Chart("no trial has reported yet", id="second")
        yield TextChart(id="second-lines")
        yield TextChart(id="beside-importance")

    def on_mount(self) -> None:
        self._make_room()

    def on_resize(self) -> None:
        self._make_room()
        self._paint()

    def show(self, view: SweepView, importance: Importance | None, run: Run | None) -> None:
        """Paint a sweep; `run` is the selected trial."""
        self._view, self._importance, self._run = view, importance, run
        self._paint()

    def step(self, by: int) -> None:
        """Another chart in the second place."""
        choices = self.choices
        place = choices.index(self._choice) if self._choice in choices else -by
        self._choice = choices[(place + by) % len(choices)]
        self._make_room()
        self._paint()

    @property
    def weighs(self) -> bool:
        """Whether the importance of the params is shown, or decides on what is."""
        return self._has_third or self._choice.kind in ("importance", "slice")

    @property
    def choices(self) -> tuple[Choice, ...]:
        """What there is to choose from here; the params that matter most have slices."""
        names = self._view.page.params if self._view else ()
        shares = (
            {one.param: one.share for one in self._importance.shares} if self._importance else {}
        )
        varied = [name for name in names if self._varies(name)]
        varied.sort(key=lambda name: -shares.get(name, 0.0))
        importance = () if self._has_third else (Choice("importance"),)
        slices = tuple(Choice("slice", name) for name in varied[:SLICES])
        return (Choice("reports"), *importance, Choice("params"), Choice("time"), *slices)

    def _varies(self, name: str) -> bool:
        runs = self._view.page.runs if self._view else ()
        return len({fmt.value(run.params[name]) for run in runs if name in run.params}) > 1

    @property
    def _has_third(self) -> bool:
        return self.screen.has_class("-vast")

    def _make_room(self) -> None:
        lines = self._choice.kind in ("importance", "params")
        # The axes of the params need all of a narrow screen.
        alone = self._choice.kind == "params" and self.screen.has_class("-narrow")
        self.query_one("#best").display = not alone
        self.query_one("#second").display = not lines
        self.query_one("#second-lines").display = lines
        self.query_one("#beside-importance").display = self._has_third

    def _paint(self) -> None:
        view = self._view
        if view is None:
            return
        self._paint_best(view)
        if self._has_third:
            self._paint_importance(self.query_one("#beside-importance", TextChart))
        match self._choice.kind:
            case "importance":
                self._paint_importance(self.query_one("#second-lines", TextChart))
            case "params":
                self._paint_params(view)
            case "time":
                self._paint_second(view, None)
            case "slice":
                self._paint_second(view, self._choice.param)
            case _:
                self._paint_reports(view)

    def _paint_best(self, view: SweepView) -> None:
        metric, plot = _metric(view), _best(view)
        hidden = charts.out_of_sight(view, plot)
        note = "• trials" + (f"   {hidden} beyond" if hidden else "")
        title = metric if len(view.sweep.metrics) > 1 else f"best {metric} so far"
        self.query_one("#best", Chart).show(title, plot, note)

    def _paint_reports(self, view: SweepView) -> None:
        run = self._run
        note = f"{phrases.label(run)} bright, pruned dim" if run else "pruned dim"
        plot = _reports(view, run)
        self.query_one("#second", Chart).show(f"{_metric(view)} by step", plot, note)

    def _paint_second(self, view: SweepView, param: str | None) -> None:
        runs, metric, up = view.page.runs, _objective(view), _maximize(view)
        rule = charts.baseline(view.sweep)
        if param is None:
            title, plot = f"{_metric(view)} by time", charts.trials_by_time(runs, metric, up, rule)
        else:
            title = f"{_metric(view)} by {fmt.plain(param)}"
            plot = charts.slice_plot(runs, param, metric, up)
        hidden = charts.beyond(plot)
        notes = ["▲ best", *([f"{hidden} beyond"] if hidden else []), *_newest(view)]
        self.query_one("#second", Chart).show(title, plot, "   ".join(notes))

    def _paint_params(self, view: SweepView) -> None:
        runs, params = view.page.runs, view.page.params
        metric, up = _objective(view), _maximize(view)
        self.query_one("#second-lines", TextChart).show(
            f"params by {_metric(view)}",
            "   ".join(_newest(view)),
            tuple((run.id, run.metrics.get(metric)) for run in runs if run.state == "complete"),
            lambda width, rows: text_charts.param_lines(runs, params, metric, up, width),
            "no two complete trials differ in their params yet",
        )

    def _paint_importance(self, chart: TextChart) -> None:
        found = self._importance
        if found is None:
            chart.show("importance", "", None, lambda width, rows: Content(), "not known yet")
            return
        shares = tuple((share.param, share.share) for share in found.shares)
        chart.show(
            "importance",
            f"of {fmt.count(found.trials)} trials" if shares else "",
            shares,
            lambda width, rows: text_charts.importance_bars(shares, width, rows),
            fmt.plain(found.reason),
        )


def _best(view: SweepView) -> Plot:
    plot, sweep = charts.best_so_far(view), view.sweep
    if sweep.state not in phrases.ALIVE or not view.values:
        return plot
    last = roomy(view.values[-1][0])
    return replace(plot, window=(0.0, min(last, sweep.trials) if sweep.trials else last))


def _reports(view: SweepView, run: Run | None) -> Plot:
    plot = charts.reports(view, run.id if run else None)
    growing = [curve.steps[-1] for curve in view.curves if curve.state == "running" and curve.steps]
    others = [curve.steps[-1] for curve in view.curves if curve.state != "running" and curve.steps]
    last = max(growing, default=0.0)
    if last <= max(others, default=0.0):
        return plot
    first = min(curve.steps[0] for curve in view.curves if curve.steps)
    return replace(plot, window=(first, roomy(last)))


def roomy(last: float) -> float:
    """The end of an axis for what still grows: some room, so that not every point moves all others."""
    if last <= 0:
        return 1.0
    scale = 10.0 ** floor(log10(last))
    return next(step * scale for step in ROOMY if step * scale >= last)


def _objective(view: SweepView) -> str:
    return view.sweep.metrics[0] if view.sweep.metrics else "value"


def _metric(view: SweepView) -> str:
    return fmt.plain(_objective(view))


def _maximize(view: SweepView) -> bool:
    return not view.sweep.directions or view.sweep.directions[0] == "maximize"


def _newest(view: SweepView) -> tuple[str, ...]:
    """What these charts leave out: they are made of a window's trials."""
    shown, page = len(view.page.runs), view.page
    return (f"newest {fmt.count(shown)}",) if shown < page.total else ()
