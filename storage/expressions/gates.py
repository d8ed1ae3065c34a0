"""A gate: one comparison that must hold, of a model's figures with numbers or with those of the one it would replace.

    auc >= incumbent.auc - 0.002
    slice('young women').recall >= 0.6
    every slice: recall >= incumbent.recall - 0.03 where n >= 200
    kpi.profit >= incumbent.kpi.profit
    contract = 'passed'

It is parsed as SQL and taken apart here, node by node, into the few things that a gate is made of; what it means
is worked out by whoever has the figures, and nothing of it is ever run as SQL.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import Dialect, exp
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

from storage.expressions.conditions import number_of, only
from storage.expressions.syntax import column_of, parse
from storage.expressions.terms import FilterError

if TYPE_CHECKING:
    from collections.abc import Iterator

DEEPEST = 40
INCUMBENT = "incumbent"
SLICE = "slice"
_EVERY = re.compile(r"\s*every\s+slice\s*:", re.IGNORECASE)
_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_ARITHMETIC: dict[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_EXAMPLE = "as in auc >= incumbent.auc - 0.002"


@dataclass(frozen=True, slots=True)
class Name:
    """A figure: of the candidate or of the incumbent, of all rows or of a slice."""

    path: tuple[str, ...]
    """`("auc",)`, `("kpi", "profit")`, `("drift", "psi_max")`."""
    slice: str | None = None
    incumbent: bool = False

    def __str__(self) -> str:
        of = [INCUMBENT] * self.incumbent
        of += [f"{SLICE}('{self.slice}')"] if self.slice is not None else []
        return ".".join([*of, *self.path])


@dataclass(frozen=True, slots=True)
class Number:
    value: float


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Arithmetic between two terms."""

    sign: str
    """One of `+ - * /`."""
    left: Term
    right: Term


Term = Name | Number | Text | Operation


@dataclass(frozen=True, slots=True)
class Comparison:
    sign: str
    """One of `= != < <= > >=`."""
    left: Term
    right: Term

    def names(self) -> tuple[Name, ...]:
        """The figures it speaks of, from left to right."""
        return (*_names(self.left), *_names(self.right))


@dataclass(frozen=True, slots=True)
class Gate:
    """What must hold."""

    text: str
    holds: Comparison
    every: bool = False
    """Whether it must hold on every slice."""
    where: tuple[Comparison, ...] = ()
    """Of which slices: what must hold of `n`, their rows, all of it."""


def parse_gate(text: str) -> Gate:
    """Take a gate apart. Raises `FilterError`; columns in it are counted from the beginning of the text."""
    start = _EVERY.match(text)
    begin = start.end() if start else 0
    end, after = _where(text)
    if after is not None and not start:
        raise FilterError("where chooses among slices: every slice: … where n >= 200", end + 1)
    holds = _comparison(_piece(text[begin:end], begin), begin)
    if after is None:
        return Gate(text.strip(), holds, start is not None)
    where = tuple(_comparison(part, after) for part in _joined(_piece(text[after:], after)))
    for one in where:
        if [name.path for name in one.names()] != [("n",)] or any(
            name.slice or name.incumbent for name in one.names()
        ):
            raise FilterError("where speaks of n, the rows of a slice: where n >= 200", after + 1)
    return Gate(text.strip(), holds, every=True, where=where)


def _where(text: str) -> tuple[int, int | None]:
    """Where the comparison ends, and where what follows `where` begins."""
    try:
        tokens = Dialect.get_or_raise("duckdb").tokenize(text)
    except TokenError:  # which parsing says better
        return len(text), None
    found = [token for token in tokens if token.token_type == TokenType.WHERE]
    return (found[0].start, found[0].end + 1) if found else (len(text), None)


def _piece(text: str, offset: int) -> exp.Expr:
    try:
        return parse(text)
    except FilterError as error:
        raise _moved(error, offset) from None


def _moved(error: FilterError, offset: int) -> FilterError:
    return FilterError(error.sentence, error.column and error.column + offset)


