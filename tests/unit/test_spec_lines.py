"""The line in a message is the line in the file."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from cockpit.sweep.spec.lines import key_lines, line_of

HARD = '''\
# [sweep] in a comment
title = "no [table] # here"
[sweep] # the real one
name = """
trials = 1
[run]
\\""" still text"""
'quoted.key'."with \\"both\\" kinds" = 1
trials = 2
list = [ # a comment with ] in it
  1, "]", [2,
  3],
]
inline = { a = 1, b.c = [{ d = 2 }, { d = '}' }] }
[[matrix]]
x = 1
[matrix.deep]
y = 1
[[matrix]]
x = 2
[[matrix.more]]
z = 3
[a . "b c"]
when = 1979-05-27 07:32:00
raw = \'\'\'
it's''\'\'\'
last = -inf'''


def test_hard_toml_is_located_key_by_key() -> None:
    tomllib.loads(HARD)
    lines = key_lines(HARD)
    assert {
        ("title",): 2,
        ("sweep",): 3,
        ("sweep", "name"): 4,
        ("sweep", "quoted.key", 'with "both" kinds'): 8,
        ("sweep", "trials"): 9,
        ("sweep", "list"): 10,
        ("sweep", "list", 2, 1): 12,
        ("sweep", "inline", "b", "c", 1, "d"): 14,
        ("matrix", 0, "x"): 16,
        ("matrix", 0, "deep", "y"): 18,
        ("matrix", 1, "x"): 20,
        ("matrix", 1, "more", 0, "z"): 22,
        ("a", "b c", "when"): 24,
        ("a", "b c", "last"): 27,
    }.items() <= lines.items()
    assert ("sweep", "[run]") not in lines


def test_a_missing_key_gets_the_line_of_its_table() -> None:
    lines = key_lines("\n[run]\n")
    assert line_of(lines, ("run", "function")) == 2
    assert line_of(lines, ("sweep", "metric")) is None


TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8)
LEAF = st.one_of(TEXT, st.integers(-(2**60), 2**60), st.booleans(), st.floats(allow_nan=False))
VALUE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
STYLE = st.randoms(use_true_random=False)


def written(value: Any, style: Any) -> str:
    """A value as TOML, in one of its spellings."""
    if isinstance(value, dict):
        pairs = (f"{key(k, style)} = {written(v, style)}" for k, v in value.items())
        return "{ " + ", ".join(pairs) + " }"
    if isinstance(value, list):
        gap = style.choice([" ", "\n  ", " # ] , }\n"])
        return f"[{gap}" + f",{gap}".join(written(item, style) for item in value) + f"{gap}]"
    if isinstance(value, str) and style.random() < 0.3 and "'" not in value:
        return f"'''\n{value}'''" if style.random() < 0.5 else f"'{value}'"
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, float) else repr(value)


def key(name: str, style: Any) -> str:
    plain = name.isascii() and name.replace("_", "a").isalnum()
    if plain and style.random() < 0.7:
        return name
    return json.dumps(name, ensure_ascii=False)


@given(st.dictionaries(TEXT, st.dictionaries(TEXT, VALUE, max_size=4), max_size=4), STYLE)
def test_every_key_of_any_file_is_found_on_its_line(
    tables: dict[str, dict[str, Any]], style: Any
) -> None:
    text = ""
    expected: dict[tuple[str, ...], int] = {}
    for table, pairs in tables.items():
        text += "# [x]\n" * style.randrange(3)
        expected[(table,)] = text.count("\n") + 1
        text += f"[ {key(table, style)} ]\n"
        for name, value in pairs.items():
            expected[(table, name)] = text.count("\n") + 1
            text += f'{key(name, style)}={written(value, style)} # = "\n'
    assert tomllib.loads(text) == tables
    assert expected.items() <= key_lines(text).items()
    assert set(key_lines(text)) == set(paths(tables))


def paths(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found: list[tuple[Any, ...]] = []
    for name, item in inner:
        found.append((*here, name))
        if isinstance(item, dict | list):
            found += paths(item, (*here, name))
    return found
