"""What gates compare has an interval: KPIs, and figures that are reckoned together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from cockpit.project.model import Kpi, Project
from tests.unit.judged_gates import KPIS, SLICES, answers, evaluation_set, judged

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.evaluate.evaluation import EvaluationSet


@pytest.fixture(scope="module")
def on() -> EvaluationSet:
    return evaluation_set()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, slices=SLICES, kpis=KPIS)


def test_a_kpi_has_its_paired_interval_and_noise_is_no_progress(
    project: Project, on: EvaluationSet
) -> None:
    theirs = answers(on, {"all": 0.1}, 1)
    better = judged(
        project, on, "kpi.profit >= incumbent.kpi.profit", answers(on, {"all": 0.05}), theirs
    )
    assert better.verdict == "pass"
    assert better.whole is not None
    apart = better.whole.difference
    assert apart is not None
    assert apart.low is not None
    assert apart.high is not None
    assert 0 < apart.low < apart.high
    assert f"[{apart.low:+,.0f}, {apart.high:+,.0f}]" in better.sentence
    asked = "kpi.profit > incumbent.kpi.profit"
    mine = replace(theirs, y_pred=theirs.y_pred.copy())  # type: ignore[union-attr]
    assert mine.y_pred is not None
    wrong = np.flatnonzero((mine.y_pred == 0) & (mine.y_true == 1))[:2]
    mine.y_pred[wrong] = 1
    noise = judged(project, on, asked, mine, theirs)
    assert noise.verdict == "fail"
    assert "the difference may be chance" in noise.sentence
    alone = judged(project, on, "kpi.profit >= 100", mine)
    assert alone.whole is not None
    assert alone.whole.figure is not None
    assert alone.whole.figure.low is not None


def test_a_kpi_that_is_a_median_is_drawn_and_a_maximum_proves_nothing(
    project: Project, on: EvaluationSet
) -> None:
    kpis = {
        "middle": Kpi(expression="median(case when y_pred = y_true then age else -age end)"),
        "oldest": Kpi(expression="max(case when y_pred = y_true then age end)"),
    }
    project = replace(project, kpis=kpis)
    mine, theirs = answers(on, {"all": 0.05}), answers(on, {"all": 0.2}, 1)
    found = judged(project, on, "kpi.middle > incumbent.kpi.middle", mine, theirs)
    assert found.whole is not None
    assert found.whole.difference is not None
    assert found.whole.difference.low is not None
    assert found.whole.difference.low > 0
    assert found.verdict == "pass"
    found = judged(project, on, "kpi.oldest >= incumbent.kpi.oldest", mine, theirs)
    assert found.whole is not None
    assert found.whole.difference is not None
    assert found.whole.difference.low is None
    assert "(no interval: " in found.sentence


def test_figures_that_are_reckoned_together_have_one_interval(
    project: Project, on: EvaluationSet
) -> None:
    """Of one metric it is the metric's own, as another way to it finds it."""
    mine, theirs = answers(on, {"all": 0.1}), answers(on, {"all": 0.13}, 1)
    plain = judged(project, on, "accuracy >= incumbent.accuracy", mine, theirs).whole
    both = "accuracy + 0 * recall >= incumbent.accuracy + 0 * incumbent.recall"
    mixed = judged(project, on, both, mine, theirs)
    assert plain is not None
    assert plain.difference is not None
    assert mixed.whole is not None
    apart = mixed.whole.difference
    assert apart is not None
    assert apart.value == pytest.approx(plain.difference.value)
    assert plain.difference.low is not None
    assert plain.difference.high is not None
    assert apart.low is not None
    assert apart.high is not None
    assert apart.high - apart.low == pytest.approx(
        plain.difference.high - plain.difference.low, rel=0.35
    )
    assert "beside the incumbent's own" in mixed.sentence
    asked = "accuracy + recall > incumbent.accuracy + incumbent.recall"
    assert judged(project, on, asked, mine, theirs).verdict == "pass"
    again = answers(on, {"all": 0.1}, 2)
    noise = judged(project, on, asked, mine, again)
    assert noise.verdict == "fail", "as good as it was: what is more may be chance"
    two = judged(project, on, "slice('young').recall >= slice('old').recall - 0.1", mine)
    assert two.whole is not None
    assert two.whole.difference is not None
    assert two.whole.difference.low is not None
    assert two.verdict == "pass"


def test_mixed_gates_on_every_slice_are_corrected_too(project: Project, on: EvaluationSet) -> None:
    gate = "every slice: accuracy + recall >= incumbent.accuracy + incumbent.recall where n >= 100"
    worse = answers(on, {"all": 0.1, "young": 0.4})
    found = judged(project, on, gate, worse, answers(on, {"all": 0.1}, 1))
    assert found.slices[0].slice == "young"
    assert found.slices[0].verdict == "fail"
    assert found.slices[0].difference is not None
    assert found.slices[0].difference.high is not None
    assert found.slices[0].difference.high < 0
    same = judged(project, on, gate, answers(on, {"all": 0.1}, 5), answers(on, {"all": 0.1}, 1))
    assert {one.verdict for one in same.slices} <= {"pass", "chance", "not judged"}
