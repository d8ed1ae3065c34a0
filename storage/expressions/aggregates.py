"""What a KPI may hold: aggregates over the rows of a frame, and arithmetic between them.

    sum(case when y_pred and y_true then 120 when y_pred then -15 else 0 end) / count(*)
    avg(y_score) filter (where sex = 'Female')

There are `sum avg min max median quantile(x, q) stddev stddev_pop` of numbers (true and false are 1 and 0),
`count(*)`, `count(x)` and `count(distinct x)` of anything, `count_if(condition)`; each may be followed by
`filter (where …)`. Missing values are left out, as in SQL: the sum of none is missing, their count is 0.
Sums and means are compensated (Kahan), for the rows' order is nobody's choice. A quantile is interpolated
between its neighbours; `stddev` is of a sample (n - 1).

An expression comes out in three layers, for the rows' part is the same for all slices of the rows: values by
row (`r0`…), aggregates of those (`a0`…), and one answer an expression. Of each aggregate it is known what it
makes of which values, so that it can be made anew where rows count more or less than once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from sqlglot import exp

from storage.expressions.conditions import number_of, only, path_of, reading, refused
from storage.expressions.functions import NAMES
from storage.expressions.rows import Rows
from storage.expressions.syntax import column_of
from storage.expressions.terms import FilterError, Kind, Term

if TYPE_CHECKING:
    from storage.expressions.columns import Columns
    from storage.expressions.terms import Values

_OF_NUMBERS: dict[type[exp.Expr], str] = {
    exp.Sum: "fsum",
    exp.Avg: "favg",
    exp.Min: "min",
    exp.Max: "max",
    exp.Median: "median",
    exp.Stddev: "stddev_samp",
    exp.StddevSamp: "stddev_samp",
    exp.StddevPop: "stddev_pop",
}
"""DuckDB's names by sqlglot's."""
_QUANTILES: dict[type[exp.Expr], str] = {exp.Quantile: "quantile", exp.PercentileCont: "expression"}
"""By sqlglot's name, that of the share."""
Of = Literal["sum", "mean", "count", "stddev", "stddev_pop", "quantile", "min", "max", "distinct"]
_MADE: dict[type[exp.Expr], Of] = {
    exp.Sum: "sum",
    exp.Avg: "mean",
    exp.Min: "min",
    exp.Max: "max",
    exp.Median: "quantile",
    exp.Quantile: "quantile",
    exp.PercentileCont: "quantile",
    exp.Stddev: "stddev",
    exp.StddevSamp: "stddev",
    exp.StddevPop: "stddev_pop",
    exp.Count: "count",
    exp.CountIf: "count",
}
_SMOOTH = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Neg, exp.Paren)
AGGREGATES = (
    *("sum", "avg", "min", "max", "count", "count_if", "median", "quantile"),
    *("stddev", "stddev_pop"),
)


@dataclass(frozen=True, slots=True)
class Part:
    """An aggregate, by what it makes of the rows' values."""

    of: Of
    row: str | None
    """The name of the values; None: every row counts 1."""
    kept: str | None
    """The name of what says which rows count; None: all of them."""
    share: float = 0.5
    """Of a quantile."""


@dataclass(slots=True)
class Plan:
    """Several expressions, taken apart; what two of them share is there once."""

    rows: dict[str, str] = field(default_factory=dict)
    """SQL of a row's values, to the name each has in `calls`: `r0`…"""
    calls: dict[str, str] = field(default_factory=dict)
    """SQL of the aggregates, to the name each has in `answers`: `a0`…"""
    answers: list[str] = field(default_factory=list)
    """SQL of a double by expression; null, or not finite, where there is no value."""
    parts: dict[str, Part] = field(default_factory=dict)
    """By the aggregates' names, what they are made of."""
    smooth: list[bool] = field(default_factory=list)
    """By expression, whether it is sums, differences, products and quotients of its aggregates, and no more."""

    def row(self, sql: str) -> str:
        """The name of a row's value."""
        return self.rows.setdefault(sql, f"r{len(self.rows)}")

    def call(self, sql: str) -> str:
        """The name of an aggregate."""
        return self.calls.setdefault(sql, f"a{len(self.calls)}")


def add(tree: exp.Expr, columns: Columns, values: Values, plan: Plan) -> None:
    """Understand one more expression. Raises `FilterError`."""
    compiler = _Aggregates(columns, values, plan)
    sql = reading(compiler.term(tree), Kind.NUMBER, tree)
    if not compiler.called:
        raise FilterError("a KPI is an aggregate: sum(…), avg(…), count(*)…; here is none")
    plan.answers.append(sql)
    plan.smooth.append(_is_smooth(tree))


