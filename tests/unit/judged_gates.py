"""An evaluation set, answers to it that are wrong where they are told to be, and gates judged by them."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from cockpit.evaluate.answers import Answers
from cockpit.evaluate.evaluation import EvaluationSet
from cockpit.evaluate.truth import truth_of
from cockpit.models.gates.evidence import result_as_json
from cockpit.models.gates.judging import Fact, GateResult, Side, judge_gates
from cockpit.project.model import Kpi, Project
from storage.datasets import Version
from storage.events import to_json

ROWS = 4000
SLICES = {"young": "age < 30", "old": "age >= 60", "few": "age = 99", "nobody": "age > 1000"}
KPIS = {
    "profit": Kpi(expression="sum(case when y_pred and y_true then 10 when y_pred then -1 end)")
}


def evaluation_set() -> EvaluationSet:
    """People of whom some bought."""
    rng = np.random.default_rng(3)
    age = rng.integers(18, 90, ROWS)
    age[:12] = 99
    bought = rng.choice(["no", "yes"], ROWS)
    bought[:12] = "yes"
    frame = pl.DataFrame({"id": np.arange(ROWS), "age": age, "bought": bought})
    version = Version("eval", 1, "blake3:1", "eval.csv", 1, None)  # type: ignore[arg-type]
    return EvaluationSet(version, frame, ("id",), truth_of("eval@v1", frame, "bought", "yes"))


def answers(on: EvaluationSet, wrong: dict[str, float], seed: int = 0) -> Answers:
    """Right but for a share of the rows of some slices; `all` is every other row."""
    rng = np.random.default_rng(seed)
    y_true = on.truth.y_true
    age = on.frame["age"].to_numpy()
    share = np.full(ROWS, wrong.get("all", 0.1))
    for name, mask in (("young", age < 30), ("old", age >= 60)):
        share[mask] = wrong.get(name, wrong.get("all", 0.1))
    flipped = rng.random(ROWS) < share
    y_pred = np.where(flipped, 1 - y_true, y_true)
    return Answers("binary", y_true, y_pred, y_pred * 0.8 + 0.1, ("no", "yes"))


def judged(
    project: Project,
    on: EvaluationSet,
    gate: str,
    mine: Answers | None,
    theirs: Answers | None = None,
    facts: dict[str, Any] | None = None,
) -> GateResult:
    incumbent = None if theirs is None else Side("income@v1", theirs)
    known = facts or {}

    def fact(name: str, _: bool) -> Fact:
        return Fact(known.get(name), "nobody measured it")

    candidate = Side("new", mine, "new cannot be measured: no answers")
    (found,) = judge_gates(project, on, {gate: gate}, candidate, incumbent, fact)
    assert to_json(result_as_json(found))
    return found
