"""The run under the cursor: in one line where room is scarce, else with its curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Static

from cockpit import format as fmt
from cockpit.tui import charts, phrases
from cockpit.tui.plot import Plot
from cockpit.tui.theme import css
from cockpit.tui.widgets.chart import Chart
from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from textual.app import ComposeResult

    from storage.runs import Curve, Run
    from storage.sweeps import Sweep


class Detail(Vertical):
    """Full values of one run."""

    DEFAULT_CSS = """
    Detail { height: 11; }
    Detail #detail-text { width: 1fr; height: 1fr; padding: 0 1 0 2; }
    Detail Chart { width: 1fr; }
    Detail #detail-title { text-style: none; }
    """

    def compose(self) -> ComposeResult:
        yield Line(id="detail-title")
        with Horizontal():
            yield Static(id="detail-text", markup=False)
            yield Chart("no curve: nothing was reported by step")

    def show(self, run: Run | None, curve: Curve | None, sweep: Sweep | None) -> None:
        """Show a run of `sweep`; `curve` follows when it has been read."""
        pieces = title(run, sweep) if run else ()
        if run and self.size.height == 1:
            pieces += metrics(run)
        self.query_one("#detail-title", Line).words = Words(pieces)
        text = self.query_one("#detail-text", Static)
        content = facts(run) if run else Content()
        if str(text.content) != content.plain:
            text.update(content, layout=False)
        chart = self.query_one(Chart)
        if run and curve and curve.run == run.id:
            chart.show(f"{fmt.plain(curve.name)} by step", charts.single(curve))
        elif run and not run.metrics:
            chart.show("", Plot())


def title(run: Run, sweep: Sweep | None) -> tuple[Piece, ...]:
    """Name and state, how it stands against the baseline; for a failed run the reason."""
    look = fmt.look(run.state)
    pieces = [Piece(fmt.plain(run.name), "bold"), Piece(f"{look.glyph} {look.word}", look.tone)]
    pieces += phrases.standing(run, sweep)
    if run.reason:
        pieces.append(Piece(fmt.plain(run.reason), look.tone, gap=2))
    return tuple(pieces)


def metrics(run: Run) -> tuple[Piece, ...]:
    """The last values in full."""
    return tuple(
        Piece(f"{fmt.plain(name)} {fmt.exact(value)}", rank=2 + place)
        for place, (name, value) in enumerate(run.metrics.items())
    )


def facts(run: Run) -> Content:
    """Metrics and params with their full values, a line each."""
    entries = [(name, fmt.exact(value), "bold") for name, value in run.metrics.items()]
    entries += [(name, fmt.exact(value), "") for name, value in run.params.items()]
    entries.append(("time", fmt.duration(run.seconds), ""))
    if run.step is not None:
        entries.append(("last step", str(run.step), ""))
    entries.append(("id", run.id, "faint"))
    names = [fmt.cut(fmt.plain(name), 24) for name, _, _ in entries]
    width = max(len(name) for name in names) + 2
    parts: list[str | tuple[str, str]] = []
    for name, (_, value, tone) in zip(names, entries, strict=True):
        parts.append((fmt.fit(name, width), css("quiet")))
        parts.append((f"{fmt.cut(value, 60)}\n", css(tone)) if tone else f"{fmt.cut(value, 60)}\n")
    return Content.assemble(*parts)
