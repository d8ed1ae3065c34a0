"""Draws curves and points: the axes are ours, the canvas is `cockpit.tui.canvas`."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from cockpit.axes import Span, marks, span
from cockpit.format import cut
from cockpit.tui.canvas import BLANK, Glyphs, Grid, Shape, drawn, glyph_of, style
from cockpit.tui.thinning import finite, is_rising, thin, thin_along

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.tui.canvas import Colour

Points = tuple["Sequence[float]", "Sequence[float]"]
"""All x and all y."""
BEHIND_RULE = ("quiet", "faint")
"""Curves that a rule goes through, dashed."""


@dataclass(frozen=True, slots=True)
class Series:
    """Points in the order of x; later series are painted over earlier ones."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    """As long as `xs`; what is not finite is left out."""
    tone: str = "plain"
    """`plain`, `accent`, `quiet`, `faint`, or one of `palette.tone`."""
    glyph: str = ""
    """Single points of this character; without, a line."""
    letter: str = ""
    """Stands at the line's end and before its name in the legend."""
    name: str = ""
    """For the legend; safe to paint."""
    behind: bool = False
    """Gives way to the others where they go through the same cell."""


@dataclass(frozen=True, slots=True)
class Rule:
    """A level to measure the rest by: a line from side to side, its label on it."""

    y: float
    labels: tuple[str, ...]
    """The first one that finds a gap is shown."""


@dataclass(frozen=True, slots=True)
class Plot:
    """All that one chart shows."""

    series: tuple[Series, ...] = ()
    x_title: str = ""
    whole: bool = True
    """The x values count something: ticks at whole numbers only."""
    low: float | None = None
    """Values below are left out of the picture, so that one bad start does not flatten the rest."""
    high: float | None = None
    rule: Rule | None = None
    x_kind: str = "number"
    """`number`, or seconds: `duration`, or `clock` (since 1970, UTC)."""
    x_names: tuple[str, ...] = ()
    """The names of x = 0, 1, …, where x is one of a few choices; safe to paint."""
    log_x: bool = False
    log_y: bool = False
    """On a log axis what is not above 0 is left out: see `left_out`."""
    window: tuple[float, float] | None = None
    """The stretch of x that is shown, rising; all of it without."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A plot laid out in cells, to be coloured and to be pointed at."""

    across: Span
    left: int
    """Cells before the canvas."""
    width: int
    """Cells of the canvas that stand for x."""
    grid: Grid
    scale: tuple[tuple[str, str], ...]
    """What stands left of each row: label and axis."""
    below: str
    line: str
    """What the line down at an x is made of."""

    def lines(self, colours: Mapping[str, Colour], cursor: float | None = None) -> list[Text]:
        """The rows from above, the labels of x last; a line goes down at x = `cursor`."""
        quiet, faint = style(colours, "quiet"), style(colours, "faint")
        column = None if cursor is None else self.column(cursor)
        rows = []
        for row, (label, axis) in enumerate(self.scale):
            text = Text(label, quiet, no_wrap=True, end="")
            text = Text.assemble(text, (axis, faint), no_wrap=True)
            rows.append(text.append_text(self.grid.text(row, colours, column, self.line)))
        rows.append(Text(" " * self.left, no_wrap=True).append(self.below, quiet))
        return rows

    def column(self, x: float) -> int | None:
        """The canvas's column of x, or None where it is not in the picture."""
        return self.across.place(x, self.width) if self.across.holds(x) else None

    def x_at(self, cell: int) -> float:
        """The x under a cell of the whole picture, gutter counted; the nearest edge beside it."""
        column = min(max(cell - self.left, 0), self.width - 1)
        return self.across.at(column / max(1, self.width - 1))


def draw(
    plot: Plot,
    width: int,
    height: int,
    colours: Mapping[str, Colour],
    glyphs: Glyphs = "braille",
) -> Text:
    """The plot with its axes in `width` × `height` cells; blank where there is nothing to show."""
    picture = lay_out(plot, width, height, glyphs)
    return Text("\n").join(picture.lines(colours)) if picture else Text()


