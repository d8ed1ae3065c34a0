"""How slices × runs are laid out in cells: as much of each run as all of them have room for. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cockpit import format as fmt
from cockpit.tui.slice_book import CONFIRMED, VERDICTS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cockpit.tui.slice_book import Book, Entry, Texts

EDGE = 2
"""Cells before the names, for the cursor's mark."""
GAP = 3
LEAST, MOST, WIDEST = 12, 48, 80
"""Cells of the slices' names; beyond `MOST` only what nothing else needs."""
CONFIRMED_WIDE = 16
"""Cells of whether a weak slice was confirmed, in words."""
READABLE = 16
"""Cells of a condition that say enough of it."""
COUNT = 7
"""Cells of the numbers of rows."""

Part = tuple[str, str]
"""A text and its tone."""


@dataclass(frozen=True, slots=True)
class Detail:
    """How much of a run's column is shown."""

    bar: int
    interval: bool
    word: bool
    difference: bool = True


DETAILS = (
    Detail(10, True, True),
    Detail(6, True, True),
    Detail(6, True, False),
    Detail(10, False, True),
    Detail(6, False, False),
    Detail(3, False, False),
    Detail(0, False, False),
    Detail(0, False, False, difference=False),
)
"""The richest first."""


@dataclass(frozen=True, slots=True)
class Column:
    """A run's place in the picture."""

    place: int
    """Among the table's runs."""
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What has room at some width."""

    name: int
    detail: Detail
    columns: tuple[Column, ...]
    words: bool
    """Whether there is room for more than the glyph of what was confirmed."""
    beside: int = 0
    """Where, in the names' column, the conditions of named slices begin; 0: there is no room for them."""


# Room


