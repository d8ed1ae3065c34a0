"""A profile tells what is in a table, exactly where it fits into memory, and what is odd about it."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cockpit.data.profile as profiling
from cockpit import profile_words as words
from cockpit.data.columns import ColumnProfile, Odd, from_facts, remarks, to_facts
from cockpit.data.profile import histogram, profile
from cockpit.data.reading import scan
from storage.events import to_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def clock(text: str) -> datetime:
    """A time without a zone, as tables have them."""
    return datetime.fromisoformat(text)


def column(values: Any, dtype: Any = None) -> ColumnProfile:
    (found,) = profile(pl.DataFrame({"c": pl.Series(values, dtype=dtype)}).lazy()).columns
    return found


def remarked(values: Any, dtype: Any = None) -> dict[str, str]:
    return {each.what: each.text for each in remarks([column(values, dtype)], NOW)}


def test_names_that_the_file_does_not_hold_are_remarked(tmp_path: Path) -> None:
    file = tmp_path / "x.csv"
    for text, said in (
        ("a,a,b\n1,2,3\n", [("a_duplicated_0", "the file calls it 'a', as another column before it")]),
        ("a;b\n1;2\n", [("a;b", "the only column: is it really a comma that stands between the values?")]),
        ("a_duplicated_0,b\n1,2\n", []),
    ):  # fmt: skip
        file.write_text(text)
        found = remarks(profile(scan(file)).columns, NOW)
        assert [(one.column, one.text) for one in found if one.what == "name"] == said


def test_numbers_are_described_as_numpy_and_polars_do() -> None:
    values = np.random.default_rng(3).normal(size=1001)
    found = column(values)
    assert (found.type, found.rows, found.nulls, found.distinct) == ("float", 1001, 0, 1001)
    assert found.mean == pytest.approx(values.mean(), rel=1e-12)
    assert found.std == pytest.approx(values.std(ddof=1), rel=1e-12)
    wanted = np.quantile(values, [0, 0.05, 0.25, 0.5, 0.75, 0.95, 1])
    assert found.quantiles == pytest.approx(wanted, rel=1e-12)
    assert (found.min, found.max) == (values.min(), values.max())
    assert sum(found.counts) == 1001
    assert found.counts == tuple(np.histogram(values, bins=20)[0])
    assert found.top == ()


def test_missing_and_not_finite_numbers_stay_out_of_the_figures() -> None:
    found = column([1.0, None, float("nan"), float("inf"), 3.0, -float("inf")])
    assert (found.nulls, found.nan, found.infinite, found.distinct) == (1, 1, 2, 2)
    assert (found.min, found.max, found.mean) == (1.0, 3.0, 2.0)
    assert (
        remarked([1.0, float("nan"), float("inf")])["nan"]
        == "1 row has a number that is not finite"
    )


@pytest.mark.parametrize(
    ("dtype", "values"),
    [
        (pl.Int8, [-128, 127]),
        (pl.UInt64, [0, 2**64 - 1]),
        (pl.Int128, [-(2**100), 2**100]),
        (pl.Float32, [0.5, 1.5]),
        (pl.Decimal(10, 2), [Decimal("0.25"), Decimal("1.5")]),
    ],
)
def test_numbers_of_every_width_are_numbers(dtype: Any, values: list[Any]) -> None:
    found = column(values, dtype)
    assert found.type in ("int", "float")
    assert (float(found.min), float(found.max)) == (float(values[0]), float(values[1]))
    assert sum(found.counts) == 2
    to_json(to_facts(found))


def test_frequent_values_come_with_their_counts_and_ties_in_order() -> None:
    assert column([3, 1, 1, 2, 3, 9]).top == ((1, 2), (3, 2), (2, 1), (9, 1))
    assert column([*range(12), *range(1, 12), 7]).top[:2] == ((7, 3), (1, 2))
    assert len(column([*range(12), *range(12)]).top) == 10
    assert column(["b", "a", None, "b"]).top == (("b", 2), ("a", 1))
    assert column([True, False, True]).top == ((True, 2), (False, 1))


def test_whole_numbers_fall_into_bins_of_whole_numbers() -> None:
    edges, counts = histogram(np.sort(np.array([1.0, 1, 2, 5])), whole=True)
    assert (list(edges), list(counts)) == ([1, 2, 3, 4, 5, 6], [2, 1, 0, 0, 1])
    edges, counts = histogram(np.arange(100.0), whole=True)
    assert (len(counts), set(counts)) == (20, {5})


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50),
    st.booleans(),
)
@settings(max_examples=200)
def test_no_row_is_lost_between_the_bins(values: Sequence[float], whole: bool) -> None:
    if whole:  # as whole numbers are: none has more than 128 bits
        values = [round(value) for value in values if abs(value) < 2.0**127] or [0.0]
    ordered = np.sort(np.array(values, dtype=float))
    edges, counts = histogram(ordered, whole)
    assert counts.sum() == len(values)
    assert len(counts) == len(edges) - 1 <= 20
    assert (counts >= 0).all()
    assert edges[0] == ordered[0]


def test_times_are_described_as_text() -> None:
    days = [date(2026, 1, 1) + timedelta(days=n) for n in range(5)] + [None]
    found = column(days)
    assert (found.type, found.nulls, found.distinct) == ("date", 1, 5)
    assert (found.min, found.quantiles[3], found.max) == ("2026-01-01", "2026-01-03", "2026-01-05")
    assert sum(found.counts) == 5
    zoned = column([datetime(2026, 1, 1, 12, tzinfo=UTC)], pl.Datetime("ns", "UTC"))
    assert (zoned.type, zoned.min) == ("time", "2026-01-01T12:00:00+00:00")


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([], pl.Int64),
        ([], pl.String),
        ([None, None], pl.Float64),
        ([None], pl.Datetime("us")),
        ([None], pl.Null),
        ([[1], None], pl.List(pl.Int64)),
        ([{"a": 1}], pl.Struct({"a": pl.Int64})),
        ([b"x"], pl.Binary),
        ([timedelta(1)], pl.Duration),
        ([float("nan")], pl.Float64),
        ([clock("9999-12-31T00:00")], pl.Datetime("us")),
    ],
)
def test_a_column_with_little_to_say_is_described_too(values: list[Any], dtype: Any) -> None:
    found = column(values, dtype)
    assert found.rows == len(values)
    assert found.nulls == values.count(None)
    assert from_facts(json.loads(to_json({"rows": found.rows, "columns": [to_facts(found)]}))) == (
        found,
    )
    words.values(found), words.missing(found), words.distinct(found)
    remarks([found], NOW)


def test_texts_that_are_not_what_they_seem_are_counted() -> None:
    texts = ["ok", "ok", "", "  ", " ok", "café", "раypal", "раypal", "?", "N/A", "naïve", None]
    odd = column(texts).odd
    assert odd == Odd(
        blank=2,
        spaced=1,
        non_ascii=4,
        mixed=2,
        mixed_example="раypal",
        placeholders=(("?", 1), ("N/A", 1)),
    )
    said = remarked(texts)
    assert (
        said["mixed"] == "2 rows have Latin letters beside Cyrillic or Greek ones, as in 'раypal'"
    )
    assert said["blank"] == "2 rows have a blank text"


def test_a_column_that_names_the_rows_may_look_like_an_id() -> None:
    numbers = column(list(range(60)))
    assert [one.what for one in remarks([numbers], NOW)] == ["id"]
    assert remarks([numbers], NOW, [numbers.name]) == ()


def test_categories_are_texts() -> None:
    found = column(["a", "b", "a"], pl.Categorical)
    assert (found.type, found.top) == ("text", (("a", 2), ("b", 1)))
    assert column(["a"], pl.Enum(["a", "z"])).distinct == 1


@pytest.mark.parametrize(
    ("values", "what", "said"),
    [
        ([7] * 60, "constant", "always 7"),
        (["x"] * 3 + [None], "constant", "always 'x' where there is a value"),
        (list(range(60)), "id", "every value is another: it looks like an id"),
        ([f"u{n}" for n in range(60)], "id", "every value is another: it looks like an id"),
        ([None, None, 1, 2, None], "nulls", "60 % of the values are missing"),
        ([None, None], "nulls", "no value at all"),
        (["?", "a", "?"], "placeholder", "2 rows have '?': a missing value?"),
        (["a ", "b"], "spaces", "1 row has spaces at the ends"),
        (
            [clock("2020-01-01T00:00"), clock("2020-01-02T00:00")],
            "stale",
            "the newest is 2020-01-02T00:00:00, 2,342 days ago",
        ),
        ([date(2030, 1, 1), date(2026, 1, 1)], "future", "the newest, 2030-01-01, lies ahead"),
        (
            [clock("2026-05-01T00:00")] * 3 + [clock("2026-05-02T00:00")],
            "instant",
            "75 % of the values are 2026-05-01T00:00:00",
        ),
    ],
)
def test_what_is_odd_is_said(values: list[Any], what: str, said: str) -> None:
    assert remarked(values).get(what) == said


@pytest.mark.parametrize(
    "values",
    [
        np.random.default_rng(0).normal(size=100),
        np.random.default_rng(0).integers(0, 9, 100),
        ["a", "b", "ä"] * 20,
        [f"{n} " * 40 + "end" for n in range(60)],
        [clock("2026-05-01T00:00") + timedelta(hours=n) for n in range(9)],
    ],
)
def test_nothing_is_said_of_what_is_usual(values: Any) -> None:
    assert remarked(values) == {}


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> pl.DataFrame:
    """A table that is more than may be held at once."""
    monkeypatch.setattr(profiling, "MOST_CELLS", 20_000)
    monkeypatch.setattr(profiling, "FEWEST_ROWS", 100)
    numbers = np.random.default_rng(5)
    return pl.DataFrame(
        {
            "x": pl.Series(numbers.normal(size=50_000)).set(
                pl.Series([True] + [False] * 49_999), 99.0
            ),
            "n": numbers.integers(0, 50, 50_000),
            "t": pl.Series(numbers.choice(["a", "b", "c", " "], 50_000, p=[0.7, 0.2, 0.05, 0.05])),
            "d": [date(2026, 1, 1)] * 49_999 + [date(2026, 2, 1)],
        }
    ).with_columns(n=pl.when(pl.col("n") > 0).then("n"))


def test_of_a_large_table_the_whole_is_counted_and_the_rest_is_of_a_sample(
    large: pl.DataFrame,
) -> None:
    found = profile(large.lazy(), size=1000)
    assert found.rows == 50_000
    assert found.sampled is not None
    assert 4_000 <= found.sampled <= 5_000
    x, n, t, d = found.columns
    assert (x.max, x.quantiles[-1], x.rows, x.estimated) == (99.0, 99.0, 50_000, True)
    assert x.mean == pytest.approx(large["x"].mean(), rel=1e-9)
    assert x.std == pytest.approx(large["x"].std(), rel=1e-9)
    assert n.nulls == large["n"].null_count()
    assert n.distinct == pytest.approx(49, rel=0.05)
    assert dict(t.top)["a"] == pytest.approx(35_000, rel=0.05)
    assert t.odd is not None
    assert t.odd.blank == pytest.approx(2_500, rel=0.2)
    assert (d.min, d.max, d.distinct) == ("2026-01-01", "2026-02-01", 2)
    facts = {"rows": found.rows, "columns": [to_facts(each) for each in found.columns]}
    assert from_facts(json.loads(to_json(facts))) == found.columns


def test_a_table_of_large_files_is_never_held_whole(
    large: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(profiling, "MOST_CELLS", 10**9)
    assert profile(large.lazy(), size=2 * profiling.MOST_BYTES).sampled == 25_000
    assert profile(large.lazy(), size=profiling.MOST_BYTES, packed=True).sampled == 12_500
    assert profile(large.lazy(), size=profiling.MOST_BYTES).sampled is None


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ([1, 1, 2, 5], "1 ▇▄  ▄ 5  mean 2.25"),
        ([4, 4], "always 4"),
        (["a", "a", "b"], "a 67 %, b 33 %"),
        ([f"t{n}" for n in range(7)], "t0, …"),
        (
            [clock("2026-01-01T03:00"), clock("2026-01-02T00:00")],
            "2026-01-01 03:00:00 ▇        ▇ 2026-01-02 00:00:00",
        ),
        ([None, "\x1b[31mx"], "␛[31mx 100 %"),
    ],
)
def test_a_column_is_shown_in_few_words(values: list[Any], said: str) -> None:
    assert words.values(column(values)) == said


def test_a_share_never_rounds_something_to_nothing_nor_most_to_all() -> None:
    assert [words.share(each, 10_000) for each in (1, 30, 5_000, 9_999, 10_000)] == [
        "< 0.1 %", "0.3 %", "50 %", "99 %", "100 %",
    ]  # fmt: skip
    assert words.missing(column([1, None, 2, 3])) == "25 %"
    assert words.missing(column([1])) == ""
