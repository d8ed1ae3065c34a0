"""Whatever is typed is refused in a sentence or runs; and what runs means what plain Python says it means."""

from __future__ import annotations

import json
import math
import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.expressions.run_filter import run_filter, run_names
from storage.expressions.terms import FilterError
from storage.layout import Layout
from storage.runs import RunQuery, page
from storage.spool import SpoolWriter
from storage.store import Store
from tests.unit.many_runs import NUMBERS, TAGS, WORDS, Row, make_rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storage.session import Session

ROWS = make_rows(60)
MARK = "XyZzY"


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    layout = Layout(tmp_path_factory.mktemp("filters") / ".cockpit")
    writer = SpoolWriter(layout)
    write_rows(writer, ROWS)
    writer.close()
    with Store(layout).session() as opened:
        yield opened


# What is typed by anybody

TOKENS = st.sampled_from(
    [
        *("auc", "lr", "opt", "name", "tag", "pinned", "started", "amp", '"learning rate"', "both"),
        *(
            "params.",
            "metrics.",
            "runs.",
            "model.depth",
            MARK,
            f"'{MARK}'",
            f'"{MARK}"',
            "''",
            "“x”",
        ),
        *("=", "!=", "<", "<=", ">", ">=", "<>", "==", "and", "or", "not", "in", "between", "like"),
        *(
            "ilike",
            "is",
            "null",
            "true",
            "false",
            "(",
            ")",
            ",",
            "+",
            "-",
            "*",
            "/",
            "%",
            "**",
            "//",
        ),
        *(
            "1",
            "0.5",
            "1e308",
            "1e999",
            "-1",
            ".5",
            "²",
            "1_0",
            "0x1",
            "'2026-01-01'",
            "'%a_'",
            "'",
        ),
        *(";", "--", "/*", "*/", "$1", "$f0", "?", ":x", "::", "[", "]", "{", "}", "|", "||", "->"),
        *(
            "select",
            "from",
            "where",
            "union",
            "case",
            "when",
            "then",
            "end",
            "cast",
            "as",
            "exists",
        ),
        *("abs", "lower", "round", "coalesce", "contains", "length", "log", "sqrt", "starts_with"),
        *(
            "read_csv",
            "getenv",
            "duckdb_settings",
            "attach",
            "pragma",
            "copy",
            "set",
            "count",
            "over",
        ),
        *(
            "lambda",
            "interval",
            "date",
            "array",
            "struct",
            "escape",
            "collate",
            "any",
            "all",
            "~",
            "@",
        ),
    ]
)
TYPED = st.one_of(
    st.text(max_size=60),
    st.lists(TOKENS, max_size=25).map(" ".join),
    st.lists(TOKENS, max_size=25).map("".join),
    st.lists(st.one_of(TOKENS, st.text(max_size=4)), max_size=15).map(" ".join),
)


@settings(
    max_examples=600,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(TYPED)
def test_any_text_is_refused_in_a_sentence_or_runs(session: Session, text: str) -> None:
    try:
        condition = run_filter(run_names(session), text)
    except FilterError:
        return
    assert MARK.lower() not in condition.sql.lower()
    session.rows(f"select count(*) from runs where {condition.sql}", **condition.values)


# What is typed by people who know what they mean

COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Piece:
    """A piece of a filter, and what it is for a row; None is missing."""

    text: str
    of: Callable[[Row], Any]


def clean(value: Any) -> float | None:
    """A number as filters see it."""
    if value is None or isinstance(value, bool):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return None if math.isnan(number) else number


def lift(function: Callable[..., Any], *parts: Piece) -> Callable[[Row], Any]:
    """What a function gives for a row; missing where one of its arguments is."""

    def of(row: Row) -> Any:
        values = [part.of(row) for part in parts]
        return None if None in values else function(*values)

    return of


def divide(one: float, other: float) -> float:
    if other:
        return one / other
    return math.nan if not one else math.copysign(math.inf, one) * math.copysign(1, other)


def as_text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value)


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


PLAIN_NUMBERS = [number for number in NUMBERS if math.isfinite(number)]
literal_numbers = st.sampled_from(PLAIN_NUMBERS).map(lambda n: Piece(repr(n), lambda row: n))
named_numbers = st.sampled_from(
    [
        Piece("auc", lambda row: clean(row.metrics.get("auc"))),
        Piece("metrics.both", lambda row: clean(row.metrics.get("both"))),
        Piece("number", lambda row: clean(row.number)),
        Piece("step", lambda row: clean(row.step)),
    ]
)
open_params = st.sampled_from(["lr", "opt", "learning rate", "model.depth"])
numeric_params = open_params.map(
    lambda name: Piece(f'params."{name}"', lambda row: clean(row.params.get(name)))
)