def _joined(tree: exp.Expr) -> Iterator[exp.Expr]:
    while type(tree) is exp.Paren:
        tree = tree.this
    if type(tree) is exp.And:
        for part in tree.flatten():
            yield from _joined(part)
    else:
        yield tree


def _comparison(tree: exp.Expr, offset: int) -> Comparison:
    try:
        while type(tree) is exp.Paren:
            tree = tree.this
        if type(tree) not in _SIGNS:
            raise FilterError(f"a gate is one comparison, {_EXAMPLE}", column_of(tree))
        only(tree, "this", "expression")
        found = Comparison(_SIGNS[type(tree)], _term(tree.this), _term(tree.expression))
        _check(found, tree)
    except FilterError as error:
        raise _moved(error, offset) from None
    except RecursionError:
        raise FilterError("the gate nests too deep") from None
    return found


def _check(found: Comparison, tree: exp.Expr) -> None:
    if not found.names():
        raise FilterError(f"a gate speaks of a figure of the model, {_EXAMPLE}", column_of(tree))
    texts = [side for side in (found.left, found.right) if isinstance(side, Text)]
    if texts and found.sign not in ("=", "!="):
        raise FilterError("a text is compared with = or !=", column_of(tree))


def _term(node: exp.Expr, depth: int = 0) -> Term:
    if depth > DEEPEST:
        raise FilterError("the gate nests too deep", column_of(node))
    kind = type(node)
    if kind is exp.Paren:
        return _term(node.this, depth + 1)
    if kind is exp.Neg:
        return Operation("-", Number(0.0), _number(node.this, depth))
    if kind in _ARITHMETIC:
        only(node, "this", "expression", "typed", "safe")
        sides = _number(node.this, depth), _number(node.expression, depth)
        return Operation(_ARITHMETIC[kind], *sides)
    if kind is exp.Literal:
        return _literal(node)
    return _name(node)


def _number(node: exp.Expr, depth: int) -> Term:
    found = _term(node, depth + 1)
    if isinstance(found, Text):
        raise FilterError("a text is no number", column_of(node))
    return found


def _literal(node: exp.Expr) -> Term:
    if node.is_string:
        return Text(str(node.this))
    value = number_of(str(node.this))
    if not math.isfinite(value):
        raise FilterError(f"{node.this} is no number, or too large a one", column_of(node))
    return Number(value)


def _name(node: exp.Expr) -> Name:
    parts = list(_parts(node))
    incumbent = _word(parts[0]) == INCUMBENT
    rest = parts[1:] if incumbent else parts
    of = _slice(rest[0]) if rest else None
    path = tuple(_word(part) for part in rest[of is not None :])
    if not path or not all(path):
        raise FilterError(
            f"this is no part of a gate; there are names, {SLICE}('NAME').METRIC, numbers and + - * /",
            column_of(node),
        )
    return Name(path, of, incumbent)


def _parts(node: exp.Expr) -> Iterator[exp.Expr]:
    """What stands between the dots; `parts` of sqlglot's own leaves out what is called."""
    if type(node) is exp.Dot:
        only(node, "this", "expression")
        yield from _parts(node.this)
        yield from _parts(node.expression)
    elif type(node) is exp.Column:
        only(node, "this", "table", "db", "catalog")
        yield from node.parts
    else:
        yield node


def _word(node: exp.Expr) -> str:
    return node.name if type(node) is exp.Identifier else ""


def _slice(node: exp.Expr) -> str | None:
    """The slice that `slice('young women')` names; None where it is no such call."""
    if type(node) is not exp.Anonymous or node.name.lower() != SLICE:
        return None
    given = node.expressions
    if len(given) != 1 or type(given[0]) is not exp.Literal or not given[0].is_string:
        raise FilterError(
            "a slice is named in quotes: slice('young women').recall", column_of(node)
        )
    return str(given[0].this)


def _names(term: Term) -> Iterator[Name]:
    match term:
        case Name():
            yield term
        case Operation():
            yield from _names(term.left)
            yield from _names(term.right)