def lay_out(plot: Plot, width: int, height: int, glyphs: Glyphs = "braille") -> Picture | None:
    """Place the plot in `width` × `height` cells; None where there is nothing to show or no room."""
    clean = [usable(one, plot) for one in plot.series]
    across = reach(plot, clean)
    if across is None or width < 12 or height < 3:
        return None
    shown = [_thinned(xs, ys, across, width) for xs, ys in clean]
    up = _up(plot, across, shown)
    if up is None:
        return None
    heights = marks(up, max(3, height // 3 + 1))
    gutter = max((len(label) for _, label in heights), default=0) + 1
    ends = 2 * any(one.letter for one in plot.series)
    room = width - gutter - ends
    grid = drawn(_shapes(plot, shown), across, up, room, height - 1, glyphs)
    labels = {height - 2 - up.place(value, height - 1): label for value, label in heights}
    if plot.rule and up.holds(plot.rule.y):
        _draw_rule(grid, height - 2 - up.place(plot.rule.y, height - 1), plot.rule, glyphs)
    if ends:
        grid = _widened(grid, ends)
        _put_letters(grid, plot, shown, across, up, room)
    return Picture(
        across=across,
        left=gutter,
        width=room,
        grid=grid,
        scale=tuple(
            (labels.get(row, "").rjust(gutter - 1), glyph_of("┤" if row in labels else "│", glyphs))
            for row in range(height - 1)
        ),
        below=_below(plot, across, room),
        line=glyph_of("│", glyphs),
    )


def usable(one: Series, plot: Plot) -> Points:
    """The series' points that the plot's axes can show."""
    xs, ys = finite(one.xs, one.ys)
    if (plot.log_x and min(xs, default=1) <= 0) or (plot.log_y and min(ys, default=1) <= 0):
        points = [
            (x, y)
            for x, y in zip(xs, ys, strict=True)
            if (x > 0 or not plot.log_x) and (y > 0 or not plot.log_y)
        ]
        return [x for x, _ in points], [y for _, y in points]
    return xs, ys


def left_out(plot: Plot) -> int:
    """How many finite points a log axis cannot show, as they are not above 0."""
    return sum(
        len(finite(one.xs, one.ys)[0]) - len(usable(one, plot)[0])
        for one in plot.series
        if plot.log_x or plot.log_y
    )


def reach(plot: Plot, clean: Sequence[Points] | None = None) -> Span | None:
    """What the x axis covers: the window, else all points."""
    if plot.window:
        return span(plot.window, plot.log_x)
    if plot.x_names:
        return span([-0.5, len(plot.x_names) - 0.5])
    points = clean if clean is not None else [usable(one, plot) for one in plot.series]
    return span([edge for xs, _ in points if xs for edge in (min(xs), max(xs))], plot.log_x)


def _thinned(xs: Sequence[float], ys: Sequence[float], across: Span, width: int) -> Points:
    if is_rising(xs):
        return thin_along(xs, ys, across, width * 2)
    return thin(xs, ys, width * 2)


def _shapes(plot: Plot, shown: Sequence[Points]) -> list[Shape]:
    return [
        Shape(xs, ys, one.tone, one.glyph, one.letter or _ink(one), one.behind)
        for one, (xs, ys) in zip(plot.series, shown, strict=True)
    ]


def _ink(one: Series) -> str:
    """What an ASCII line without a letter is made of."""
    return "." if one.behind or one.tone == "faint" else "+" if one.tone == "quiet" else "*"


def _shown(plot: Plot, value: float) -> bool:
    return (plot.low is None or value >= plot.low) and (plot.high is None or value <= plot.high)


def _up(plot: Plot, across: Span, shown: Sequence[Points]) -> Span | None:
    """What the y axis covers: the points in sight, and the rule where that leaves them half of the room."""
    values: list[float] = []
    for xs, ys in shown:
        if plot.window is None:
            values += ys
        elif is_rising(xs):
            values += ys[bisect_left(xs, across.low) : bisect_right(xs, across.high)]
        else:
            values += [y for x, y in zip(xs, ys, strict=True) if across.holds(x)]
    up = span([value for value in values if _shown(plot, value)], plot.log_y)
    if up is None and plot.window is not None:
        # Zoomed in between two points: the line that goes through.
        up = span([y for _, ys in shown for y in ys], plot.log_y)
    rule = plot.rule
    if up is None or rule is None or not _shown(plot, rule.y):
        return up
    reached = span([up.low, up.high, rule.y], plot.log_y)
    if reached is None:
        return up
    low, high = up.ends
    return reached if reached.ends[1] - reached.ends[0] <= 2 * (high - low) else up


def _draw_rule(grid: Grid, row: int, rule: Rule, glyphs: Glyphs) -> None:
    """The rule behind a row of the canvas: whole where that is blank, dashed through quiet curves."""
    cells = "".join(grid.chars[row])
    line = glyph_of("─", glyphs)
    for column, cell in enumerate(cells):
        if cell == BLANK:
            grid.put(row, column, line, "faint")
        elif column % 3 == 0 and cell >= "\u2800" and grid.tones[row][column] in BEHIND_RULE:
            grid.put(row, column, line, "quiet")
    for label in rule.labels:
        gap = cells.find(BLANK * (len(label) + 3))
        if gap >= 0:
            for column, char in enumerate(label, gap + 1):
                grid.put(row, column, glyph_of(char, glyphs), "quiet")
            return


def _widened(grid: Grid, cells: int) -> Grid:
    wider = Grid(grid.width + cells, grid.height)
    for row in range(grid.height):
        wider.chars[row][: grid.width] = grid.chars[row]
        wider.tones[row][: grid.width] = grid.tones[row]
    return wider


def _put_letters(
    grid: Grid, plot: Plot, shown: Sequence[Points], across: Span, up: Span, room: int
) -> None:
    """Each series' letter right of its last point in sight; where they crowd, one under the other."""
    ends: dict[int, list[tuple[int, float, Series]]] = {}
    for one, (xs, ys) in zip(plot.series, shown, strict=True):
        seen = [(x, y) for x, y in zip(xs, ys, strict=True) if across.holds(x) and up.holds(y)]
        if one.letter and seen:
            x, y = seen[-1]
            row = grid.height - 1 - up.place(y, grid.height)
            ends.setdefault(across.place(x, room) + 1, []).append((row, -y, one))
    for column, found in ends.items():
        found.sort(key=lambda end: end[:2])
        rows = spread([row for row, _, _ in found], grid.height)
        for place, (row, (_, _, one)) in enumerate(zip(rows, found, strict=True)):
            beside = place > 0 and rows[place - 1] == row
            grid.put(row, min(column + beside, grid.width - 1), one.letter, one.tone)


def spread(rows: Sequence[int], height: int) -> list[int]:
    """Rising rows moved apart as little as it takes, in their order; two share one only where they must."""
    if len(rows) > height:
        return [place * height // len(rows) for place in range(len(rows))]
    apart: list[int] = []
    for row in rows:
        apart.append(max(row, apart[-1] + 1) if apart else row)
    limit = height
    for place in reversed(range(len(apart))):
        apart[place] = limit = min(apart[place], limit - 1)
    return apart


def _below(plot: Plot, across: Span, width: int) -> str:
    """The line of labels under the canvas, each centred under its place, the title at the end."""
    title = f" {plot.x_title}" if plot.x_title else ""
    if plot.x_names:
        room = max(1, width // len(plot.x_names) - 1)
        labels = [(float(place), cut(name, room)) for place, name in enumerate(plot.x_names)]
    else:
        labels = marks(across, max(2, width // 10), plot.x_kind, plot.whole)
    line = [" "] * width
    free = 0
    for value, label in labels:
        cells = cell_len(label)
        start = max(0, min(across.place(value, width) - cells // 2, width - cells))
        if start >= free and start + cells <= width - len(title):
            line[start : start + cells] = [label, *[""] * (cells - 1)]
            free = start + cells + 1
    if width > len(title) + 8:
        line[width - len(title) :] = title
    return "".join(line)
