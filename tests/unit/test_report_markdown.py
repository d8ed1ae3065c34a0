"""No name breaks a report: it stays in its cell, its line, its letters, and is read as it is written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.format import MISSING, plain
from cockpit.report.markdown import (
    JOINER,
    Markdown,
    Table,
    code,
    escape,
    fence,
    joined,
    picture,
    say,
    strong,
    table,
    width,
)
from tests.unit.gfm import HOSTILE, Shown, shown

names = st.lists(st.sampled_from(HOSTILE), max_size=8).map("".join) | st.text(max_size=30)


def seen(text: str) -> str:
    """How a name is read."""
    return " ".join(plain(text).replace(JOINER, "").split())


def read(text: str) -> str:
    return " ".join(text.replace("\u00a0", " ").split())


def is_calm(found: Shown) -> None:
    assert not found.foreign
    assert not found.links
    assert "<a " not in found.html
    assert "<em>" not in found.html
    assert "<del>" not in found.html
    assert "<s>" not in found.html


@given(st.lists(st.tuples(names, names, names), min_size=1, max_size=4))
def test_a_table_has_its_columns_whatever_stands_in_it(rows: list[tuple[str, str, str]]) -> None:
    cells = tuple((one, code(two), strong(three)) for one, two, three in rows)
    found = shown(table(Table(("a", escape("b|c"), code("d|e")), cells, right=1)))
    assert len(found.tables) == 1
    titles, *lines = found.tables[0]
    assert titles == ["a", "b|c", "d|e"]
    assert [len(line) for line in lines] == [3] * len(rows)
    for line, (one, two, three) in zip(lines, rows, strict=True):
        assert read(line[0]) == seen(one)
        assert read(line[1]) == (seen(two) or MISSING)
        assert read(line[2]) == seen(three)
    is_calm(found)


@given(names, names)
def test_a_sentence_stays_one_line_of_text(one: str, other: str) -> None:
    said = say("It is {one}, not {other}.", one=one, other=code(other))
    found = shown(f"{said}\n")
    assert "\n" not in said
    assert [read(text) for text in found.paragraphs] == [
        read(f"It is {plain(one)}, not {seen(other) or MISSING}.".replace(JOINER, ""))
    ]
    assert {token.type for token in found.tokens} == {"paragraph_open", "inline", "paragraph_close"}
    is_calm(found)


@given(names)
def test_a_name_at_the_start_of_a_line_begins_no_block(name: str) -> None:
    text = escape(name)
    found = shown(f"{text}\n")
    kinds = {token.type for token in found.tokens}
    assert kinds <= {"paragraph_open", "inline", "paragraph_close"}
    assert [read(one) for one in found.paragraphs] == [seen(name)] * bool(seen(name))
    after = shown(f"before\n{text}\n")
    assert {token.type for token in after.tokens} == {"paragraph_open", "inline", "paragraph_close"}


@given(st.lists(names, max_size=5))
def test_a_block_of_code_ends_where_it_should(lines: list[str]) -> None:
    found = shown(f"{fence(lines, 'sh')}\n\nafter\n")
    assert found.fences == ["".join(f"{plain(line).rstrip()}\n" for line in lines)]
    assert found.paragraphs == ["after"]


@given(names)
def test_what_a_picture_says_ends_no_tag(name: str) -> None:
    found = shown(f"{picture('a b/light.svg', 'dark.svg', name)}\n")
    assert not found.foreign
    assert found.links == ["dark.svg", "a%20b/light.svg"]


@given(names)
def test_escaping_is_done_once(name: str) -> None:
    once = escape(name)
    assert escape("x") == "x"
    assert say("{a}", a=once) == once.strip()
    assert joined([once, ""]) == once
    assert isinstance(say("{a}", a=name), Markdown)


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("learning_rate", "learning_rate"),
        ("_private_", r"\_private\_"),
        ("-0.0004", "-0.0004"),
        ("auc >= 0.9", "auc >= 0.9"),
        ("age <= 30", "age <= 30"),
        ("<b>", "&lt;b>"),
        ("290.7k $", "290.7k $"),
        ("$x$", r"\$x\$"),
        ("may be ~ chance", "may be ~ chance"),
        ("~ alone", r"\~ alone"),
        ("a_www.x.y", r"a_www\.x.y"),
        ("adult-eval@v4", "adult-eval@v4"),
        ("thanks @boss", f"thanks @{JOINER}boss"),
        ("a|b", r"a\|b"),
        ("AT&T", "AT&amp;T"),
        ("two\nlines", "two␊lines"),
        ("1. first", r"1\. first"),
        ("http://x.y", r"http\://x.y"),
    ],
)
def test_what_needs_no_escape_has_none(text: str, written: str) -> None:
    assert escape(text) == written


def test_a_table_reads_well_as_it_is_written() -> None:
    found = table(Table(("name", "n"), (("a", "1"), ("漢字", "1,204")), right=1))
    assert found.splitlines() == [
        "| name |     n |",
        "| ---- | ----: |",
        "| a    |     1 |",
        "| 漢字 | 1,204 |",
    ]
    assert len({width(line) for line in found.splitlines()}) == 1


def test_a_table_without_rows_is_none() -> None:
    assert table(Table(("a",), ())) == ""
    assert not Table(("a",), ())
