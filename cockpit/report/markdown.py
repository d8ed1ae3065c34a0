"""Markdown that no name can break: whatever is put into it is escaped, unless it is markdown by its type.

What is escaped stays itself in every renderer of CommonMark or GitHub's: it opens no emphasis, link, HTML,
column of a table, block or formula, it mentions nobody, and it stays in its line.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cockpit.format import MISSING, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WIDEST = 40
"""Cells up to which a table's column is padded, so that it reads well as it is written."""
JOINER = "\u2060"
"""Parts an @ from a name, for the eye not at all."""
_ESCAPED = re.compile(
    r"(?P<punctuation>[\\`*|\[\]])"
    r"|(?P<struck>(?<!\s)~|~(?!\s))"
    r"|(?P<formula>\$(?=\S)|(?<=\S)\$)"
    r"|(?P<underscore>(?<![^\W_])_|_(?![^\W_]))"
    r"|(?P<less><(?=[a-zA-Z/!?]|$))"
    r"|(?P<entity>&(?=#?\w|$))"
    r"|(?P<mention>(?<![^\W_])@(?=\w|$))"
    r"|(?P<scheme>:(?=//))"
    r"|(?P<host>(?<=[wW]{3})\.)"
)
_AS = {"less": "&lt;", "entity": "&amp;", "mention": f"@{JOINER}"}
_BLOCK = re.compile(r"#{1,6}(?=\s|$)|>|[-+](?=\s|$)|\d{1,9}(?P<dot>[.)])(?=\s|$)|[-=:_+\s]+$")
"""What begins a block where a line begins with it."""


class Markdown(str):
    """Text that is markdown already: it is put in as it is."""

    __slots__ = ()


Cell = str
"""Of a table: `Markdown`, or a text that is escaped."""


@dataclass(frozen=True, slots=True)
class Table:
    """Titles and rows; an empty one is no table."""

    titles: tuple[Cell, ...]
    rows: tuple[tuple[Cell, ...], ...]
    right: int = 0
    """So many columns at the end are figures, and stand at the right."""
    left: int = 0
    """Of those, so many at the very end are words all the same."""

    def __bool__(self) -> bool:
        return bool(self.rows)


def markdown(value: Any) -> Markdown:
    """Anything as markdown: escaped, unless it is that already. None is a dot."""
    if isinstance(value, Markdown):
        return value
    if isinstance(value, Table):
        return table(value)
    return escape(MISSING if value is None else str(value))


def escape(text: str) -> Markdown:
    """A text in one line in which nothing is markup."""
    shown = _ESCAPED.sub(_escaped, plain(text).strip())
    if block := _BLOCK.match(shown):
        place = block.start("dot") if block["dot"] else 0
        shown = f"{shown[:place]}\\{shown[place:]}"
    return Markdown(shown)


def _inline(text: str) -> str:
    return _ESCAPED.sub(_escaped, plain(text))


def _escaped(found: re.Match[str]) -> str:
    return _AS.get(found.lastgroup or "", f"\\{found[0]}")


def say(template: str, **values: Any) -> Markdown:
    """A sentence of ours with what is not: `say("{name} has failed", name=run.name)`."""
    pieces = {name: _piece(value) for name, value in values.items()}
    return Markdown(template.format(**pieces).strip())


def _piece(value: Any) -> str:
    """As `markdown`, with the spaces at its ends."""
    return _inline(value) if type(value) is str else markdown(value)


def joined(parts: Iterable[str], between: str = " ") -> Markdown:
    """Several pieces as one; texts among them are escaped, empty ones left out."""
    return Markdown(between.join(markdown(one) for one in parts if one))


def code(text: Any) -> Markdown:
    """In the letters of code: backticks, or where the text would break them or a table, HTML's tag."""
    shown = plain(str(text)).strip()
    if shown and not re.search(r"[`|\\]", shown):
        return Markdown(f"`{shown}`")
    inner = _numbered(shown)
    return Markdown(f"<code>{inner}</code>") if inner else Markdown(MISSING)


def _numbered(text: str) -> str:
    """Within HTML's tags, where backslashes do not count everywhere: what is markup by its number."""
    return re.sub(
        r"[`*_|\[\]~$\\<>&@:\"']|(?<=[wW]{3})\.", lambda found: f"&#{ord(found[0])};", text
    )


def strong(text: Any) -> Markdown:
    """Bold, as the best of a column is."""
    shown = markdown(text)
    return Markdown(f"**{shown}**") if shown else shown


def fence(lines: str | Iterable[str], language: str = "") -> Markdown:
    """Lines as they are, in a block of code."""
    shown = [_line(one) for one in (lines.split("\n") if isinstance(lines, str) else lines)]
    longest = max((len(run) for one in shown for run in re.findall(r"`+", one)), default=0)
    ticks = "`" * max(3, longest + 1)
    kind = re.sub(r"\W", "", language)
    return Markdown("\n".join([f"{ticks}{kind}", *shown, ticks]))


def _line(text: str) -> str:
    return plain(text).rstrip()


def picture(light: str, dark: str, alternative: str) -> Markdown:
    """An image of two files, for a light and a dark page; for those who see neither, what it says."""
    told = html.escape(plain(alternative)).replace("|", "&#124;").replace("`", "&#96;")
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{quote(dark)}">'
    return Markdown(f'<picture>{source}<img alt="{told}" src="{quote(light)}"></picture>')


def table(given: Table) -> Markdown:
    """A table of GitHub's markdown, its columns one under the other; nothing where it has no rows."""
    if not given.rows:
        return Markdown()
    lines = [[markdown(cell) for cell in line] for line in (given.titles, *given.rows)]
    columns = len(given.titles)
    right = range(columns - given.right - given.left, columns - given.left)
    widths = [
        min(WIDEST, max(3, *(width(line[place]) for line in lines))) for place in range(columns)
    ]
    rules = [
        f"{'-' * (cells - 1)}:" if place in right else "-" * cells
        for place, cells in enumerate(widths)
    ]
    head, *body = [_row(line, widths, right) for line in lines]
    return Markdown("\n".join([head, _row(rules, widths, right), *body]))


def _row(cells: Sequence[str], widths: Sequence[int], right: range) -> str:
    padded = []
    for place, (cell, cells_wide) in enumerate(zip(cells, widths, strict=True)):
        blank = " " * (cells_wide - width(cell))
        padded.append(blank + cell if place in right else cell + blank)
    return f"| {' | '.join(padded)} |"


def width(text: str) -> int:
    """Cells of a terminal or of an editor."""
    if text.isascii():
        return len(text)
    wide = {"W": 2, "F": 2}
    return sum(
        0
        if unicodedata.combining(char) or char == JOINER
        else wide.get(unicodedata.east_asian_width(char), 1)
        for char in text
    )
