"""A time that is said can be put into a spec as it stands."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.sweep.durations import as_written
from cockpit.sweep.spec.units import seconds


@pytest.mark.parametrize(
    "length, said",
    [
        (0.5, "0.5s"),
        (41, "41s"),
        (90, "1m30s"),
        (90.5, "90.5s"),
        (7200, "2h"),
        (36_610, "10h10m10s"),
    ],
)
def test_a_time_is_said_as_people_write_it(length: float, said: str) -> None:
    assert as_written(length) == said


@given(st.integers(1, 10**8))
def test_what_is_said_is_read_as_the_same(length: int) -> None:
    assert seconds(as_written(length)) == length
