"""How the values of a column are read as the type that a contract means.

`int` takes whole floats too, which is what a table with gaps often stores its ints as; `float` takes any number;
`date` and `time` take ISO texts too, since CSV has no others. A time without a zone is UTC. NaN is a missing value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from cockpit.project.rules import Type

_ZONED = ("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M%#z")
_NAIVE = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M")
_DTYPES: dict[Type, pl.DataType] = {
    "int": pl.Int64(),
    "float": pl.Float64(),
    "bool": pl.Boolean(),
    "text": pl.String(),
    "date": pl.Date(),
    "time": pl.Datetime("us"),
}


@dataclass(frozen=True, slots=True)
class Reading:
    """A column read as the type that its rule means."""

    given: pl.Expr
    """Whether there is a value."""
    value: pl.Expr
    """Null where the value is missing or does not read as the type."""
    reads: pl.Expr | None = None
    """Whether a value reads as the type (or is missing); None where all do."""
    stored: str | None = None
    """What the whole column is instead, where that is the fault: `text`."""


def type_of(dtype: pl.DataType) -> Type | None:
    """The contract's word for a polars type; None for those it has none for (lists, structs, null…)."""
    if dtype.is_integer():
        return "int"
    if dtype.is_float() or dtype.is_decimal():
        return "float"
    if dtype == pl.Boolean:
        return "bool"
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return "text"
    if dtype == pl.Date:
        return "date"
    return "time" if dtype == pl.Datetime else None


def reading(name: str, dtype: pl.DataType, kind: Type | None) -> Reading:
    """How the column `name` is read as `kind`."""
    column, stored = pl.col(name), type_of(dtype)
    if dtype.is_float():
        column = column.fill_nan(None)
    given = column.is_not_null()
    if kind is None:
        return Reading(given, column)
    if dtype == pl.Null:
        return Reading(given, column.cast(_DTYPES[kind]))
    if kind == stored:
        return Reading(given, _as_stored(column, dtype, kind))
    if (kind, stored) == ("float", "int"):
        return Reading(given, column.cast(pl.Float64))
    if (kind, stored) == ("int", "float"):
        value = column.cast(pl.Int64, strict=False)
        whole = (value.cast(pl.Float64) == column.cast(pl.Float64)).fill_null(False)
        return Reading(given, value, ~given | whole)
    if stored == "text" and kind in ("date", "time"):
        value = _from_text(column.cast(pl.String), kind)
    elif stored in ("date", "time") and kind in ("date", "time"):
        time = _as_stored(column, dtype, stored).cast(_DTYPES["time"])
        value = time.cast(_DTYPES[kind])
        return Reading(given, value, ~given | (value.cast(_DTYPES["time"]) == time))
    else:
        return _misplaced(column, stored or str(dtype), kind)
    return Reading(given, value, ~given | value.is_not_null())


def _misplaced(column: pl.Expr, stored: str, kind: Type) -> Reading:
    """A column of another type altogether; some of its values may still read as the one meant."""
    if kind == "bool" and stored == "text":
        lower = column.cast(pl.String).str.to_lowercase()
        value = pl.when(lower.is_in(["true", "false"])).then(lower == "true").otherwise(None)
    elif stored in ("text", "int", "float", "bool") and kind in ("int", "float", "text"):
        plain = column.cast(pl.String) if stored == "text" else column
        value = plain.cast(_DTYPES[kind], strict=False)
    else:
        value = pl.lit(None, dtype=_DTYPES[kind])
    return Reading(column.is_not_null(), value, column.is_null() | value.is_not_null(), stored)


def _as_stored(column: pl.Expr, dtype: pl.DataType, kind: Type) -> pl.Expr:
    if kind == "text":
        return column.cast(pl.String)
    if isinstance(dtype, pl.Datetime):
        utc = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return utc.dt.replace_time_zone(None).dt.cast_time_unit("us")
    return column.cast(pl.Float64) if dtype.is_decimal() else column


def _from_text(text: pl.Expr, kind: Type) -> pl.Expr:
    text = text.str.strip_chars()
    day = text.str.to_date("%Y-%m-%d", strict=False)
    if kind == "date":
        return day
    iso = text.str.replace(" ", "T")
    zoned = [
        iso.str.to_datetime(form, strict=False, time_unit="us", time_zone="UTC") for form in _ZONED
    ]
    return pl.coalesce(
        *(one.dt.replace_time_zone(None) for one in zoned),
        *(iso.str.to_datetime(form, strict=False, time_unit="us") for form in _NAIVE),
        day.cast(pl.Datetime("us")),
    )
