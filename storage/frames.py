"""Users' expressions over a frame: which rows a slice holds, and what a KPI is worth on each of many slices.

They run in a DuckDB in memory that sees the frame and nothing else: no file is read or written, no database
attached, no setting changed, no extension loaded, nothing spilled to the disk. What storage.expressions does
not understand never gets there. What takes too long is interrupted.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, TypeVar

import duckdb
import polars as pl

from storage.deadline import OutOfTime, within
from storage.errors import UserError
from storage.expressions.aggregates import Plan, add
from storage.expressions.columns import Columns
from storage.expressions.conditions import mentioned
from storage.expressions.rows import Rows
from storage.expressions.syntax import parse
from storage.expressions.terms import FilterError, Kind, Values
from storage.session import Frame

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from sqlglot import exp

    from storage.expressions.aggregates import Part

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",
    "threads": "2",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "temp_directory": "",
}
_LOCKS = """
set python_enable_replacements = false;
set enable_external_access = false;
set lock_configuration = true;
"""
_COLUMN = re.compile(r"\bc(\d+)\b")
_AT_ONCE = 64
"""Masks in one question."""
_SHOWN = 60
"""Characters of an expression in the message about it."""
_Found = TypeVar("_Found")


class ExpressionFailed(UserError):
    """An expression took too long, or more memory than it may; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True, eq=False)
class Apart:
    """An aggregate expression taken apart."""

    parts: tuple[Part, ...]
    """Its aggregates, in the order of the columns."""
    values: pl.DataFrame
    """rows × aggregates, Float64: what each row hands to each of them, null where it hands nothing (1 where rows
    are counted)."""
    smooth: bool
    """Whether it is sums, differences, products and quotients of its aggregates, and no more."""


