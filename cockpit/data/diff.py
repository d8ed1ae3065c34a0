"""What differs between two versions of a table: rows added, removed and changed by key, and which cells.

A missing value is a value here: a cell that was filled or emptied has changed, and a key may hold one. Numbers
are compared as numbers and times as moments, whatever they are stored as; other types by how they are written.
NaN equals NaN. Only the key's columns and some of the others are in memory at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from cockpit.data.by_columns import height, parts
from cockpit.data.column_types import type_of
from cockpit.data.watching import UNWATCHED
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cockpit.data.watching import Watch

EXAMPLES = 5
PLACE = "row"
"""What a row's place, counted from 1, is called where it is the key."""


class DiffError(UserError):
    """The two cannot be compared."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell that changed."""

    key: Mapping[str, Any]
    """The row's key, or its place."""
    old: Any
    new: Any


@dataclass(frozen=True, slots=True)
class ColumnChange:
    """A column that both have."""

    name: str
    old_type: str
    new_type: str
    """As polars names them."""
    changed: int
    """Cells."""
    examples: tuple[Cell, ...] = ()


@dataclass(frozen=True, slots=True)
class Duplicates:
    """Rows whose key others of the same side have too: they stand for no one row, and are not compared."""

    keys: int
    rows: int
    examples: tuple[Mapping[str, Any], ...] = ()
    """Keys."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What differs."""

    key: tuple[str, ...]
    """Empty where rows were compared by their places."""
    rows: tuple[int, int]
    """Old and new."""
    added: int
    removed: int
    changed: int
    same: int
    skipped: int
    """Rows of both sides left out, since their key stands twice on one of them."""
    duplicates: tuple[Duplicates, Duplicates]
    columns: tuple[ColumnChange, ...]
    """All that both have but the key's, in the order of the old."""
    columns_added: tuple[str, ...]
    columns_removed: tuple[str, ...]
    added_examples: tuple[Mapping[str, Any], ...] = ()
    """Keys."""
    removed_examples: tuple[Mapping[str, Any], ...] = ()

    @property
    def differs(self) -> bool:
        """Whether anything does, but for the order of rows and columns."""
        rows = self.added or self.removed or self.changed or self.skipped
        return bool(rows or self.columns_added or self.columns_removed or self.types)

    @property
    def types(self) -> tuple[ColumnChange, ...]:
        """The columns whose type changed."""
        return tuple(one for one in self.columns if one.old_type != one.new_type)

    @property
    def cells(self) -> int:
        return sum(one.changed for one in self.columns)


