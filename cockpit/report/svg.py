"""Draws a report's charts as SVG: small, without scripts or fonts of its own, the same bytes for the same points."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from cockpit.axes import marks
from cockpit.format import cut, number, plain
from cockpit.report.charts import Bars, spread
from cockpit.report.markdown import width

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit.axes import Span
    from cockpit.report.charts import Chart, Picture, Series

WIDE, HIGH = 720, 300
TOP, BOTTOM, LEFT = 34, 44, 66
LETTER = 6.6
"""Pixels of a letter at the size of labels, about."""
LONGEST = 28
"""Letters of a name beside its line, or its bar."""
BAR, GAP = 16, 8
DENSE, COARSE = 2000, 2
"""So many points and more stand on a grid of so many pixels, those that lie on each other once."""
DASHES = ("", "7 4", "2 3", "9 3 2 3")
"""Lines are told apart by these too, not by their colours alone."""


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours for a page; the background is the page's own."""

    page: str
    """What GitHub's is: behind a label, so that no dot runs through it."""
    text: str
    quiet: str
    grid: str
    lines: tuple[str, ...]
    """Okabe and Ito's, which the colour-blind can tell apart; on dark pages lighter."""


LIGHT = Palette(
    "#ffffff",
    "#1f2328",
    "#59636e",
    "#d8dee4",
    ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#8a6d00", "#56b4e9"),
)
DARK = Palette(
    "#0d1117",
    "#e6edf3",
    "#9198a1",
    "#30363d",
    ("#56b4e9", "#ff9a4d", "#2bc48a", "#e39cc6", "#e6c34d", "#a9c7ff"),
)


def draw(picture: Picture, palette: Palette) -> str:
    """The picture as an SVG document."""
    lines = list(_bars(picture, palette) if isinstance(picture, Bars) else _chart(picture, palette))
    high = _height(picture)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high}" width="{WIDE}" height="{high}" '
        'role="img" aria-labelledby="title desc" font-size="12" '
        'font-family="system-ui, -apple-system, Segoe UI, Helvetica, Arial, sans-serif">'
    )
    told = [
        f'<title id="title">{_told(picture.title)}</title>',
        f'<desc id="desc">{_told(picture.about)}</desc>',
    ]
    title = _text(8, 18, picture.title, palette.text, weight="600")
    return "\n".join([head, *told, title, *lines, "</svg>"]) + "\n"


def _height(picture: Picture) -> int:
    if isinstance(picture, Bars):
        return TOP + 4 + len(picture.bars) * (BAR + GAP)
    return HIGH


def _told(text: str) -> str:
    return escape(plain(text))


def _text(x: float, y: float, text: str, fill: str, anchor: str = "start", weight: str = "") -> str:
    said = f' font-weight="{weight}"' if weight else ""
    at = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{fill}"{at}{said}>{_told(text)}</text>'


# Curves


@dataclass(frozen=True, slots=True)
class _Frame:
    """Where points stand."""

    across: Span
    up: Span
    right: float
    """The edge of the picture, in pixels."""

    def x(self, value: float) -> float:
        return LEFT + self.across.part(value) * (self.right - LEFT)

    def y(self, value: float) -> float:
        return HIGH - BOTTOM - self.up.part(value) * (HIGH - BOTTOM - TOP)


def _chart(chart: Chart, palette: Palette) -> Iterator[str]:
    spans = chart.spans()
    if spans is None:
        return
    names = [cut(plain(one.name), LONGEST) for one in chart.lines if one.name]
    room = max((width(name) * LETTER + 14 for name in names), default=0.0)
    frame = _Frame(*spans, right=WIDE - 16 - room)
    yield from _axes(chart, frame, palette)
    if chart.note:
        yield _text(WIDE - 16, 18, chart.note, palette.quiet, "end")
    for one in sorted(chart.series, key=lambda one: ("faint", "dots", "line").index(one.kind)):
        if one.kind != "line":
            yield _dots(chart, one, frame, palette)
    for place, one in enumerate(chart.lines):
        yield _line(one, frame, _colour(palette, place), DASHES[place % len(DASHES)])
    for value, label in chart.rules:
        if frame.up.holds(value):
            yield from _rule(frame, value, label, palette)
    yield from _names(chart, frame, palette)


def _colour(palette: Palette, place: int) -> str:
    return palette.lines[place % len(palette.lines)]


