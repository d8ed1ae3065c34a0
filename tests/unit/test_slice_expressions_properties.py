"""Whatever is typed as a slice or a KPI is refused or answered; and the answer is what plain Python finds."""

from __future__ import annotations

import math
import statistics
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from sqlglot import exp

from storage.expressions.complete import suggestions
from storage.expressions.names import typed
from storage.expressions.syntax import parse
from storage.expressions.terms import FilterError
from storage.frames import ExpressionFailed, Frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Row = dict[str, Any]

ROWS: list[Row] = [
    {
        "age": [17, 24, 25, 60, None, -3][i % 6],
        "score": [0.9, 0.25, math.nan, None, -0.5, math.inf, 1e-9][i % 7],
        "sex": ["Female", "Male", "?", "", None][i % 5],
        "member": [True, False, None][i % 3],
        "y_true": i * i % 2,
        "y_pred": i // 2 % 2,
        "born": None,
        "tags": [],
    }
    for i in range(60)
]
FRAME = pl.DataFrame(
    ROWS, schema_overrides={"y_true": pl.Int8, "born": pl.Date, "tags": pl.List(pl.String)}
)
SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def frames() -> Iterator[Frames]:
    with Frames(FRAME) as opened:
        yield opened


# What is typed by anybody

WORDS = """
    age score sex member y_true y_pred born tags rows every taken c0 r0 a0 m0 x "age" "x" 'Female' '?' ''
    = != < <= > >= <> and or not in between like ilike is null true false ( ) , + - * / % ** // 1 0.5 1e308
    1e999 -1 '2026-01-01' '%a_' ' " ; -- /* */ $1 $f0 ? :x :: [ ] { } || -> sum( avg( count( count(*) min( max(
    median( quantile( stddev( count_if( distinct filter (where over () case when then else end abs( round(
    coalesce( ln( exp( lower( select from where union exists columns( * lambda unnest( range( read_csv(
    getenv( attach copy set pragma install load interval date if call describe escape any all order by limit
    """.split()  # noqa: SIM905
TOKENS = st.sampled_from(WORDS)
TYPED = st.one_of(
    st.text(max_size=60),
    st.lists(TOKENS, max_size=25).map(" ".join),
    st.lists(TOKENS, max_size=25).map("".join),
    st.lists(st.one_of(TOKENS, st.text(max_size=4)), max_size=15).map(" ".join),
)


@settings(SETTINGS, max_examples=500)
@given(TYPED, TYPED)
@example("@", "")
def test_any_text_is_refused_in_a_sentence_or_answered(
    frames: Frames, text: str, other: str
) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: frames.count(text),
        lambda: frames.masks([text, "1 = 1", f"({other})"]),
        lambda: frames.aggregates([text]),
        lambda: frames.aggregates([f"sum({text})", f"count(*) filter (where {other})"]),
    ]
    for attempt in attempts:
        with suppress(FilterError, ExpressionFailed):
            attempt()


@settings(SETTINGS, max_examples=300)
@given(TYPED, st.integers(0, 80), st.booleans())
def test_whatever_is_typed_something_or_nothing_is_offered(
    frames: Frames, text: str, cursor: int, kpi: bool
) -> None:
    cursor = min(cursor, len(text))
    for one in suggestions(text, cursor, frames.columns.kinds, frames.frequent, aggregates=kpi):
        assert 0 <= one.start <= cursor <= one.end <= len(text)


@settings(SETTINGS, max_examples=300)
@given(st.one_of(st.text(min_size=1, max_size=12), st.sampled_from(WORDS)))
def test_a_name_is_offered_as_the_parser_reads_it(name: str) -> None:
    assume(name.isprintable())  # what cannot be typed cannot be named
    for text in (typed(name), f"{typed(name)} = 1", f"sum({typed(name)} + 1)"):
        [column] = parse(text).find_all(exp.Column)
        assert ".".join(part.name for part in column.parts) == name


# What is typed by people who know what they mean


@dataclass(frozen=True)
class Piece:
    """A piece of an expression, and what it is for a row; None is missing."""

    text: str
    of: Callable[[Row], Any]


