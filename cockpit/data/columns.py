"""A column as its profile describes it, to and from the facts a store keeps, and what is odd about it."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from cockpit.project.rules import Type

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

Kind = Type | Literal["other"]

TOP = 10
"""Frequent values that are kept."""
ID_ROWS = 50
"""Rows from which on a column of nothing but different values looks like an id."""
ID_LENGTH = 64
"""Characters; a longer text is prose."""
STALE_DAYS = 365
ONE_INSTANT = 0.5
"""Share of rows with the very same time from which on that is worth a word."""
MANY_NULLS = 0.5
_TWICE = re.compile(r"(.+)_duplicated_\d+")
"""What polars calls a column whose name another has already."""
_SEPARATORS = ";\t|"


@dataclass(frozen=True, slots=True)
class Odd:
    """Texts that are often not what they seem; each a count of rows."""

    blank: int = 0
    """Empty, or nothing but spaces."""
    spaced: int = 0
    """Spaces at their ends."""
    non_ascii: int = 0
    mixed: int = 0
    """Latin letters together with Cyrillic or Greek ones, which look alike."""
    mixed_example: str | None = None
    placeholders: tuple[tuple[str, int], ...] = ()
    """Texts such as `?` and `n/a`, with their counts."""


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column; what does not go with its type is None or empty."""

    name: str
    type: Kind
    dtype: str
    """polars' name of the type."""
    rows: int
    nulls: int
    distinct: int | None = None
    """Different values, without missing ones."""
    estimated: bool = False
    """Whether `distinct` is an estimate (HyperLogLog, some 2 % off), and counts are scaled from a sample."""
    nan: int = 0
    infinite: int = 0
    min: Any = None
    """Of the finite numbers; of times as ISO text; of texts in the order of their code points, cut."""
    max: Any = None
    mean: float | None = None
    std: float | None = None
    """With n - 1."""
    quantiles: tuple[Any, ...] = ()
    """At 0, 5, 25, 50, 75, 95 and 100 %."""
    edges: tuple[Any, ...] = ()
    """Of the histogram's bins, one more than there are bins."""
    counts: tuple[int, ...] = ()
    top: tuple[tuple[Any, int], ...] = ()
    """The most frequent values with their counts."""
    longest: int | None = None
    """Characters of the longest text."""
    odd: Odd | None = None


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a column that is worth a look."""

    column: str
    what: str
    """`name nulls nan constant id placeholder blank spaces mixed stale future instant`: one of these."""
    text: str


def to_facts(column: ColumnProfile) -> dict[str, Any]:
    """The column as plain values; what it does not have is left out."""
    plain: dict[str, Any] = {}
    for field in fields(column):
        value = getattr(column, field.name)
        if value != field.default and field.name != "rows":
            plain[field.name] = value
    if column.odd is not None:
        plain["odd"] = {
            field.name: value
            for field in fields(Odd)
            if (value := getattr(column.odd, field.name)) != field.default
        }
    return plain


def from_facts(facts: Mapping[str, Any]) -> tuple[ColumnProfile, ...]:
    """The columns of a version's facts; empty where nobody looked."""
    return tuple(_column(each, facts["rows"]) for each in facts.get("columns", ()))


def _column(plain: Mapping[str, Any], rows: int) -> ColumnProfile:
    known = {field.name for field in fields(ColumnProfile)}
    values = {key: value for key, value in plain.items() if key in known}
    odd = values.pop("odd", None)
    if odd is not None:
        placeholders = tuple((text, count) for text, count in odd.get("placeholders", ()))
        odd = Odd(**{**odd, "placeholders": placeholders})
    for key in ("quantiles", "edges", "counts"):
        values[key] = tuple(values.get(key, ()))
    values["top"] = tuple((value, count) for value, count in values.get("top", ()))
    return ColumnProfile(**{**values, "rows": rows}, odd=odd)


def remarks(
    columns: Sequence[ColumnProfile], now: datetime, key: Collection[str] = ()
) -> tuple[Remark, ...]:
    """What is odd, column by column; `now` tells what is old, `key` which columns are to name a row."""
    names = [column.name for column in columns]
    return tuple(
        Remark(column.name, what, text)
        for column in columns
        for what, text in (*_name(column.name, names), *_remarks(column, now))
        if not (what == "id" and column.name in key)
    )


def _name(name: str, names: Sequence[str]) -> Iterator[tuple[str, str]]:
    twice = _TWICE.fullmatch(name)
    if twice and twice[1] in names:
        yield "name", f"the file calls it {_quoted(twice[1])}, as another column before it"
    if len(names) == 1 and any(mark in name for mark in _SEPARATORS):
        yield "name", "the only column: is it really a comma that stands between the values?"


def _remarks(column: ColumnProfile, now: datetime) -> Iterator[tuple[str, str]]:
    present = column.rows - column.nulls
    if not column.rows:
        return
    if not present:
        yield "nulls", "no value at all"
        return
    if column.nulls > MANY_NULLS * column.rows:
        yield "nulls", f"{_share(column.nulls, column.rows)} of the values are missing"
    if column.nan:
        yield "nan", f"{rows_have(column.nan)} NaN"
    if column.infinite:
        yield "nan", f"{rows_have(column.infinite)} a number that is not finite"
    if column.distinct == 1:
        value = column.top[0][0] if column.top else column.min
        yield (
            "constant",
            f"always {_quoted(value)}" + (" where there is a value" * (present < column.rows)),
        )
    elif _looks_like_id(column, present):
        yield "id", "every value is another: it looks like an id"
    if column.odd is not None:
        yield from _odd(column.odd)
    if column.type in ("date", "time"):
        yield from _times(column, present, now)


def _looks_like_id(column: ColumnProfile, present: int) -> bool:
    if column.estimated or present < ID_ROWS or column.distinct != present:
        return False
    return column.type == "int" or (column.type == "text" and (column.longest or 0) <= ID_LENGTH)


def _odd(odd: Odd) -> Iterator[tuple[str, str]]:
    for text, count in odd.placeholders:
        yield "placeholder", f"{rows_have(count)} {_quoted(text)}: a missing value?"
    if odd.blank:
        yield "blank", f"{rows_have(odd.blank)} a blank text"
    if odd.spaced:
        yield "spaces", f"{rows_have(odd.spaced)} spaces at the ends"
    if odd.mixed:
        example = f", as in {_quoted(odd.mixed_example)}" if odd.mixed_example else ""
        yield (
            "mixed",
            f"{rows_have(odd.mixed)} Latin letters beside Cyrillic or Greek ones{example}",
        )


def _times(column: ColumnProfile, present: int, now: datetime) -> Iterator[tuple[str, str]]:
    newest = _instant(column.max)
    if newest is not None:
        days = (now - newest).total_seconds() / 86_400
        if days > STALE_DAYS:
            yield "stale", f"the newest is {column.max}, {days:,.0f} days ago"
        elif days < -1:
            yield "future", f"the newest, {column.max}, lies ahead"
    if column.top and column.distinct != 1 and column.top[0][1] > ONE_INSTANT * present:
        share = _share(column.top[0][1], present)
        yield "instant", f"{share} of the values are {column.top[0][0]}"


def _instant(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):  # a year that Python's calendar lacks
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def rows_have(count: int) -> str:
    """`1 row has`, `12 rows have`."""
    return f"{count:,} rows have" if count != 1 else "1 row has"


def _share(count: int, of: int) -> str:
    return f"{100 * count / of:.3g} %"


def _quoted(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else str(value)
