"""Drift: its figures against scipy's and hand-made ones; planted faults are found, clean pairs raise nothing."""

from __future__ import annotations

import importlib.util
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from cockpit.data import effects
from cockpit.data.drift import ColumnDrift, DriftError, binned, drift

TINY = 1e-9
HERE = importlib.util.find_spec("cockpit")
assert HERE is not None
assert HERE.origin is not None
ADULT = Path(HERE.origin).parent / "demo" / "project" / "adult_train.parquet"


@pytest.fixture(scope="module")
def adult() -> pl.DataFrame:
    """16,280 rows."""
    return pl.read_parquet(ADULT)[::2].head(16_280)


def one(old: Any, new: Any) -> ColumnDrift:
    (column,) = drift(pl.DataFrame({"x": old}).lazy(), pl.DataFrame({"x": new}).lazy()).columns
    return column


def value(column: ColumnDrift, name: str) -> float:
    effect = column.effect(name)
    assert effect is not None
    return effect.value


@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_kolmogorov_smirnov_is_scipys(seed: int, ties: bool) -> None:
    rng = np.random.default_rng(seed)
    old, new = rng.normal(size=rng.integers(1, 400)), rng.normal(0.2, 1.3, rng.integers(1, 400))
    if ties:
        old, new = old.round(1), new.round(1)
    ours = effects.kolmogorov_smirnov(np.sort(old), np.sort(new)).value
    assert ours == pytest.approx(stats.ks_2samp(old, new).statistic, abs=TINY)


@pytest.mark.parametrize("seed", range(5))
def test_figures_of_counts_are_scipys(seed: int) -> None:
    rng = np.random.default_rng(seed)
    old, new = rng.integers(1, 90, 7), rng.integers(0, 90, 7)
    js = jensenshannon(old, new, base=2)
    assert effects.jensen_shannon(old, new).value == pytest.approx(js, abs=TINY)
    found = effects.cramers_v(old, new)
    table = np.stack([old, new])
    v = stats.contingency.association(table, method="cramer")
    assert found.value == pytest.approx(v, abs=TINY)
    assert found.p == pytest.approx(stats.chi2_contingency(table).pvalue, abs=TINY)


def test_psi_by_hand() -> None:
    # shares .5 .3 .2 against .25 .25 .5: -.25 ln .5 + -.05 ln(.25/.3) + .3 ln 2.5
    found = effects.psi(np.array([50, 30, 20]), np.array([50, 50, 100]))
    by_hand = 0.25 * np.log(2) + 0.05 * np.log(1.2) + 0.3 * np.log(2.5)
    assert found.value == pytest.approx(by_hand, abs=TINY)
    assert found.verdict == "large"
    # an empty bin counts as half a row of 10
    found = effects.psi(np.array([5, 5]), np.array([10, 0]))
    assert found.value == pytest.approx(0.5 * np.log(2) + 0.45 * np.log(10), abs=TINY)


def test_psi_of_numbers_is_that_of_numpys_deciles() -> None:
    rng = np.random.default_rng(3)
    old, new = np.sort(rng.normal(size=3001)), np.sort(rng.normal(0.3, 1.2, 2003))
    edges = np.quantile(old, np.arange(1, 10) / 10, method="inverted_cdf")
    cuts = [-np.inf, *np.nextafter(edges, np.inf), np.inf]
    before, after = (np.histogram(side, cuts)[0] for side in (old, new))
    ours = binned(old, new)
    assert ours[0].tolist() == before.tolist()
    assert ours[1].tolist() == after.tolist()
    p, q = before / 3001, after / 2003
    assert value(one(old, new), "psi") == pytest.approx(((q - p) * np.log(q / p)).sum(), abs=TINY)


def test_a_frequent_value_is_a_bin_of_its_own() -> None:
    old = np.sort(np.concatenate([np.zeros(900), np.arange(1.0, 101.0), -np.arange(1.0, 11.0)]))
    before, after = binned(old, old * 100)
    assert before[0] == after[0] == 900
    assert before.sum() == after.sum() == len(old)
    assert len(before) == 10
    assert max(before[1:]) <= 13
    # all below 9 or so (the zero apart) is in the lowest, all above in the highest
    assert after[-1] > 80


@pytest.mark.parametrize("seed", range(4))
def test_every_row_is_in_one_bin(seed: int) -> None:
    rng = np.random.default_rng(seed)
    old = np.sort(rng.choice([0, 1, 2, 3, 50, *rng.normal(size=30)], 500))
    new = np.sort(rng.choice([0, -9, 2, 77, *rng.normal(size=30)], 300))
    before, after = binned(old, new)
    assert (before.sum(), after.sum()) == (500, 300)
    assert min(before.min(), after.min()) >= 0


def test_chance_stays_below_the_noise_but_rarely() -> None:
    rng = np.random.default_rng(0)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    beyond = {"psi": 0, "js": 0, "v": 0, "ks": 0, "missing": 0}
    for _ in range(2_000):
        old, new = rng.multinomial(400, shares), rng.multinomial(300, shares)
        x, y = np.sort(rng.normal(size=80)), np.sort(rng.normal(size=60))
        gaps = rng.binomial(200, 0.1, 2)
        for found in (
            effects.psi(old, new),
            effects.jensen_shannon(old, new),
            effects.cramers_v(old, new),
            effects.kolmogorov_smirnov(x, y),
            effects.missing(int(gaps[0]), 200, int(gaps[1]), 200),
        ):
            beyond[found.name] += found.value > found.noise
    assert set(beyond.values()) == {0}


