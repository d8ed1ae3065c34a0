"""Counts the rows that break rules, a batch of rows at a time, by a schema of dataframely."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import dataframely as dy
import polars as pl

from cockpit.data.by_columns import height
from cockpit.data.watching import UNWATCHED
from storage.expressions.columns import Columns
from storage.expressions.rows import Rows
from storage.expressions.syntax import parse
from storage.expressions.terms import Values
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cockpit.data.watching import Watch
    from storage.expressions.terms import Term

BATCH = 1 << 18
"""Rows looked at together."""
PLACE = "row"
"""What a row's place is called among its values."""
_THEIRS = "\x1f"
"""Begins the names of the data's columns where ours stand beside them."""
SECONDS = 60.0
"""How long the conditions may take on one batch."""


@dataclass(frozen=True, slots=True)
class RowRule:
    """What must hold in every row: an expression of polars, or a condition of the user's."""

    name: str
    column: str | None
    kind: Literal["type", "nulls", "min", "max", "allowed", "pattern", "rule"]
    holds: pl.Expr | None
    """Boolean, of columns named by `theirs`; null counts as true. Without it and without a condition, it holds."""
    condition: str | None = None
    columns: tuple[str, ...] = ()
    """What the condition is about, to be shown of a row that breaks it."""
    share: float = 0.0
    """So many rows may break it."""

    @property
    def shown(self) -> tuple[str, ...]:
        return self.columns if self.column is None else (self.column,)


@dataclass(frozen=True, slots=True)
class Counted:
    """By rule, how many rows break it, and the first of them."""

    rows: int
    failed: tuple[int, ...]
    examples: tuple[tuple[Mapping[str, Any], ...], ...]


def theirs(column: str) -> str:
    """What a rule's expression calls a column of the data."""
    return f"{_THEIRS}{column}"


def columns_of(schema: Mapping[str, pl.DataType], condition: str) -> tuple[str, ...]:
    """The columns that a condition speaks of; raises `FilterError` where it cannot be understood."""
    noted = _Noted(schema)
    Rows(noted, Values()).condition(parse(condition))
    return tuple(dict.fromkeys(noted.found))


class _Noted(Columns):
    """Notes the columns that it is asked for."""

    def __init__(self, schema: Mapping[str, pl.DataType]) -> None:
        super().__init__(schema)
        self.found: list[str] = []

    def find(self, path: Sequence[str], values: Values) -> Term | None:
        term = super().find(path, values)
        if term is not None:
            self.found.append(".".join(path))
        return term


class RowRules:
    """The rules of single rows, over all rows of some data."""

    def __init__(
        self, frame: pl.LazyFrame, rules: Sequence[RowRule], key: Sequence[str], examples: int
    ) -> None:
        self._frame = frame
        self._rules = rules
        self._wanted = examples
        there = frame.collect_schema()
        self._key = [name for name in key if name in there]
        needed = {name for rule in rules for name in rule.shown} | set(self._key)
        self._columns = [name for name in there if name in needed] or list(there)[:1]
        self._schema = _schema_of(self._columns, rules)

    def count(self, watch: Watch = UNWATCHED) -> Counted:
        """Go through the data once. Raises `Ended`."""
        rows, failed = 0, [0] * len(self._rules)
        examples: list[list[Mapping[str, Any]]] = [[] for _ in self._rules]
        if not self._columns:
            return Counted(height(self._frame), tuple(failed), tuple(map(tuple, examples)))
        of = height(self._frame)
        for batch in self._frame.select(self._columns).collect_batches(chunk_size=BATCH):
            watch.at(rows, of, "its rules, row by row")
            for rule, broken in self._broken(batch):
                failed[rule] += len(broken)
                first = broken.head(self._wanted - len(examples[rule]))
                examples[rule] += self._examples(batch, rule, first, rows)
            rows += batch.height
        return Counted(rows, tuple(failed), tuple(map(tuple, examples)))

    def _broken(self, batch: pl.DataFrame) -> Iterator[tuple[int, pl.Series]]:
        """By rule that is broken, the places in the batch."""
        judged = batch.select(
            pl.int_range(pl.len()).alias(PLACE), pl.all().name.prefix(_THEIRS)
        ).with_columns(self._masks(batch))
        failure = self._schema.filter(judged).failure
        counts = failure.counts()
        if not counts:
            return
        details = failure.details()
        for number in range(len(self._rules)):
            if (name := _rule(number)) in counts:
                yield number, details.filter(pl.col(name) == "invalid")[PLACE]

    def _masks(self, batch: pl.DataFrame) -> list[pl.Series]:
        conditions = [rule.condition for rule in self._rules if rule.condition is not None]
        if not conditions:
            return []
        with Frames(batch, SECONDS) as frames:
            masks = frames.masks(conditions)
        numbers = [n for n, rule in enumerate(self._rules) if rule.condition is not None]
        return [masks[:, n].alias(_mask(number)) for n, number in enumerate(numbers)]

    def _examples(
        self, batch: pl.DataFrame, rule: int, places: pl.Series, before: int
    ) -> list[Mapping[str, Any]]:
        names = list(dict.fromkeys([*self._key, *self._rules[rule].shown]))
        rows = batch[places, names].to_dicts() if names else [{} for _ in places]
        return [{PLACE: before + place + 1} | row for place, row in zip(places, rows, strict=True)]


def _schema_of(columns: Sequence[str], rules: Sequence[RowRule]) -> type[dy.Schema]:
    """The rules as a schema; the types were looked at before, so that it takes any."""
    members: dict[str, Any] = {
        f"column{n}": dy.Any(alias=theirs(name)) for n, name in enumerate(columns)
    }
    members[PLACE] = dy.Any()
    for number, rule in enumerate(rules):
        holds = rule.holds
        if rule.condition is not None:
            holds = pl.col(_mask(number))
            members[_mask(number)] = dy.Bool()
        if holds is not None:
            members[_rule(number)] = dy.rule()(partial(_always, holds))
    return type("Rows", (dy.Schema,), members)


def _always(holds: pl.Expr, _schema: object) -> pl.Expr:
    return holds


def _rule(number: int) -> str:
    return f"rule{number}"


def _mask(number: int) -> str:
    return f"mask{number}"
