"""Columns as codes: a predicate holds for the rows with its code, and reads as a person would write it."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import cockpit
from cockpit.evaluate.encoding import encode
from storage.frames import Frames

ADULT = Path(cockpit.__file__).parent / "demo" / "project" / "adult_train.parquet"
DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a column without a zone
COLUMNS = {
    "age": pl.Series([*range(18, 78), None] * 5, dtype=pl.Int64),
    "few": pl.Series([1, 2, None, 2, 7] * 61, dtype=pl.UInt8),
    "gain": pl.Series([0] * 250 + list(range(100, 155)), dtype=pl.Int32),
    "fraction": pl.Series([math.sin(i) / 997 for i in range(304)] + [math.nan]),
    "single": pl.Series([i / 7 for i in range(305)], dtype=pl.Float32),
    "huge": pl.Series([(-1) ** i * 10.0 ** (i % 300) for i in range(305)]),
    "infinite": pl.Series([math.inf, -math.inf, math.nan, None, 0.5] * 61),
    "and beyond": pl.Series([math.inf, -math.inf, *range(303)]),
    "yes": pl.Series([True, False, None, True, True] * 61),
    'quoted "name"': pl.Series(["it's", 'a "b"', "ü", "", "plain"] * 61),
    "select": pl.Series([1.5, 2.5, -3.5, 1e-7, 1e18] * 61),
    "a.b": pl.Series(["x", None, "y", "z", "and"] * 61),
    "category": pl.Series(["s", "m", "l", None, "s"] * 61, dtype=pl.Categorical),
    "enum": pl.Series(["s", "m", "l", None, "s"] * 61, dtype=pl.Enum(["s", "m", "l"])),
    "day": pl.Series([date(2020, 1, 1) + timedelta(days=i * i) for i in range(304)] + [None]),
    "weekday": pl.Series([date(2020, 1, 1 + i % 5) for i in range(305)]),
    "time": pl.Series([DAY + timedelta(seconds=977 * i, microseconds=i) for i in range(305)]),
    "zoned": pl.Series(
        [DAY.replace(tzinfo=UTC) + timedelta(hours=i) for i in range(305)],
        dtype=pl.Datetime("ns", "Europe/Vienna"),
    ),
}


@pytest.mark.parametrize("bins", ["quantile", "width"])
@pytest.mark.parametrize("name", COLUMNS)
def test_a_predicate_holds_for_the_rows_with_its_code(name: str, bins: Any) -> None:
    column = COLUMNS[name].alias(name)
    encoded = encode(column, bins=bins)
    assert encoded is not None
    assert len(encoded.predicates) > 1
    with Frames(column.to_frame()) as frames:
        masks = frames.masks(encoded.predicates)
    for code, mask in enumerate(masks, 1):
        assert np.array_equal(mask.to_numpy(), encoded.codes == code), encoded.predicates[code - 1]
    held = np.flatnonzero(encoded.codes == 0)
    assert all(math.isinf(column[int(row)]) for row in held)


def test_predicates_read_as_a_person_would_write_them() -> None:
    def predicates(column: pl.Series, **options: Any) -> tuple[str, ...]:
        encoded = encode(column, **options)
        assert encoded is not None
        return encoded.predicates

    adult = pl.read_parquet(ADULT, columns=["age", "capital_gain", "sex"])
    assert predicates(adult["age"])[:3] == (
        "age < 22",
        "age >= 22 and age < 26",
        "age >= 26 and age < 30",
    )
    assert predicates(adult["capital_gain"])[0] == "capital_gain = 0"
    assert predicates(adult["sex"]) == ("sex = 'Male'", "sex = 'Female'")
    assert predicates(COLUMNS["yes"].alias("yes")) == ("yes = false", "yes = true", "yes is null")
    assert predicates(COLUMNS["time"].alias("time"))[0] == "time < '2024-01-01 08:24:00'"
    assert predicates(COLUMNS["day"].alias("day"))[-1] == "day is null"


def test_of_many_texts_the_most_frequent_are_predicates_and_the_rest_no_slice() -> None:
    texts = [f"v{i}" for i in range(40) for _ in range(40 - i)]
    encoded = encode(pl.Series("t", texts), least=5)
    assert encoded is not None
    assert encoded.predicates[0] == "t = 'v0'"
    assert len(encoded.predicates) == 19
    assert (encoded.codes == 0).sum() == sum(40 - i for i in range(19, 40))
    assert encoded.left_out == 36 - 19
    rare = encode(pl.Series("t", [*texts[:40], *(f"w{i}" for i in range(40))]), least=5)
    assert rare is not None
    assert (rare.predicates, rare.left_out) == (("t = 'v0'",), 0)


def test_texts_that_cannot_be_typed_are_no_slice() -> None:
    encoded = encode(pl.Series("t", ["a\nb", "x" * 300, "fine", "too"] * 5))
    assert encoded is not None
    assert encoded.predicates == ("t = 'fine'", "t = 'too'")
    assert encoded.left_out == 2


@pytest.mark.parametrize(
    "column",
    [
        pl.Series("c", [[1], [2]]),
        pl.Series("c", [b"a", b"b"]),
        pl.Series("c", [timedelta(1), timedelta(2)]),
        pl.Series("c", [None, None]),
        pl.Series("c", [5, 5]),
        pl.Series("c", ["a", "a"]),
        pl.Series("c", [None, None], dtype=pl.Float64),
    ],
)
def test_columns_that_cannot_tell_rows_apart_are_not_searched(column: pl.Series) -> None:
    assert encode(column) is None
