"""Slices × runs: figures as by hand, an empty cell with its reason, and no more verdicts than there is evidence for."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
import pytest

from cockpit.evaluate.answered import with_answers
from cockpit.evaluate.answers import Answers
from cockpit.evaluate.evaluation import EvaluationSet
from cockpit.evaluate.metrics import measure
from cockpit.evaluate.significance import compare
from cockpit.evaluate.slices import ALL, SliceTable, table
from cockpit.evaluate.truth import truth_of
from cockpit.project.model import EvaluationTable, Kpi
from storage.datasets import Version
from storage.expressions.terms import FilterError

RNG = np.random.default_rng(7)
ROWS = 400
FRAME = pl.DataFrame(
    {
        "age": RNG.integers(18, 80, ROWS),
        "city name": RNG.choice(["Rome", "Oslo"], ROWS),
        "y": RNG.integers(0, 2, ROWS),
    }
)
SLICES = {"young": "age < 40", "Rome": "\"city name\" = 'Rome'", "nobody": "age > 200"}


def opened(frame: pl.DataFrame = FRAME, positive: Any = None) -> EvaluationSet:
    version = Version("eval", 1, "blake3:00", "eval.csv", 1, datetime.now(UTC))
    return EvaluationSet(version, frame, (), truth_of("eval@v1", frame, "y", positive))


def answered(noise: float, seed: int = 0) -> Answers:
    truth = FRAME["y"].to_numpy()
    score = np.clip(truth * 0.6 + 0.2 + np.random.default_rng(seed).normal(0, noise, ROWS), 0, 1)
    return Answers("binary", truth, (score >= 0.5).astype(int), score, (0, 1))


def measured(
    answers: dict[str, Answers], metrics: tuple[str, ...] = ("auc", "accuracy"), **options: Any
) -> SliceTable:
    parts: dict[str, Any] = {"slices": SLICES, "kpis": {}, "base": None} | options
    judged = parts.pop("judged", EvaluationTable())
    return table(opened(), answers, parts["slices"], metrics, parts["kpis"], parts["base"], judged)


def test_each_cell_is_what_the_slice_alone_gives() -> None:
    a, b = answered(0.3), answered(0.5, 1)
    found = measured({"a": a, "b": b}, base="a")
    assert [(row.name, row.n) for row in found.rows] == [
        (ALL, ROWS),
        ("young", FRAME.filter(pl.col("age") < 40).height),
        ("Rome", FRAME.filter(pl.col("city name") == "Rome").height),
        ("nobody", 0),
    ]
    mask = (FRAME["age"] < 40).to_numpy()
    cell = found.rows[1].cells["b"]
    for metric in ("auc", "accuracy"):
        assert cell.figures[metric] == measure(metric, b.where(mask), 0.95)
        alone = compare(metric, b.where(mask), a.where(mask))
        assert cell.differences[metric].value == pytest.approx(alone.value, abs=1e-12)
        assert cell.differences[metric].p == pytest.approx(alone.p, abs=1e-12)
    assert not found.rows[1].cells["a"].differences


def test_a_slice_that_nobody_is_in_has_no_value_and_says_why() -> None:
    row = measured({"a": answered(0.3), "b": answered(0.4)}, base="a").rows[3]
    figure = row.cells["a"].figures["auc"]
    assert (figure.value, figure.reason, figure.n) == (None, "no rows", 0)
    assert row.cells["b"].differences["auc"].verdict == "not judged"


def test_a_run_without_scores_has_no_auc_and_says_why() -> None:
    labels = replace(answered(0.3), y_score=None)
    kpis = {"mean": Kpi(expression="avg(y_score)"), "hits": Kpi(expression="sum(y_pred)")}
    found = measured({"a": answered(0.3), "b": labels}, base="a", kpis=kpis)
    cell = found.rows[0].cells["b"]
    assert (cell.figures["auc"].value, cell.figures["auc"].reason) == (None, "no scores")
    assert (cell.figures["mean"].value, cell.figures["mean"].reason) == (None, "no y_score")
    assert cell.figures["hits"].value == labels.y_pred.sum()  # type: ignore[union-attr]
    assert cell.differences["auc"].verdict == "not judged"


def test_kpis_are_sums_over_the_slice_s_rows() -> None:
    a = answered(0.3)
    profit = "sum(case when y_pred and y_true then 120 when y_pred then -15 else 0 end)"
    kpis = {"profit": Kpi(expression=profit), "share": Kpi(expression="avg(y_pred) / avg(y_true)")}
    found = measured({"a": a}, kpis=kpis)
    for row, mask in zip(
        found.rows, [np.ones(ROWS, bool), (FRAME["age"] < 40).to_numpy()], strict=False
    ):
        pred, true = a.y_pred[mask], a.y_true[mask]  # type: ignore[index]
        by_hand = (np.where(pred & true, 120, np.where(pred, -15, 0))).sum()
        assert row.cells["a"].figures["profit"].value == by_hand
        assert row.cells["a"].figures["share"].value == pytest.approx(pred.mean() / true.mean())
    empty = found.rows[3].cells["a"].figures["share"]
    assert (empty.value, empty.reason) == (None, "no rows")


def test_few_rows_are_shown_and_not_judged() -> None:
    few = {"few": "age = 18"}
    answers = {"a": answered(0.1), "b": answered(3.0, 1)}
    row = measured(answers, slices=few, base="a", judged=EvaluationTable(rows=50)).rows[1]
    difference = row.cells["b"].differences["accuracy"]
    assert row.n < 50
    assert (difference.verdict, difference.reason) == ("not judged", "fewer than 50 rows")
    assert row.cells["b"].figures["accuracy"].value is not None


def test_no_more_slices_are_called_different_than_chance_allows() -> None:
    """Of runs that differ by chance alone, one slice in twenty would be called different without a correction."""
    many = {f"slice {place}": f"age >= {place}" for place in range(18, 60)}
    called = 0
    for seed in range(40):
        found = measured(
            {"a": answered(0.5, seed), "b": answered(0.5, 1000 + seed)},
            ("accuracy",),
            slices=many,
            base="a",
        )
        verdicts = {row.cells["b"].differences["accuracy"].verdict for row in found.rows[1:]}
        called += bool(verdicts & {"better", "worse"})
    assert called <= 6  # 40 × 5 % is 2; P(more than 6) is below 1 %
    good = answered(0.2)
    assert good.y_pred is not None
    planted = np.where((FRAME["age"] < 30).to_numpy(), 1 - good.y_pred, good.y_pred)
    worse = replace(good, y_pred=planted)
    found = measured(
        {"a": good, "b": worse},
        ("accuracy",),
        slices={"x": "age < 30", "y": "age >= 40"},
        base="a",
    )
    assert [row.cells["b"].differences["accuracy"].verdict for row in found.rows] == [
        "worse",
        "worse",
        "unclear",
    ]


def test_a_difference_within_the_margin_is_the_same_in_practice() -> None:
    answers = {"a": answered(0.1), "b": answered(0.1, 5)}
    judged = EvaluationTable(margins={"auc": 0.2})
    found = measured(answers, ("auc",), base="a", judged=judged)
    assert found.rows[0].cells["b"].differences["auc"].verdict == "equivalent"


@pytest.mark.parametrize(
    ("slices", "kpis", "words"),
    [
        ({"young": "agee < 40"}, {}, "did you mean age?"),
        ({"young": "y_pred = 1"}, {}, "y_pred"),
        ({}, {"profit": Kpi(expression="sum(profit)")}, "[kpis] profit: "),
        ({}, {"hits": Kpi(expression="sum(y_pred)"), "bad": Kpi(expression="age")}, "[kpis] bad: "),
    ],
)
def test_an_expression_at_fault_is_named(
    slices: dict[str, str], kpis: dict[str, Kpi], words: str
) -> None:
    with pytest.raises(FilterError) as caught:
        measured({"a": answered(0.3)}, slices=slices, kpis=kpis)
    assert words in str(caught.value)


def test_kpis_of_several_classes_see_the_labels() -> None:
    frame = pl.DataFrame({"y": ["a", "b", "c", "a"], "y_pred": [9, 9, 9, 9]})
    codes = np.array([0.0, 1.0, np.nan, 2.0])
    answers = Answers("multiclass", np.array([0, 1, 2, 0]), codes, None, ("a", "b", "c"))
    found = with_answers(frame, answers)
    assert found["y_true"].to_list() == ["a", "b", "c", "a"]
    assert found["y_pred"].to_list() == ["a", "b", None, "c"]
    assert "y_score" not in found.columns
