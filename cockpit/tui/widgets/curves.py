"""A chart for each metric of a run, one below the other: the objective first, the machine's at the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll

from cockpit import format as fmt
from cockpit.tui.overlay import strand
from cockpit.tui.widgets.explorer import Explorer
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.widget import Widget

    from storage.history import History

SYSTEM = "system."
"""How the names of what was measured of the machine begin."""
LEAST = 9
"""Rows of a chart, its title and its axis among them."""


class Curves(VerticalScroll, can_focus=False):
    """The charts can be focused, each by itself; j and k go from one to the next."""

    DEFAULT_CSS = """
    Curves {
        height: 1fr; width: 1fr; overflow-x: hidden;
    }
    Curves Explorer { height: 9; margin-bottom: 1; }
    Curves .none { color: $quiet; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "go(1)", "next", show=False, id="pane.chart-next",
                tooltip="The next metric's chart"),
        Binding("up,k", "go(-1)", "previous", show=False, id="pane.chart-previous",
                tooltip="The chart before"),
    ]  # fmt: skip

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._names: tuple[str, ...] | None = None

    async def show(self, curves: Sequence[History]) -> None:
        """Show these curves; a metric that is new gets a chart of its own."""
        names = tuple(curve.name for curve in curves)
        if names != self._names:
            self._names = names
            focused = self.current
            await self.remove_children()
            await self.mount_all(_widgets(curves))
            if focused is not None and self.charts:
                self.charts[min(focused, len(self.charts) - 1)].focus()
            self._fit()
        for chart, curve in zip(self.charts, curves, strict=True):
            chart.show_strands(fmt.plain(curve.name.removeprefix(SYSTEM)), [strand("", curve)])

    def on_resize(self) -> None:
        self._fit()

    def _fit(self) -> None:
        """All charts in sight where they have room, else some of them, large enough to be read."""
        charts = self.charts
        room = self.size.height - len(self.children) + len(charts)
        for chart in charts:
            chart.styles.height = max(LEAST, room // len(charts) - 1)

    @property
    def charts(self) -> list[Explorer]:
        return list(self.query(Explorer))

    @property
    def current(self) -> int | None:
        """The place of the chart that has the focus."""
        return next((i for i, chart in enumerate(self.charts) if chart.has_focus), None)

    def action_go(self, way: int) -> None:
        charts, place = self.charts, self.current
        if place is not None and 0 <= place + way < len(charts):
            charts[place + way].focus()
            charts[place + way].scroll_visible(animate=False)


def _widgets(curves: Sequence[History]) -> list[Widget]:
    found: list[Widget] = []
    parted = False
    for curve in curves:
        if curve.name.startswith(SYSTEM) and not parted:
            parted = True
            found.append(_line("the machine, as sampled while it ran"))
        found.append(Explorer("nothing reported yet"))
    return found or [_line("no curve: nothing was reported at more than one step")]


def _line(text: str) -> Line:
    line = Line(classes="none")
    line.words = Words((Piece(text, "quiet"),))
    return line
