"""Gates: what may be written, and what comes of it, by figures that are known."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.models.gates.evidence import markdown
from cockpit.models.gates.judging import Fact, Side, judge_gates
from cockpit.models.gates.syntax import checked_gate
from cockpit.project.model import Project
from storage.expressions.gates import parse_gate
from storage.expressions.terms import FilterError
from tests.unit.judged_gates import KPIS, ROWS, SLICES, answers, evaluation_set, judged

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.evaluate.evaluation import EvaluationSet


@pytest.fixture(scope="module")
def on() -> EvaluationSet:
    return evaluation_set()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, slices=SLICES, kpis=KPIS)


def test_a_gate_holds_by_the_figures_and_says_them(project: Project, on: EvaluationSet) -> None:
    mine = answers(on, {"all": 0.1})
    accuracy = float((mine.y_pred == mine.y_true).mean())  # type: ignore[union-attr]
    found = judged(project, on, "accuracy >= 0.85", mine)
    assert found.verdict == "pass"
    assert found.whole is not None
    assert found.whole.value == pytest.approx(accuracy)
    assert (found.whole.n, found.whole.bound) == (ROWS, 0.85)
    assert found.whole.figure is not None
    assert found.whole.figure.low is not None
    assert f"{accuracy:.4g}, must be >= 0.85 [" in found.sentence
    assert judged(project, on, "accuracy >= 0.95", mine).verdict == "fail"
    assert judged(project, on, "0.95 > accuracy", mine).verdict == "pass"
    assert judged(project, on, "n = 4000", mine).verdict == "pass"


def test_of_the_incumbent_the_paired_interval_is_beside_it(
    project: Project, on: EvaluationSet
) -> None:
    better, worse = answers(on, {"all": 0.1}), answers(on, {"all": 0.2}, 1)
    found = judged(project, on, "accuracy >= incumbent.accuracy - 0.002", better, worse)
    assert found.verdict == "pass"
    assert found.whole is not None
    assert found.whole.difference is not None
    apart = found.whole.difference
    assert apart.low is not None
    assert apart.low > 0
    assert found.whole.incumbent is not None
    assert f"{apart.value:+.4f} [{apart.low:+.4f}, {apart.high:+.4f}]" in found.sentence
    found = judged(project, on, "accuracy >= incumbent.accuracy - 0.002", worse, better)
    assert found.verdict == "fail"
    assert "may be chance" not in found.sentence


def test_a_decimal_that_is_just_reached_passes(project: Project, on: EvaluationSet) -> None:
    same = answers(on, {})
    for gate in (
        "accuracy >= incumbent.accuracy",
        "accuracy + 0.1 - 0.1 >= incumbent.accuracy - 0",
    ):
        assert judged(project, on, gate, same, same).verdict == "pass"
    assert judged(project, on, "accuracy > incumbent.accuracy", same, same).verdict == "fail"


def test_noise_is_no_progress(project: Project, on: EvaluationSet) -> None:
    """What a gate asks beyond the incumbent must be more than chance."""
    first, second = answers(on, {}, 1), answers(on, {}, 2)
    right = [float((one.y_pred == one.y_true).mean()) for one in (first, second)]  # type: ignore[union-attr]
    high, low = (first, second) if right[0] > right[1] else (second, first)
    found = judged(project, on, "accuracy > incumbent.accuracy", high, low)
    assert found.whole is not None
    assert found.whole.holds
    assert found.verdict == "fail"
    assert "the difference may be chance" in found.sentence
    assert judged(project, on, "accuracy >= incumbent.accuracy", high, low).verdict == "pass"
    better = answers(on, {"all": 0.02}, 3)
    assert (
        judged(project, on, "accuracy > incumbent.accuracy + 0.01", better, low).verdict == "pass"
    )


def test_a_slice_that_got_worse_stops_it_by_name(project: Project, on: EvaluationSet) -> None:
    before = answers(on, {"all": 0.2})
    now = answers(on, {"all": 0.05, "young": 0.5}, 1)
    assert judged(project, on, "accuracy >= incumbent.accuracy", now, before).verdict == "pass"
    gate = "every slice: recall >= incumbent.recall - 0.03 where n >= 200"
    found = judged(project, on, gate, now, before)
    assert found.verdict == "fail"
    young, *others = found.slices
    n = int((on.frame["age"] < 30).sum())
    assert (young.slice, young.verdict, young.n) == ("young", "fail", n)
    assert young.difference is not None
    assert young.difference.value is not None
    assert young.difference.value < -0.2
    assert f"'young': {young.value:.4g}" in found.sentence
    assert f"n {n:,}" in found.sentence
    assert {one.slice: one.verdict for one in others} == {
        "old": "pass",
        "few": "not judged",
        "nobody": "not judged",
    }
    named = judged(
        project, on, "slice('young').recall >= incumbent.slice('young').recall", now, before
    )
    assert named.verdict == "fail"
    assert named.whole is not None
    assert named.whole.n == n
    assert "on 'young'" in named.sentence


def test_a_figure_that_names_no_slice_is_of_all_rows(project: Project, on: EvaluationSet) -> None:
    """Or a slice would be held against itself, and never be too bad."""
    mine = answers(on, {"all": 0.05, "young": 0.4})
    found = judged(project, on, "slice('young').accuracy >= accuracy - 0.1", mine)
    assert mine.y_pred is not None
    assert found.verdict == "fail"
    assert found.whole is not None
    assert found.whole.bound == pytest.approx((mine.y_pred == mine.y_true).mean() - 0.1)
    even = answers(on, {"all": 0.05})
    assert judged(project, on, "slice('young').accuracy >= accuracy - 0.1", even).passed
    beside = judged(project, on, "slice('young').accuracy >= incumbent.accuracy", mine, even)
    assert beside.whole is not None
    assert even.y_pred is not None
    assert beside.whole.bound == pytest.approx((even.y_pred == even.y_true).mean())


def test_a_fact_that_is_no_number_does_not_pass(project: Project, on: EvaluationSet) -> None:
    for value in (math.inf, math.nan):
        found = judged(
            project, on, "drift.psi_max != 0.2", answers(on, {}), None, {"drift.psi_max": value}
        )
        assert found.verdict == "fail"
        assert f"drift.psi_max: {value}" in found.sentence


def test_of_many_slices_that_are_as_good_none_stops_it_by_chance(
    on: EvaluationSet, tmp_path: Path
) -> None:
    slices = {f"s{place}": f"id % 40 = {place}" for place in range(40)}
    project = Project(tmp_path, slices=slices)
    gate = "every slice: accuracy >= incumbent.accuracy - 0.01"
    stopped = 0
    for seed in range(20):
        found = judged(project, on, gate, answers(on, {}, seed), answers(on, {}, seed + 100))
        assert any(one.holds is False for one in found.slices), "some slice is below it by chance"
        stopped += not found.passed
        assert found.passed == ("no more than chance may be" in found.sentence)
    assert stopped <= 1, "one in twenty at most, as the confidence says"


def test_a_number_is_held_against_slices_with_their_intervals(
    project: Project, on: EvaluationSet
) -> None:
    mine = answers(on, {"all": 0.1, "old": 0.3})
    found = judged(project, on, "every slice: accuracy >= 0.8", mine)
    assert [one.slice for one in found.slices if one.verdict == "fail"] == ["old"]
    close = judged(project, on, "every slice: accuracy >= 0.905", answers(on, {"all": 0.1}))
    assert close.verdict == "pass"
    assert any(one.verdict == "chance" for one in close.slices)


def test_a_first_promotion_is_one_and_says_so(project: Project, on: EvaluationSet) -> None:
    mine = answers(on, {})
    for gate in ("accuracy >= incumbent.accuracy", "every slice: recall >= incumbent.recall - 0.1"):
        found = judged(project, on, gate, mine)
        assert (found.verdict, found.passed) == ("first", True)
        assert "first promotion" in found.sentence
    assert judged(project, on, "accuracy >= 0.99", mine).verdict == "fail"


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("slice('nobody').recall >= 0.1", "there is no figure to judge on 'nobody': no rows"),
        ("latency_p99_ms <= 20", "latency_p99_ms: nobody measured it"),
        ("accuracy / (n - 4000) > 1", "a division by zero"),
        ("mae <= 1", "mae: not defined for binary"),
        ("slice('nobody').kpi.profit > 1", "on 'nobody': no rows"),
    ],
)
def test_what_has_no_figure_does_not_pass(
    project: Project, on: EvaluationSet, gate: str, said: str
) -> None:
    found = judged(project, on, gate, answers(on, {}))
    assert found.verdict == "fail"
    assert said in found.sentence


def test_who_cannot_be_measured_does_not_pass(project: Project, on: EvaluationSet) -> None:
    mine = answers(on, {})
    incumbent = Side("income@v1", None, "income@v1 cannot be measured: its run is gone")
    gate = {"g": "accuracy >= incumbent.accuracy"}
    (found,) = judge_gates(project, on, gate, Side("new", mine), incumbent, lambda *_: Fact(None))
    assert found.verdict == "fail"
    assert "its run is gone" in found.sentence
    every = {"g": "every slice: accuracy >= incumbent.accuracy - 0.1"}
    (found,) = judge_gates(project, on, every, Side("new", mine), incumbent, lambda *_: Fact(None))
    assert found.verdict == "fail"


def test_a_candidate_that_cannot_be_measured_does_not_pass(
    project: Project, on: EvaluationSet
) -> None:
    for gate in ("accuracy >= 0.1", "every slice: accuracy >= 0.1"):
        found = judged(project, on, gate, None)
        assert found.verdict == "fail"
        assert "new cannot be measured: no answers" in found.sentence


def test_kpis_and_facts_are_compared(project: Project, on: EvaluationSet) -> None:
    better, worse = answers(on, {"all": 0.05}), answers(on, {"all": 0.3}, 1)
    found = judged(project, on, "kpi.profit >= incumbent.kpi.profit", better, worse)
    assert found.verdict == "pass"
    assert found.whole is not None
    assert found.whole.figure is not None
    assert found.whole.figure.value == found.whole.value
    facts = {"contract": "passed", "drift.psi_max": 0.1, "size_mb": 4.0, "latency_p99_ms": 30.0}
    for gate, verdict in {
        "contract = 'passed'": "pass",
        "contract != 'broken'": "pass",
        "contract = 'none'": "fail",
        "drift.psi_max < 0.2": "pass",
        "size_mb <= 3.9": "fail",
        "latency_p99_ms <= incumbent.latency_p99_ms * 1.1": "pass",
    }.items():
        assert judged(project, on, gate, better, worse, facts).verdict == verdict, gate


def test_a_figure_that_only_the_candidate_lacks_stops_it_on_every_slice(
    project: Project, on: EvaluationSet
) -> None:
    mine = answers(on, {})
    silent = replace(mine, y_pred=np.zeros(ROWS, dtype=np.int64))
    found = judged(project, on, "every slice: precision >= incumbent.precision - 0.5", silent, mine)
    assert found.verdict == "fail"
    assert "nothing predicted positive" in found.sentence


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("auc", "a gate is one comparison"),
        ("auc >= 0.5 and recall >= 0.5", "a gate is one comparison"),
        ("1 < 2", "a gate speaks of a figure of the model"),
        ("acc >= 0.5", "there is no figure 'acc'; did you mean"),
        ("profit >= 1", "profit is a KPI: write kpi.profit"),
        ("kpi.profits >= 1", "there is no KPI 'profits'"),
        ("slice('yung').recall > 0", "there is no slice 'yung'; did you mean 'young'?"),
        ("slice(young).recall > 0", "a slice is named in quotes"),
        ("slice('young').size_mb < 1", "size_mb is of the whole model"),
        ("incumbent.drift.psi_max < 1", "there is no incumbent.drift.psi_max"),
        ("contract > 'a'", "a text is compared with = or !="),
        ("contract = 'pased'", "a contract is 'passed' or 'broken' or 'none'"),
        ("auc = 'passed'", "contract alone is compared with a text"),
        ("contract >= 1", "contract alone is compared with a text"),
        ("every slice: latency_p99_ms < 9", "needs a figure of each"),
        ("every slice: slice('young').recall > 0", "needs a figure of each"),
        ("auc > 0.5 where n > 3", "where chooses among slices"),
        ("every slice: auc > 0.5 where age > 3", "where speaks of n"),
        ("auc > (select 1)", "this is no part of a gate"),
        ("auc > read_text('/etc/passwd')", "this is no part of a gate"),
        ("auc > 1; drop table runs", "there can be one expression"),
        ("auc > 1 -- yes", "a comment cannot stand in an expression"),
        ("auc > 1e999", "1e999 is no number, or too large a one"),
        ("auc > -'a'", "a text is no number"),
        ("incumbent > 1", "this is no part of a gate"),
    ],
)
def test_what_cannot_be_a_gate_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        checked_gate(text, KPIS, SLICES)
    assert said in str(caught.value)


def test_the_column_of_a_mistake_is_that_of_the_whole_text() -> None:
    with pytest.raises(FilterError) as caught:
        parse_gate("every slice: auc > f(x)")
    assert caught.value.column == len("every slice: auc > ") + 1


_NAMES = st.sampled_from(["auc", "recall", "kpi.profit", "slice('a b').f1", "incumbent.auc", "n"])
_TERMS = st.recursive(
    _NAMES | st.floats(0, 1e6).map(repr),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(
        lambda t: f"({' '.join(t)})"
    ),
    max_leaves=6,
)


@settings(max_examples=60)
@given(left=_TERMS, sign=st.sampled_from(["<", "<=", ">", ">=", "=", "!="]), right=_TERMS)
def test_what_a_gate_speaks_of_is_what_was_written(left: str, sign: str, right: str) -> None:
    gate = parse_gate(f"auc + ({left}) {sign} {right}")
    assert gate.holds.sign == sign
    assert " ".join(map(str, gate.holds.names())) in " ".join(
        ["auc", *[word for text in (left, right) for word in _words(text)]]
    )


def _words(text: str) -> list[str]:
    for mark in "()+*/":
        text = text.replace(mark, f" {mark} ") if mark not in "()" else text
    pieces = text.replace("slice('a b')", "SLICE").replace("(", " ").replace(")", " ").split()
    return [p.replace("SLICE", "slice('a b')") for p in pieces if p[0].isalpha()]


@settings(max_examples=150)
@given(
    st.text(st.sampled_from("auc.n'()<>=-+*/ 019\"\\everyslice:wheric%;,[]{}$é\0\n"), max_size=40)
)
def test_no_text_does_more_than_be_refused(text: str) -> None:
    try:
        parse_gate(text)
    except FilterError:
        return
    assert parse_gate(text).holds.names()


def test_markdown_keeps_what_is_written_in_its_place(project: Project, on: EvaluationSet) -> None:
    found = judged(project, on, "accuracy >= 0.5", answers(on, {}))
    told = markdown("a | b\n# c", {"run": "<x>`"}, [replace(found, name="g|`\x1b[2J")])
    assert "\x1b" not in told
    assert told.splitlines()[0] == "# a \\| b # c"
    assert "| `g\\|' [2J: accuracy >= 0.5` | pass |" in told
    assert "&lt;x>'" in told
