"""The functions that an expression may call. None raises whatever it is given: what has no result is missing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from storage.expressions.terms import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Function:
    """One that gives a value a row, from the row's values."""

    name: str
    takes: Mapping[str, Kind]
    """By sqlglot's name of the argument."""
    gives: Kind
    sql: str
    """Gives NaN where it is given NaN; other than that null where there is no result."""
    defaults: Mapping[str, str] = field(default_factory=dict)


def _of_number(name: str) -> Function:
    return Function(name, {"this": Kind.NUMBER}, Kind.NUMBER, f"try({name}({{this}}))")


def _of_text(name: str) -> Function:
    return Function(name, {"this": Kind.TEXT}, Kind.TEXT, f"{name}({{this}})")


def _of_texts(name: str) -> Function:
    takes = {"this": Kind.TEXT, "expression": Kind.TEXT}
    return Function(name, takes, Kind.TRUTH, f"{name}({{this}}, {{expression}})")


FUNCTIONS: dict[type[exp.Expr], Function] = {
    exp.Abs: _of_number("abs"),
    exp.Floor: _of_number("floor"),
    exp.Ceil: _of_number("ceil"),
    exp.Sqrt: _of_number("sqrt"),
    exp.Exp: _of_number("exp"),
    exp.Ln: _of_number("ln"),
    exp.Log: _of_number("log"),
    exp.Round: Function(
        "round",
        {"this": Kind.NUMBER, "decimals": Kind.NUMBER},
        Kind.NUMBER,
        "try(round({this}, ({decimals})::integer))",
        {"decimals": "0"},
    ),
    exp.Length: Function("length", {"this": Kind.TEXT}, Kind.NUMBER, "length({this})::double"),
    exp.Lower: _of_text("lower"),
    exp.Upper: _of_text("upper"),
    exp.Contains: _of_texts("contains"),
    exp.StartsWith: _of_texts("starts_with"),
    exp.EndsWith: _of_texts("ends_with"),
}
NAMES = (*sorted(function.name for function in FUNCTIONS.values()), "coalesce")
