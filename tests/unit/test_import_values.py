"""Texts and numbers from elsewhere become names, values and lines that the store can hold."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.interop.values import name_of, typed
from storage.bulk import point_lines
from storage.events import MetricLogged, decode, encode

points = st.lists(
    st.tuples(
        st.integers(-(2**60), 2**60),
        st.floats(0, 9e10),
        st.floats(allow_nan=True, allow_infinity=True),
    ),
    max_size=5,
)


@given(st.text(), points)
def test_lines_of_a_curve_are_the_events_one_by_one(
    name: str, told: list[tuple[int, float, float]]
) -> None:
    steps, times, values = zip(*told, strict=True) if told else ((), (), ())
    lines = point_lines(7, name, steps, times, values)
    single = [encode(MetricLogged(7, name, *one)) for one in told]
    assert lines == b"".join(single)
    assert [repr(decode(line)) for line in lines.splitlines()] == [
        repr(decode(line)) for line in single
    ]


@given(
    st.one_of(st.integers(-(10**17), 10**17), st.floats(allow_nan=False), st.booleans(), st.none())
)
def test_what_python_wrote_is_read_back(value: Any) -> None:
    assert (typed(str(value)), type(typed(str(value)))) == (value, type(value))


@settings(max_examples=200)
@given(st.text(max_size=200))
def test_any_text_makes_a_name_and_a_value(text: str) -> None:
    made = name_of(text, "run")
    assert 0 < len(made) <= 100
    assert made.isprintable()
    assert "#" not in made
    assert not made.startswith("@")
    typed(text)