def diff(
    old: pl.LazyFrame, new: pl.LazyFrame, key: Sequence[str] = (), watch: Watch = UNWATCHED
) -> Difference:
    """Compare two tables row by row: by key, or without one by the rows' places.

    Raises `DiffError` where the key is not in both, or of another type in each, and `Ended`.
    """
    before, after = old.collect_schema(), new.collect_schema()
    _check(key, before, after)
    shared = [name for name in before if name in after and name not in key]
    watch.at(0, len(shared) + 1, f"matching rows by {', '.join(key)}" if key else "counting rows")
    pairs = _by_key(old, new, key) if key else _by_place(old, new)
    columns, changed = _columns(old, new, pairs, shared, watch)
    both = pairs.old_places.len()
    return Difference(
        key=tuple(key),
        rows=pairs.rows,
        added=pairs.added.len(),
        removed=pairs.removed.len(),
        changed=changed,
        same=both - changed,
        skipped=sum(pairs.rows) - 2 * both - pairs.added.len() - pairs.removed.len(),
        duplicates=pairs.duplicates,
        columns=columns,
        columns_added=tuple(name for name in after if name not in before),
        columns_removed=tuple(name for name in before if name not in after),
        added_examples=pairs.names("new", pairs.added.head(EXAMPLES)),
        removed_examples=pairs.names("old", pairs.removed.head(EXAMPLES)),
    )


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Which row of the new is which of the old, by place; in the order of the old."""

    rows: tuple[int, int]
    old_places: pl.Series
    new_places: pl.Series
    removed: pl.Series
    """Places in the old."""
    added: pl.Series
    """Places in the new."""
    duplicates: tuple[Duplicates, Duplicates]
    keys: Mapping[str, pl.DataFrame]
    """The key columns of both sides; none where places are the key."""

    def names(self, side: str, places: pl.Series) -> tuple[Mapping[str, Any], ...]:
        """The keys of rows, or their places."""
        if side not in self.keys:
            return tuple({PLACE: place + 1} for place in places)
        return tuple(self.keys[side][places].to_dicts())


def _check(
    key: Sequence[str], before: Mapping[str, pl.DataType], after: Mapping[str, pl.DataType]
) -> None:
    for name in key:
        for schema, which in ((before, "old"), (after, "new")):
            if name not in schema:
                known = ", ".join(list(schema)[:10])
                raise DiffError(
                    f"the {which} data have no column {name!r} to be the key; they have {known}"
                )
        if _comparable(name, before[name], after[name]) is None:
            raise DiffError(
                f"the key {name!r} is {before[name]} in the old data and {after[name]} in the new: "
                "no row would be found again"
            )


def _by_place(old: pl.LazyFrame, new: pl.LazyFrame) -> _Pairs:
    n, m = height(old), height(new)
    both = pl.int_range(min(n, m), eager=True)
    none = Duplicates(0, 0)
    return _Pairs(
        (n, m),
        both,
        both,
        pl.int_range(min(n, m), n, eager=True),
        pl.int_range(min(n, m), m, eager=True),
        (none, none),
        {},
    )


def _by_key(old: pl.LazyFrame, new: pl.LazyFrame, key: Sequence[str]) -> _Pairs:
    before, after = old.collect_schema(), new.collect_schema()
    compared = [_comparable(name, before[name], after[name]) for name in key]
    named = [f"k{n}" for n in range(len(key))]
    sides = {}
    for which, frame, side in (("old", old, 0), ("new", new, 1)):
        columns = [pair[side].alias(f"k{n}") for n, pair in enumerate(compared) if pair]
        sides[which] = frame.select(columns).with_row_index(which)
    found = (
        pl.concat([sides["old"], sides["new"]], how="diagonal")
        .group_by(named)
        .agg(
            pl.col("old").count().alias("olds"),
            pl.col("new").count().alias("news"),
            pl.col("old", "new").max(),
        )
        .select("olds", "news", "old", "new")
        .collect(engine="streaming")
    )
    once = found.filter(olds=1, news=1).sort("old")
    keys = {
        which: frame.select(key).collect(engine="streaming")
        for which, frame in (("old", old), ("new", new))
    }
    return _Pairs(
        (int(found["olds"].sum()), int(found["news"].sum())),
        once["old"],
        once["new"],
        found.filter(olds=1, news=0)["old"].sort(),
        found.filter(olds=0, news=1)["new"].sort(),
        (_duplicates(found, "old", keys), _duplicates(found, "new", keys)),
        keys,
    )


def _duplicates(found: pl.DataFrame, side: str, keys: Mapping[str, pl.DataFrame]) -> Duplicates:
    several = found.filter(pl.col(f"{side}s") > 1)
    first = keys[side][several[side].sort().head(EXAMPLES)]
    return Duplicates(several.height, int(several[f"{side}s"].sum()), tuple(first.to_dicts()))


def _columns(
    old: pl.LazyFrame, new: pl.LazyFrame, pairs: _Pairs, names: Sequence[str], watch: Watch
) -> tuple[tuple[ColumnChange, ...], int]:
    """The changes by column, and how many rows have any."""
    any_change = pl.repeat(False, pairs.old_places.len(), dtype=pl.Boolean, eager=True)
    found: list[ColumnChange] = []
    for some in parts(names, max(pairs.rows)):
        watch.at(len(found) + 1, len(names) + 1, some[0])
        before = _rows(old, some, pairs.old_places)
        after = _rows(new, some, pairs.new_places)
        for change, differs in _compared(before, after, pairs):
            found.append(change)
            any_change |= differs
            watch.at(len(found) + 1, len(names) + 1, change.name)
    return tuple(found), int(any_change.sum())


def _rows(frame: pl.LazyFrame, names: Sequence[str], places: pl.Series) -> pl.DataFrame:
    """The columns with the rows in the order of the pairs."""
    rows = frame.select(names).collect(engine="streaming")
    in_order = (
        places.len() == rows.height and (places == pl.int_range(rows.height, eager=True)).all()
    )
    return rows if in_order else rows[places]


def _compared(
    before: pl.DataFrame, after: pl.DataFrame, pairs: _Pairs
) -> Iterator[tuple[ColumnChange, pl.Series]]:
    for name in before.columns:
        was, now = before[name], after[name]
        alike = _comparable(name, was.dtype, now.dtype)
        if alike is None:
            differs = _as_written(was).ne_missing(_as_written(now))
        else:
            old, new = before.select(alike[0]), after.select(alike[1])
            differs = old.to_series().ne_missing(new.to_series())
        places = differs.arg_true().head(EXAMPLES)
        keys = pairs.names("old", pairs.old_places[places])
        examples = tuple(Cell(*cell) for cell in zip(keys, was[places], now[places], strict=True))
        change = ColumnChange(name, str(was.dtype), str(now.dtype), int(differs.sum()), examples)
        yield change, differs


def _comparable(
    name: str, before: pl.DataType, after: pl.DataType
) -> tuple[pl.Expr, pl.Expr] | None:
    """The column on both sides in one type; None where they are of different kinds."""
    column = pl.col(name)
    if before == after and before not in (pl.Categorical, pl.Enum):
        return column, column
    kinds = {type_of(before), type_of(after)}
    if kinds == {"text"}:
        as_text = column.cast(pl.String)
        return as_text, as_text
    if kinds == {"int"}:
        wide = column.cast(pl.Int128)
        return wide, wide
    if kinds <= {"int", "float"}:
        number = column.cast(pl.Float64)
        return number, number
    if kinds <= {"date", "time"}:
        return _moment(column, before), _moment(column, after)
    if pl.Null in (before, after):
        other = before if after == pl.Null else after
        return column.cast(other), column.cast(other)
    return None


def _moment(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        column = column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
    return column.cast(pl.Datetime("us"))


def _as_written(series: pl.Series) -> pl.Series:
    if series.dtype.is_nested() or series.dtype in (pl.Binary, pl.Object):
        written = [None if value is None else str(value) for value in series.to_list()]
        return pl.Series(series.name, written, pl.String)
    return series.cast(pl.String)
