"""Lines to go through, some of which unfold, and the columns they are laid out in. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cockpit import format as fmt

if TYPE_CHECKING:
    from collections.abc import Sequence

Parts = tuple[tuple[str, str], ...]
"""A line: texts and their tones, safe to paint."""
Cell = tuple[str | Callable[[int], str], str]
"""A text, or what makes one for so many cells, and its tone."""
GAP = 2


@dataclass(frozen=True, slots=True)
class Item:
    """A line that the cursor can stand on."""

    key: str
    """It is known by this when the lines change."""
    parts: Parts
    folds: bool = False
    """Whether there is more to tell of it."""
    under: tuple[Parts, ...] = ()
    """What stands beneath it where it is unfolded."""


@dataclass(frozen=True, slots=True)
class Page:
    """What a pane shows."""

    above: tuple[Parts, ...] = ()
    titles: Parts = ()
    """Of the columns; they stay in sight."""
    items: tuple[Item, ...] = ()
    below: tuple[Parts, ...] = ()


@dataclass(frozen=True, slots=True)
class Column:
    """One of the columns of some items."""

    title: str
    right: bool = False
    """Against its right end, as numbers are."""
    rank: int = 0
    """Where there is too little room the highest rank goes first; 0 stays."""
    most: int = 0
    """Cells at most; 0: as many as its texts have."""
    least: int = 0
    """Where it is not 0, the column has the room that is left, this at least, and is cut at its end."""
    gap: int = GAP
    """Blank cells after it."""


def laid_out(
    columns: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int
) -> tuple[Parts, list[Parts]]:
    """The titles and the rows, each of `width` cells at most; a column without titles and texts goes."""
    places = list(range(len(columns)))
    widths = [_width(column, [row[place] for row in rows]) for place, column in enumerate(columns)]
    places = [place for place in places if widths[place] or columns[place].least]
    while (room := width - _taken(columns, widths, places)) < 0:
        worst = max((columns[place].rank for place in places), default=0)
        if not worst:
            break
        places = [place for place in places if columns[place].rank < worst]
    for place in places:
        if columns[place].least:
            wide = columns[place].least + max(0, room)
            widths[place] = min(wide, columns[place].most or wide)
    if room < 0 and places:
        widths[places[0]] = max(4, widths[places[0]] + room)
    titles = [(columns[place].title, "quiet") for place in range(len(columns))]
    return (
        _line(columns, widths, places, titles),
        [_line(columns, widths, places, row) for row in rows],
    )


def _width(column: Column, cells: Sequence[Cell]) -> int:
    if column.least:
        return column.least
    texts = [text for text, _ in cells if isinstance(text, str)]
    longest = max(map(cell_len, [column.title, *texts]))
    return min(longest, column.most) if column.most else longest


def _taken(columns: Sequence[Column], widths: Sequence[int], places: Sequence[int]) -> int:
    gaps = sum(columns[place].gap for place in places[:-1])
    return sum(widths[place] for place in places) + gaps


def _line(
    columns: Sequence[Column], widths: Sequence[int], places: Sequence[int], cells: Sequence[Cell]
) -> Parts:
    parts = []
    for number, place in enumerate(places):
        text, tone = cells[place]
        width = widths[place]
        shown = text(width) if callable(text) else text
        cut = fmt.fit(
            ended(shown, width) if columns[place].least else shown, width, columns[place].right
        )
        parts.append((cut if number == len(places) - 1 else cut + " " * columns[place].gap, tone))
    return tuple(parts)


def ended(text: str, width: int) -> str:
    """At most `width` cells, its end gone."""
    if cell_len(text) <= width:
        return text
    while text and cell_len(text) > width - 1:
        text = text[:-1]
    return text + fmt.ELLIPSIS


def sentence(text: str, width: int, tone: str = "", indent: int = 0) -> tuple[Parts, ...]:
    """A sentence in as many lines as it needs; those after the first begin `indent` cells later."""
    return tuple(
        ((line, tone),) for line in _wrapped(fmt.plain(text), max(20, width), " " * indent)
    )


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Lines of at most `width` cells; wide characters have two, and need no blank to be parted."""
    if cell_len(text) == len(text):
        return wrap(text, width, subsequent_indent=indent)
    lines, line = [], ""
    for word in text.split():
        if line and cell_len(line) + 1 + cell_len(word) <= width:
            line += f" {word}"
            continue
        if line:
            lines.append(line)
        line = indent if lines else ""
        for char in word:
            if cell_len(line) + cell_len(char) > width:
                lines.append(line)
                line = indent
            line += char
    return [*lines, line] if line else lines


def fields(
    pairs: Sequence[tuple[str, str]], width: int, cut: Callable[[str, int], str] = fmt.cut
) -> tuple[Parts, ...]:
    """Names and values, a line each; where they are long the middle goes, or what `cut` takes away."""
    name = max((cell_len(title) for title, _ in pairs), default=0) + GAP
    return tuple(
        ((fmt.fit(title, name), "quiet"), (cut(fmt.plain(text), max(8, width - name)), ""))
        for title, text in pairs
    )
