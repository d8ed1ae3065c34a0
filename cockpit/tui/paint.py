"""Sends only the cells that have changed: what a terminal shows already is not sent again.

Textual paints whole widgets, and the whole screen when anything in the layout moves: 4 KB at 80x24, 18 KB at
120x36, each time. The painter knows what was sent, and sends the difference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import get_character_cell_size
from rich.color import ColorSystem
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.strip import Strip

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import Console

    Cell = tuple[str, str]
    """Text of one cell (none where a wide character goes on) and its SGR parameters."""

BRIDGE = 6
"""Unchanged cells that cost less than moving the cursor over them."""


class Painter:
    """Remembers what the terminal shows."""

    def __init__(self) -> None:
        self._lines: list[list[Cell]] = []

    def forget(self) -> None:
        """The terminal may show anything now: the next update is sent whole."""
        self._lines = []

    def changes(self, update: CompositorUpdate, console: Console) -> Changes | None:
        """What of an update is new; None where nothing is."""
        colours = console._color_system or ColorSystem.TRUECOLOR
        if isinstance(update, LayoutUpdate):
            sequence = self._whole(update, colours)
        elif isinstance(update, ChopsUpdate):
            sequence = self._parts(update, colours)
        else:
            sequence = update.render_segments(console)
        return Changes(sequence) if sequence else None

    def _whole(self, update: LayoutUpdate, colours: ColorSystem) -> str:
        region = update.region
        lines = [_cells(Strip.join(line), colours) for line in update.strips]
        if region.offset != (0, 0) or [*map(len, lines)] != [*map(len, self._lines)]:
            self._lines = [[] for _ in range(region.y)] + lines
            return "".join(_all(region.x, y, line) for y, line in enumerate(lines, region.y))
        before, self._lines = self._lines, lines
        pairs = zip(before, lines, strict=True)
        return "".join(_difference(y, old, new) for y, (old, new) in enumerate(pairs))

    def _parts(self, update: ChopsUpdate, colours: ColorSystem) -> str:
        found = []
        for y, start, stop in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is None or x > stop or end <= start:
                    continue
                found.append(self._part(x, y, _cells(strip.crop(0, min(end, stop) - x), colours)))
        return "".join(found)

    def _part(self, x: int, y: int, cells: list[Cell]) -> str:
        if y >= len(self._lines) or x + len(cells) > len(self._lines[y]):
            return _all(x, y, cells)
        line = self._lines[y]
        new = [*line[:x], *cells, *line[x + len(cells) :]]
        self._lines[y] = new
        return _difference(y, line, new)


class Changes(CompositorUpdate):
    """Ready to be written."""

    def __init__(self, sequence: str) -> None:
        self.sequence = sequence

    def render_segments(self, console: Console) -> str:
        return self.sequence


def _cells(strip: Strip, colours: ColorSystem) -> list[Cell]:
    cells: list[Cell] = []
    for text, style, control in strip:
        if control:
            continue
        code = "" if style is None else style._ansi
        if code is None:
            code = Strip.render_ansi(style, colours)
        if text.isascii():
            cells += [(char, code) for char in text]
            continue
        for char in text:
            width = get_character_cell_size(char)
            if width:
                cells += [(char, code), *[("", code)] * (width - 1)]
            elif cells:
                cells[-1] = (cells[-1][0] + char, cells[-1][1])
    return cells


def _difference(y: int, old: list[Cell], new: list[Cell]) -> str:
    if old == new:
        return ""
    return "".join(_all(start, y, new[start:end]) for start, end in _spans(old, new))


def _spans(old: list[Cell], new: list[Cell]) -> Iterator[tuple[int, int]]:
    """From where to where the cells differ, no wide character cut in two."""
    start = end = -1
    for x, (before, now) in enumerate(zip(old, new, strict=True)):
        if before == now:
            continue
        if start >= 0 and x - end <= BRIDGE and _alike(new[end - 1 : x]):
            end = x + 1
            continue
        if start >= 0:
            yield _widened(start, end, new)
        start, end = x, x + 1
    if start >= 0:
        yield _widened(start, end, new)


def _alike(cells: Iterable[Cell]) -> bool:
    return len({code for _, code in cells}) == 1


def _widened(start: int, end: int, cells: list[Cell]) -> tuple[int, int]:
    while start > 0 and not cells[start][0]:
        start -= 1
    while end < len(cells) and not cells[end][0]:
        end += 1
    return start, end


def _all(x: int, y: int, cells: list[Cell]) -> str:
    """Cells from a place on; each change of style begins from nothing."""
    parts, style = [f"\x1b[{y + 1};{x + 1}H"], ""
    for text, code in cells:
        if code != style:
            parts.append(f"\x1b[0;{code}m" if style and code else f"\x1b[{code}m")
            style = code
        parts.append(text)
    if style:
        parts.append("\x1b[0m")
    return "".join(parts)
