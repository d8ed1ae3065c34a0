"""Text to a tree: sqlglot parses, what it says of a mistake is put into the user's words.

The tree may hold anything SQL knows; storage.expressions.conditions takes from it what is allowed.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from sqlglot import Dialect, ErrorLevel, exp
from sqlglot.errors import ParseError, TokenError
from sqlglot.tokenizer_core import TokenType

from storage.expressions.terms import FilterError

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

LONGEST = 2_000
"""Characters. The parser's work grows with the text, and nobody types this much."""
DEEPEST = 20
"""Brackets within brackets: each costs the parser some fifteen frames of Python's stack."""

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE}
_TOO_DEEP = "the expression nests too deep"

# What it says of what it does not know ("if = 1") would land on the terminal; the tree says it too.
logging.getLogger("sqlglot").addHandler(logging.NullHandler())


def parse(text: str) -> exp.Expr:
    """Parse one expression of DuckDB's dialect. Raises `FilterError`."""
    if len(text) > LONGEST:
        raise FilterError(f"the expression is longer than {LONGEST:,} characters")
    if not text.isprintable() and any(not (c.isprintable() or c.isspace()) for c in text):
        raise FilterError("the expression holds characters that cannot be typed")
    dialect = Dialect.get_or_raise("duckdb")
    try:
        tokens = dialect.tokenize(text)
        _check(tokens)
        parser = dialect.parser(error_level=ErrorLevel.IMMEDIATE)
        trees = parser.parse_into(exp.Condition, tokens, text)
    except TokenError as error:
        raise FilterError("a quote is not closed") from error
    except ParseError as error:
        raise _in_words(error) from error
    except RecursionError as error:
        raise FilterError(_TOO_DEEP) from error
    if len(trees) != 1 or trees[0] is None:
        raise FilterError("there is no expression")
    return trees[0]


def column_of(node: exp.Expr) -> int | None:
    """Where a node stands in the text, counted from 1, as far as sqlglot remembers it."""
    starts = [n.meta["start"] for n in node.walk() if "start" in n.meta]
    return min(starts) + 1 if starts else None


def _check(tokens: list[Token]) -> None:
    depth = 0
    for token in tokens:
        if token.comments:
            raise FilterError("a comment cannot stand in an expression", token.start + 1)
        if token.token_type == TokenType.SEMICOLON:
            raise FilterError("there can be one expression, without ';'", token.start + 1)
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > DEEPEST:
            raise FilterError(_TOO_DEEP, token.start + 1)


def _in_words(error: ParseError) -> FilterError:
    what = error.errors[0] if error.errors else {}
    problem, near, end = what.get("description", ""), what.get("highlight", ""), what.get("col", 0)
    column = max(1, end - len(near) + 1) if end else None
    if problem.startswith("Expecting )"):
        return FilterError("a bracket is not closed", column)
    if problem.startswith("Required keyword"):
        return FilterError(f"something is missing beside {near!r}", column)
    return FilterError(f"{near!r} cannot stand there", column)
