"""Cells with points and curves in them: plotext draws, and dense curves are stroked column by column.

plotext's lines cost a microsecond a dot, which a noisy curve of thousands of points makes a quarter of a
second. Such a curve is one upright stroke a column of dots anyway, so that is how it is drawn here. So is a
line that leaves the picture: plotext keeps its dots outside too, and takes the program down with it where
they are more than memory holds (std::bad_alloc in 6.1.0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Literal

from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.axes import Span

Colour = tuple[int, int, int]
Glyphs = Literal["braille", "ascii"]

BLANK = " "
_CODE = re.compile(r"\x1b\[([^m]*)m")
_LEFT = [sum(bit for place, bit in enumerate((1, 2, 4, 64)) if n >> place & 1) for n in range(16)]
_RIGHT = [sum(b for place, b in enumerate((8, 16, 32, 128)) if n >> place & 1) for n in range(16)]
_PLAIN = {"•": "o", "·": ".", "○": "O", "▲": "^", "◇": "V", "│": "|", "┤": "+", "─": "-"}


def default_glyphs(term: str) -> Glyphs:
    """What a terminal of this name (`TERM`) can show: the consoles without a window have no braille."""
    return "ascii" if term.startswith(("linux", "vt", "cons", "dumb")) else "braille"


def glyph_of(char: str, glyphs: Glyphs) -> str:
    """The character itself, or what stands for it in ASCII."""
    return char if glyphs == "braille" or char.isascii() else _PLAIN.get(char, "*")


@dataclass(frozen=True, slots=True)
class Shape:
    """A curve or points as the canvas takes them."""

    xs: Sequence[float]
    ys: Sequence[float]
    tone: str
    glyph: str = ""
    """Single points of this character; without, a line."""
    ink: str = "*"
    """What an ASCII line is made of."""
    behind: bool = False
    """Only where no other shape is: in a cell that both go through it gives way."""


@dataclass(slots=True)
class Grid:
    """Rows of cells, each with its character and its tone ("" for none)."""

    width: int
    height: int
    chars: list[list[str]] = field(init=False)
    tones: list[list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.chars = [[BLANK] * self.width for _ in range(self.height)]
        self.tones = [[""] * self.width for _ in range(self.height)]

    def put(self, row: int, column: int, char: str, tone: str) -> None:
        self.chars[row][column] = char
        self.tones[row][column] = tone

    def is_blank(self, row: int, column: int) -> bool:
        return self.chars[row][column] == BLANK

    def text(
        self, row: int, colours: Mapping[str, Colour], cursor: int | None = None, line: str = "│"
    ) -> Text:
        """One row; at the column `cursor` there is `line` where nothing else is."""
        cells = list(zip(self.tones[row], self.chars[row], strict=True))
        if cursor is not None and cells[cursor][1] == BLANK:
            cells[cursor] = ("quiet", line)
        text = Text(no_wrap=True)
        for tone, run in groupby(cells, key=lambda cell: cell[0]):
            text.append("".join(char for _, char in run), style(colours, tone) if tone else "")
        return text


def style(colours: Mapping[str, Colour], tone: str) -> str:
    """A tone as rich names it."""
    return f"rgb{colours[tone]}".replace(" ", "")


def drawn(
    shapes: Sequence[Shape], across: Span, up: Span, width: int, height: int, glyphs: Glyphs
) -> Grid:
    """The shapes in `width` × `height` cells, later ones over earlier ones (dense curves over sparse)."""
    front, back = (
        _layer([one for one in shapes if one.behind is behind], across, up, width, height, glyphs)
        for behind in (False, True)
    )
    for row in range(height):
        for column in range(width):
            if front.is_blank(row, column):
                front.put(row, column, back.chars[row][column], back.tones[row][column])
    return front


def _layer(
    shapes: Sequence[Shape], across: Span, up: Span, width: int, height: int, glyphs: Glyphs
) -> Grid:
    columns = width * (2 if glyphs == "braille" else 1)
    parted: dict[bool, list[Shape]] = {True: [], False: []}
    for shape in shapes:
        if shape.glyph:
            parted[False].append(_inside(shape, across, up))
        else:
            dense = len(shape.xs) > columns
            parted[dense or _leaves(shape, across, up)].append(shape)
    grid = _by_plotext(parted[False], across, up, width, height, glyphs)
    if parted[True]:
        _stroke(grid, parted[True], across, up, glyphs)
    return grid


def _leaves(shape: Shape, across: Span, up: Span) -> bool:
    ends = ((across, shape.xs), (up, shape.ys))
    return any(not (axis.holds(min(of)) and axis.holds(max(of))) for axis, of in ends if of)


def _inside(shape: Shape, across: Span, up: Span) -> Shape:
    points = zip(shape.xs, shape.ys, strict=True)
    kept = [(x, y) for x, y in points if across.holds(x) and up.holds(y)]
    return replace(shape, xs=[x for x, _ in kept], ys=[y for _, y in kept])


def _by_plotext(
    shapes: Sequence[Shape], across: Span, up: Span, width: int, height: int, glyphs: Glyphs
) -> Grid:
    grid = Grid(width, height)
    if not any(shape.xs for shape in shapes):
        return grid
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.theme("simple").plot_size(width, height)
    figure.axes(False)
    figure.ruler("both", "both").frequency(0)
    figure.ruler("x").lim(*across.ends)
    figure.ruler("y").lim(*up.ends)
    tones = sorted({shape.tone for shape in shapes})
    for shape in shapes:
        if not shape.xs:
            continue
        # The colour only carries the tone's number through plotext.
        pixel = plotext.pixel(foreground=(tones.index(shape.tone), 0, 0))
        line = "braille" if glyphs == "braille" else shape.ink
        glyph = glyph_of(shape.glyph or (line if len(shape.xs) > 1 else "•"), glyphs)
        xs = [across.along(x) for x in shape.xs]
        signal = figure.signal(
            xs, [up.along(y) for y in shape.ys], marker=plotext.marker(glyph, pixel)
        )
        figure.draw(signal if shape.glyph else signal.lines(True))
    for row, line in enumerate(figure.build().string().split("\n")[:height]):
        _put_line(grid, row, line, tones)
    return grid


def _put_line(grid: Grid, row: int, line: str, tones: Sequence[str]) -> None:
    column, tone = 0, ""
    for place, part in enumerate(_CODE.split(line)):
        if place % 2:
            codes = part.split(";")
            tone = tones[int(codes[2])] if codes[:2] == ["38", "2"] else ""
            continue
        for char in part[: grid.width - column]:
            if char not in (BLANK, "\u2800"):
                grid.put(row, column, char, tone)
            column += 1


def _stroke(grid: Grid, shapes: Sequence[Shape], across: Span, up: Span, glyphs: Glyphs) -> None:
    """Lines as one upright stroke a column of dots; points of a glyph of their own stay on top."""
    wide, tall = (2, 4) if glyphs == "braille" else (1, 1)
    columns, rows = grid.width * wide, grid.height * tall
    masks = []
    for shape in shapes:
        downwards = [rows - 1 - place for place in up.places(shape.ys, rows)]
        masks.append(_columns(across.places(shape.xs, columns), downwards, columns, rows))
    for column in range(grid.width):
        here = [mask[column * wide : column * wide + wide] for mask in masks]
        if tall == 1:
            _stack(grid, column, shapes, [bits for (bits,) in here])
        else:
            _stack_dots(grid, column, shapes, here)


def _stack(grid: Grid, column: int, shapes: Sequence[Shape], masks: Sequence[int]) -> None:
    for shape, mask in zip(shapes, masks, strict=True):
        for row, bit in enumerate(reversed(f"{mask:0{grid.height}b}")):
            if bit == "1":
                grid.put(row, column, shape.ink, shape.tone)


def _stack_dots(
    grid: Grid, column: int, shapes: Sequence[Shape], masks: Sequence[Sequence[int]]
) -> None:
    dots = [[0] * grid.height, [0] * grid.height]
    tones = [""] * grid.height
    for shape, pair in zip(shapes, masks, strict=True):
        # A hexadecimal digit is the four dots of a cell's half; the last one is the top.
        left, right = (f"{mask:0{grid.height}x}"[::-1] for mask in pair)
        for row in range(grid.height):
            if left[row] != "0" or right[row] != "0":
                dots[0][row] |= int(left[row], 16)
                dots[1][row] |= int(right[row], 16)
                tones[row] = shape.tone
    for row, tone in enumerate(tones):
        now = grid.chars[row][column]
        if tone and (now == BLANK or now > "\u2800"):
            before = 0 if now == BLANK else ord(now) - 0x2800
            both = before | _LEFT[dots[0][row]] | _RIGHT[dots[1][row]]
            grid.put(row, column, chr(0x2800 + both), tone)


def _columns(xs: Sequence[int], ys: Sequence[int], columns: int, rows: int) -> list[int]:
    """For each column of dots the rows that the polyline goes through, as bits."""
    masks = [0] * columns
    for (x0, y0), (x1, y1) in pairwise(zip(xs, ys, strict=True)):
        if x1 - x0 <= 1 and x0 >= 0 and x1 < columns:
            middle = y1 if x0 == x1 else (y0 + y1) // 2
            masks[x0] |= _rows(y0, middle, rows)
            masks[x1] |= _rows(middle, y1, rows)
            continue
        slope = (y1 - y0) / (x1 - x0) if x1 > x0 else 0.0
        for x in range(max(x0, 0), min(x1, columns - 1) + 1):
            # Half of the way to the neighbouring column belongs to this one.
            start, end = max(x0, x - 0.5), min(x1, x + 0.5)
            masks[x] |= _rows(
                round(y0 + slope * (start - x0)), round(y0 + slope * (end - x0)), rows
            )
    return masks


def _rows(one: int, other: int, rows: int) -> int:
    """The bits from one row to the other, as far as there are such rows."""
    low, high = (one, other) if one <= other else (other, one)
    low, high = max(low, 0), min(high, rows - 1)
    return ((2 << (high - low)) - 1) << low if low <= high else 0
