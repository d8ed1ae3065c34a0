"""Draws curves and points with plotext: only the canvas is plotext's, the axes are ours."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text

from cockpit import format as fmt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Series:
    """Points in the order of x; later series are painted over earlier ones."""

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    """As long as `xs`; what is not finite is left out."""
    tone: str = "plain"
    """`plain`, `accent`, `quiet` or `faint`."""
    glyph: str = ""
    """Single points of this character; without, a line."""


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


@dataclass(frozen=True, slots=True)
class Span:
    """What an axis covers."""

    low: float
    high: float

    def place(self, value: float, cells: int) -> int:
        """The cell of a value, the first one 0."""
        return round((value - self.low) / (self.high - self.low) * (cells - 1))


def span(values: Sequence[float]) -> Span | None:
    """Smallest and largest finite value, parted where they are the same."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        room = abs(low) * 0.05 or 0.5
        low, high = low - room, high + room
    return Span(low, high) if math.isfinite(high - low) else Span(low / 2, high / 2)


def ticks(low: float, high: float, most: int, whole: bool = False) -> list[float]:
    """At most `most` round values within the span, evenly spaced by 1, 2 or 5 times a power of ten."""
    if most < 1 or not high > low:
        return []
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50):
        step = power * factor
        if whole and step < 1:
            continue
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first < most:
            found = (index * step for index in range(first, last + 1))
            room = (high - low) * 1e-6
            return [value for value in found if low - room <= value <= high + room]
    return []


def tick_labels(values: Sequence[float]) -> list[str]:
    """Labels with as many decimals as the step needs: `0.05`, `10`, `1k`."""
    if len(values) < 2:
        return [fmt.number(float(f"{value:.6g}")) for value in values]
    step, largest = abs(values[1] - values[0]), max(abs(value) for value in values)
    if largest >= 1e6 or largest < 1e-3:
        return [f"{value:.3g}".replace("e+0", "e").replace("e-0", "e-") for value in values]
    if step >= 1000:
        return [f"{value / 1000:g}k" if value else "0" for value in values]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:.{decimals}f}" for value in values]


def thin(xs: Sequence[float], ys: Sequence[float], buckets: int) -> tuple[list[float], list[float]]:
    """Finite points, of each of `buckets` stretches the lowest and the highest: spikes survive."""
    points = [(x, y) for x, y in zip(xs, ys, strict=True) if math.isfinite(x) and math.isfinite(y)]
    if len(points) > 2 * buckets:
        size = len(points) / buckets
        kept: set[int] = {0, len(points) - 1}
        for bucket in range(buckets):
            indices = range(int(bucket * size), int((bucket + 1) * size))
            kept.add(min(indices, key=lambda index: points[index][1]))
            kept.add(max(indices, key=lambda index: points[index][1]))
        points = [points[index] for index in sorted(kept)]
    return [x for x, _ in points], [y for _, y in points]


