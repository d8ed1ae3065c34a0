"""What a contract's rule for a column means: the type it speaks of, and its bounds as values of that type."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.project.model import ColumnRule, Scalar

Type = Literal["int", "float", "bool", "text", "date", "time"]
"""Of a column, as cockpit.toml names it; `time` is a date and a time of day."""

_A: dict[Type, str] = {
    "int": "an int",
    "float": "a number",
    "bool": "true or false",
    "text": "a text",
    "date": "a date",
    "time": "a time",
}


class ContractError(UserError):
    """A contract that cannot be checked, whatever the data: it asks for what cannot be."""


class RuleError(ContractError):
    """The rule for a column is at fault."""

    def __init__(self, column: str, key: str, sentence: str) -> None:
        super().__init__(f"the contract's column {column!r} {sentence}")
        self.key = key
        """Of the rule: `min`."""
        self.sentence = sentence
        """What is wrong, without the column."""


def meant_type(column: str, rule: ColumnRule) -> Type | None:
    """The type a rule means, said or implied by its bounds; None where any will do.

    Raises `RuleError` where the rule contradicts itself.
    """
    implied: dict[str, Type] = {}
    for key, given in (("min", rule.min), ("max", rule.max)):
        if given is not None:
            implied[key] = _of_bound(column, key, given)
    if rule.pattern is not None:
        implied["pattern"] = "text"
    for value in rule.allowed or ():
        implied[f"allowed ({value!r})"] = _of_value(value)
    said = rule.type
    for word, kind in implied.items():
        said = said or kind
        if not _agree(said, kind):
            contradiction = (
                f"contradicts itself: {word} means {_A[kind]}, the rest of it {_A[said]}"
            )
            raise RuleError(column, word.partition(" ")[0], contradiction)
    return said


def bound(column: str, key: str, given: float | str, kind: Type) -> Any:
    """A bound as a value that a column of the type is compared with; raises `RuleError`."""
    if not isinstance(given, str):
        return given
    time = _time(given)
    if time is None:
        sentence = (
            f'has {key} = "{given}", which is neither a number nor '
            'an ISO date or time such as "2024-01-31"'
        )
        raise RuleError(column, key, sentence)
    if kind == "date" and time.time() != datetime.min.time():
        raise RuleError(column, key, f'is of dates, and {key} = "{given}" is a time')
    return time.date() if kind == "date" else time


def choices(column: str, rule: ColumnRule, kind: Type) -> list[Any]:
    """The allowed values as values of the column's type; raises `RuleError`."""
    values: Sequence[Scalar] = rule.allowed or ()
    if kind in ("date", "time"):
        return [bound(column, "allowed", str(value), kind) for value in values]
    if kind == "float":
        return [float(value) for value in values]
    if kind == "int":
        return [int(value) for value in values if int(value) == value]
    return list(values)


def whole(column: str, pattern: str) -> str:
    """The regular expression that a whole text answers to; raises `RuleError` where it is none."""
    import polars as pl  # whose regular expressions these are; few contracts have one

    found = f"^(?:{pattern})$"
    try:
        pl.Series([""]).str.contains(found)
    except pl.exceptions.ComputeError as error:
        told = str(error).partition("\n\n")[0].splitlines()[-1]
        reason = told.removeprefix("regex ").removeprefix("error: ")
        sentence = f"has a pattern that is no regular expression: {reason}"
        raise RuleError(column, "pattern", sentence) from error
    return found


def check_rule(column: str, rule: ColumnRule) -> None:
    """Raises `RuleError` where the rule cannot be checked, whatever the data."""
    kind = meant_type(column, rule)
    if kind is None:
        return
    for key, given in (("min", rule.min), ("max", rule.max)):
        if given is not None:
            bound(column, key, given, kind)
    choices(column, rule, kind)
    if rule.pattern is not None:
        whole(column, rule.pattern)


def _of_bound(column: str, key: str, given: float | str) -> Type:
    if not isinstance(given, str):
        return "float"
    bound(column, key, given, "time")
    return "time"


def _of_value(value: Scalar) -> Type:
    if isinstance(value, bool):
        return "bool"
    return "text" if isinstance(value, str) else "float"


def _agree(said: Type, implied: Type) -> bool:
    if said == implied or {said, implied} <= {"int", "float"}:
        return True
    return said in ("date", "time") and implied in ("date", "time", "text")


def _time(text: str) -> datetime | None:
    """An ISO date or time as naive UTC."""
    try:
        time = datetime.fromisoformat(text)
        return time.astimezone(UTC).replace(tzinfo=None) if time.tzinfo else time
    except (ValueError, OverflowError):
        return None
