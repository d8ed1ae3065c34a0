"""What a user's expression is made of once it has been understood: pieces of our SQL, and bound values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Value = float | str | bool | datetime


class FilterError(UserError):
    """An expression that says nothing, or something it may not; one sentence, with the place."""

    def __init__(self, sentence: str, column: int | None = None, which: int | None = None) -> None:
        super().__init__(sentence if column is None else f"{sentence} (column {column})")
        self.sentence = sentence
        """Without the place."""
        self.column = column
        """Counted from 1; None where no single place is at fault."""
        self.which = which
        """Of several expressions given at once, the one at fault, counted from 0; else None."""


class UnknownName(FilterError):
    """An expression names what nothing has, or not yet."""


class NothingToSortBy(UserError):
    """A query is sorted by a name that no run has."""


class Kind(StrEnum):
    """What a piece of SQL gives, in the words of the messages."""

    NUMBER = "a number"
    TEXT = "a text"
    TRUTH = "true or false"
    TIME = "a time"
    SET = "a set of texts"


@dataclass(frozen=True, slots=True)
class Term:
    """A piece of SQL, by the kinds it can be read as."""

    readings: Mapping[Kind, str]
    """Each gives null where the value is missing or of another kind; a number is a double, never NaN."""
    missing: str | None = None
    """True where there is no value; None where the readings being null says as much."""
    raw: str | None = None
    """The number before NaN was made missing, for what hands NaN on by itself; None: the reading."""
    truth: str | None = None
    """What it says where a condition must stand, if it can stand there and is no `Kind.TRUTH` by itself."""

    def words(self) -> str:
        """`a number`, or `a text or a time`, for a message."""
        return " or ".join(self.readings)


@dataclass(frozen=True, slots=True)
class Condition:
    """A boolean piece of SQL, built of constants of ours and of `$` parameters."""

    sql: str
    """True where it holds; false or null where not."""
    values: Mapping[str, Value]
    """The parameters, all of them named `f` and a number."""


class Values:
    """Collects the values of expressions and hands out the parameters that stand for them."""

    def __init__(self, letter: str = "f") -> None:
        self._letter = letter
        self._names: dict[tuple[type, str], str] = {}
        self.bound: dict[str, Value] = {}

    def bind(self, value: Value) -> str:
        """The parameter for a value, `$f0`; the same one whenever the value comes again."""
        fresh = f"{self._letter}{len(self.bound)}"
        name = self._names.setdefault((type(value), repr(value)), fresh)
        self.bound[name] = value
        return f"${name}"


class Resolver(Protocol):
    """Knows the columns that an expression may name."""

    def find(self, path: Sequence[str], values: Values) -> Term | None:
        """What a name means; `path` are its parts between the dots. None where it means nothing."""

    def names(self) -> Iterable[str]:
        """All that can be named, for "did you mean"."""
