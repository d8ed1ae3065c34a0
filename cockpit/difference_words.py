"""Differences and drift in words, for the commands and the screens. Pure: what was found in, text out.

The texts hold names and values as they are: whoever paints them makes them plain first.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from cockpit.format import MISSING, count, number

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.data.diff import Cell, Difference, Duplicates
    from cockpit.data.drift import ColumnDrift

_VERDICTS = {"large": "▲▲ large", "moderate": "▲ moderate"}


def how_compared(before: str, after: str, found: Difference) -> str:
    """Which rows of which two were held against each other."""
    how = f"by {', '.join(found.key)}" if found.key else "by the rows' places, for there is no key"
    old, new = found.rows
    return f"{before} ({count(old)} rows) → {after} ({count(new)} rows), {how}"


def row_counts(found: Difference) -> dict[str, int]:
    """Rows by what became of them."""
    return {
        "added": found.added,
        "removed": found.removed,
        "changed": found.changed,
        "same": found.same,
    }


def row_sentences(before: str, after: str, found: Difference) -> Iterator[str]:
    """Which rows came and went, which could not be told apart, and which columns came and went."""
    counts = row_counts(found)
    for word, keys in (("added", found.added_examples), ("removed", found.removed_examples)):
        if keys:
            yield f"{word}: {'; '.join(map(pairs, keys))}{'; …' * (counts[word] > len(keys))}"
    for label, twice in zip((before, after), found.duplicates, strict=True):
        if twice.keys:
            yield _twice(label, twice)
    if found.skipped:
        yield f"{count(found.skipped)} rows of such keys were left out on both sides"
    for word, names in (("new", found.columns_added), ("gone", found.columns_removed)):
        if names:
            yield f"columns that are {word}: {', '.join(names)}"


def _twice(label: str, twice: Duplicates) -> str:
    keys = f"{count(twice.keys)} {'key stands' if twice.keys == 1 else 'keys stand'}"
    return f"in {label} {keys} twice or more, in {count(twice.rows)} rows, as {pairs(twice.examples[0])}"


def pairs(key: Mapping[str, Any]) -> str:
    """A row's key or place: `row 14`, `country DE year 2020`."""
    return " ".join(f"{name} {value}" for name, value in key.items())


def changed_cell(cell: Cell) -> str:
    """`row 14: 39 → 40`."""
    old, new = old_and_new(cell)
    return f"{pairs(cell.key)}: {old} → {new}"


def old_and_new(cell: Cell) -> tuple[str, str]:
    """Both values; where one has a letter that only looks like the other's, it says so: `Pаris (Cyrillic а)`."""
    old, new = shown(cell.old), shown(cell.new)
    if len(old) != len(new):
        return old, new
    before, after = "", ""
    for one, other in zip(old, new, strict=True):
        if one != other:
            before, after = before or _script(one), after or _script(other)
    return old + (before if not after else ""), new + (after if not before else "")


def _script(letter: str) -> str:
    script = unicodedata.name(letter, "").split(" ")[0]
    return f" ({script.title()} {letter})" if script in ("CYRILLIC", "GREEK") else ""


def shown(raw: Any) -> str:
    """A value as it is written; a text with blanks at its ends, or nothing in it, in quotes."""
    if isinstance(raw, str) and (not raw or raw != raw.strip()):
        return f"'{raw}'"
    return MISSING if raw is None else str(raw)


def verdict(column: ColumnDrift) -> str:
    """How much a column drifted, glyph first."""
    return _VERDICTS.get(column.verdict, MISSING if column.verdict == "none" else column.verdict)


def drift_notes(column: ColumnDrift) -> Iterator[str]:
    """What there is to say of a column's drift besides the figures."""
    if column.reason:
        yield column.reason
    if column.factor is not None:
        yield f"all about × {number(float(f'{column.factor:.3g}'))}: another unit?"
    if column.verdict != "none" and column.middle and column.middle[0] != column.middle[1]:
        yield f"median {number(column.middle[0])} → {number(column.middle[1])}"
    if column.missing[0] != column.missing[1]:
        old, new = map(_percent, column.missing)
        yield f"missing {old} → {new}"
    for word, categories in (("new", column.appeared), ("gone", column.vanished)):
        if categories:
            yield f"{word}: {', '.join(f'{shown(one.name)} ({_percent(one.share)})' for one in categories)}"


def _percent(share: float) -> str:
    """`0%` only where there is none at all."""
    if not share:
        return "0%"
    return "< 0.1%" if share < 0.001 else f"{share:.1%}"