def number(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def column(name: str) -> Piece:
    return Piece(name, lambda row: number(row[name]))


def lift(function: Callable[..., Any], *parts: Piece) -> Callable[[Row], Any]:
    def of(row: Row) -> Any:
        values = [part.of(row) for part in parts]
        return None if None in values else function(*values)

    return of


numbers = st.one_of(
    st.sampled_from([column(name) for name in ("age", "score", "y_true", "y_pred")]),
    st.sampled_from([-3.0, 0.0, 0.25, 24.0]).map(lambda n: Piece(repr(n), lambda row: n)),
)
texts = st.one_of(
    st.just(Piece("sex", lambda row: row["sex"])),
    st.sampled_from(["Female", "?", ""]).map(lambda t: Piece(f"'{t}'", lambda row: t)),
)
SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    ">=": lambda a, b: a >= b,
}


def compared(one: Piece, sign: str, other: Piece) -> Piece:
    holds = lift(SIGNS[sign], one, other)
    return Piece(f"{one.text} {sign} {other.text}", lambda row: bool(holds(row)))


truths = st.one_of(
    st.builds(compared, numbers, st.sampled_from([*SIGNS]), numbers),
    st.builds(compared, texts, st.sampled_from(["=", "!="]), texts),
    st.sampled_from(
        [
            Piece("y_pred", lambda row: row["y_pred"] != 0),
            Piece("age", lambda row: bool(row["age"])),
            Piece("member", lambda row: row["member"] is True),
            Piece("score is null", lambda row: number(row["score"]) is None),
        ]
    ),
)


def joined(inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    def both(one: Piece, other: Piece) -> Piece:
        return Piece(f"({one.text} and {other.text})", lambda r: one.of(r) and other.of(r))

    def either(one: Piece, other: Piece) -> Piece:
        return Piece(f"({one.text} or {other.text})", lambda r: one.of(r) or other.of(r))

    def none(one: Piece) -> Piece:
        return Piece(f"not ({one.text})", lambda r: not one.of(r))

    def chosen(one: Piece, two: Piece, three: Piece) -> Piece:
        # In a `not`, for a whole number chosen so is a number and no condition.
        text = f"case when {one.text} then not {two.text} else not {three.text} end"
        return Piece(f"({text})", lambda r: not (two.of(r) if one.of(r) else three.of(r)))

    pairs = [st.builds(both, inner, inner), st.builds(either, inner, inner), inner.map(none)]
    return st.one_of(*pairs, st.builds(chosen, inner, inner, inner))


conditions = st.recursive(truths, joined, max_leaves=6)


def case(when: Piece, then: Piece, other: Piece) -> Piece:
    text = f"case when {when.text} then {then.text} else {other.text} end"
    return Piece(text, lambda row: then.of(row) if when.of(row) else other.of(row))


values = st.one_of(numbers, st.builds(case, conditions, numbers, numbers))


@settings(SETTINGS, max_examples=150)
@given(st.lists(conditions, min_size=1, max_size=4))
def test_a_slice_holds_the_rows_that_python_finds(frames: Frames, asked: list[Piece]) -> None:
    found = frames.masks([one.text for one in asked])
    for i, one in enumerate(asked):
        assert found[str(i)].to_list() == [bool(one.of(row)) for row in ROWS], one.text


def total(found: list[float]) -> float | None:
    return math.fsum(found) if found else None


AGGREGATES: dict[str, Callable[[list[float]], float | None]] = {
    "sum": total,
    "avg": lambda found: math.fsum(found) / len(found) if found else None,
    "min": lambda found: min(found, default=None),
    "max": lambda found: max(found, default=None),
    "count": lambda found: float(len(found)),
    "median": lambda found: statistics.median(found) if found else None,
    "stddev": lambda found: statistics.stdev(found) if len(found) > 1 else None,
}


def plain(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


@settings(SETTINGS, max_examples=150)
@given(st.sampled_from([*AGGREGATES]), values, conditions, conditions)
def test_a_kpi_is_worth_what_python_finds(
    frames: Frames, name: str, value: Piece, kept: Piece, held: Piece
) -> None:
    text = f"{name}({value.text}) filter (where {kept.text})"
    masks = frames.masks([held.text, "1 = 1"])
    for rows, [found] in zip(
        ([row for row in ROWS if held.of(row)], ROWS), frames.aggregates([text], masks), strict=True
    ):
        given_values = [value.of(row) for row in rows if kept.of(row)]
        counted = [one for one in given_values if one is not None]
        if name in ("sum", "avg", "stddev") and math.inf in counted:
            assert found is None
            continue
        wanted = plain(AGGREGATES[name](counted))
        assert found == (None if wanted is None else pytest.approx(wanted, rel=1e-9, abs=1e-12))
