"""A condition as nothing but comparisons, in lists that JSON carries: for a program that knows no SQL.

    ["and", C, …]  ["or", C, …]  ["not", C]  ["null", V]  ["true", V]  ["in", V, [V, …]]
    ["=", V, V] and with != < <= > >=          V: ["column", NAME] or ["value", number, text or truth]

They mean what storage.expressions.conditions says: a comparison with a missing value does not hold, and `not`
turns that around.
"""

from __future__ import annotations

import math
from typing import Any

from sqlglot import exp

from storage.expressions.conditions import number_of, only, path_of
from storage.expressions.syntax import parse
from storage.expressions.terms import FilterError

_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.GT: ">",
    exp.GTE: ">=",
}
_JOINED: dict[type[exp.Expr], str] = {exp.And: "and", exp.Or: "or"}
Plain = list[Any]


class NotPlain(FilterError):
    """A condition that is more than comparisons."""


def comparisons(text: str) -> Plain:
    """Take apart a condition that was understood before (storage.frames); raises `NotPlain`."""
    return _condition(parse(text))


def _condition(node: exp.Expr) -> Plain:
    kind = type(node)
    if kind in _JOINED:
        return [_JOINED[kind], *map(_condition, node.flatten())]
    if kind is exp.Paren:
        return _condition(node.this)
    if kind is exp.Not:
        return ["not", _condition(node.this)]
    if kind in _SIGNS:
        only(node, "this", "expression")
        return [_SIGNS[kind], _value(node.this), _value(node.expression)]
    if kind is exp.In:
        only(node, "this", "expressions", "negate")
        return _negated(node, ["in", _value(node.this), [_value(one) for one in node.expressions]])
    if kind is exp.Between:
        only(node, "this", "low", "high", "negate")
        low, high = _value(node.args["low"]), _value(node.args["high"])
        value = _value(node.this)
        return _negated(node, ["and", [">=", value, low], ["<=", value, high]])
    if kind is exp.Is:
        only(node, "this", "expression")
        if type(node.expression) is exp.Null:
            return ["null", _value(node.this)]
        return ["=", _value(node.this), _value(node.expression)]
    return ["true", _value(node)]


def _negated(node: exp.Expr, found: Plain) -> Plain:
    return ["not", found] if node.args.get("negate") else found


def _value(node: exp.Expr) -> Plain:
    kind = type(node)
    if kind is exp.Paren:
        return _value(node.this)
    if kind is exp.Column or kind is exp.Dot:
        return ["column", ".".join(path_of(node))]
    if kind is exp.Boolean:
        return ["value", bool(node.this)]
    sign = 1.0
    if kind is exp.Neg:
        node, sign = node.this, -1.0
    if type(node) is exp.Literal and node.is_string and sign > 0:
        return ["value", str(node.this)]
    if type(node) is exp.Literal and not node.is_string:
        number = sign * number_of(str(node.this))
        if math.isfinite(number):
            return ["value", number]
    raise NotPlain("it is more than columns compared with values")
