"""A command's arguments: what a trial's values become, and that no value becomes anything more."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from cockpit.sweep.executors.command_line import (
    MORE,
    BadPlaceholder,
    escaped,
    flags,
    placeholders,
    render,
    with_values,
)

MORE_VALUES: dict[str, Any] = {
    "params": "/r/params.json", "run_dir": "/r/out", "run": "01H", "sweep": "income", "number": 7,
    "seed": 3,
}  # fmt: skip
TEXT = st.text(max_size=12)
NAME = st.text(string.ascii_letters + "_-. é", min_size=1, max_size=8)
VALUE = st.one_of(st.booleans(), st.integers(), st.floats(), TEXT)


def test_values_stand_where_their_placeholders_are() -> None:
    argv = ["./train.sh", "--lr={lr}", "{flag:amp}", "{flag:half}", "-d{depth}x{depth}", "{kind}"]
    params = {"lr": 1e-05, "amp": True, "half": False, "depth": 3, "kind": "two words"}
    assert render(argv, params, {}) == ["./train.sh", "--lr=1e-05", "--amp", "-d3x3", "two words"]


def test_a_bool_and_what_the_run_is_are_written_as_json_has_them() -> None:
    argv = ["{on}", "{off}", "{params}", "{run_dir}/{run}", "{sweep}#{number}", "{seed}", "{{}}"]
    rendered = render(argv, {"on": True, "off": False}, MORE_VALUES)
    assert rendered == ["true", "false", "/r/params.json", "/r/out/01H", "income#7", "3", "{}"]
    assert set(MORE_VALUES) == set(MORE)


def test_a_parameter_goes_before_what_else_has_its_name() -> None:
    assert render(["{seed}"], {"seed": 11}, MORE_VALUES) == ["11"]


def test_placeholders_and_flags_are_named() -> None:
    argv = ["x", "--lr={lr}", "{flag:amp}", "{{no}}", "{run}{lr}"]
    assert placeholders(argv) == {"lr", "amp", "run"}
    assert flags(argv) == {"amp"}


@pytest.mark.parametrize(
    ("template", "said"),
    [
        ("--lr={lr", "holds \"--lr={lr\" with a single {; write {{ and }} for braces"),
        ("{}", 'holds "{}" with a single {; write {{ and }} for braces'),
        ("a}b", 'holds "a}b" with a single }; write {{ and }} for braces'),
        ('{"lr": {lr}}', 'with a single {; write {{ and }} for braces'),
        ("x{flag:lr}", 'holds "x{flag:lr}", where {flag:lr} has to be an argument by itself'),
        ("{lr:.3f}", "holds {lr:.3f}, which is not known"),
        ("{flag:amp}", "holds {amp}, which is not known"),
    ],
)  # fmt: skip
def test_a_template_that_means_nothing_is_refused(template: str, said: str) -> None:
    with pytest.raises(BadPlaceholder) as caught:
        render([template], {"lr": 1.0}, {})
    assert said in str(caught.value)


@given(st.dictionaries(NAME, VALUE, max_size=4), TEXT, TEXT)
def test_each_value_is_one_argument_whatever_it_holds(
    params: dict[str, Any], before: str, after: str
) -> None:
    argv = [f"{escaped(before)}{{{name}}}{escaped(after)}" for name in params]
    rendered = render(argv, params, {})
    assert len(rendered) == len(params)
    for value, argument in zip(params.values(), rendered, strict=True):
        assert argument.startswith(before)
        assert argument.endswith(after)
        inner = argument[len(before) : len(argument) - len(after)]
        if isinstance(value, str):
            assert inner == value
        elif isinstance(value, float):
            assert float(inner) == value or value != value
        else:
            assert json.loads(inner) == value


@given(TEXT)
def test_a_text_arrives_as_it_is(text: str) -> None:
    assert render(["{x}", "--x={x}"], {"x": text}, {}) == [text, f"--x={text}"]
    assert render([escaped(text)], {}, {}) == [text]


@given(st.lists(st.one_of(TEXT, st.sampled_from(["{a}", "{flag:b}", "{{", "}}", "{c}/x"]))), VALUE)
def test_any_template_renders_to_at_most_one_argument_or_is_refused(
    argv: list[str], value: Any
) -> None:
    values = {"a": value, "b": value, "c": value}
    try:
        names = placeholders(argv)
    except BadPlaceholder:
        with pytest.raises(BadPlaceholder):
            render(argv, values, {})
        return
    assume(names <= set(values))
    assert len(render(argv, values, {})) == len(argv) - (
        argv.count("{flag:b}") if value is not True else 0
    )


@given(st.dictionaries(NAME, TEXT, max_size=3), VALUE)
def test_values_known_early_are_the_same_as_values_known_late(
    early: dict[str, str], late: Any
) -> None:
    assume("late" not in early)
    argv = [f"a{{{name}}}{{late}}{{{{" for name in early]
    filled = with_values(argv, early)
    assert render(filled, {"late": late}, {}) == render(argv, early, {"late": late})
