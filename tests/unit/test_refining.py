"""Intervals refined by drawing rows: by which way, how far it is, ended at once, and no more verdicts than before."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest

from cockpit.evaluate.answers import Answers
from cockpit.evaluate.evaluation import EvaluationSet
from cockpit.evaluate.refining import refinable, refined
from cockpit.evaluate.resampling import Cancelled, percentile, seed_of
from cockpit.evaluate.significance import compare
from cockpit.evaluate.slices import SliceTable, table
from cockpit.evaluate.truth import truth_of
from cockpit.project.model import EvaluationTable, Kpi
from storage.datasets import Version

ROWS = 900
RNG = np.random.default_rng(5)
FRAME = pl.DataFrame({"age": RNG.integers(18, 80, ROWS), "y": RNG.integers(0, 2, ROWS)})
SLICES = {"young": "age < 40", "few": "age = 18", "nobody": "age > 200"}
KPIS = {
    "profit": Kpi(expression="sum(case when y_pred and y_true then 12 when y_pred then -2 end)"),
    "middle": Kpi(expression="median(y_score)"),
    "most": Kpi(expression="max(y_score)"),
}


def on() -> EvaluationSet:
    version = Version("eval", 1, "blake3:00", "eval.csv", 1, datetime.now(UTC))
    return EvaluationSet(version, FRAME, (), truth_of("eval@v1", FRAME, "y", None))


def answered(noise: float, seed: int = 0) -> Answers:
    truth = FRAME["y"].to_numpy()
    score = np.clip(truth * 0.6 + 0.2 + np.random.default_rng(seed).normal(0, noise, ROWS), 0, 1)
    return Answers("binary", truth, (score >= 0.5).astype(int), score, (0, 1))


def measured(*metrics: str, kpis: dict[str, Kpi] | None = None) -> SliceTable:
    runs = {"base": answered(0.5), "better": answered(0.3, 1), "same": answered(0.5)}
    return table(on(), runs, SLICES, metrics, kpis or {}, "base", EvaluationTable())


@pytest.mark.parametrize(("metric", "method"), [
    ("accuracy", "multinomial bootstrap"), ("f1", "multinomial bootstrap"),
    ("log_loss", "paired bootstrap"), ("average_precision", "paired bootstrap"),
    ("ece", "paired bootstrap"),
])  # fmt: skip
def test_each_slice_is_refined_as_if_it_were_alone(metric: str, method: str) -> None:
    soon = measured(metric)
    found = refined(soon, 200)
    assert refinable(soon)
    assert (soon.resamples, found.resamples) == (0, 200)
    assert not refinable(found)
    young = found.rows[1].cells["better"].differences[metric]
    mask = (FRAME["age"] < 40).to_numpy()
    alone = compare(metric, answered(0.3, 1).where(mask), answered(0.5).where(mask), resamples=200)
    assert young.method == alone.method == method
    assert (young.low, young.high, young.p) == (alone.low, alone.high, alone.p)
    assert [row.cells["better"].figures for row in found.rows] == [
        row.cells["better"].figures for row in soon.rows
    ], "values stay what they are"
    same = found.rows[0].cells["same"].differences[metric]
    assert (same.value, same.verdict) == (0.0, "unclear")
    assert same.low is not None
    assert same.high is not None
    assert same.low <= 0 <= same.high, "McNemar's for accuracy, else nothing at all"
    few = found.rows[2].cells["better"].differences[metric]
    assert (few.verdict, few.reason) == ("not judged", "fewer than 30 rows")
    assert found.rows[3].cells["better"].differences[metric].reason == "no rows"


def test_kpis_are_judged_at_once_and_refined() -> None:
    soon = measured(kpis=KPIS)
    before, after = (one.rows[0].cells["better"].differences for one in (soon, refined(soon, 400)))
    assert before["profit"].method == "normal"
    assert before["profit"].verdict == after["profit"].verdict == "better"
    assert after["profit"].method == after["middle"].method == "paired bootstrap"
    assert before["middle"].low is None
    assert after["middle"].low is not None
    for found in (before, after):
        assert found["most"].reason == "no interval: a max says nothing of other rows"


def test_auc_is_not_drawn_for_its_interval_is_delongs() -> None:
    soon = measured("auc")
    assert not refinable(soon)
    assert refined(soon, 100) is soon


def test_the_same_table_gives_the_same_figures() -> None:
    one, again = (refined(measured("log_loss", kpis=KPIS), 100) for _ in range(2))
    assert one == again


def test_it_tells_how_far_it_is_and_ends_when_it_is_told_to() -> None:
    heard: list[float] = []
    refined(measured("accuracy", "log_loss", kpis=KPIS), 300, heard.append)
    assert heard == sorted(heard)
    assert heard[-1] == pytest.approx(1.0)
    assert len(set(heard)) > 10
    calls = iter(range(100))
    with pytest.raises(Cancelled):
        refined(measured("log_loss"), 100_000, cancelled=lambda: next(calls) > 3)


def test_no_more_slices_are_called_different_than_chance_allows() -> None:
    """On slices of fifteen rows or so: at once, and by drawn p-values, both corrected for the number of slices."""
    many = {f"of {age}": f"age = {age}" for age in range(18, 80)}
    rng, truth, soon_called, called = np.random.default_rng(11), FRAME["y"].to_numpy(), 0, 0
    judged = EvaluationTable(rows=10)
    for _ in range(8):
        runs = {}
        for name in ("a", "b"):
            score = rng.random(ROWS)
            runs[name] = Answers("binary", truth, (score > 0.5).astype(int), score, (0, 1))
        soon = table(on(), runs, many, ["log_loss"], {"mean": MEAN}, "a", judged)
        soon_called += _called(soon)
        called += _called(refined(soon, 300))
    assert soon_called <= 1
    assert called <= 1


MEAN = Kpi(expression="avg(case when y_true then y_score else 1 - y_score end)")


def _called(found: SliceTable) -> bool:
    judged = [one.verdict for row in found.rows[1:] for one in row.cells["b"].differences.values()]
    assert judged.count("not judged") < len(judged) / 4
    return any(verdict in ("better", "worse") for verdict in judged)


def test_where_no_draw_says_otherwise_the_p_value_is_not_that_of_the_number_of_draws() -> None:
    drawn = np.random.default_rng(1).normal(10, 1, 500)
    found = percentile(drawn, 0.95, 10_000, 1e-9)
    assert found is not None
    assert found[2] == 1e-9
    without = percentile(drawn, 0.95, 10_000, None)
    assert without is not None
    assert without[2] == pytest.approx(2 / 501, rel=0.01)
    assert percentile(np.ones(9), 0.95, 30, None) is None
    assert percentile(np.array([np.nan, np.nan, 1.0, 2.0, np.nan]), 0.95, 30, None) is None


def test_the_draws_follow_from_what_is_right() -> None:
    assert seed_of(np.array([0, 1, 1])) == seed_of(np.array([0, 1, 1]))
    assert seed_of(np.array([0, 1, 1])) != seed_of(np.array([1, 1, 0]))
