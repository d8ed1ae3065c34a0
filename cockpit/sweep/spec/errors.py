"""What can be wrong with a spec, said in one line each.

SpecError          every problem found, one line each
├── SpecMissing    the file is not there, or cannot be read
├── SpecSyntax     the file is not TOML
└── SpecInvalid    the file is TOML, but not a sweep that can run
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

KeyPath = tuple[str | int, ...]
"""Where a value stands in the file: the table, then its keys and indices."""
Fault = tuple[KeyPath, str]
"""Where it stands, and the sentence without the file and the line."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to put right."""

    file: str
    """The file as the user named it."""
    line: int | None
    """Counted from 1; None where it has none, or where the text was generated."""
    text: str
    """What is wrong, and what to do."""
    path: KeyPath = field(default=(), compare=False)
    """Where it stands, for a form; () where it is the file that is wrong."""

    def __str__(self) -> str:
        where = self.file if self.line is None else f"{self.file} line {self.line}"
        return printable(f"{where}: {self.text}")


class SpecError(UserError):
    """The spec cannot be run as it stands; nothing was started."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class SpecMissing(SpecError):
    """The file is not there, or cannot be read."""


class SpecSyntax(SpecError):
    """The file is not TOML."""


class SpecInvalid(SpecError):
    """The file is TOML, but not a sweep that can run."""


def printable(text: str) -> str:
    """The text in one line, without a character that a terminal would act on."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def show(value: Any) -> str:
    """A value as it stands in TOML, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 60 else text[:57] + "…"


def hint(name: str, known: Iterable[str], wanted: Iterable[str] = ()) -> str:
    """The end of a sentence about an unknown name: the nearest known one, or all of them."""
    names = tuple(known)
    near = nearest(name, names, wanted)
    if near is not None:
        return f'; did you mean "{near}"?'
    return f"; known: {', '.join(names)}" if names else ""


def nearest(name: str, known: Iterable[str], wanted: Iterable[str] = ()) -> str | None:
    """The known name a typing mistake away, of equally near ones a wanted one; else None."""
    word, first = _plain(name), frozenset(wanted)
    ranked = sorted((distance(word, _plain(each)), each not in first, each) for each in known)
    for steps, _, other in ranked:
        if steps <= 1 + max(len(word), len(other)) // 4 and steps < max(len(word), len(other)):
            return other
    parts = (each for _, _, each in ranked if word in _plain(each) or _plain(each) in word)
    return next(parts, None) if len(word) > 3 else None


def _plain(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def distance(left: str, right: str) -> int:
    """Letters added, left out, replaced or swapped with their neighbour.

    Optimal string alignment: Damerau (1964), without editing a swapped pair again.
    """
    rows = [list(range(len(right) + 1))]
    for i, a in enumerate(left, 1):
        row = [i]
        for j, b in enumerate(right, 1):
            best = min(rows[-1][j] + 1, row[-1] + 1, rows[-1][j - 1] + (a != b))
            if i > 1 and j > 1 and (a, b) == (right[j - 2], left[i - 2]):
                best = min(best, rows[-2][j - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
