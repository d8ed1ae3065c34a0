"""What changes for whom where no gate asks it of every slice: told with a promotion, and stops nobody."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from cockpit.evaluate.metrics import default_metrics, find_metric
from cockpit.evaluate.slices import table
from cockpit.models.gates.evidence import KEPT, difference_as_json, figure_as_json
from cockpit.models.gates.syntax import checked_gate, is_kpi, metric_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.evaluate.significance import Direction
    from cockpit.evaluate.slices import SliceRow
    from cockpit.models.gates.judging import Side
    from cockpit.project.model import Project
    from storage.expressions.gates import Gate

MINE, THEIRS = "candidate", "incumbent"
ORDER = {"worse": 0, "unclear": 1, "equivalent": 2, "better": 3, "not judged": 4}


def changes(
    project: Project, on: EvaluationSet, gates: Iterable[str], candidate: Side, incumbent: Side
) -> dict[str, Any] | None:
    """One metric on every slice of cockpit.toml, the candidate beside the incumbent, the worst first.

    It is the first metric that a gate names, else the first that runs are judged by. None where a gate is about
    every slice already, where there are no slices, or where one of the two has no answers. Verdicts are those of
    `cockpit.evaluate.slices`. Raises `ExpressionFailed`.
    """
    parsed = [checked_gate(text, project.kpis, project.slices) for text in gates]
    mine, theirs = candidate.answers, incumbent.answers
    if not project.slices or mine is None or theirs is None or any(gate.every for gate in parsed):
        return None
    metric = _metric(project, on, parsed)
    answers = {MINE: mine, THEIRS: theirs}
    found = table(on, answers, project.slices, [metric], {}, THEIRS, project.evaluation)
    told = [_told(row, metric) for row in found.rows[1:]]
    told.sort(key=_badness(find_metric(metric).direction))
    left = max(0, len(told) - KEPT)
    return {"name": metric, "gate": metric, "slices": told[:KEPT], "slices_left_out": left}


def _metric(project: Project, on: EvaluationSet, gates: Iterable[Gate]) -> str:
    for gate in gates:
        for name in gate.holds.names():
            metric = metric_of(name)
            if metric is not None and not is_kpi(name):
                return metric
    return (project.evaluation.metrics or default_metrics(on.task))[0]


def _told(row: SliceRow, metric: str) -> dict[str, Any]:
    figure = row.cells[MINE].figures[metric]
    apart = row.cells[MINE].differences[metric]
    return {
        "slice": row.name,
        "n": row.n,
        "verdict": apart.verdict,
        "value": figure.value,
        "bound": None,
        "reason": figure.reason or apart.reason,
        "figure": figure_as_json(figure),
        "incumbent": figure_as_json(row.cells[THEIRS].figures[metric]),
        "difference": difference_as_json(apart),
    }


def _badness(direction: Direction) -> Callable[[dict[str, Any]], tuple[int, float]]:
    """What is known to be worse first."""

    def key(told: dict[str, Any]) -> tuple[int, float]:
        value = told["difference"]["value"]
        value = math.inf if value is None else value if direction == "maximize" else -value
        return ORDER[told["verdict"]], value

    return key
