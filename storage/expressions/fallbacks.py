"""A rule that goes before a model's own answer: `when age < 18 then 0`.

The condition is one as a slice's is (storage.expressions.conditions); what follows `then` is a number, a text in
quotes, true or false.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import Dialect, exp
from sqlglot.errors import TokenError
from sqlglot.tokenizer_core import TokenType

from storage.expressions.conditions import number_of
from storage.expressions.syntax import LONGEST, parse
from storage.expressions.terms import FilterError

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

_FORM = "a rule is: when CONDITION then VALUE"


@dataclass(frozen=True, slots=True)
class Fallback:
    """What is answered where a condition holds."""

    text: str
    condition: str
    """As it was typed; storage.frames understands it."""
    value: float | str | bool


def parse_fallback(text: str) -> Fallback:
    """Take a rule apart. Raises `FilterError`."""
    if len(text) > LONGEST:
        raise FilterError(f"the rule is longer than {LONGEST:,} characters")
    try:
        tokens = Dialect.get_or_raise("duckdb").tokenize(text)
    except TokenError as error:
        raise FilterError("a quote is not closed") from error
    if not tokens or tokens[0].token_type != TokenType.WHEN:
        raise FilterError(_FORM, 1)
    # The last one: a `case when … then … end` in the condition has its own.
    then = next((t for t in reversed(tokens) if t.token_type == TokenType.THEN), None)
    if then is None:
        raise FilterError(f"'then' is missing; {_FORM}")
    condition = text[tokens[0].end + 1 : then.start].strip()
    _piece(text[tokens[0].end + 1 : then.start], tokens[0])
    return Fallback(text.strip(), condition, _value(text[then.end + 1 :], then))


def _piece(text: str, after: Token) -> exp.Expr:
    try:
        return parse(text)
    except FilterError as error:
        place = error.column and error.column + after.end + 1
        raise FilterError(error.sentence, place) from None


def _value(text: str, then: Token) -> float | str | bool:
    node = _piece(text, then)
    sign = 1.0
    if type(node) is exp.Neg:
        node, sign = node.this, -1.0
    elif type(node) is exp.Boolean:
        return bool(node.this)
    if type(node) is exp.Literal and node.is_string and sign > 0:
        return str(node.this)
    if type(node) is exp.Literal and not node.is_string:
        value = sign * number_of(str(node.this))
        if math.isfinite(value):
            return value
    raise FilterError(
        "after 'then' comes a number, a text in single quotes, true or false", then.end + 2
    )
