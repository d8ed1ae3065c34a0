"""Sends only the cells that have changed: what a terminal shows already is not sent again.

Textual paints whole widgets, and the whole screen when anything in the layout moves: 4 KB at 80x24, 18 KB at
120x36, each time. The painter knows what was sent, and sends the difference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
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
    Span = tuple[int, int, list[Cell]]
    """Cells from column x, row y on."""

_PARAMETER = re.compile(r"[34]8;(?:2;\d+;\d+;\d+|5;\d+)|\d+")
_INKS = {*range(30, 40), *range(90, 98)}
_GROUNDS = {*range(40, 50), *range(100, 108)}
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
            sequence = _written(self._whole(update, colours))
        elif isinstance(update, ChopsUpdate):
            sequence = _written(self._parts(update, colours))
        else:
            sequence = update.render_segments(console)
        return Changes(sequence) if sequence else None

    def _whole(self, update: LayoutUpdate, colours: ColorSystem) -> Iterable[Span]:
        region = update.region
        lines = [_cells(Strip.join(line), colours) for line in update.strips]
        if region.offset != (0, 0) or [*map(len, lines)] != [*map(len, self._lines)]:
            self._lines = [[] for _ in range(region.y)] + lines
            return [(region.x, y, line) for y, line in enumerate(lines, region.y)]
        before, self._lines = self._lines, lines
        pairs = enumerate(zip(before, lines, strict=True))
        return [span for y, (old, new) in pairs for span in _difference(y, old, new)]

    def _parts(self, update: ChopsUpdate, colours: ColorSystem) -> Iterator[Span]:
        for y, start, stop in update.spans:
            for end, (x, strip) in zip(update.chop_ends[y], update.chops[y].items(), strict=False):
                if strip is None or x > stop or end <= start:
                    continue
                yield from self._part(x, y, _cells(strip.crop(0, min(end, stop) - x), colours))

    def _part(self, x: int, y: int, cells: list[Cell]) -> Iterable[Span]:
        if y >= len(self._lines) or x + len(cells) > len(self._lines[y]):
            return [(x, y, cells)]
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


def _difference(y: int, old: list[Cell], new: list[Cell]) -> Iterator[Span]:
    if old != new:
        for start, end in _spans(old, new):
            yield start, y, new[start:end]


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


def _written(spans: Iterable[Span]) -> str:
    """Spans one after the other; a style lasts from one to the next, and nothing of it at the end."""
    parts, style = [], ""
    for x, y, cells in spans:
        parts.append(f"\x1b[{y + 1};{x + 1}H")
        for text, code in cells:
            if code != style:
                parts.append(_turn(style, code))
                style = code
            parts.append(text)
    if style:
        parts.append("\x1b[0m")
    return "".join(parts)


@lru_cache(maxsize=4096)
def _turn(before: str, now: str) -> str:
    """What leads from a style to another: only what differs, where nothing has to be switched off."""
    old, new = _Style.of(before), _Style.of(now)
    if not old.switches <= new.switches:
        return f"\x1b[0;{now}m" if now else "\x1b[0m"
    found = sorted(new.switches - old.switches)
    if new.ink != old.ink:
        found.append(new.ink or "39")
    if new.ground != old.ground:
        found.append(new.ground or "49")
    return f"\x1b[{';'.join(found)}m" if found else ""


@dataclass(frozen=True, slots=True)
class _Style:
    """SGR parameters, sorted out."""

    switches: frozenset[str]
    """Bold, dim, underlined and so on."""
    ink: str
    """Of the foreground; empty where it is the terminal's own."""
    ground: str

    @classmethod
    def of(cls, code: str) -> _Style:
        switches, ink, ground = set(), "", ""
        for parameter in _PARAMETER.findall(code):
            number = int(parameter.partition(";")[0])
            if number in _INKS:
                ink = parameter
            elif number in _GROUNDS:
                ground = parameter
            else:
                switches.add(parameter)
        return cls(frozenset(switches), ink, ground)