def plan(shown: Book, width: int, first: int) -> Plan:
    """As much of each run as all have room for; the base stays at the left, the others from the `first` on."""
    names, width = _name_width(shown), width - 1  # the bar's cell
    tail = any(entry.weak and entry.weak.confirmed is not None for entry in shown.entries)
    for name, details, words in (
        (names, DETAILS, True),
        (min(names, 24), DETAILS[3:-1], False),
        (min(names, 16), DETAILS[-2:-1], False),
        (min(names, 24), DETAILS[-1:], False),
    ):
        for detail in details:
            widths = [column_width(shown, place, detail) for place in range(len(shown.runs))]
            used = EDGE + name + GAP + COUNT + sum(GAP + each for each in widths)
            used += tail * (CONFIRMED_WIDE if words else 2)
            if used <= width:
                return _all(shown, detail, widths, name, words, width - used)
    return _some(shown, width, first, min(names, max(LEAST, width // 4)))


def _all(
    shown: Book, detail: Detail, widths: list[int], name: int, words: bool, spare: int
) -> Plan:
    """Every run has room."""
    named = [entry for entry in shown.entries if _condition(entry)]
    own = max((cell_len(fmt.plain(entry.row.name)) for entry in named if entry.row), default=0) + 2
    wanted = [own + cell_len(_condition(entry)) for entry in named]
    wanted += [cell_len(fmt.plain(entry.row.name)) for entry in shown.entries if entry.row]
    name = max(name, min(name + spare, WIDEST, max(wanted, default=0)))
    beside = own if named and name - own >= READABLE else 0
    found, x = [], EDGE + name + GAP + COUNT
    for place, cells in enumerate(widths):
        found.append(Column(place, x + GAP, cells))
        x += GAP + cells
    return Plan(name, detail, tuple(found), words, beside)


def _some(shown: Book, width: int, first: int, name: int) -> Plan:
    """The base and as many of the others as fit."""
    detail = DETAILS[-2] if shown.base else DETAILS[-1]
    base = shown.runs.index(shown.base) if shown.base in shown.runs else None
    others = [place for place in range(len(shown.runs)) if place != base]
    widths = {place: column_width(shown, place, detail) for place in range(len(shown.runs))}
    room = width - (EDGE + name + GAP + COUNT) - (0 if base is None else GAP + widths[base])
    first = max(0, min(first, len(others) - 1))
    while first and sum(GAP + widths[place] for place in others[first - 1 :]) <= room:
        first -= 1
    chosen = [] if base is None else [base]
    for place in others[first:]:
        if (room := room - GAP - widths[place]) < 0 and len(chosen) > (base is not None):
            break
        chosen.append(place)
    found, x = [], EDGE + name + GAP + COUNT
    for place in chosen:
        found.append(Column(place, x + GAP, widths[place]))
        x += GAP + widths[place]
    return Plan(name, detail, tuple(found), False)


def _name_width(shown: Book) -> int:
    names = [cell_len(fmt.plain(entry.row.name)) for entry in shown.entries if entry.row]
    return max(LEAST, min(MOST, max(names, default=LEAST)))


def _condition(entry: Entry) -> str:
    """What a name stands for."""
    row = entry.row
    return (
        fmt.plain(row.expression) if row and row.expression and row.name != row.expression else ""
    )


def column_width(shown: Book, place: int, detail: Detail) -> int:
    """Cells of a run's column."""
    sizes = _sizes(shown, place)
    found = sizes.value
    if detail.bar:
        found += 1 + detail.bar
    if detail.difference and sizes.difference:
        found += 2 + sizes.difference
    if detail.interval and sizes.interval:
        found += 1 + sizes.interval
    if sizes.verdict:
        found += 2 + (9 if detail.word else 0)
    return max(found, min(cell_len(shown.heading(place)), 14), 9)


@dataclass(frozen=True, slots=True)
class _Sizes:
    value: int
    difference: int
    interval: int
    verdict: bool
    values: tuple[int, int]
    differences: tuple[int, int]


def _sizes(shown: Book, place: int) -> _Sizes:
    run = shown.runs[place]
    mine = [texts for (_, one), texts in shown.texts.items() if one == run]
    values = _halves(texts.value for texts in mine if texts.value)
    differences = _halves(texts.difference for texts in mine if texts.difference)
    return _Sizes(
        sum(values),
        sum(differences),
        max((len(texts.interval) for texts in mine), default=0),
        any(texts.verdict for texts in mine),
        values,
        differences,
    )


def _halves(texts: Iterable[str]) -> tuple[int, int]:
    found = [_halved(text) for text in texts]
    return max((a for a, _ in found), default=0), max((b for _, b in found), default=0)


def _halved(text: str) -> tuple[int, int]:
    return fmt.halves(text.replace("+", "-").replace("±", "-"))


# Cells


def title(shown: Book, column: Column, detail: Detail) -> str:
    """What the parts of a run's column are."""
    if shown.runs[column.place] == shown.base:
        return fmt.fit("base", column.width)
    sizes = _sizes(shown, column.place)
    if not sizes.difference or not detail.difference:
        return " " * column.width
    before = sizes.value + (1 + detail.bar if detail.bar else 0) + 2
    table = shown.judged.table
    share = (
        f" [{100 * table.confidence:g} %]" if table and detail.interval and sizes.interval else ""
    )
    text = f"Δ{share}"
    return fmt.fit(" " * before + text, column.width)


def parts(
    shown: Book, entry: Entry, column: Column, detail: Detail, blocks: tuple[str, str]
) -> list[Part]:
    """A run's cell of exactly the column's width; `blocks` are what bars and their grounds are made of."""
    row, run = entry.row, shown.runs[column.place]
    assert row is not None
    texts, sizes = shown.texts[row.name, run], _sizes(shown, column.place)
    dim = "faint" if shown.few(row) else ""
    if not texts.value:
        return [(fmt.fit(texts.reason, column.width), "faint")]
    found = [(_aligned(texts.value, sizes.values), dim)]
    if detail.bar:
        found += [(" ", ""), *_bar(texts, detail.bar, dim, blocks)]
    _, word, tone = VERDICTS.get(texts.verdict, ("", "", "quiet"))
    glyph = VERDICTS.get(texts.verdict, ("",))[0]
    if texts.verdict == "not judged" and not shown.few(row):
        word = "untested"
    if detail.difference and sizes.difference:
        text = _aligned(texts.difference, sizes.differences) if texts.difference else ""
        found.append((fmt.fit(f"  {text}", 2 + sizes.difference), dim))
    if detail.interval and sizes.interval:
        found.append((fmt.fit(f" {texts.interval}", 1 + sizes.interval), dim or "quiet"))
    if sizes.verdict:
        said = f" {glyph or ' '}" + (f" {fmt.fit(word, 8)}" if detail.word else "")
        found.append((said, dim or tone))
    used = sum(cell_len(text) for text, _ in found)
    return [*found, (" " * max(0, column.width - used), "")]


def _aligned(text: str, sizes: tuple[int, int]) -> str:
    before, after = _halved(text)
    return " " * (sizes[0] - before) + text + " " * (sizes[1] - after)


def _bar(texts: Texts, cells: int, dim: str, blocks: tuple[str, str]) -> list[Part]:
    full = round(1 + (texts.share or 0.0) * (cells - 1))
    tone = dim or ("stopped" if texts.poor else "accent")
    return [(blocks[0] * full, tone), (blocks[1] * (cells - full), "faint")]


def name_parts(entry: Entry, plan: Plan) -> list[Part]:
    """The name of a slice, and its condition where there is room for both."""
    row = entry.row
    assert row is not None
    tone = "" if entry.kept or entry.weak else "accent"
    condition = _condition(entry)
    name = fmt.plain(row.name)
    if not plan.beside or not condition:
        return [(fmt.fit(name, plan.name), tone)]
    room = plan.name - plan.beside
    return [(fmt.fit(name, plan.beside), tone), (fmt.fit(condition, room), "quiet")]


def confirmed(entry: Entry, words: bool) -> Part:
    """Whether the other half of the rows says the same."""
    glyph, word, tone = CONFIRMED[entry.weak.confirmed if entry.weak else None]
    return (f"{glyph} {word}" if words and word else glyph), tone
