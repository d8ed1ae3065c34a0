"""The profile of a version as lines: what is odd first, then a line a column, which unfolds. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from cockpit import format as fmt
from cockpit import profile_words as words
from cockpit.data.columns import from_facts, remarks
from cockpit.difference_words import shown
from cockpit.tui.data.page import Column, Item, Page, ended, fields, laid_out, sentence
from cockpit.tui.data.shapes import bar, histogram, plain_blocks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from datetime import datetime

    from cockpit.data.columns import ColumnProfile, Remark
    from cockpit.tui.canvas import Glyphs
    from cockpit.tui.data.page import Cell, Parts

ROOMY = 92
"""Cells from which on smallest, mean and largest have columns of their own."""
TOLD = 5
FEWER = 3
"""Odd things told above the columns, and where room is scarce; all of them stand with their columns."""
HIGH = 6
"""Lines of an unfolded histogram."""
NAMES = ("least", "5 %", "25 %", "median", "75 %", "95 %", "most")
"""Of the quantiles that a profile has."""
_START = (
    Column("", gap=1),
    Column("column", most=24),
    Column("type", rank=3),
    Column("missing", right=True, rank=1),
    Column("distinct", right=True, rank=2),
)
CRAMPED = (*_START, Column("values", least=22))
SPREAD = (
    *_START,
    Column("values", least=22, most=50),
    Column("min", right=True),
    Column("mean", right=True),
    Column("max", right=True),
)


def profile_page(
    facts: Mapping[str, Any],
    gone: str,
    now: datetime,
    width: int,
    glyphs: Glyphs,
    unfolded: Collection[str],
) -> Page:
    """The columns of a version; `gone` says what became of its content where that is no more."""
    columns = from_facts(facts)
    odd = remarks(columns, now, facts.get("key") or ())
    by_name: dict[str, list[Remark]] = {}
    for remark in odd:
        by_name.setdefault(remark.column, []).append(remark)
    roomy = width >= ROOMY
    numbers = [column for column in columns if column.type in ("int", "float") and column.counts]
    lead = max((cell_len(_bound(column.min)) for column in numbers), default=0)
    rows = [_row(column, column.name in by_name, roomy, lead, glyphs) for column in columns]
    if roomy:
        rows = [[*row, *ends] for row, ends in zip(rows, _spread(columns), strict=True)]
    titles, lines = laid_out(SPREAD if roomy else CRAMPED, rows, width)
    items = tuple(
        Item(
            column.name,
            line,
            folds=True,
            under=_under(column, by_name.get(column.name, ()), width, glyphs)
            if column.name in unfolded
            else (),
        )
        for column, line in zip(columns, lines, strict=True)
    )
    return Page(tuple(_above(facts, odd, gone, width)), titles, items)


def _above(
    facts: Mapping[str, Any], odd: Sequence[Remark], gone: str, width: int
) -> Iterator[Parts]:
    files = len(facts["files"])
    several = f" in {files} files" if files > 1 else ""
    extent = f"{facts['rows']:,} rows × {len(facts['columns']):,} columns"
    size = f"   {fmt.size(facts['bytes'])} {fmt.plain(str(facts['format']))}{several}"
    yield (extent, "bold"), (size, "quiet")
    if facts.get("sampled"):
        said = f"shapes and frequent values are of {facts['sampled']:,} rows, evenly spaced"
        yield from sentence(said, width, "quiet")
    if gone:
        yield from sentence(f"! {gone}", width, "stopped", 2)
    twice = facts.get("duplicates")
    if twice:
        have = "row has" if twice == 1 else "rows have"
        text = f"! {fmt.listed(facts['key'])}: {twice:,} {have} a key that an earlier row has"
        yield from sentence(text, width, "stopped", 2)
    told = TOLD if width >= ROOMY else FEWER
    told = told if len(odd) > told + 1 else len(odd)
    for remark in odd[:told]:
        text = ended(fmt.plain(f"{remark.column}: {remark.text}"), width - 2)
        yield ("! ", "stopped"), (text, "")
    if len(odd) > told:
        yield ((f"! and {len(odd) - told} more, where a ! stands below", "quiet"),)
    yield ()


def _row(column: ColumnProfile, odd: bool, roomy: bool, lead: int, glyphs: Glyphs) -> list[Cell]:
    """`lead` is the longest of the smallest numbers, so that the histograms begin one below the other."""

    def values(room: int) -> str:
        if roomy and column.counts:
            return plain_blocks(words.blocks(column.counts, min(20, room)), glyphs)
        text = words.values(column, 20 if room > 50 else 10)
        if column.type in ("int", "float") and not text.startswith("always"):
            low, _, rest = text.partition(" ")
            text = f"{low:>{lead}} {rest}" if rest else text
        if column.counts and cell_len(text) > room:
            text = text.partition("  mean")[0]
        return plain_blocks(text, glyphs)

    return [
        ("!" if odd else "", "stopped"),
        (fmt.plain(column.name), ""),
        (column.type, "quiet"),
        (words.missing(column), ""),
        (words.distinct(column), ""),
        (values, "accent" if column.counts else "quiet"),
    ]


def _spread(columns: Sequence[ColumnProfile]) -> list[list[Cell]]:
    """Smallest, mean and largest, each one below the other by the decimal points."""
    texts = [
        (
            _bound(one.min) if one.counts else "",
            fmt.number(one.mean) if one.counts and one.mean is not None else "",
            _bound(one.max) if one.counts else "",
        )
        for one in columns
    ]
    numeric = [one.type in ("int", "float") for one in columns]
    aligned = []
    for column in zip(*texts, strict=True):
        numbers = [fmt.halves(text) for text, one in zip(column, numeric, strict=True) if one]
        head = max((before for before, _ in numbers), default=0)
        tail = max((after for _, after in numbers), default=0)
        aligned.append(
            [
                fmt.align([text], head, tail)[0] if one and text else text
                for text, one in zip(column, numeric, strict=True)
            ]
        )
    return [[(text, "") for text in row] for row in zip(*aligned, strict=True)]


def _bound(raw: Any) -> str:
    """A number, or the day of a time."""
    return fmt.plain(raw[:10]) if isinstance(raw, str) else fmt.value(raw)


def _under(
    column: ColumnProfile, odd: Sequence[Remark], width: int, glyphs: Glyphs
) -> tuple[Parts, ...]:
    room = width - 4
    lines: list[Parts] = []
    for remark in odd:
        lines += sentence(f"! {remark.text}", room, "stopped", 2)
    if len(column.counts) > 1:
        lines += _drawn(column, room, glyphs)
    elif column.top:
        lines += _frequent(column, room, glyphs)
    lines += fields(tuple(_facts(column)), room, ended)
    return tuple((("  ", ""), *line) for line in (*lines, ()))


def _drawn(column: ColumnProfile, room: int, glyphs: Glyphs) -> Iterator[Parts]:
    bins = len(column.counts)
    cells = max(1, min(4, room // bins))
    for line in histogram(column.counts, cells, HIGH, glyphs):
        yield ((line, "accent"),)
    low, high = _bound(column.min), _bound(column.max)
    yield ((low + " " * max(1, bins * cells - len(low) - len(high)) + high, "quiet"),)


def _frequent(column: ColumnProfile, room: int, glyphs: Glyphs) -> Iterator[Parts]:
    present = column.rows - column.nulls
    names = [fmt.value(shown(each) if isinstance(each, str) else each) for each, _ in column.top]
    most = column.top[0][1]
    width = min(28, max(map(len, names)))
    long = max(4, min(40, room - width - 24))
    for name, (_, count) in zip(names, column.top, strict=True):
        yield (
            (fmt.fit(name, width) + "  ", ""),
            (fmt.fit(words.share(count, present), 8, right=True) + " ", ""),
            (fmt.fit(fmt.count(count), 10, right=True) + "  ", "quiet"),
            (bar(count / most, long, glyphs), "accent"),
        )


def _facts(column: ColumnProfile) -> Iterator[tuple[str, str]]:
    if column.quantiles and column.type in ("int", "float"):
        told = zip(NAMES[1:-1], column.quantiles[1:-1], strict=True)
        yield "quantiles", "   ".join(f"{name} {fmt.value(each)}" for name, each in told)
    elif column.quantiles:
        yield "middle", str(column.quantiles[3])
    if column.mean is not None:
        spread = "" if column.std is None else f"   deviation {fmt.number(column.std)}"
        yield "mean", f"{fmt.number(column.mean)}{spread}"
    if column.counts and column.min is not None:
        yield "from, to", f"{fmt.exact(column.min)}   {fmt.exact(column.max)}"
    if len(column.counts) > 1 and column.top:
        present = column.rows - column.nulls
        often = [
            f"{fmt.value(each)} ({words.share(count, present)})" for each, count in column.top[:5]
        ]
        yield "often", ", ".join(often)
    if column.longest is not None:
        yield "longest", f"{column.longest:,} characters"
    if column.odd is not None and column.odd.non_ascii:
        yield "not ASCII", f"{column.odd.non_ascii:,} rows"
    yield "stored as", column.dtype