def draw(plot: Plot, width: int, height: int, colours: Mapping[str, Colour]) -> Text:
    """The plot with its axes in `width` × `height` cells; blank where there is nothing to show."""
    across = span([x for series in plot.series for x in series.xs])
    up = _up(plot)
    if across is None or up is None or width < 12 or height < 3:
        return Text()
    heights = ticks(up.low, up.high, max(3, height // 3 + 1))
    labels = tick_labels(heights)
    gutter = max((len(label) for label in labels), default=0) + 1
    canvas = _canvas(plot.series, across, up, width - gutter, height - 1, colours)
    places = [height - 2 - up.place(value, height - 1) for value in heights]
    rows = dict(zip(places, labels, strict=True))
    if plot.rule and up.low <= plot.rule.y <= up.high:
        level = height - 2 - up.place(plot.rule.y, height - 1)
        canvas[level] = _ruled(canvas[level], plot.rule, width - gutter, colours)
    text = Text(no_wrap=True)
    faint, quiet = _style(colours, "faint"), _style(colours, "quiet")
    for row, line in enumerate(canvas):
        text.append(rows.get(row, "").rjust(gutter - 1), quiet)
        text.append("┤" if row in rows else "│", faint)
        text.append_text(line)
        text.append("\n")
    text.append(" " * gutter)
    text.append(_below(plot, across, width - gutter), quiet)
    return text


def _shown(plot: Plot, value: float) -> bool:
    return (plot.low is None or value >= plot.low) and (plot.high is None or value <= plot.high)


def _up(plot: Plot) -> Span | None:
    """What the y axis covers: the points, and the rule where that leaves them half of the room."""
    up = span([y for series in plot.series for y in series.ys if _shown(plot, y)])
    rule = plot.rule
    if up is None or rule is None or not _shown(plot, rule.y):
        return up
    reached = span([up.low, up.high, rule.y])
    return reached if reached and reached.high - reached.low <= 2 * (up.high - up.low) else up


def _ruled(line: Text, rule: Rule, width: int, colours: Mapping[str, Colour]) -> Text:
    """The rule behind a line of the canvas: whole where that is blank, dashed through quiet curves."""
    cells = line.plain.replace("\u2800", " ").ljust(width)
    named = list(cells)
    for label in rule.labels:
        gap = cells.find(" " * (len(label) + 3))
        if gap >= 0:
            named[gap + 1 : gap + 1 + len(label)] = label
            break
    ruled = Text(no_wrap=True)
    for place, (cell, name) in enumerate(zip(cells, named, strict=True)):
        if name != cell:
            ruled.append(name, _style(colours, "quiet"))
        elif cell == " " or (place % 3 == 0 and _is_quiet_curve(line[place], colours)):
            ruled.append("─", _style(colours, "faint" if cell == " " else "quiet"))
        else:
            ruled.append_text(line[place])
    return ruled


def _is_quiet_curve(cell: Text, colours: Mapping[str, Colour]) -> bool:
    bright = {colours["accent"], colours["plain"]}
    styles = [span.style for span in cell.spans if isinstance(span.style, Style)]
    shown = {tuple(style.color.triplet) for style in styles if style.color and style.color.triplet}
    return cell.plain >= "\u2800" and not shown & bright


def _style(colours: Mapping[str, Colour], tone: str) -> str:
    return f"rgb{colours[tone]}".replace(" ", "")


def _below(plot: Plot, across: Span, width: int) -> str:
    """The line of labels under the canvas, each centred under its place, the title at the end."""
    title = f" {plot.x_title}" if plot.x_title else ""
    values = ticks(across.low, across.high, max(2, width // 10), plot.whole)
    line = [" "] * width
    free = 0
    for value, label in zip(values, tick_labels(values), strict=True):
        start = max(0, min(across.place(value, width) - len(label) // 2, width - len(label)))
        if start >= free and start + len(label) <= width - len(title):
            line[start : start + len(label)] = label
            free = start + len(label) + 1
    if width > len(title) + 8:
        line[width - len(title) :] = title
    return "".join(line)


def _canvas(
    series: Sequence[Series],
    across: Span,
    up: Span,
    width: int,
    height: int,
    colours: Mapping[str, Colour],
) -> list[Text]:
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.theme("simple").plot_size(width, height)
    figure.axes(False)
    figure.ruler("both", "both").frequency(0)
    figure.ruler("x").lim(across.low, across.high)
    figure.ruler("y").lim(up.low, up.high)
    for one in series:
        xs, ys = thin(one.xs, one.ys, width * 2)
        if not xs:
            continue
        pixel = plotext.pixel(foreground=colours[one.tone])
        glyph = one.glyph or ("braille" if len(xs) > 1 else "•")
        signal = figure.signal(xs, ys, marker=plotext.marker(glyph, pixel))
        figure.draw(signal if one.glyph else signal.lines(True))
    lines = figure.build().string().split("\n")[:height]
    return [Text.from_ansi(line) for line in lines]