def combined(inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    functions = {
        "+": operator.add,
        "-": operator.sub,
        "*": operator.mul,
        "/": divide,
    }

    def join(one: Piece, sign: str, other: Piece) -> Piece:
        apply = lift(functions[sign], one, other)
        return Piece(f"({one.text} {sign} {other.text})", lambda row: clean(apply(row)))

    return st.one_of(
        st.builds(join, inner, st.sampled_from(list(functions)), inner),
        inner.map(lambda one: Piece(f"abs({one.text})", lift(abs, one))),
        inner.map(lambda one: Piece(f"(- {one.text})", lift(operator.neg, one))),
    )


numbers = st.recursive(st.one_of(named_numbers, literal_numbers), combined, max_leaves=4)
sure_numbers = st.one_of(named_numbers, literal_numbers)
texts = st.one_of(
    st.sampled_from(
        [
            Piece("name", lambda row: row.name),
            Piece("state", lambda row: row.state),
            Piece("note", lambda row: row.note),
            Piece("lower(opt)", lambda row: (as_text(row.params.get("opt")) or "").lower() or None
                  if row.params.get("opt") != "" else ""),
        ]
    ),
    st.sampled_from(WORDS).map(lambda word: Piece(quoted(word), lambda row: word)),
)  # fmt: skip
text_params = st.just(Piece("opt", lambda row: as_text(row.params.get("opt"))))
literal_texts = st.sampled_from(WORDS).map(lambda word: Piece(quoted(word), lambda row: word))


def comparison(one: Piece, sign: str, other: Piece) -> Piece:
    holds = lift(COMPARE[sign], one, other)
    return Piece(f"{one.text} {sign} {other.text}", lambda row: bool(holds(row)))


def within(one: Piece, low: Piece, high: Piece) -> Piece:
    holds = lift(lambda x, a, b: a <= x <= b, one, low, high)
    return Piece(f"{one.text} between {low.text} and {high.text}", lambda row: bool(holds(row)))


def listed(one: Piece, items: list[Piece]) -> Piece:
    text = f"{one.text} in ({', '.join(item.text for item in items)})"
    found = [lift(operator.eq, one, item) for item in items]
    return Piece(text, lambda row: any(holds(row) for holds in found))


def with_part(part: str, one: Piece) -> Piece:
    text = f"{one.text} like '%{part}%'"
    return Piece(text, lambda row: part in (one.of(row) or ""))


def tagged(tag: str) -> Piece:
    return Piece(f"tag = {quoted(tag)}", lambda row: tag in row.tags)


SIGNS = st.sampled_from(list(COMPARE))
atoms = st.one_of(
    st.builds(comparison, numbers, SIGNS, numbers),
    st.builds(comparison, numeric_params, SIGNS, sure_numbers),
    st.builds(comparison, texts, SIGNS, texts),
    st.builds(comparison, text_params, SIGNS, literal_texts),
    st.builds(within, numbers, sure_numbers, sure_numbers),
    st.builds(listed, numbers, st.lists(sure_numbers, min_size=1, max_size=4)),
    st.builds(listed, text_params, st.lists(literal_texts, min_size=1, max_size=4)),
    st.builds(with_part, st.sampled_from(["a", "K", "1", ""]), st.just(Piece("name", lambda row: row.name))),
    st.builds(tagged, st.sampled_from([*TAGS, "none"])),
    named_numbers.map(lambda one: Piece(f"{one.text} is null", lambda row: one.of(row) is None)),
    st.just(Piece("amp", lambda row: row.params.get("amp") is True)),
    st.just(Piece("not amp = true", lambda row: row.params.get("amp") is not True)),
    st.just(Piece("pinned = false", lambda row: not row.pinned)),
)  # fmt: skip


def joined(inner: st.SearchStrategy[Piece]) -> st.SearchStrategy[Piece]:
    def both(one: Piece, other: Piece) -> Piece:
        return Piece(f"({one.text} and {other.text})", lambda r: one.of(r) and other.of(r))

    def either(one: Piece, other: Piece) -> Piece:
        return Piece(f"({one.text} OR {other.text})", lambda r: one.of(r) or other.of(r))

    def none(one: Piece) -> Piece:
        return Piece(f"not ({one.text})", lambda r: not one.of(r))

    return st.one_of(
        st.builds(both, inner, inner), st.builds(either, inner, inner), inner.map(none)
    )


@settings(
    max_examples=400,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.recursive(atoms, joined, max_leaves=6))
def test_a_condition_means_what_python_says(session: Session, condition: Piece) -> None:
    # In brackets, so that a lone name is a condition too and not a word to look for.
    query = RunQuery(where=f"({condition.text})", sort="number", descending=False, limit=None)
    found = [run.number for run in page(session, query).runs]
    assert found == [row.number for row in ROWS if condition.of(row)], condition.text
