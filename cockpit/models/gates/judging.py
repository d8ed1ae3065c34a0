"""Judges gates: a candidate's figures beside the incumbent's on the same rows, each with its paired interval.

- A gate holds as it is written, by the figures; the interval beside them says how much of it may be chance.
- What a gate asks beyond the incumbent (`auc >= incumbent.auc + 0.01`) must be proven: a difference whose interval
  holds 0 is no progress.
- `every slice: …` asks many questions at once, so some slice looks worse by chance alone: one that the incumbent's
  own figure would pass stops the candidate only where Benjamini and Hochberg's procedure over the slices finds the
  difference real. The others are named, and pass.
- What has no figure does not pass, but for a class that a slice has no rows of: nothing is to be judged there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from cockpit.evaluate.intervals import normal_quantile
from cockpit.evaluate.kpis import NEEDS_DRAWS
from cockpit.evaluate.significance import Difference, benjamini_hochberg
from cockpit.evaluate.slices import table
from cockpit.models.gates import terms as terms
from cockpit.models.gates.intervals import Parts
from cockpit.models.gates.syntax import ROWS, checked_gate, is_kpi, metric_of
from cockpit.models.gates.words import (
    FIRST,
    missing_sentence,
    one_sentence,
    slices_sentence,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cockpit.evaluate.answers import Answers
    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.evaluate.metrics import Figure
    from cockpit.evaluate.slices import Cell, SliceRow, SliceTable
    from cockpit.project.model import Project
    from storage.expressions.gates import Comparison, Gate, Name

Verdict = Literal["pass", "fail", "first"]
SliceVerdict = Literal["pass", "fail", "chance", "not judged"]
_CANDIDATE, _INCUMBENT = "candidate", "incumbent"
_OF_THE_ROWS = frozenset(("no rows", "no positive rows", "one class only"))
"""Reasons for which a metric has no value on a slice, whatever a model answers there."""


@dataclass(frozen=True, slots=True)
class Side:
    """The candidate or the incumbent."""

    name: str
    """`income@v2`, or the run."""
    answers: Answers | None
    """Its rules gone before them; None where it cannot be measured."""
    why: str = ""
    """Why it cannot."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Something of the whole model that no metric says."""

    value: float | str | None
    note: str = ""
    """What it is of, or why there is none."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A comparison, worked out for all rows or for a slice."""

    slice: str
    n: int
    """Rows."""
    holds: bool | None
    """By the figures; None where there are none."""
    verdict: SliceVerdict
    value: float | str | None
    """Its left side."""
    bound: float | str | None
    """Its right side."""
    reason: str = ""
    """Why there is no value."""
    figure: Figure | None = None
    """The candidate's metric, where the comparison speaks of one alone."""
    incumbent: Figure | None = None
    difference: Difference | None = None
    """The candidate less the incumbent, on the same rows."""
    note: str = ""
    """What a fact in it is of: the column that drifted most, the rules that are broken."""


@dataclass(frozen=True, slots=True)
class GateResult:
    """A gate and what came of it."""

    name: str
    gate: Gate
    verdict: Verdict
    sentence: str
    whole: Judged | None = None
    """Of all rows, or of the slice it speaks of; None where it is about every slice."""
    slices: tuple[Judged, ...] = ()
    """The worst first."""

    @property
    def passed(self) -> bool:
        """A first promotion stops nobody."""
        return self.verdict != "fail"


def judge_gates(
    project: Project,
    on: EvaluationSet,
    gates: Mapping[str, str],
    candidate: Side,
    incumbent: Side | None,
    fact_of: Callable[[str, bool], Fact],
) -> tuple[GateResult, ...]:
    """Judge each gate, a text by its name; `fact_of` gives what no metric says, of the incumbent where true.

    Raises `FilterError`, `ExpressionFailed`, and whatever `fact_of` raises.
    """
    parsed = {
        name: checked_gate(text, project.kpis, project.slices) for name, text in gates.items()
    }
    measured = _table(project, on, list(parsed.values()), candidate, incumbent)
    parts = Parts(
        project, on, {False: candidate.answers, True: incumbent.answers if incumbent else None}
    )
    judge = _Judge(project, measured, candidate, incumbent, fact_of, parts)
    return tuple(judge.gate(name, gate) for name, gate in parsed.items())