class Frames:
    """Answers expressions over the rows of one frame; a context manager, for one thread.

    How the columns are read stands in storage.expressions.columns, what a KPI may hold in
    storage.expressions.aggregates.
    """

    def __init__(self, frame: pl.DataFrame, timeout: float = 10.0) -> None:
        """`timeout` in seconds, for each question."""
        self.columns = Columns(frame.schema)
        self._frame = frame
        self._timeout = timeout
        self._connection = duckdb.connect(config=_SETTINGS)
        self._connection.execute(_LOCKS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def turn_to(self, frame: pl.DataFrame) -> None:
        """Answer over the rows of another frame from now on: to open a DuckDB and to close it takes its time."""
        self.columns, self._frame = Columns(frame.schema), frame

    def close(self) -> None:
        """Let go of the frame."""
        self._connection.close()

    def masks(self, conditions: Sequence[str]) -> pl.DataFrame:
        """Which rows each condition holds for: rows × conditions, Boolean without nulls, named "0", "1"…

        Raises `FilterError` with `which` set where one cannot be understood, or `ExpressionFailed`.
        """
        if not conditions:
            return pl.DataFrame()
        values = Values()
        held = self._understand(conditions, lambda tree: Rows(self.columns, values).condition(tree))
        listed = ", ".join(f'coalesce({sql}, false) as "{i}"' for i, sql in enumerate(held))
        ask = f"select {listed} from rows"
        return self._answer(self._taken(ask), lambda: self._table(ask, values))

    def count(self, condition: str) -> int:
        """How many rows a condition holds for. Raises `FilterError` or `ExpressionFailed`."""
        values = Values()
        ask = f"select count(*) from rows where {Rows(self.columns, values).condition(parse(condition))}"
        found = self._answer(self._taken(ask), lambda: self._tuples(ask, values))
        return int(found[0][0])

    def aggregates(
        self, expressions: Sequence[str], masks: pl.DataFrame | None = None
    ) -> list[list[float | None]]:
        """What each expression is worth on the rows of each mask: masks × expressions.

        `masks` has a Boolean column a mask and the frame's rows; without, there is one row: all. None where
        there is no value, or no finite one: the mean of no rows, a division by zero.
        Raises `FilterError` with `which` set where one cannot be understood, or `ExpressionFailed`.
        """
        values, plan = Values(), Plan()
        self._understand(expressions, lambda tree: add(tree, self.columns, values, plan))
        if not expressions or (masks is not None and not masks.width):
            return [[] for _ in range(1 if masks is None else masks.width)]
        taken = self._taken(", ".join(plan.rows))
        if masks is None:
            rows = f"({_by_row(plan)})"
            return self._answer(taken, lambda: self._worth(plan, values, [rows]))
        if masks.height != self._frame.height:
            raise ValueError(f"masks of {masks.height} rows for {self._frame.height} rows")
        names = [f"m{i}" for i in range(masks.width)]
        taken = taken.hstack(masks.rename(dict(zip(masks.columns, names, strict=True))))
        return self._answer(taken, lambda: self._by_mask(plan, values, names))

    def taken_apart(self, expression: str) -> Apart:
        """What each row hands to the aggregates of an expression. Raises `FilterError` or `ExpressionFailed`."""
        plan, values = self._planned(expression)
        handed = ", ".join(f"{_handed(part)} as {name}" for name, part in plan.parts.items())
        ask = f"select {handed} from ({_by_row(plan)})"
        found = self._answer(self._taken(", ".join(plan.rows)), lambda: self._table(ask, values))
        return Apart(tuple(plan.parts.values()), found, plan.smooth[0])

    def put_together(self, expression: str, aggregates: pl.DataFrame) -> list[float | None]:
        """What an expression is worth where its aggregates have these values (Float64, null for none), line by line.

        The columns are those of `Apart.values`. Raises `FilterError` or `ExpressionFailed`.
        """
        plan, values = self._planned(expression)
        given = aggregates.rename(dict(zip(aggregates.columns, plan.parts, strict=True)))
        ask = f"select {plan.answers[0]} from rows order by line"
        return self._answer(
            given.with_row_index("line"), lambda: [_finite(v) for (v,) in self._tuples(ask, values)]
        )

    def _planned(self, expression: str) -> tuple[Plan, Values]:
        values, plan = Values(), Plan()
        self._understand([expression], lambda tree: add(tree, self.columns, values, plan))
        return plan, values

    def frequent(self, name: str, most: int = 20) -> tuple[str, ...]:
        """The most frequent texts of a column of texts, the most frequent first; none for other columns."""
        if self.columns.kinds.get(name) is not Kind.TEXT:
            return ()
        texts = self._frame[name].cast(pl.String).drop_nulls().alias("text")
        counts = texts.value_counts(name="rows").sort("rows", "text", descending=[True, False])
        return tuple(counts["text"].head(most))

    def _by_mask(self, plan: Plan, values: Values, names: list[str]) -> list[list[float | None]]:
        # The rows' part is worked out once. Then a look at the table a mask, many in one question: that
        # takes a tenth of the time of one aggregate with a filter by aggregate and mask.
        self._tuples(f"create or replace temp table taken as {_by_row(plan, names)}", values)
        try:
            return [
                worth
                for start in range(0, len(names), _AT_ONCE)
                for worth in self._worth(
                    plan, values, [f"taken where {n}" for n in names[start : start + _AT_ONCE]]
                )
            ]
        finally:
            self._connection.execute("drop table taken")

    def _worth(self, plan: Plan, values: Values, sources: list[str]) -> list[list[float | None]]:
        calls = ", ".join(f"{sql} as {name}" for sql, name in plan.calls.items())
        looks = (f"select {i} as i, {calls} from {source}" for i, source in enumerate(sources))
        ask = f"select {', '.join(plan.answers)} from ({' union all '.join(looks)}) order by i"
        return [[_finite(value) for value in row] for row in self._tuples(ask, values)]

    def _understand(
        self, texts: Sequence[str], compile_one: Callable[[exp.Expr], _Found]
    ) -> list[_Found]:
        found = []
        for which, text in enumerate(texts):
            try:
                found.append(compile_one(parse(text)))
            except FilterError as error:
                shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
                sentence = error.sentence if len(texts) == 1 else f"{shown!r}: {error.sentence}"
                raise FilterError(sentence, error.column, which) from error
        return found

    def _taken(self, sql: str) -> pl.DataFrame:
        """The columns that a piece of SQL names, as DuckDB can take them over; all rows, and one column at least."""
        places = sorted({int(place) for place in _COLUMN.findall(sql)})
        named = [(place, self._frame.columns[place]) for place in places]
        columns = [_plain(name, self._frame.schema[name]).alias(f"c{i}") for i, name in named]
        rows = pl.repeat(True, self._frame.height, eager=True).alias("every")
        return self._frame.select(columns).with_columns(rows) if columns else rows.to_frame()

    def _answer(self, taken: pl.DataFrame, work: Callable[[], _Found]) -> _Found:
        """What `work` finds while the table `rows` is there, within the time."""
        self._connection.register("rows", Frame(taken))
        try:
            return within(self._timeout, self._connection, work)
        except OutOfTime:
            raise ExpressionFailed(
                f"the expression was ended after {self._timeout:g} s; ask for less, or on fewer rows"
            ) from None
        except duckdb.OutOfMemoryException as error:
            raise ExpressionFailed(
                "the expression needs more than the 1 GB of memory it may have; ask on fewer rows"
            ) from error
        except duckdb.Error as error:
            first = str(error).strip().split("\n")[0]
            raise ExpressionFailed(f"the expression could not be worked out: {first}") from error
        finally:
            self._connection.unregister("rows")

    def _tuples(self, sql: str, values: Values) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, mentioned(sql, values) or None).fetchall()

    def _table(self, sql: str, values: Values) -> pl.DataFrame:
        return pl.DataFrame(self._connection.sql(sql, params=mentioned(sql, values) or None))


def _plain(name: str, dtype: pl.DataType) -> pl.Expr:
    """A column in a type that DuckDB takes over and an expression can use."""
    column = pl.col(name)
    if dtype == pl.Duration:
        return column.dt.total_microseconds() / 1e6
    if isinstance(dtype, pl.Datetime):
        utc = column if dtype.time_zone is None else column.dt.convert_time_zone("UTC")
        return utc.dt.replace_time_zone(None).dt.cast_time_unit("us")
    if dtype in (pl.Categorical, pl.Enum):
        return column.cast(pl.String)
    if dtype.is_decimal() or dtype in (pl.Int128, pl.UInt128, pl.Float16):
        return column.cast(pl.Float64)
    return column


def _handed(part: Part) -> str:
    """SQL of what a row hands to an aggregate."""
    if part.of in ("count", "distinct"):
        there = f"({part.row} is not null)" if part.row else "true"
        kept = f"({there} and {part.kept})" if part.kept else there
        return f"(case when {kept} then 1 end)::double"
    return f"(case when {part.kept} then {part.row} end)" if part.kept else str(part.row)


def _by_row(plan: Plan, masks: Sequence[str] = ()) -> str:
    rows = [f"{sql} as {name}" for sql, name in plan.rows.items()]
    return f"select {', '.join([*rows, *masks, 'every'])} from rows"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
