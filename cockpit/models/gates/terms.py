"""What the two sides of a gate are worth, once the figures in them are known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from storage.expressions.gates import Comparison, Name, Number, Operation, Term, Text

if TYPE_CHECKING:
    from collections.abc import Mapping

_SLACK = 1e-12
"""What adding and subtracting decimals may be off by."""


def alike(holds: Comparison) -> Comparison:
    """The same comparison, of the incumbent alone."""
    return Comparison(holds.sign, _incumbent(holds.left), _incumbent(holds.right))


def _incumbent(term: Term) -> Term:
    match term:
        case Name():
            return replace(term, incumbent=True)
        case Operation():
            return Operation(term.sign, _incumbent(term.left), _incumbent(term.right))
    return term


def apart(holds: Comparison, values: Mapping[str, float | str]) -> float | None:
    """The left side less the right one."""
    left, right = sides(holds, values)
    return left - right if isinstance(left, float) and isinstance(right, float) else None


def sides(
    holds: Comparison, values: Mapping[str, float | str]
) -> tuple[float | str | None, float | str | None]:
    """What the left and the right side are worth, the figures by their names; None of a division by zero."""
    return _worth(holds.left, values), _worth(holds.right, values)


def _worth(term: Term, values: Mapping[str, float | str]) -> float | str | None:
    """What a term is worth; None of a division by zero."""
    match term:
        case Number() | Text():
            return term.value
        case Name():
            return values[str(term)]
        case Operation():
            left, right = _worth(term.left, values), _worth(term.right, values)
            if not isinstance(left, float) or not isinstance(right, float):
                return None
            return _arithmetic(term.sign, left, right)


def _arithmetic(sign: str, left: float, right: float) -> float | None:
    if sign == "/" and right == 0:
        return None
    try:
        found = {"+": left + right, "-": left - right, "*": left * right}.get(sign)
        found = left / right if found is None else found
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def held(sign: str, left: float | str | None, right: float | str | None) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        same = abs(left - right) <= _SLACK * max(1.0, abs(left), abs(right))
        if sign in ("<", ">"):
            return not same and (left < right if sign == "<" else left > right)
        if sign in ("<=", ">="):
            return same or (left < right if sign == "<=" else left > right)
    else:
        same = left == right
    return same if sign == "=" else not same
