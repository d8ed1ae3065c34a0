"""What a column has to be for a contract to speak of it, and how its values are read as that.

`int` takes whole floats too, which is what a table with gaps often stores its ints as; `float` takes any number;
`date` and `time` take ISO texts too, since CSV has no others. A time without a zone is UTC. NaN is a missing value.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.project.model import ColumnRule, Scalar

Type = Literal["int", "float", "bool", "text", "date", "time"]

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


class ContractError(UserError):
    """A contract that cannot be checked, whatever the data: it asks for what cannot be."""


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


def meant_type(column: str, rule: ColumnRule) -> Type | None:
    """The type a rule means, said or implied by its bounds; None where any will do.

    Raises `ContractError` where the rule contradicts itself.
    """
    implied = {
        word: _implied(column, word, given)
        for word, given in (("min", rule.min), ("max", rule.max), ("pattern", rule.pattern))
        if given is not None
    }
    if rule.allowed is not None:
        implied |= {f"allowed ({value!r})": _scalar_type(value) for value in rule.allowed}
    said = rule.type
    for word, kind in implied.items():
        said = said or kind
        if not _agree(said, kind):
            raise ContractError(
                f"the contract's column {column!r} contradicts itself: {word} means {_A[kind]}, "
                f"the rest of it {_A[said]}"
            )
    return said


def bound(column: str, word: str, given: float | str, kind: Type) -> Any:
    """A bound as a value that a column of the type is compared with; raises `ContractError`."""
    if isinstance(given, str):
        time = _time(given)
        if time is None:
            raise ContractError(
                f'the contract\'s column {column!r} has {word} = "{given}", which is neither a number nor '
                'an ISO date or time such as "2024-01-31"'
            )
        if kind == "date" and time.time() != datetime.min.time():
            raise ContractError(
                f'the contract\'s column {column!r} is of dates, and {word} = "{given}" is a time'
            )
        return time.date() if kind == "date" else time
    return given


def choices(rule: ColumnRule, kind: Type) -> list[Any]:
    """The allowed values as values of the column's type."""
    values: Sequence[Scalar] = rule.allowed or ()
    if kind in ("date", "time"):
        return [bound("", "allowed", str(value), kind) for value in values]
    if kind == "float":
        return [float(value) for value in values]
    if kind == "int":
        return [int(value) for value in values if int(value) == value]
    return list(values)


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


def _time(text: str) -> datetime | None:
    """An ISO date or time as naive UTC."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time


_A: dict[Type, str] = {
    "int": "an int",
    "float": "a number",
    "bool": "true or false",
    "text": "a text",
    "date": "a date",
    "time": "a time",
}


def _implied(column: str, word: str, given: float | str) -> Type:
    if word == "pattern":
        return "text"
    if not isinstance(given, str):
        return "float"
    bound(column, word, given, "time")
    return "time"


def _scalar_type(value: Scalar) -> Type:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, str):
        return "text"
    return "float"


def _agree(said: Type, implied: Type) -> bool:
    if said == implied or {said, implied} <= {"int", "float"}:
        return True
    return said in ("date", "time") and implied in ("date", "time", "text")
