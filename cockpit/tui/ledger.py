"""How a comparison is laid out in cells: a line a thing, a column a run. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cockpit import format as fmt
from cockpit.compare import shown
from cockpit.tui.line_colours import LETTERS

if TYPE_CHECKING:
    from cockpit.compare import Comparison, Row

EDGE = 2
"""Cells before the names, for the cursor's mark."""
GAP = 3
NAME = 24
LEAST, MOST = 16, 44
"""Cells of a run's column."""
JUDGED = 17
"""At least so many where a verdict stands beside a difference: `0.9741 -0.00233 ~`."""

Part = tuple[str, str]
"""A text and its tone."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: a thing that is compared, or the title of those that follow."""

    row: Row | None
    title: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A run's place in the picture."""

    place: int
    """The run's among those compared."""
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Ledger:
    """A comparison as it is shown: which lines, against which base."""

    found: Comparison
    base: int
    everything: bool
    entries: tuple[Entry, ...]

    @property
    def places(self) -> tuple[int, ...]:
        """The entries that the cursor can be on."""
        return tuple(place for place, entry in enumerate(self.entries) if entry.row)

    def cell(self, row: Row, place: int) -> tuple[str, str, bool]:
        """Value, difference to the base, and whether the value is the best."""
        best = place in self.found.best(row, self.base)
        return shown(row, place), self.found.difference(row, place, self.base), best


def ledger(found: Comparison, base: int, everything: bool) -> Ledger:
    """Only what differs, or all of it, group by group."""
    entries: list[Entry] = []
    group = ""
    for row in found.rows if everything else found.differing:
        if row.group != group:
            group = row.group
            entries.append(Entry(None, row.title or group))
        entries.append(Entry(row))
    return Ledger(found, base, everything, tuple(entries))


def name_width(book: Ledger) -> int:
    """Cells of the first column."""
    names = [cell_len(fmt.plain(entry.row.name)) for entry in book.entries if entry.row]
    return min(NAME, max(names, default=8))


def columns(book: Ledger, width: int, first: int) -> tuple[Column, ...]:
    """The runs that have room, from the `first` on; the base stays at the left whatever is shown."""
    start = EDGE + name_width(book) + GAP
    wanted = [natural(book, place) for place in range(len(book.found.runs))]
    judged = any(entry.row.judged for entry in book.entries if entry.row)
    least = JUDGED if judged else LEAST
    room = max(least, width - start)
    fit = max(1, (room + GAP) // (least + GAP))
    if fit >= len(wanted):
        places = list(range(len(wanted)))
    else:
        others = [place for place in range(len(wanted)) if place != book.base]
        first = max(0, min(first, len(others) - (fit - 1)))
        places = [book.base, *others[first : first + fit - 1]]
    widths = _shared([wanted[place] for place in places], room - GAP * (len(places) - 1))
    found, x = [], start
    for place, cells in zip(places, widths, strict=True):
        found.append(Column(place, x, cells))
        x += cells + GAP
    return tuple(found)


def natural(book: Ledger, place: int) -> int:
    """Cells that a run's column would like to have."""
    most = cell_len(heading(book, place)) + 1
    values = value_width(book, place)
    for entry in book.entries:
        if entry.row:
            text, beside, _ = book.cell(entry.row, place)
            cells = values + 2 + cell_len(beside) if beside else cell_len(text) + 1
            most = max(most, cells)
    return max(LEAST, min(MOST, most))


def value_width(book: Ledger, place: int) -> int:
    """Cells of the values that a difference stands beside, a mark after them."""
    cells = [book.cell(entry.row, place) for entry in book.entries if entry.row]
    return max((cell_len(text) for text, beside, _ in cells if beside), default=0) + 1


def _shared(wanted: list[int], room: int) -> list[int]:
    """What each gets of the room: the small ones what they want, the others alike."""
    given = [0] * len(wanted)
    left = sorted(range(len(wanted)), key=wanted.__getitem__)
    while left:
        share = room // len(left)
        place = left.pop(0)
        given[place] = min(wanted[place], max(share, 1))
        room -= given[place]
    return given


def heading(book: Ledger, place: int) -> str:
    """`A income#17`: the letter is the curve's."""
    return f"{LETTERS[place]} {fmt.plain(book.found.runs[place].name)}"


def parts(book: Ledger, row: Row, column: Column, values: int) -> list[Part]:
    """A cell of exactly the column's width."""
    text, beside, best = book.cell(row, column.place)
    tone = "" if row.differs else "quiet"
    tone = "faint" if text == fmt.MISSING else "bold" if best else tone
    mark = "▲" if best else " "
    room = column.width - cell_len(beside) - 1 if beside else column.width
    value = text if beside and not best and cell_len(text) == room else f"{text}{mark}"
    if not beside or cell_len(value) > room:
        return [(fmt.fit(f"{fmt.cut(text, column.width - 1)}{mark}", column.width), tone)]
    # One under the other where there is room for it.
    value = fmt.fit(value, min(values + 1, room))
    verdict = book.found.verdict(row, column.place, book.base)
    tone_beside = {"better": "complete", "worse": "failed"}.get(verdict, "quiet")
    tone_beside = "stopped" if beside.startswith("≠") else tone_beside
    rest = column.width - cell_len(value) - 1
    return [(value, tone), (" ", ""), (fmt.fit(beside, rest), tone_beside)]
