"""Draws a report's charts as lines of text, of characters that every font has as wide as its letters.

Not in braille, as on the screens: in the fonts of browsers and mails its cells are seldom as wide as the others.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import TYPE_CHECKING

from cockpit.axes import marks
from cockpit.format import cut, fit, plain
from cockpit.report.charts import Bars

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.axes import Span
    from cockpit.report.charts import Chart, Picture, Series

WIDE, HIGH = 64, 14
"""Cells of the canvas."""
BAR = 40
LONGEST = 24
LETTERS = "abcdefghijklmnopqrstuvwxyz"
_POINTS = {"faint": "·", "dots": "•"}


def draw(picture: Picture) -> list[str]:
    """The picture in lines; none where there is nothing to see."""
    return _bars(picture) if isinstance(picture, Bars) else _chart(picture)


def _bars(bars: Bars) -> list[str]:
    most = max((value for _, value in bars.bars), default=0.0) or 1.0
    wide = min(LONGEST, max((len(plain(name)) for name, _ in bars.bars), default=0))
    return [
        f"{fit(plain(name), wide)}  {fit('█' * max(1, round(BAR * value / most)), BAR)}  {value:.2f}"
        for name, value in bars.bars
    ]


def _chart(chart: Chart) -> list[str]:
    spans = chart.spans()
    if spans is None:
        return []
    across, up = spans
    grid = [[" "] * WIDE for _ in range(HIGH)]
    rules = [(_row(up, value), plain(label)) for value, label in chart.rules if up.holds(value)]
    for row, _ in rules:
        grid[row][:] = "┄" * WIDE
    for kind in ("faint", "dots"):
        for one in chart.series:
            if one.kind == kind:
                for x, y in chart.shown(one):
                    grid[_row(up, y)][across.place(x, WIDE)] = _POINTS[kind]
    lines = chart.lines
    for place, one in enumerate(lines):
        ink = LETTERS[place % len(LETTERS)] if len(lines) > 1 else ""
        _trace(grid, one, across, up, ink)
    for row, label in rules:
        shown = f" {label} "[: WIDE - 4]
        grid[row][WIDE - 2 - len(shown) : WIDE - 2] = shown
    note = [f"  {plain(chart.note)}"] if chart.note else []
    return [*_framed(grid, across, up, chart), *_legend(lines), *note]


def _row(up: Span, value: float) -> int:
    return HIGH - 1 - up.place(min(max(value, up.low), up.high), HIGH)


def _trace(grid: list[list[str]], one: Series, across: Span, up: Span, ink: str) -> None:
    """A line from column to column; alone it bends, among others it is made of its letter."""
    first, last = across.place(one.xs[0], WIDE), across.place(one.xs[-1], WIDE)
    rows = [_row(up, _at(one, across.at(column / (WIDE - 1)))) for column in range(first, last + 1)]
    before = rows[0]
    for column, row in enumerate(rows, first):
        low, high = min(before, row), max(before, row)
        for between in range(low, high + 1):
            grid[between][column] = ink or "│"
        if not ink:
            if before == row:
                grid[row][column] = "─"
            else:
                grid[before][column] = "╯" if row < before else "╮"
                grid[row][column] = "╭" if row < before else "╰"
        before = row


def _at(one: Series, x: float) -> float:
    """The line's height there."""
    place = bisect_right(one.xs, x)
    if place == 0:
        return one.ys[0]
    if place == len(one.xs):
        return one.ys[-1]
    x0, x1, y0, y1 = one.xs[place - 1], one.xs[place], one.ys[place - 1], one.ys[place]
    return y0 if x1 == x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)


def _framed(grid: Sequence[Sequence[str]], across: Span, up: Span, chart: Chart) -> list[str]:
    heights = {_row(up, value): label for value, label in marks(up, 6)}
    gutter = max((len(label) for label in heights.values()), default=0)
    rows = [
        f"{heights.get(row, '').rjust(gutter)} {'┤' if row in heights else '│'}{''.join(cells)}"
        for row, cells in enumerate(grid)
    ]
    below = [" "] * WIDE
    for value, label in marks(across, 7, whole=chart.whole):
        start = min(max(0, across.place(value, WIDE) - len(label) // 2), WIDE - len(label))
        if all(cell == " " for cell in below[max(0, start - 1) : start + len(label) + 1]):
            below[start : start + len(label)] = label
    axis = f"{' ' * gutter} └{'─' * WIDE}"
    named = f"{''.join(below).rstrip()}  {plain(chart.x_title)}"
    title = f"{' ' * gutter} {plain(cut(chart.y_title, WIDE))}"
    return [title, *rows, axis, f"{' ' * gutter}  {named}"]


def _legend(lines: Sequence[Series]) -> list[str]:
    if len(lines) < 2:
        return []
    return [
        f"  {LETTERS[place % len(LETTERS)]}  {plain(one.name)}" for place, one in enumerate(lines)
    ]
