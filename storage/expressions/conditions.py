"""What of SQL a user's expression may hold, and what it means: the one gate a user's SQL goes through.

Every node of the parsed text is looked up in the tables below; what stands in none of them is refused.
What comes out is SQL of ours (constants and `$` parameters), never a piece of the user's text.

Rules, whoever resolves the names:
- a comparison with a missing value is false, and NaN is missing; `not` turns that around, so
  `not auc > 0.9` (like `not in`, `not like`) holds where there is no `auc`, and `auc <= 0.9` does not;
- numbers are 64-bit floats; what has no result (a root of -1, 0 / 0) is missing;
- a set of texts (`tag`) `=` a text where it holds it, and `!=` where it does not;
- a time is compared with an ISO date or time in quotes, UTC where it names no zone.
"""

from __future__ import annotations

import difflib
import math
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from storage.expressions.functions import FUNCTIONS, NAMES, Function
from storage.expressions.names import typed
from storage.expressions.syntax import column_of
from storage.expressions.terms import (
    Condition,
    FilterError,
    Kind,
    Resolver,
    Term,
    UnknownName,
    Values,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.expressions.terms import Value

DEEPEST = 60
LARGEST = 100_000
"""Characters of our SQL: a `between` or an `in` says its value more than once, one in another ever more often."""

_COMPARISONS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_JOINED: dict[type[exp.Expr], str] = {exp.And: " and ", exp.Or: " or "}
_ARITHMETIC: dict[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}
_LIKE: dict[type[exp.Expr], str] = {exp.Like: "like", exp.ILike: "ilike"}
_PARAMETER = re.compile(r"\$(f\d+)")
_PREFERRED = (Kind.NUMBER, Kind.TRUTH, Kind.TEXT, Kind.TIME)


def condition(tree: exp.Expr, resolver: Resolver) -> Condition:
    """Understand a parsed boolean expression over the names that `resolver` knows.

    Raises `FilterError`.
    """
    values = Values()
    sql = Compiler(resolver, values).condition(tree)
    return Condition(sql, mentioned(sql, values))


def mentioned(sql: str, values: Values) -> dict[str, Value]:
    """The values that a piece of SQL names: more are bound than are needed in the end."""
    return {name: values.bound[name] for name in _PARAMETER.findall(sql)}


class Compiler:
    """Goes through a tree, each node to its SQL; for one expression."""

    callable_names = NAMES

    def __init__(self, resolver: Resolver, values: Values) -> None:
        self.values = values
        self._resolver = resolver
        self._depth = 0

    def condition(self, node: exp.Expr) -> str:
        """SQL that is true where the node holds; false or null where not."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise FilterError("the expression nests too deep")
        sql = self._condition(node)
        self._depth -= 1
        return _small_enough(sql, node)

    def _condition(self, node: exp.Expr) -> str:
        kind = type(node)
        if kind in _JOINED:
            return "(" + _JOINED[kind].join(self.condition(p) for p in node.flatten()) + ")"
        if kind is exp.Paren:
            return self.condition(node.this)
        if kind is exp.Not:
            return _not(self.condition(node.this))
        if kind in _COMPARISONS:
            only(node, "this", "expression")
            left, right = self.term(node.this), self.term(node.expression)
            return compare(_COMPARISONS[kind], node, left, right)
        if kind in _LIKE:
            return _negated(node, self._like(node))
        if kind is exp.In:
            return _negated(node, self._in(node))
        if kind is exp.Between:
            return _negated(node, self._between(node))
        if kind is exp.Is:
            return self._is(node)
        return self._truth(node)

    def term(self, node: exp.Expr) -> Term:
        """A value, by the kinds it can be read as."""
        self._depth += 1
        if self._depth > DEEPEST:
            raise FilterError("the expression nests too deep")
        term = self._term(node)
        self._depth -= 1
        for sql in term.readings.values():
            _small_enough(sql, node)
        return term

    def _term(self, node: exp.Expr) -> Term:
        kind = type(node)
        if kind is exp.Column or kind is exp.Dot:
            return self._named(node)
        if kind is exp.Literal:
            return self._literal(node)
        if kind is exp.Boolean:
            return Term({Kind.TRUTH: self.values.bind(bool(node.this))})
        if kind is exp.Paren:
            return self.term(node.this)
        if kind is exp.Neg:
            return _number(f"(- {self._raw(node.this)})")
        if kind in _ARITHMETIC:
            return self._arithmetic(node)
        if kind is exp.Coalesce:
            return self._coalesce(node)
        if kind in FUNCTIONS:
            return self._call(node, FUNCTIONS[kind])
        if kind in _CONDITIONS:
            return Term({Kind.TRUTH: f"coalesce({self.condition(node)}, false)"})
        raise refused(node, self.callable_names)

    def _named(self, node: exp.Expr) -> Term:
        path = path_of(node)
        found = self._resolver.find(path, self.values)
        if found is None:
            raise _unknown(path, node, self._resolver)
        return found

    def _literal(self, node: exp.Expr) -> Term:
        text = str(node.this)
        if node.is_string:
            readings = {Kind.TEXT: self.values.bind(text)}
            if (time := _time(text)) is not None:
                readings[Kind.TIME] = self.values.bind(time)
            return Term(readings)
        number = number_of(text)
        if not math.isfinite(number):
            raise FilterError(f"{text} is no number, or too large a one", column_of(node))
        return Term({Kind.NUMBER: self.values.bind(number)})

    def _read(self, node: exp.Expr, kind: Kind) -> str:
        return self._as(kind, self.term(node), node)

    def _raw(self, node: exp.Expr) -> str:
        """A number that may be NaN."""
        term = self.term(node)
        return self._as(Kind.NUMBER, term, node) if term.raw is None else term.raw

    def _as(self, kind: Kind, term: Term, at: exp.Expr) -> str:
        return reading(term, kind, at)

    def _truth(self, node: exp.Expr) -> str:
        term = self.term(node)
        truth = term.readings.get(Kind.TRUTH, term.truth)
        if truth is None:
            raise FilterError(
                f"{term.words()} alone is no condition; compare it with something", column_of(node)
            )
        return truth

    def _arithmetic(self, node: exp.Expr) -> Term:
        only(node, "this", "expression", "typed", "safe")
        left, right = self._raw(node.this), self._raw(node.expression)
        return _number(f"({left} {_ARITHMETIC[type(node)]} {right})")

    def _call(self, node: exp.Expr, function: Function) -> Term:
        only(node, *function.takes)
        arguments = dict(function.defaults)
        for name, kind in function.takes.items():
            if node.args.get(name) is not None:
                given = node.args[name]
                is_number = kind is Kind.NUMBER
                arguments[name] = self._raw(given) if is_number else self._read(given, kind)
        if function.takes.keys() - arguments.keys():  # `@` alone is an abs() to sqlglot
            raise FilterError(f"{node.key} is given no value to work on")
        sql = function.sql.format(**arguments)
        return _number(sql) if function.gives is Kind.NUMBER else Term({function.gives: sql})

    def _coalesce(self, node: exp.Expr) -> Term:
        only(node, "this", "expressions")
        terms = [self.term(part) for part in (node.this, *node.expressions)]
        common = kinds_of_all(*terms)
        if not common:
            raise FilterError("coalesce takes values of one kind", column_of(node))
        return Term({k: f"coalesce({', '.join(t.readings[k] for t in terms)})" for k in common})

    def _like(self, node: exp.Expr) -> str:
        only(node, "this", "expression", "negate")
        pattern, term = self._read(node.expression, Kind.TEXT), self.term(node.this)
        operator = _LIKE[type(node)]
        if Kind.SET in term.readings:
            some = f"list_filter({term.readings[Kind.SET]}, lambda one: one {operator} {pattern})"
            return f"(len({some}) > 0)"
        return f"({reading(term, Kind.TEXT, node.this)} {operator} {pattern})"

    def _in(self, node: exp.Expr) -> str:
        only(node, "this", "expressions", "negate")
        if not node.expressions:
            raise FilterError("'in' takes a list in brackets: lr in (0.1, 0.2)", column_of(node))
        term, listed = self.term(node.this), dict[Kind, list[str]]()
        parts = []
        for item in node.expressions:
            other = self.term(item)
            common = kinds_of_all(term, other)
            if len(common) == 1:
                listed.setdefault(common[0], []).append(other.readings[common[0]])
            else:
                parts.append(compare("=", node, term, other))
        # As lists, because a thousand of `or` is deeper than DuckDB follows.
        parts += [f"{term.readings[k]} in ({', '.join(items)})" for k, items in listed.items()]
        return "(" + " or ".join(parts) + ")"

    def _between(self, node: exp.Expr) -> str:
        only(node, "this", "low", "high", "negate")
        term = self.term(node.this)
        low = compare(">=", node, term, self.term(node.args["low"]))
        return f"({low} and {compare('<=', node, term, self.term(node.args['high']))})"

    def _is(self, node: exp.Expr) -> str:
        only(node, "this", "expression")
        if type(node.expression) is exp.Boolean:
            return compare("=", node, self.term(node.this), self.term(node.expression))
        if type(node.expression) is not exp.Null:
            raise FilterError("after 'is' comes null, not null, true or false", column_of(node))
        term = self.term(node.this)
        if Kind.SET in term.readings:
            return f"(len({term.readings[Kind.SET]}) = 0)"
        return term.missing or f"({next(iter(term.readings.values()))} is null)"


_CONDITIONS = {*_COMPARISONS, *_JOINED, *_LIKE, exp.Not, exp.In, exp.Between, exp.Is}


def _number(raw: str) -> Term:
    # A bare `nullif` stands for its value three times once DuckDB has bound it, one in another nine times…
    without_nan = f"list_transform([{raw}], lambda one: nullif(one, 'nan'::double))[1]"
    return Term({Kind.NUMBER: without_nan}, raw=raw)


def _small_enough(sql: str, at: exp.Expr) -> str:
    if len(sql) > LARGEST:
        raise FilterError("the expression grows too large", column_of(at))
    return sql


def _not(sql: str) -> str:
    return f"(not coalesce({sql}, false))"


def _negated(node: exp.Expr, sql: str) -> str:
    return _not(sql) if node.args.get("negate") else sql


def kinds_of_all(*terms: Term) -> list[Kind]:
    """The kinds that each of them can be read as, the one to prefer first."""
    return [kind for kind in _PREFERRED if all(kind in term.readings for term in terms)]


def reading(term: Term, kind: Kind, at: exp.Expr) -> str:
    """The SQL of a term as a kind. Raises `FilterError` where it cannot be read so."""
    if kind not in term.readings:
        raise FilterError(f"{kind} must stand here, not {term.words()}", column_of(at))
    return term.readings[kind]


def compare(operator: str, at: exp.Expr, left: Term, right: Term) -> str:
    """Two terms beside a comparison sign. Raises `FilterError` where they are of no kind in common."""
    if Kind.SET in left.readings or Kind.SET in right.readings:
        return _compare_set(operator, at, left, right)
    common = kinds_of_all(left, right)
    if not common:
        raise FilterError(f"{left.words()} cannot be compared with {right.words()}", column_of(at))
    if common[0] is Kind.TRUTH and operator not in ("=", "!="):
        raise FilterError("true and false are compared with = or !=", column_of(at))
    sql = f"{left.readings[common[0]]} {operator} {right.readings[common[0]]}"
    if Kind.NUMBER in common and Kind.TEXT in common:
        # Two params: as numbers, and as texts where one of them is none.
        sql = f"coalesce({sql}, {left.readings[Kind.TEXT]} {operator} {right.readings[Kind.TEXT]})"
    return f"({sql})"


def _compare_set(operator: str, at: exp.Expr, left: Term, right: Term) -> str:
    if Kind.SET not in left.readings:
        left, right = right, left
    if operator not in ("=", "!=") or Kind.TEXT not in right.readings:
        raise FilterError("a set of texts is compared with a text, by = or !=", column_of(at))
    held = f"list_contains({left.readings[Kind.SET]}, {right.readings[Kind.TEXT]})"
    return held if operator == "=" else f"(not {held})"


def path_of(node: exp.Expr) -> list[str]:
    """The parts of a name between its dots. Raises `FilterError` where it is no plain name."""
    parts = node.parts if isinstance(node, exp.Column | exp.Dot) else []
    if type(node) is exp.Column:
        only(node, "this", "table", "db", "catalog")
    if not parts or any(type(part) is not exp.Identifier for part in parts):
        raise refused(node)
    return [part.name for part in parts]


def only(node: exp.Expr, *allowed: str) -> None:
    """Refuse what the parser may hang onto a node beyond the plain form."""
    nothing: tuple[Any, ...] = (None, False, [])
    if all(name in allowed or value in nothing for name, value in node.args.items()):
        return
    if isinstance(node, exp.Func):
        name = node.sql_name().lower()
        raise FilterError(f"{name!r} is given more than it takes", column_of(node))
    raise refused(node)


def number_of(text: str) -> float:
    """A number as it is written; NaN where it is none."""
    try:
        return float(text)
    except ValueError:  # sqlglot takes ² for a digit
        return math.nan


def _time(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC).replace(tzinfo=None) if found.tzinfo else found
    except (ValueError, OverflowError):
        return None


def refused(node: exp.Expr, callable_names: Sequence[str] = NAMES) -> FilterError:
    """What to raise of a node that may not stand in an expression."""
    if isinstance(node, exp.Func):
        name = node.name if isinstance(node, exp.Anonymous) else node.sql_name().lower()
        known = ", ".join(callable_names)
        return FilterError(f"{name!r} cannot be called here; there are: {known}", column_of(node))
    if type(node) is exp.Null:
        return FilterError("write 'is null' or 'is not null'", column_of(node))
    what = type(node).__name__.lower()
    return FilterError(f"this is no part of an expression: {what}", column_of(node))


def _unknown(path: list[str], node: exp.Expr, resolver: Resolver) -> FilterError:
    name = ".".join(path)
    by_small = {known.lower(): known for known in resolver.names()}
    is_text = isinstance(node, exp.Column) and node.this.args.get("quoted")  # "keep" for 'keep'
    near = [] if is_text else difflib.get_close_matches(name.lower(), by_small, 1)
    known = typed(by_small[near[0]]) if near else ""
    hint = f"did you mean {known}?" if near else f"a text stands in single quotes: '{name}'"
    return UnknownName(f"there is no {name!r}; {hint}", column_of(node))
