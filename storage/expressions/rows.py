"""What may be asked of a frame's row: all that a condition may hold, and `case when`.

True and false are the numbers 1 and 0 where a number must stand: `y_pred * (y_true = 0)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from storage.expressions.conditions import Compiler, compare, kinds_of_all, only, path_of, reading
from storage.expressions.syntax import column_of
from storage.expressions.terms import FilterError, Kind, Term

if TYPE_CHECKING:
    from storage.expressions.columns import Columns
    from storage.expressions.terms import Values


class Rows(Compiler):
    """Goes through an expression that is worth something for each row."""

    def __init__(self, columns: Columns, values: Values, place: str = "a slice") -> None:
        super().__init__(columns, values)
        self._columns = columns
        self._place = place

    def number(self, node: exp.Expr) -> str:
        """SQL of a double by row."""
        return self._read(node, Kind.NUMBER)

    def _named(self, node: exp.Expr) -> Term:
        path = path_of(node)
        if (held := self._columns.unusable(path)) is not None:
            name = ".".join(path)
            raise FilterError(f"an expression cannot use {name!r}: it is {held}", column_of(node))
        return super()._named(node)

    def _term(self, node: exp.Expr) -> Term:
        if type(node) is exp.Case:
            return self._case(node)
        if isinstance(node, exp.AggFunc | exp.Filter):
            raise FilterError(f"an aggregate cannot stand in {self._place}", column_of(node))
        return super()._term(node)

    def _as(self, kind: Kind, term: Term, at: exp.Expr) -> str:
        if kind is Kind.NUMBER and kind not in term.readings and Kind.TRUTH in term.readings:
            return f"({term.readings[Kind.TRUTH]})::double"
        return reading(term, kind, at)

    def _case(self, node: exp.Expr) -> Term:
        only(node, "this", "ifs", "default")
        of = node.args.get("this")
        branches: list[tuple[str, exp.Expr | None]] = []
        for branch in node.args["ifs"]:
            only(branch, "this", "true")
            when = self._when(of, branch.this)
            branches.append((f"when {when} then", branch.args["true"]))
        branches.append(("else", node.args.get("default")))
        terms = [None if _is_null(value) else self.term(value) for _, value in branches]  # type: ignore[arg-type]
        return _either(node, [start for start, _ in branches], terms)

    def _when(self, of: exp.Expr | None, node: exp.Expr) -> str:
        if of is None:
            return self.condition(node)
        return compare("=", node, self.term(of), self.term(node))


def _is_null(node: exp.Expr | None) -> bool:
    return node is None or type(node) is exp.Null


def _either(node: exp.Expr, starts: list[str], terms: list[Term | None]) -> Term:
    given = [term for term in terms if term is not None]
    common = kinds_of_all(*given) if given else []
    if not common:
        raise FilterError("a case gives values, all of one kind", column_of(node))
    sql = {}
    for kind in common:
        values = ["null" if term is None else term.readings[kind] for term in terms]
        parts = " ".join(f"{s} {v}" for s, v in zip(starts, values, strict=True))
        sql[kind] = f"(case {parts} end)"
    return Term(sql)