def _axes(chart: Chart, frame: _Frame, palette: Palette) -> Iterator[str]:
    bottom = HIGH - BOTTOM
    for value, label in marks(frame.up, 6):
        y = frame.y(value)
        yield f'<path d="M{LEFT} {y:.1f}H{frame.right:.1f}" stroke="{palette.grid}"/>'
        yield _text(LEFT - 8, y + 4, label, palette.quiet, "end")
    for value, label in marks(frame.across, 8, whole=chart.whole):
        x = frame.x(value)
        yield f'<path d="M{x:.1f} {bottom}v5" stroke="{palette.quiet}"/>'
        yield _text(x, bottom + 18, label, palette.quiet, "middle")
    yield f'<path d="M{LEFT} {bottom}H{frame.right:.1f}" stroke="{palette.quiet}"/>'
    yield _text((LEFT + frame.right) / 2, HIGH - 8, chart.x_title, palette.quiet, "middle")
    yield (
        f'<text transform="rotate(-90)" x="{-(TOP + bottom) / 2:.1f}" y="14" fill="{palette.quiet}" '
        f'text-anchor="middle">{_told(cut(chart.y_title, LONGEST))}</text>'
    )


def _rule(frame: _Frame, value: float, label: str, palette: Palette) -> Iterator[str]:
    y = frame.y(value)
    yield (
        f'<path d="M{LEFT} {y:.1f}H{frame.right:.1f}" stroke="{palette.quiet}" stroke-dasharray="3 4"/>'
    )
    above = y - 5 if y > TOP + 14 else y + 14
    said = _text(frame.right - 4, above, label, palette.text, "end")
    halo = f'paint-order="stroke" stroke="{palette.page}" stroke-width="4"'
    yield said.replace("<text ", f"<text {halo} ", 1)


def _dots(chart: Chart, one: Series, frame: _Frame, palette: Palette) -> str:
    """Points as strokes without length and with round ends: one element for all of them."""
    points = [(frame.x(x), frame.y(y)) for x, y in chart.shown(one)]
    if len(points) > DENSE:
        points = [(round(x / COARSE) * COARSE, round(y / COARSE) * COARSE) for x, y in points]
    path = "".join(dict.fromkeys(f"M{x:.1f} {y:.1f}h0" for x, y in points))
    faint = one.kind == "faint"
    return (
        f'<path d="{path}" fill="none" stroke="{palette.quiet}" stroke-width="{3 if faint else 5.5}" '
        f'stroke-linecap="round" stroke-opacity="{0.55 if faint else 0.8}"/>'
    )


def _line(one: Series, frame: _Frame, colour: str, dashes: str) -> str:
    points = zip(one.xs, one.ys, strict=True)
    low, high = frame.up.low, frame.up.high
    path = "L".join(f"{frame.x(x):.1f} {frame.y(min(max(y, low), high)):.1f}" for x, y in points)
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    if len(one.xs) == 1:
        return f'<path d="M{path}h0" stroke="{colour}" stroke-width="6" stroke-linecap="round"/>'
    return (
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2" '
        f'stroke-linejoin="round"{dashed}/>'
    )


def _names(chart: Chart, frame: _Frame, palette: Palette) -> Iterator[str]:
    """Each line's name at its end; where they crowd, one under the other."""
    lines = [(place, one) for place, one in enumerate(chart.lines) if one.name and one.xs]
    low, high = frame.up.low, frame.up.high
    ends = [frame.y(min(max(one.ys[-1], low), high)) for _, one in lines]
    for (place, one), y in zip(lines, spread(ends, 14, TOP, HIGH - BOTTOM), strict=True):
        name = cut(plain(one.name), LONGEST)
        yield _text(frame.right + 8, y + 4, name, _colour(palette, place))


# Bars


def _bars(bars: Bars, palette: Palette) -> Iterator[str]:
    names = [cut(plain(name), LONGEST) for name, _ in bars.bars]
    left = 8 + max((width(name) * LETTER for name in names), default=0.0) + 8
    most = max((value for _, value in bars.bars), default=0.0) or 1.0
    room = WIDE - left - 70
    for place, (name, (_, value)) in enumerate(zip(names, bars.bars, strict=True)):
        y = TOP + place * (BAR + GAP)
        long = room * value / most
        yield _text(left - 8, y + BAR - 4, name, palette.text, "end")
        yield (
            f'<rect x="{left:.1f}" y="{y}" width="{max(long, 1.0):.1f}" height="{BAR}" rx="2" '
            f'fill="{palette.lines[0]}"/>'
        )
        yield _text(
            left + long + 8, y + BAR - 4, number(round(value, 3), keep_zeros=False), palette.quiet
        )
