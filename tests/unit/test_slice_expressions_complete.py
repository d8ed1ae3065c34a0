"""What the editor of an expression offers at the cursor (written as |)."""

from __future__ import annotations

import subprocess
import sys

import pytest

from storage.expressions.aggregates import AGGREGATES
from storage.expressions.complete import suggestions
from storage.expressions.functions import NAMES
from storage.expressions.terms import Kind

COLUMNS = {
    "age": Kind.NUMBER,
    "sex": Kind.TEXT,
    "education_num": Kind.NUMBER,
    "learning rate": Kind.NUMBER,
    "member": Kind.TRUTH,
    "seen": Kind.TIME,
}


def texts(column: str) -> list[str]:
    assert column == "sex"
    return ["Male", "Female", "o'k", "bad\x1b[2J"]


def offered(marked: str, aggregates: bool = False) -> list[str]:
    cursor = marked.index("|")
    text = marked.replace("|", "")
    return [one.text for one in suggestions(text, cursor, COLUMNS, texts, aggregates=aggregates)]


def taken(marked: str) -> str:
    """The text after the first suggestion was taken."""
    cursor = marked.index("|")
    text = marked.replace("|", "")
    first = suggestions(text, cursor, COLUMNS, texts)[0]
    return text[: first.start] + first.text + text[first.end :]


@pytest.mark.parametrize(
    "marked, first",
    [
        ("|", ["age", "sex", "education_num", '"learning rate"', "member", "seen", "abs("]),
        ("not |", ["age", "sex"]),
        ("age < 25 and |", ["age", "sex"]),
        ("age |", ["<", "<=", "="]),
        ("sex |", ["=", "!=", "in (", "not in (", "like"]),
        ("member |", ["and", "or"]),
        ("age < 25 |", ["and", "or"]),
        ("age between 3 and 4 |", ["and", "or"]),
        ("sex = 'Male' |", ["and", "or"]),
        ("sex = |", ["'Male'", "'Female'", "'o''k'", "age"]),
        ("sex in (|", ["'Male'", "'Female'"]),
        ("sex not in ('Male', 'o''k', |", ["'Male'", "'Female'"]),
        ('"sex" != |', ["'Male'", "'Female'"]),
        ("age = |", ["age", "sex"]),
        ("member = |", ["true", "false"]),
        ("sex is |", ["null", "not null"]),
        ("sex not |", ["in (", "like"]),
        ("sex in |", ["("]),
        ("case |", ["when"]),
        ("case when age > 3 |", ["and", "or", "then"]),
    ],
)
def test_what_may_come_next(marked: str, first: list[str]) -> None:
    assert offered(marked)[: len(first)] == first


@pytest.mark.parametrize(
    "marked, only",
    [
        ("edu|", ["education_num"]),
        ("rate|", ['"learning rate"']),
        ("RATE|", ['"learning rate"']),
        ('"lea|', ['"learning rate"']),
        ("age < 25 a|", ["and"]),
        ("sex = 'F|", ["'Female'"]),
        ("sex = fem|", ["'Female'"]),
        ("sex = 'o''|", []),
        ("age < 25|", []),
        ("sex = 'Male'|", []),
        ("age = 'x|", []),
        ("zzz|", []),
    ],
)
def test_what_is_begun_is_matched(marked: str, only: list[str]) -> None:
    assert offered(marked) == only


@pytest.mark.parametrize(
    "marked, text",
    [
        ("age > 3 and ed|", "age > 3 and education_num"),
        ("ed|u > 3", "education_num > 3"),
        ("sex = 'Fe|' and age > 3", "sex = 'Female' and age > 3"),
        ("sex = 'Fe| and sex = 'x'", "sex = 'Female' and sex = 'x'"),
        ("sex in ('Male', |)", "sex in ('Male', 'Male')"),
        ('"lear|n" > 1', '"learning rate" > 1'),
    ],
)
def test_a_suggestion_replaces_what_was_begun(marked: str, text: str) -> None:
    assert taken(marked) == text


def test_a_kpi_begins_with_an_aggregate_and_goes_on_with_columns() -> None:
    assert offered("|", aggregates=True)[:2] == ["sum(", "avg("]
    assert "age" not in offered("|", aggregates=True)
    assert offered("sum(|", aggregates=True)[0] == "age"
    assert offered("sum(age) |", aggregates=True)[0] == "filter (where "
    assert "sum(" not in offered("|")


def test_every_function_that_there_is_is_offered_and_no_other() -> None:
    ending = {one[:-1] for one in offered("sum(|", aggregates=True) if one.endswith("(")}
    assert ending == {*NAMES, *AGGREGATES}


def test_an_editor_needs_neither_the_parser_nor_the_database() -> None:
    code = "import sys, storage.expressions.complete; print({'sqlglot', 'duckdb', 'polars'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_column_says_what_it_holds() -> None:
    [one] = suggestions("ag", 2, COLUMNS)
    assert (one.text, one.kind, one.note, one.start, one.end) == ("age", "column", "a number", 0, 2)
