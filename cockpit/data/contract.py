"""Whether data keep their contract: every rule with how many rows break it, and some of those rows.

dataframely evaluates the rules of single rows, a batch of rows at a time, so that the data may be larger than
memory; only the columns of a key, or of one that must be unique, are held at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from cockpit.data.by_columns import height
from cockpit.data.column_types import reading
from cockpit.data.row_rules import PLACE, RowRule, RowRules, columns_of, theirs
from cockpit.data.watching import UNWATCHED
from cockpit.project.model import Contract
from cockpit.project.rules import ContractError, bound, choices, meant_type, whole
from cockpit.sweep.spec.errors import nearest
from cockpit.sweep.spec.units import seconds
from storage.expressions.terms import FilterError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cockpit.data.column_types import Reading
    from cockpit.data.watching import Watch
    from cockpit.project.model import ColumnRule, DataTable
    from cockpit.project.rules import Type

EXAMPLES = 5
"""Rows shown of those that break a rule."""

Kind = Literal[
    "column", "others", "type", "nulls", "min", "max", "allowed", "pattern", "unique", "key", "rule", "fresh"
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class RuleResult:
    """One rule, and how the data do by it."""

    name: str
    """What must hold, in words: `at most 90`, or the name of a rule."""
    column: str | None
    """None where it is about several."""
    kind: Kind
    failed: int
    """Rows, or columns where the rule is about columns."""
    of: int
    share: float = 0.0
    """So much of `of` may fail."""
    note: str = ""
    """What is the matter where no row can show it."""
    examples: tuple[Mapping[str, Any], ...] = ()
    """At most `EXAMPLES` rows: `row`, its place counted from 1, the key, and the columns in question."""

    @property
    def passed(self) -> bool:
        return self.failed <= self.share * self.of

    @property
    def title(self) -> str:
        """`age: at most 90`."""
        return self.name if self.column is None else f"{self.column}: {self.name}"

    @property
    def sentence(self) -> str:
        """`age: at most 90: 2 of 16,281 rows break it, as row 14 (age 91)`."""
        if self.note:
            return f"{self.title}: {self.note}"
        text = f"{self.title}: {self.failed:,} of {self.of:,} rows break it"
        return f"{text}, as {example_words(self.examples[0])}" if self.examples else text


@dataclass(frozen=True, slots=True)
class Report:
    """What a check found."""

    rules: tuple[RuleResult, ...]
    rows: int

    @property
    def passed(self) -> bool:
        return not self.broken

    @property
    def broken(self) -> tuple[RuleResult, ...]:
        return tuple(rule for rule in self.rules if not rule.passed)


def example_words(example: Mapping[str, Any]) -> str:
    """`row 14 (id 7, age 91)`."""
    beside = ", ".join(
        f"{name} {'missing' if value is None else value}"
        for name, value in example.items()
        if name != PLACE
    )
    return f"row {example[PLACE]:,}" + (f" ({beside})" if beside else "")


def features_of(table: DataTable, columns: Sequence[str]) -> tuple[str, ...]:
    """The columns that a model may learn from: all but the target, the key and those to be ignored."""
    left_out = {table.target, *table.key, *table.ignore}
    return tuple(name for name in columns if name not in left_out)


def check(
    frame: pl.LazyFrame,
    table: DataTable,
    *,
    now: datetime | None = None,
    watch: Watch = UNWATCHED,
) -> Report:
    """Check data against their table's contract, and that its key is one; rows in the order of the file.

    Missing values break only what is said of missing values, and the rules over several columns. Raises
    `ContractError` where the contract itself is at fault, `ExpressionFailed` where a rule takes too long.
    """
    found = _Check(frame, table, now or datetime.now(UTC), watch)
    return Report(tuple(found.results()), found.rows)


@dataclass
class _Check:
    frame: pl.LazyFrame
    table: DataTable
    now: datetime
    watch: Watch
    rows: int = 0
    schema: Mapping[str, pl.DataType] = field(init=False)
    contract: Contract = field(init=False)

    def __post_init__(self) -> None:
        self.schema = self.frame.collect_schema()
        self.contract = self.table.contract or Contract()

    def results(self) -> list[RuleResult]:
        meant = {name: meant_type(name, rule) for name, rule in self.contract.columns.items()}
        readings = {
            name: reading(theirs(name), self.schema[name], kind)
            for name, kind in meant.items()
            if name in self.schema
        }
        rules, unchecked = self._row_rules(meant, readings)
        counted = RowRules(self.frame, rules, self.table.key, EXAMPLES).count(self.watch)
        self.rows = counted.rows
        results = list(self._columns())
        for rule, failed, examples in zip(rules, counted.failed, counted.examples, strict=True):
            stored = None if rule.column is None else readings[rule.column].stored
            result = RuleResult(
                rule.name, rule.column, rule.kind, failed, self.rows, rule.share, "", examples
            )
            if rule.kind == "type" and stored is not None:
                result = _misplaced(result, stored)
            results.append(result)
        results += unchecked
        results += self._uniques(readings)
        if self.contract.fresh is not None:
            results.append(self._freshness(self.contract.fresh.column, self.contract.fresh.within))
        return results

    def _columns(self) -> Iterator[RuleResult]:
        needed = [*self.contract.columns, *self.table.key]
        needed += [self.table.target] if self.table.target else []
        needed += [self.contract.fresh.column] if self.contract.fresh else []
        for name in dict.fromkeys(needed):
            there = name in self.schema
            near = None if there else nearest(name, self.schema)
            note = "" if there else "no such column" + (f"; did you mean {near!r}?" if near else "")
            yield RuleResult("is there", name, "column", int(not there), 1, note=note)
        if not self.contract.others:
            others = [name for name in self.schema if name not in set(needed)]
            note = f"columns that it does not name: {', '.join(others)}" if others else ""
            yield RuleResult(
                "no other columns", None, "others", len(others), len(self.schema), note=note
            )

    def _row_rules(
        self, meant: Mapping[str, Type | None], readings: Mapping[str, Reading]
    ) -> tuple[list[RowRule], list[RuleResult]]:
        rules: list[RowRule] = []
        for name, read in readings.items():
            rules += _column_rules(name, self.contract.columns[name], meant[name], read)
        unchecked: list[RuleResult] = []
        for name, condition in self.contract.rules.items():
            try:
                columns = columns_of(self.schema, condition)
            except FilterError as error:
                fine = [one for one, read in readings.items() if read.stored is None]
                if len(fine) == len(self.contract.columns):
                    raise ContractError(
                        f"the contract's rule {name!r} cannot be checked: {error}"
                    ) from error
                note = f"it cannot be checked: {error}"
                unchecked.append(RuleResult(name, None, "rule", 1, 1, note=note))
            else:
                rules.append(RowRule(name, None, "rule", None, condition, columns))
        return rules, unchecked

    def _uniques(self, readings: Mapping[str, Reading]) -> Iterator[RuleResult]:
        for name in readings:
            if self.contract.columns[name].unique:
                failed, examples = self._shared([name])
                yield RuleResult(
                    "no value twice", name, "unique", failed, self.rows, examples=examples
                )
        key = list(self.table.key)
        if key and all(name in self.schema for name in key):
            gaps = height(self.frame.filter(pl.any_horizontal(pl.col(key).is_null())))
            failed, examples = self._shared(key)
            name = f"one row for each {', '.join(key)}"
            note = f"{gaps:,} of {self.rows:,} rows have none" if gaps and not failed else ""
            yield RuleResult(name, None, "key", failed + gaps, self.rows, 0.0, note, examples)

    def _shared(self, names: Sequence[str]) -> tuple[int, tuple[Mapping[str, Any], ...]]:
        """Rows whose values (none of them missing) others have too; and the first of them, two by two."""
        self.watch.at(self.rows, self.rows, f"whether {', '.join(names)} stands twice")
        columns = [pl.col(name).alias(f"k{n}") for n, name in enumerate(names)]
        keys = [f"k{n}" for n in range(len(names))]
        found = (
            self.frame.select(columns)
            .with_row_index(PLACE)
            .drop_nulls(keys)
            .group_by(keys)
            .agg(pl.len().alias("len"), pl.col(PLACE).bottom_k(2))
            .filter(pl.col("len") > 1)
            .collect(engine="streaming")
        )
        pairs = found.sort(pl.col(PLACE).list.min()).head((EXAMPLES + 1) // 2)
        rows = pairs.with_columns(pl.col(PLACE).list.sort()).explode(PLACE).head(EXAMPLES)
        examples = tuple(
            {PLACE: row[PLACE] + 1}
            | {name: row[key] for name, key in zip(names, keys, strict=True)}
            for row in rows.iter_rows(named=True)
        )
        return int(found["len"].sum()), examples

    def _freshness(self, column: str, within: str) -> RuleResult:
        longest = seconds(within)
        name = f"not older than {within}"
        if column not in self.schema:
            return RuleResult(name, column, "fresh", 1, 1, note="it cannot be checked")
        newest = self.frame.select(reading(column, self.schema[column], "time").value.max())
        time = newest.collect(engine="streaming").item()
        if not isinstance(time, datetime):
            return RuleResult(name, column, "fresh", 1, 1, note="it has no time at all")
        old = (self.now - time.replace(tzinfo=UTC)).total_seconds()
        note = f"the newest is of {time:%Y-%m-%d %H:%M} UTC" if old > longest else ""
        return RuleResult(name, column, "fresh", int(old > longest), 1, note=note)


def _misplaced(result: RuleResult, stored: str) -> RuleResult:
    """A column of another type breaks its contract in every row, even where each value can be read."""
    note = f"the column is of {stored}"
    if result.failed:
        row = example_words(result.examples[0])
        return replace(result, note=f"{note}; {result.failed:,} values read otherwise, as in {row}")
    return replace(result, failed=max(result.of, 1), of=max(result.of, 1), note=note)


def _column_rules(
    name: str, rule: ColumnRule, kind: Type | None, read: Reading
) -> Iterator[RowRule]:
    if rule.type is not None or read.reads is not None or read.stored is not None:
        yield RowRule(f"is {kind}", name, "type", read.reads)
    value = read.value
    if rule.nulls is not True:
        share = 0.0 if rule.nulls is False else rule.nulls
        words = f"at most {share:g} missing" if share else "none missing"
        yield RowRule(words, name, "nulls", read.given, share=share)
    if kind is None:
        return
    if rule.min is not None:
        least = bound(name, "min", rule.min, kind)
        yield RowRule(f"at least {_shown(rule.min, rule.unit)}", name, "min", value >= least)
    if rule.max is not None:
        most = bound(name, "max", rule.max, kind)
        yield RowRule(f"at most {_shown(rule.max, rule.unit)}", name, "max", value <= most)
    if rule.allowed is not None:
        words = "one of " + ", ".join(map(str, rule.allowed))
        yield RowRule(words, name, "allowed", value.is_in(choices(name, rule, kind)))
    if rule.pattern is not None:
        fits = value.str.contains(whole(name, rule.pattern))
        yield RowRule(f"fits {rule.pattern}", name, "pattern", fits)


def _shown(given: float | str, unit: str | None) -> str:
    said = given if isinstance(given, str) else f"{given:.15g}"
    return f"{said} {unit}" if unit else said