def _table(
    project: Project,
    on: EvaluationSet,
    gates: Sequence[Gate],
    candidate: Side,
    incumbent: Side | None,
) -> SliceTable:
    """All figures that the gates speak of, worked out at once."""
    names = [name for gate in gates for name in gate.holds.names()]
    every = any(gate.every for gate in gates)
    asked = {name.slice for name in names}
    slices = {name: text for name, text in project.slices.items() if every or name in asked}
    said = [name for name in names if metric_of(name) is not None]
    metrics = dict.fromkeys(m for name in said if (m := metric_of(name)) and not is_kpi(name))
    kpis = {k: project.kpis[k] for name in said if is_kpi(name) and (k := metric_of(name))}
    sides = {_CANDIDATE: candidate, _INCUMBENT: incumbent}
    answers = {key: side.answers for key, side in sides.items() if side and side.answers}
    base = _INCUMBENT if {_CANDIDATE, _INCUMBENT} <= answers.keys() else None
    return table(on, answers, slices, list(metrics), kpis, base, project.evaluation)


class _Judge:
    """Knows all figures."""

    def __init__(
        self,
        project: Project,
        measured: SliceTable,
        candidate: Side,
        incumbent: Side | None,
        fact_of: Callable[[str, bool], Fact],
        parts: Parts,
    ) -> None:
        self._judged, self._parts = project.evaluation, parts
        self._whole, *slices = measured.rows
        self._rows = {row.name: row for row in slices}
        self._candidate, self._incumbent = candidate, incumbent
        self._fact_of = fact_of

    def gate(self, name: str, gate: Gate) -> GateResult:
        if self._incumbent is None and any(each.incumbent for each in gate.holds.names()):
            return GateResult(name, gate, "first", FIRST)
        if gate.every:
            return self._every(name, gate)
        one = self._of_whole(gate.holds)
        if one.holds is None:
            return GateResult(name, gate, "fail", missing_sentence(one), one)
        if one.holds and self._unproven(gate.holds, one):
            one = replace(one, verdict="fail")
        verdict: Verdict = "pass" if one.verdict == "pass" else "fail"
        return GateResult(name, gate, verdict, one_sentence(gate, one), one)

    def _every(self, name: str, gate: Gate) -> GateResult:
        found = [self._on_slice(gate, row) for row in self._rows.values()]
        found = self._corrected(gate, found)
        found.sort(key=_badness(gate.holds.sign))
        stopped = any(one.verdict == "fail" for one in found)
        some = any(one.verdict != "not judged" for one in found)
        verdict: Verdict = "pass" if some and not stopped else "fail"
        return GateResult(name, gate, verdict, slices_sentence(gate, found), None, tuple(found))

    def _on_slice(self, gate: Gate, row: SliceRow) -> Judged:
        one = self._one(gate.holds, row)
        rows = {"n": float(row.n)}
        chosen = all(terms.held(each.sign, *terms.sides(each, rows)) for each in gate.where)
        if not chosen:
            return replace(one, verdict="not judged", reason="not among those asked for")
        if not gate.where and row.n < self._judged.rows:
            return replace(one, verdict="not judged", reason=f"fewer than {self._judged.rows} rows")
        if one.holds is None and one.reason in _OF_THE_ROWS:
            return replace(one, verdict="not judged")
        if one.holds and self._unproven(gate.holds, one):
            return replace(one, verdict="fail")
        return one

    def _corrected(self, gate: Gate, found: list[Judged]) -> list[Judged]:
        """Of slices that fail by their figures, those excused that may do so by chance."""
        p = [None if one.verdict == "not judged" else self._p(gate.holds, one) for one in found]
        real = benjamini_hochberg(p, 1 - self._judged.confidence)
        return [
            replace(one, verdict="chance")
            if one.verdict == "fail" and one.holds is False and chance is not None and not sure
            else one
            for one, chance, sure in zip(found, p, real, strict=True)
        ]

    def _p(self, holds: Comparison, one: Judged) -> float | None:
        """Of the slice being no worse than the incumbent, or than the number it is held against.

        None where nothing excuses it: no interval is known, or the incumbent itself would not pass.
        """
        if one.difference is not None:
            return None if self._beyond(holds, one) else one.difference.p
        figure = one.figure
        if one.incumbent is not None or figure is None or figure.low is None or figure.high is None:
            return None
        if not isinstance(one.bound, float) or not isinstance(one.value, float):
            return None
        error = (figure.high - figure.low) / 2 / normal_quantile(self._judged.confidence)
        if error <= 0:
            return None
        return math.erfc(abs(one.value - one.bound) / error / math.sqrt(2))

    def _beyond(self, holds: Comparison, one: Judged) -> bool:
        """Whether the comparison asks for more than the incumbent itself has."""
        if not any(name.incumbent for name in holds.names()):
            return False
        alike = terms.alike(holds)
        values = self._values(alike, self._rows.get(one.slice, self._whole))
        if isinstance(values, str):
            return False
        return not terms.held(holds.sign, *terms.sides(alike, values))

    def _unproven(self, holds: Comparison, one: Judged) -> bool:
        """Whether it passes by a difference that may be chance, where it asks for one."""
        apart = one.difference
        if apart is None or not self._beyond(holds, one):
            return False
        return apart.low is None or apart.high is None or apart.low <= 0 <= apart.high

    def _of_whole(self, holds: Comparison) -> Judged:
        """Of a gate without `every slice`: a figure that names no slice is of all rows."""
        one = self._one(holds, self._whole)
        measured = [name for name in holds.names() if metric_of(name) or name.path == (ROWS,)]
        named = {name.slice for name in measured}
        only = named.pop() if len(named) == 1 else None
        return one if only is None else replace(one, slice=only, n=self._rows[only].n)

    def _one(self, holds: Comparison, row: SliceRow) -> Judged:
        blank = Judged(row.name, row.n, None, "fail", None, None)
        values = self._values(holds, row)
        if isinstance(values, str):
            return replace(blank, reason=values)
        sides = terms.sides(holds, values)
        figure, incumbent, apart = self._pair(holds, row)
        found = replace(
            blank, figure=figure, incumbent=incumbent, difference=apart, note=self._note(holds)
        )
        if sides[0] is None or sides[1] is None:
            return replace(found, reason="a division by zero")
        held = terms.held(holds.sign, *sides)
        verdict: SliceVerdict = "pass" if held else "fail"
        return replace(found, holds=held, verdict=verdict, value=sides[0], bound=sides[1])

    def _note(self, holds: Comparison) -> str:
        facts = {name: ".".join(name.path) for name in holds.names() if metric_of(name) is None}
        known = (
            self._fact_of(whole, name.incumbent) for name, whole in facts.items() if whole != ROWS
        )
        return "; ".join(dict.fromkeys(fact.note for fact in known if fact.note))

    def _values(self, holds: Comparison, row: SliceRow) -> dict[str, float | str] | str:
        """What each name is worth; or why one has no value."""
        values: dict[str, float | str] = {}
        for name in holds.names():
            value, reason = self._value(name, row)
            if value is None:
                return reason
            values[str(name)] = value
        return values

    def _value(self, name: Name, row: SliceRow) -> tuple[float | str | None, str]:
        whole = ".".join(name.path)
        row = self._rows[name.slice] if name.slice is not None else row
        if metric_of(name) is None:
            if whole == ROWS:
                return float(row.n), ""
            fact = self._fact_of(whole, name.incumbent)
            if isinstance(fact.value, float) and not math.isfinite(fact.value):
                return None, f"{name}: {fact.value}"
            return fact.value, "" if fact.value is not None else f"{name}: {fact.note}"
        side = self._incumbent if name.incumbent else self._candidate
        if side is None or side.answers is None:
            return None, side.why if side else "there is no incumbent"
        figure = self._figure(name, row)
        if figure is None or figure.value is None:
            # Bare, where it is the rows that give no value: _OF_THE_ROWS.
            reason = (figure.reason if figure else None) or "no value"
            return None, reason if reason in _OF_THE_ROWS else f"{name}: {reason}"
        return figure.value, ""

    def _figure(self, name: Name, row: SliceRow) -> Figure | None:
        row = self._rows[name.slice] if name.slice is not None else row
        cell: Cell | None = row.cells.get(_INCUMBENT if name.incumbent else _CANDIDATE)
        metric = metric_of(name)
        return cell.figures.get(metric) if cell and metric else None

    def _pair(
        self, holds: Comparison, row: SliceRow
    ) -> tuple[Figure | None, Figure | None, Difference | None]:
        """The figure that is compared and the incumbent's, where it is one metric, and how far they are apart."""
        names = [name for name in holds.names() if metric_of(name) is not None]
        kinds = {(metric_of(name), is_kpi(name), name.slice) for name in names}
        if len(kinds) != 1:
            return None, None, self._spread(holds, row) if names else None
        mine = next((name for name in names if not name.incumbent), None)
        other = next((name for name in names if name.incumbent), None)
        figure = self._figure(mine, row) if mine else None
        incumbent = self._figure(other, row) if other else None
        if mine and other:
            return figure, incumbent, self._apart(holds, mine, row)
        if figure and figure.value is not None and figure.low is None and mine:
            about = self._parts.spread((mine,), row.name, figure.value, lambda v: v[str(mine)])
            figure = replace(figure, low=about.low, high=about.high)
        return figure, incumbent, None

    def _apart(self, holds: Comparison, mine: Name, row: SliceRow) -> Difference | None:
        """The candidate less the incumbent in one metric or KPI."""
        of = self._rows[mine.slice] if mine.slice is not None else row
        cell = of.cells.get(_CANDIDATE)
        found = cell.differences.get(metric_of(mine) or "") if cell else None
        if found and found.low is None and found.reason == NEEDS_DRAWS and is_kpi(mine):
            return self._parts.resampled(mine, row.name)
        return found

    def _spread(self, holds: Comparison, row: SliceRow) -> Difference | None:
        """How much further the candidate is on the good side than the incumbent would be; or than it must be."""
        names = tuple(dict.fromkeys(holds.names()))
        compared = any(name.incumbent for name in names)
        values = self._values(holds, row)
        others = self._values(terms.alike(holds), row) if compared else {}
        if isinstance(values, str) or isinstance(others, str):
            return None

        def beyond(found: Mapping[str, float]) -> float | None:
            here = terms.apart(holds, {**values, **found})
            if not compared:
                return here
            there = terms.apart(terms.alike(holds), {**others, **found})
            return None if here is None or there is None else here - there

        value = beyond({})
        if value is None:
            return None
        asked = dict.fromkeys((*names, *(terms.alike(holds).names() if compared else ())))
        metrics = tuple(name for name in asked if metric_of(name) is not None)
        return self._parts.spread(metrics, row.name, value, beyond)


def _badness(sign: str) -> Callable[[Judged], tuple[int, float]]:
    """Those first that stop the candidate, then the nearest to it."""
    order = {"fail": 0, "chance": 1, "pass": 2, "not judged": 3}

    def key(one: Judged) -> tuple[int, float]:
        if not isinstance(one.value, float) or not isinstance(one.bound, float):
            return order[one.verdict], -math.inf
        apart = one.value - one.bound
        return order[one.verdict], -apart if sign in ("<", "<=") else apart

    return key
