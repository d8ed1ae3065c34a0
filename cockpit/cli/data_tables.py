"""Datasets and their profiles as plain tables, for a terminal or a pipe."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from cockpit import profile_words as words
from cockpit.cli.tables import console, table_of
from cockpit.data.columns import from_facts, rows_have
from cockpit.data.keeping import kept_at
from cockpit.format import MISSING, age, count, cut, listed, plain, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cockpit.data.columns import Remark
    from cockpit.data.versions import Registered
    from storage.datasets import Version
    from storage.layout import Layout

PADDING = 3
"""Cells between two columns of a table."""
LONGEST_NAME = 26
LEAST_ROOM = 20
_CELLS = ("rows", "columns", "size", "seen")
SHOWN = 12
"""Warnings that stand above a profile; a wider table has more, and `--json` all."""


def print_datasets(layout: Layout, found: Sequence[Version]) -> None:
    """The newest version of each dataset; its number tells how many there are."""
    now = datetime.now(UTC)
    newest = {version.name: version for version in found}.values()
    rows = [
        [plain(version.label), *_cells(version, now), _where(layout, version)] for version in newest
    ]
    _print(["dataset", *_CELLS, "where"], rows, numbers=3, may_go=("seen", "columns"))


def print_versions(layout: Layout, found: Sequence[Version]) -> None:
    """All versions of one dataset, the newest first: where each lies, or why it came to be."""
    now = datetime.now(UTC)
    rows = [
        [plain(one.label), *_cells(one, now), _why(one) if one.growth else _where(layout, one)]
        for one in reversed(found)
    ]
    _print(["version", *_CELLS, "from"], rows, numbers=3, may_go=("columns",))


def _print(
    titles: Sequence[str],
    rows: Sequence[Sequence[str]],
    numbers: int,
    may_go: Sequence[str] = (),
    middle: bool = True,
) -> None:
    """A table whose first column is cut where it is long, and whose last has the room that is left.

    The `numbers` columns after the first stand at the right. Where there is too little room, columns go that may.
    The last column is cut in the `middle`, as a path is, or at its end.
    """
    out = console()
    columns = {title: [row[place] for row in rows] for place, title in enumerate(titles)}
    right = titles[1 : numbers + 1]
    columns[titles[0]] = [cut(name, LONGEST_NAME) for name in columns[titles[0]]]
    leaving = list(may_go)
    while (room := _room(columns, out.width)) < LEAST_ROOM and leaving:
        del columns[leaving.pop(0)]
    last = [Text(cut(text, room)) if middle else Text(text) for text in columns[titles[-1]]]
    for text in last:
        text.truncate(max(room, 1), overflow="ellipsis")
    table = table_of(*columns)
    for column, title in zip(table.columns, columns, strict=True):
        column.justify = "right" if title in right else "left"
    *others, _ = columns.values()
    for *cells, end in zip(*others, last, strict=True):
        table.add_row(*map(Text, cells), end)
    out.print(table)


def _room(columns: Mapping[str, Sequence[str]], width: int) -> int:
    """Cells that are left for the last column."""
    *others, _ = columns.items()
    taken = [max(map(cell_len, (title, *cells))) + PADDING for title, cells in others]
    return width - sum(taken)


def print_registered(done: Registered, remarks: Sequence[Remark]) -> None:
    """What became of a registration, in a line, and what is odd about the data."""
    out, version = console(), done.version
    news = "is new" if done.new else "is what it was already"
    out.print(Text(f"{plain(version.label)} {news}: {_extent(version)}"))
    for line in _remarks(version, remarks):
        out.print(Text(f"  {line}"))
    out.print(Text(f"cockpit data show {plain(version.name)} shows its columns", style="dim"))


def print_dataset(layout: Layout, version: Version, remarks: Sequence[Remark]) -> None:
    """What is odd first, then a line a column."""
    out = console()
    out.print(Text(f"{plain(version.label)}  {_extent(version)}", style="bold"))
    for line in _about(layout, version):
        out.print(Text(line, style="dim"))
    for line in _remarks(version, remarks):
        out.print(Text(f"! {line}"))
    out.print()
    rows = [
        (
            plain(each.name),
            words.missing(each),
            words.distinct(each),
            each.type,
            words.values(each),
        )
        for each in from_facts(version.facts)
    ]
    titles = ("column", "missing", "distinct", "type", "values")
    _print(titles, rows, numbers=2, middle=False)


def _cells(version: Version, now: datetime) -> tuple[str, str, str, str]:
    rows, columns = version.rows, version.facts.get("columns")
    return (
        MISSING if rows is None else count(rows),
        MISSING if columns is None else count(len(columns)),
        size(version.bytes),
        age(version.time, now),
    )


def _where(layout: Layout, version: Version) -> str:
    """From the project's folder, where it lies below."""
    path = Path(version.path)
    below = path.is_relative_to(layout.project)
    return plain(str(path.relative_to(layout.project) if below else path))


def _why(version: Version) -> str:
    growth = version.growth
    if growth is None:
        return ""
    run = f" ({growth.run})" if growth.run else ""
    return plain(f"+{growth.added:,} rows: {growth.reason or growth.source or ''}{run}")


def _extent(version: Version) -> str:
    facts = version.facts
    form = plain(str(facts["format"]))
    files = len(facts["files"])
    several = f" in {files} files" if files > 1 else ""
    return (
        f"{_many(facts['rows'], 'row')} × {_many(len(facts['columns']), 'column')}"
        f"  {size(version.bytes)} {form}{several}"
    )


def _many(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def _about(layout: Layout, version: Version) -> Iterator[str]:
    digest = version.digest.rpartition(":")[2][:12]
    kept = "  kept in the store" if kept_at(layout, version) else ""
    yield f"{digest}  first seen {age(version.time, datetime.now(UTC))}{kept}"
    yield _where(layout, version)
    facts = version.facts
    roles = []
    if facts.get("key"):
        roles.append(f"key {listed(facts['key'])}")
    if facts.get("target") is not None:
        positive = facts.get("positive")
        roles.append(f"target {facts['target']}" + f" ({positive} is 1)" * (positive is not None))
    if roles:
        yield plain("  ".join(roles))
    if version.growth is not None:
        yield f"grown: {_why(version)}"
    if facts.get("sampled"):
        yield (
            f"quantiles, histograms and frequent values are of {facts['sampled']:,} rows,"
            " evenly spaced; the rest is of all"
        )


def _remarks(version: Version, remarks: Sequence[Remark]) -> Iterator[str]:
    twice = version.facts.get("duplicates")
    if twice:
        keys = listed(version.facts["key"])
        yield plain(f"{keys}: {rows_have(twice)} a key that an earlier row has")
    for remark in remarks[:SHOWN]:
        yield plain(f"{remark.column}: {remark.text}")
    if len(remarks) > SHOWN:
        yield f"and {len(remarks) - SHOWN} more: cockpit data show … --json has them all"
