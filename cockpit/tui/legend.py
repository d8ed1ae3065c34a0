"""The legend of a plot: letters, names and values in columns, in as few rows as hold them. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from cockpit import format as fmt
from cockpit.tui.canvas import style
from cockpit.tui.reading import readings

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.tui.canvas import Colour
    from cockpit.tui.plot import Plot

VALUE = 8
"""Cells of a value: the same for all, so that nothing moves while values are read."""
NAME = 6
"""A name is not cut below so many cells while there is another row for it."""


def legend(
    plot: Plot, cursor: float | None, width: int, rows: int, colours: Mapping[str, Colour]
) -> list[Text]:
    """At most `rows` lines with the values at x = `cursor`, else the last ones; none without letters."""
    found = [one for one in readings(plot, cursor) if one.series.letter]
    if not found or rows < 1:
        return []
    longest = max(cell_len(one.series.name) for one in found)
    used, columns = _table(len(found), longest, width, rows)
    room = width // columns
    name = min(longest, room - VALUE - 5)
    lines = []
    for row in range(used):
        line = Text(no_wrap=True)
        for one in found[row * columns : (row + 1) * columns]:
            value = fmt.MISSING if one.value is None else fmt.number(one.value, keep_zeros=True)
            line.append(one.series.letter, f"bold {style(colours, one.series.tone)}")
            if name >= 1:
                line.append(f" {fmt.fit(one.series.name, name)}", style(colours, "quiet"))
            said = fmt.fit(value, min(VALUE, max(1, room - 3)), right=True)
            line.append(f" {said}  ")
        line.truncate(width)
        lines.append(line)
    return lines


def _table(count: int, longest: int, width: int, most: int) -> tuple[int, int]:
    """Rows and columns: the fewest rows in which no name is cut, else all rows there are."""
    for rows in range(1, most + 1):
        columns = -(-count // rows)
        if width // columns >= longest + VALUE + 5:
            return rows, columns
    columns = min(-(-count // most), max(1, width // (NAME + VALUE + 5)))
    return min(most, -(-count // columns)), columns
