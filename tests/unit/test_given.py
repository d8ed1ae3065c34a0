"""Values as people type them, and back."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.sweep.given import document, scalar, toml_value, typed

PLAIN = (
    st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=("Cs",)))
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7),
        ("0.3", 0.3),
        ("1e-3", 0.001),
        ("true", True),
        ("random", "random"),
        ("2026-01-02", "2026-01-02"),
        ('["a", "b"]', ["a", "b"]),
        ('{ name = "median", n_warmup_steps = 3 }', {"name": "median", "n_warmup_steps": 3}),
        ("1\nother = 2", "1\nother = 2"),
        ("", ""),
    ],
)
def test_a_value_is_read_as_a_spec_would_hold_it(text: str, value: Any) -> None:
    assert toml_value(text) == value
    assert type(toml_value(text)) is type(value)


def test_a_params_value_is_a_number_a_truth_or_a_text() -> None:
    assert [scalar(text) for text in ("1", "0.5", "false", "log_loss", "[1]", "null")] == [
        1, 0.5, False, "log_loss", "[1]", "null",
    ]  # fmt: skip


@given(PLAIN | st.lists(PLAIN))
def test_what_is_shown_in_a_field_is_read_as_the_same_value(value: Any) -> None:
    assert toml_value(typed(value)) == value
    assert type(toml_value(typed(value))) is type(value)


def test_a_spec_is_written_line_by_line_with_its_places() -> None:
    tables = {
        "sweep": {"name": "a b", "trials": 3},
        "params": {"odd key": {"type": "float", "low": 1e-05, "high": 1.0}},
        "matrix": [{"x": {}}, {"y": {"run": {"function": "a.py:f"}}}],
    }
    lines = document(tables)
    assert tomllib.loads("\n".join(text for _, text in lines)) == tables
    assert dict(lines)["params", "odd key"].startswith('"odd key" = { type')
