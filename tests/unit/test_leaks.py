"""A feature that tells the target alone is found, whatever it looks like; strong, honest ones are not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cockpit.data.leaks import leaks

HERE = importlib.util.find_spec("cockpit")
assert HERE is not None
assert HERE.origin is not None
ADULT = Path(HERE.origin).parent / "demo" / "project" / "adult_test.parquet"


@pytest.fixture(scope="module")
def adult() -> pl.DataFrame:
    return pl.read_parquet(ADULT)


def test_clean_data_have_none(adult: pl.DataFrame) -> None:
    numbered = adult.with_columns(id=pl.int_range(pl.len()).cast(pl.String))
    assert leaks(numbered.lazy(), "income") == ()


@pytest.mark.parametrize(
    "leak",
    [
        pl.col("rich"),
        ~pl.col("rich"),
        pl.when("rich").then(pl.lit("yes")).otherwise(pl.lit("no")),
        pl.when("rich").then(pl.lit("why")),
        pl.when("rich").then(pl.col("age") + 200).otherwise("age"),
        pl.when("rich").then(pl.col("age")).otherwise(pl.col("age") + 0.5),
    ],
    ids=["copy", "inverse", "words", "filled only for one", "shifted", "fractions"],
)  # fmt: skip
def test_a_leak_of_two_labels(adult: pl.DataFrame, leak: pl.Expr) -> None:
    rich = pl.col("income") == adult["income"].max()
    frame = adult.with_columns(rich=rich).with_columns(leak=leak).drop("rich")
    (found,) = leaks(frame.lazy(), "income")
    assert (found.feature, found.measure) == ("leak", "AUC")
    assert found.value == pytest.approx(1, abs=0.01)
    assert "leak alone tells income" in found.sentence


def test_a_leak_of_several_labels(adult: pl.DataFrame) -> None:
    found = leaks(adult.lazy(), "education")
    assert [(leak.feature, leak.measure) for leak in found] == [
        ("education_num", "mutual information")
    ]


def test_a_leak_of_a_number(adult: pl.DataFrame) -> None:
    noise = pl.Series(np.random.default_rng(0).normal(size=adult.height))
    frame = adult.with_columns(weeks=-pl.col("fnlwgt") / 52, rough=pl.col("fnlwgt") + 1e5 * noise)
    (found,) = leaks(frame.lazy(), "fnlwgt")
    assert (found.feature, found.measure) == ("weeks", "correlation")


def test_only_the_features_asked_for(adult: pl.DataFrame) -> None:
    frame = adult.with_columns(leak=pl.col("income"))
    assert leaks(frame.lazy(), "income", ["age", "sex"]) == ()


@pytest.mark.parametrize("rows", [0, 1, 30])
def test_few_rows_tell_nothing(adult: pl.DataFrame, rows: int) -> None:
    frame = adult.head(rows).with_columns(leak=pl.col("income"))
    assert leaks(frame.lazy(), "income") == ()


@pytest.mark.parametrize("target", ["same", "empty", "nested"])
def test_targets_that_cannot_be_told(adult: pl.DataFrame, target: str) -> None:
    frame = adult.with_columns(
        same=pl.lit(1), empty=pl.lit(None), nested=pl.concat_list("age", "age")
    )
    assert leaks(frame.lazy(), target) == ()


def test_labels_in_turn_hide_no_leak() -> None:
    rows = 400
    frame = pl.DataFrame({"y": [0, 1] * (rows // 2), "leak": [5.5, 6.5] * (rows // 2)})
    assert [leak.feature for leak in leaks(frame.lazy(), "y")] == ["leak"]


def test_of_many_rows_some_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cockpit.data.leaks.ROWS", 300)
    frame = pl.DataFrame({"y": [0, 1] * 5_000}).with_columns(leak=pl.col("y") * 2)
    assert [leak.feature for leak in leaks(frame.lazy(), "y")] == ["leak"]