@pytest.mark.parametrize("rows", [30, 300, 6_000])
def test_a_clean_pair_raises_nothing_in_100_draws(adult: pl.DataFrame, rows: int) -> None:
    frame = adult.with_columns(
        pl.when(pl.col("workclass") == "?").then(None).otherwise("workclass").alias("workclass"),
        score=pl.col("fnlwgt").log(),
    )
    raised: list[ColumnDrift] = []
    for seed in range(100):
        drawn = frame.sample(2 * rows, shuffle=True, seed=seed)
        raised += drift(drawn[:rows].lazy(), drawn[rows:].lazy()).drifted
    assert raised == []


@pytest.fixture
def halves(adult: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    shuffled = adult.sample(fraction=1, shuffle=True, seed=1)
    return shuffled[:8_140], shuffled[8_140:]


def only(old: pl.DataFrame, new: pl.DataFrame) -> ColumnDrift:
    (found,) = drift(old.lazy(), new.lazy()).drifted
    return found


@pytest.mark.parametrize("column", ["age", "fnlwgt", "capital_gain", "hours_per_week"])
def test_a_change_of_unit_is_found_and_named(
    halves: tuple[pl.DataFrame, pl.DataFrame], column: str
) -> None:
    old, new = halves
    found = only(old, new.with_columns(pl.col(column) * 100))
    assert (found.name, found.verdict) == (column, "large")
    assert found.factor == pytest.approx(100, rel=0.1)


def test_a_category_that_vanished_or_appeared(halves: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    old, new = (half.select("race") for half in halves)
    found = only(old, new.filter(pl.col("race") != "Asian-Pac-Islander"))
    assert found.name == "race"
    assert [one.name for one in found.vanished] == ["Asian-Pac-Islander"]
    assert found.vanished[0].share == pytest.approx(0.03, abs=0.01)
    found = only(old.filter(pl.col("race") != "Asian-Pac-Islander"), new)
    assert [one.name for one in found.appeared] == ["Asian-Pac-Islander"]


@pytest.mark.parametrize("share", [0.005, 0.03])
def test_missing_values_where_there_were_none(
    halves: tuple[pl.DataFrame, pl.DataFrame], share: float
) -> None:
    old, new = halves
    empty = pl.int_range(pl.len()) < share * new.height
    found = only(
        old, new.with_columns(pl.when(~empty).then("education_num").alias("education_num"))
    )
    assert found.name == "education_num"
    assert found.missing[0] == 0
    assert found.missing[1] == pytest.approx(share, rel=0.05)


def test_labels_and_predictions_drift_like_features() -> None:
    rng = np.random.default_rng(5)
    old = pl.DataFrame({"y_true": rng.random(4_000) < 0.25, "y_score": rng.beta(2, 5, 4_000)})
    new = old.with_columns(
        y_true=pl.Series(rng.random(4_000) < 0.45), y_score=pl.col("y_score") ** 0.5
    )
    found = drift(old.lazy(), new.lazy(), ["y_true", "y_score"])
    assert [one.verdict for one in found.columns] == ["moderate", "large"]
    assert found.columns[0].effect("v") is not None
    assert found.columns[1].effect("ks") is not None


def test_dates_drift_as_numbers() -> None:
    days = [date(2024, 1, 1) + timedelta(days=n) for n in range(400)]
    assert one(days[:300], days[:300]).verdict == "none"
    assert one(days[:300], days[100:]).verdict == "large"


def test_ids_say_nothing() -> None:
    assert one([f"a{n}" for n in range(999)], [f"b{n}" for n in range(999)]).verdict == "none"


def test_what_cannot_be_judged_says_why() -> None:
    assert (one([[1]], [[2]]).verdict, one([[1]], [[2]]).reason) == (
        "not judged",
        "List(Int64) is not compared",
    )
    changed = one([1, 2], ["1", "2"])
    assert (changed.verdict, changed.reason) == ("large", "was int, is text now")
    nothing = one([None, None], [1, 2])
    assert nothing.reason == "no values on one side"
    with pytest.raises(DriftError, match="the new data have no rows"):
        one([1], pl.Series([], dtype=pl.Int64))
    with pytest.raises(DriftError, match="new data have no column 'y'"):
        drift(pl.LazyFrame({"y": [1]}), pl.LazyFrame({"x": [1]}), ["y"])


def test_columns_of_one_side_only() -> None:
    found = drift(pl.LazyFrame({"a": [1], "b": [1]}), pl.LazyFrame({"b": [1], "c": [1]}))
    assert (found.only_old, found.only_new) == (("a",), ("c",))
    assert [one.name for one in found.columns] == ["b"]


@pytest.mark.parametrize(
    "values", [[0.0], [1.0, float("inf")], [float("nan"), 1.0], [True], [None]]
)
def test_odd_values_are_no_drift_of_themselves(values: list[Any]) -> None:
    column = one(values * 40, values * 30)
    assert column.verdict in ("none", "not judged")
    assert not any(np.isnan(effect.value) for effect in column.effects)


def test_infinities_beside_many_numbers() -> None:
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(size=500), [np.inf, -np.inf]])
    assert one(values, values).verdict == "none"