class _Aggregates(Rows):
    """Goes through what is worth one number for all rows together."""

    callable_names = (*NAMES, *AGGREGATES)

    def __init__(self, columns: Columns, values: Values, plan: Plan) -> None:
        super().__init__(columns, values)
        self._plan = plan
        self.called = False

    def _named(self, node: exp.Expr) -> Term:
        super()._named(node)  # a name that is none is the greater mistake
        name = ".".join(path_of(node))
        raise FilterError(
            f"a KPI is an aggregate: sum(…), avg(…), count(*)…; {name!r} stands alone",
            column_of(node),
        )

    def _term(self, node: exp.Expr) -> Term:
        if type(node) is exp.Filter:
            only(node, "this", "expression")
            only(node.expression, "this")
            kept = self._rows("a filter").condition(node.expression.this)
            return self._aggregate(node.this, self._plan.row(f"coalesce({kept}, false)"))
        if isinstance(node, exp.AggFunc):
            return self._aggregate(node, None)
        return super()._term(node)

    def _aggregate(self, node: exp.Expr, kept: str | None) -> Term:
        sql, row = self._call_of(node)
        if kept is not None:
            sql += f" filter (where {kept})"
        self.called = True
        name = self._plan.call(f"({sql})::double")
        self._plan.parts[name] = self._part(node, row, kept)
        return Term({Kind.NUMBER: f"nullif({name}, 'nan'::double)"}, raw=name)

    def _part(self, node: exp.Expr, row: str | None, kept: str | None) -> Part:
        kind = type(node)
        if kind is exp.Count and type(node.this) is exp.Distinct:
            return Part("distinct", row, kept)
        share = node.args.get(_QUANTILES[kind]) if kind in _QUANTILES else None
        return Part(_MADE[kind], row, kept, number_of(str(share.this)) if share else 0.5)

    def _call_of(self, node: exp.Expr) -> tuple[str, str | None]:
        """The SQL of an aggregate, and the name of the values it is of."""
        kind = type(node)
        if kind is exp.Count:
            return self._count(node)
        if kind is exp.CountIf:
            only(node, "this")
            holds = self._rows().condition(_argument(node))
            row = self._plan.row(f"nullif(coalesce({holds}, false), false)")
            return f"count({row})", row
        if kind in _QUANTILES:
            only(node, "this", _QUANTILES[kind])
            share = self._share(node, node.args.get(_QUANTILES[kind]))
            row = self._number(_argument(node))
            return f"quantile_cont({row}, {share})", row
        if kind in _OF_NUMBERS:
            only(node, "this")
            row = self._number(_argument(node))
            return f"{_OF_NUMBERS[kind]}({row})", row
        raise refused(node, self.callable_names)

    def _count(self, node: exp.Expr) -> tuple[str, str | None]:
        only(node, "this", "big_int")
        counted = node.this
        if counted is None or type(counted) is exp.Star:
            return "count(*)", None
        if type(counted) is not exp.Distinct:
            row = self._any(counted)
            return f"count({row})", row
        only(counted, "expressions")
        if len(counted.expressions) != 1:
            raise FilterError("count(distinct …) takes one value", column_of(node))
        row = self._any(counted.expressions[0])
        return f"count(distinct {row})", row

    def _share(self, node: exp.Expr, share: exp.Expr | None) -> str:
        if type(share) is exp.Literal and not share.is_string:
            value = number_of(str(share.this))
            if 0 <= value <= 1:
                return self.values.bind(value)
        raise FilterError("a quantile takes a share from 0 to 1: quantile(x, 0.9)", column_of(node))

    def _number(self, node: exp.Expr) -> str:
        return self._plan.row(self._rows().number(node))

    def _any(self, node: exp.Expr) -> str:
        return self._plan.row(next(iter(self._rows().term(node).readings.values())))

    def _rows(self, place: str = "another aggregate") -> Rows:
        return Rows(self._columns, self.values, place)


def _argument(node: exp.Expr) -> exp.Expr:
    found: exp.Expr | None = node.args.get("this")
    if found is None:
        raise FilterError("an aggregate takes a value: sum(x)", column_of(node))
    return found


def _is_smooth(node: exp.Expr) -> bool:
    if isinstance(node, exp.AggFunc | exp.Filter | exp.Literal):
        return True
    inner = [one for one in (node.args.get("this"), node.args.get("expression")) if one is not None]
    return type(node) in _SMOOTH and all(map(_is_smooth, inner))
