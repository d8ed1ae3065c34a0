"""How the figures of a gate are written: with four significant digits, and thousands."""

from __future__ import annotations

import pytest

from cockpit.evaluate.significance import Difference
from cockpit.models.gates.words import apart, number


@pytest.mark.parametrize(("value", "low", "high", "text"), [
    (3285.0, -1105.193, 7675.2, "+3,285 [-1,105, +7,675]"),
    (850.0, -1105.193, 2805.2, "+850 [-1,105, +2,805]"),
    (12.3456, 1.2, 22.1, "+12.35 [+1.20, +22.10]"),
    (-0.0612, -0.0911, -0.0313, "-0.0612 [-0.0911, -0.0313]"),
    (0.00012, -0.00001, 0.00025, "+0.000120 [-0.000010, +0.000250]"),
    (0.0, 0.0, 0.0, "+0.0000 [+0.0000, +0.0000]"),
    (4e-12, 1e-12, 7e-12, "+4e-12 [+1e-12, +7e-12]"),
])  # fmt: skip
def test_a_difference_and_its_ends_have_the_same_digits(
    value: float, low: float, high: float, text: str
) -> None:
    assert apart(Difference(value, low, high, 0.1, "normal", None, "unclear")) == text


def test_a_difference_without_an_interval_says_why() -> None:
    reason = "no interval: a max says nothing of other rows"
    found = Difference(12_345.6, None, None, None, "normal", reason, "not judged")
    assert apart(found) == "+12,346 (no interval: a max says nothing of other rows)"


@pytest.mark.parametrize(("value", "text"), [
    (12_345.6, "12,346"), (3285.0, "3,285"), (0.71954, "0.7195"), (2, "2"), (float("inf"), "inf"),
    ("passed", "'passed'"), (None, "nothing"),
])  # fmt: skip
def test_a_number_has_four_significant_digits(value: float | str | None, text: str) -> None:
    assert number(value) == text
