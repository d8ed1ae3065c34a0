"""The names of a frame's columns, for expressions over its rows: a slice, a rule, a KPI.

- A number is a double whatever the column holds, so whole numbers are exact up to 2^53 (an id above that may
  equal its neighbour); NaN is missing.
- A column of whole numbers may stand where a condition is wanted, and holds where it is not 0
  (`y_pred and y_true`); a column of fractions may not, for `score` alone is more likely a slip.
- A text is a text whatever it says: `?` and the empty text are not missing. Categories are their texts.
- A date is its midnight; a time is UTC where the column names a zone, to the microsecond. A duration is seconds.
- Lists, structs, bytes and times of day cannot be used.

The names are matched as they are written, upper and lower case apart.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.expressions.terms import Kind, Term

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from storage.expressions.terms import Values

_SQL = {
    Kind.NUMBER: "nullif({0}::double, 'nan'::double)",
    Kind.TEXT: "{0}",
    Kind.TRUTH: "{0}",
    Kind.TIME: "{0}::timestamp",
}
_NOTHING = Term(
    {
        Kind.NUMBER: "null::double",
        Kind.TRUTH: "null::boolean",
        Kind.TEXT: "null::varchar",
        Kind.TIME: "null::timestamp",
    }
)
"""A column that holds only nulls is of every kind."""


class Columns:
    """Resolves the names of a frame's columns; in the SQL they are `c0`, `c1`…, by their places."""

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        self.kinds: dict[str, Kind] = {}
        """Of the columns that can be used, in the frame's order; what is only nulls counts as text."""
        self._terms: dict[str, Term] = {}
        self._unusable: dict[str, str] = {}
        for place, (name, dtype) in enumerate(schema.items()):
            found = _term(dtype, f"c{place}")
            if found is None:
                self._unusable[name] = str(dtype)
                continue
            self._terms[name] = found
            self.kinds[name] = Kind.TEXT if found is _NOTHING else next(iter(found.readings))

    def find(self, path: Sequence[str], values: Values) -> Term | None:
        return self._terms.get(".".join(path))

    def names(self) -> Sequence[str]:
        return tuple(self._terms)

    def unusable(self, path: Sequence[str]) -> str | None:
        """What a column holds that no expression can use, in polars' word; None where it can be used or is none."""
        return self._unusable.get(".".join(path))


def _term(dtype: pl.DataType, sql: str) -> Term | None:
    import polars as pl  # here, so that a screen can know the names of a frame without it

    if dtype == pl.Null:
        return _NOTHING
    kind = _kind(dtype)
    if kind is None:
        return None
    if dtype.is_integer():
        return Term({kind: f"{sql}::double"}, truth=f"({sql} != 0)")
    raw = f"{sql}::double" if kind is Kind.NUMBER else None
    return Term({kind: _SQL[kind].format(sql)}, raw=raw)


def _kind(dtype: pl.DataType) -> Kind | None:
    import polars as pl

    if dtype.is_numeric() or dtype == pl.Duration:
        return Kind.NUMBER
    if dtype in (pl.Date, pl.Datetime):
        return Kind.TIME
    if dtype in (pl.String, pl.Categorical, pl.Enum):
        return Kind.TEXT
    return Kind.TRUTH if dtype == pl.Boolean else None
