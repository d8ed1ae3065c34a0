"""Figures and words read as they should, whatever comes in."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from cockpit import format as fmt

NOW = datetime(2026, 3, 14, tzinfo=UTC)
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=60)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANYTHING,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANYTHING, inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "value, shown",
    [
        (0.9312, "0.9312"),
        (0.93, "0.93"),
        (0.1, "0.1"),
        (63, "63"),
        (12_345, "12.3k"),
        (999_960, "1.00M"),
        (0.0012, "0.0012"),
        (0.00012, "1.2e-4"),
        (-0.5, "-0.5"),
        (0.0, "0"),
        (123.456, "123.5"),
        (1e300, "1e300"),
        (math.nan, "NaN"),
        (-math.inf, "-∞"),
    ],
)
def test_numbers_have_four_significant_digits(value: float, shown: str) -> None:
    assert fmt.number(value) == shown


def test_scores_keep_their_zeros() -> None:
    assert fmt.number(0.93, keep_zeros=True) == "0.9300"


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_a_number_is_short_and_near_the_value(value: float) -> None:
    text = fmt.number(value)
    assert len(text) <= 11
    scale = {"k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}.get(text[-1], 1.0)
    if abs(value) < 1e300:
        assert float(text.rstrip("kMGT")) * scale == pytest.approx(value, rel=6e-3, abs=1e-320)


@given(st.lists(st.floats() | st.integers(-(10**9), 10**9), min_size=1, max_size=8))
def test_decimal_points_stand_one_under_the_other(values: list[float]) -> None:
    texts = [fmt.number(value) for value in values]
    halves = [fmt.halves(text) for text in texts]
    head, tail = max(one for one, _ in halves), max(two for _, two in halves)
    aligned = fmt.align(texts, head, tail)
    assert {cell_len(text) for text in aligned} == {head + tail}
    points = {text.index(".") for text in aligned if "." in text}
    assert points <= {head}


def test_names_are_listed_as_one_says_them() -> None:
    assert fmt.listed(["auc", "size", "time"]) == "auc, size and time"
    assert (fmt.listed(["auc", "size"]), fmt.listed(["auc"]), fmt.listed([])) == (
        "auc and size",
        "auc",
        "",
    )


@given(ANYTHING)
def test_plain_text_is_one_line_without_controls(text: str) -> None:
    shown = fmt.plain(text)
    assert not [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert fmt.plain(shown) == shown


@given(ANYTHING)
def test_a_log_line_is_one_line_without_controls(text: str) -> None:
    assert fmt.plain(fmt.log_line(text)) == fmt.log_line(text)


def test_a_log_line_reads_as_a_terminal_would_have_left_it() -> None:
    assert fmt.log_line("\x1b[32mgreen\x1b[0m") == "green"
    assert fmt.log_line("10%\r50%\r100%\r\n") == "100%"
    assert fmt.log_line("\x1b]0;title\x07text") == "text"


@given(JSON)
def test_any_json_value_can_be_painted(raw: object) -> None:
    for shown in (fmt.value(raw), fmt.exact(raw)):
        assert fmt.plain(shown) == shown


@given(ANYTHING, st.integers(0, 40), st.booleans())
def test_cut_and_fit_keep_to_their_width(text: str, width: int, right: bool) -> None:
    text = fmt.plain(text)
    assert cell_len(fmt.cut(text, width)) <= width
    assert cell_len(fmt.fit(text, width, right)) == width
    if cell_len(text) <= width:
        assert fmt.cut(text, width) == text


def test_names_lose_their_middle() -> None:
    assert fmt.cut("income-hgb-wide-and-deep#27", 15) == "income-…deep#27"
    assert fmt.cut("漢字漢字漢字", 7) in ("漢字…字", "漢…漢字", "漢…字")


@pytest.mark.parametrize(
    "seconds, shown",
    [
        (None, "·"),
        (math.nan, "·"),
        (0.04, "0.0s"),
        (4.1, "4.1s"),
        (41.2, "41s"),
        (59.7, "1m 00s"),
        (192, "3m 12s"),
        (7500, "2h 05m"),
        (273_600, "3d 04h"),
    ],
)
def test_durations(seconds: float | None, shown: str) -> None:
    assert fmt.duration(seconds) == shown


@pytest.mark.parametrize(
    "seconds, shown",
    [
        *((-5, "now"), (3, "now"), (47, "40s ago"), (125, "2m ago"), (7300, "2h ago")),
        *((2e6, "23d ago"), (8.6e6, "99d ago"), (8.7e6, "14w ago"), (8e7, "2y ago")),
    ],
)
def test_ages(seconds: float, shown: str) -> None:
    assert fmt.age(NOW - timedelta(seconds=seconds), NOW) == shown


@given(st.integers(0, 10**14))
def test_sizes_are_short(count: int) -> None:
    assert len(fmt.size(count)) <= 8


def test_every_state_has_a_glyph_and_a_word_of_its_own() -> None:
    from storage.runs import STATES

    assert set(fmt.LOOKS) == {*STATES, "paused"}
    assert len({look.glyph for look in fmt.LOOKS.values()}) == len(fmt.LOOKS)
    looks = [fmt.look(state) for state in STATES]
    assert [look.word for look in looks] == list(STATES)
    assert len({look.glyph for look in looks}) == len(STATES)
    assert fmt.look("x\x1b").word == "x␛"
