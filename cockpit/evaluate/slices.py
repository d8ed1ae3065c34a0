"""How runs do on the slices of an evaluation set: metrics and KPIs by slice and run, measured against a base."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from cockpit.evaluate.answered import ANSWER_COLUMNS, with_answers
from cockpit.evaluate.handed import Sums
from cockpit.evaluate.kpi_values import hand_over, kpi_values
from cockpit.evaluate.kpis import compare_pulls, pull_of
from cockpit.evaluate.metrics import Figure, measure_many
from cockpit.evaluate.significance import Difference, benjamini_hochberg, compare_many
from storage.expressions.terms import FilterError
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence

    import polars as pl

    from cockpit.evaluate.answers import Answers, Truths
    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.evaluate.handed import Handed
    from cockpit.evaluate.kpis import Pull
    from cockpit.project.model import EvaluationTable, Kpi

ALL = "all rows"


@dataclass(frozen=True, slots=True)
class Cell:
    """A run on a slice."""

    figures: Mapping[str, Figure]
    """By metric or KPI."""
    differences: Mapping[str, Difference] = field(default_factory=dict)
    """By metric or KPI, from the base; none of the base itself."""


@dataclass(frozen=True, slots=True)
class SliceRow:
    """A slice, one cell a run."""

    name: str
    expression: str | None
    """None: all rows."""
    n: int
    """Rows."""
    cells: Mapping[str, Cell]
    """By run."""


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What a table was made of, so that its intervals can be refined where nobody waits for them."""

    frame: pl.DataFrame
    answers: Mapping[str, Answers]
    """By run."""
    masks: Truths
    """(slices, rows)"""
    kpis: Mapping[str, Kpi]
    pulls: Mapping[str, Mapping[str, Pull]]
    """By run and KPI."""
    judged: EvaluationTable


@dataclass(frozen=True, slots=True)
class SliceTable:
    """Slices × runs; all rows first."""

    set: str
    """The evaluation set's version: `adult-eval@v4`."""
    runs: tuple[str, ...]
    base: str | None
    metrics: tuple[str, ...]
    kpis: tuple[str, ...]
    confidence: float
    fewest: int
    """A slice with fewer rows is shown and not judged."""
    rows: tuple[SliceRow, ...]
    resamples: int = 0
    """How often rows were drawn for the intervals; 0: they are those that are there at once."""
    material: Material | None = field(default=None, compare=False, repr=False)


def table(
    on: EvaluationSet,
    answers: Mapping[str, Answers],
    slices: Mapping[str, str],
    metrics: Sequence[str],
    kpis: Mapping[str, Kpi],
    base: str | None,
    judged: EvaluationTable,
) -> SliceTable:
    """Measure each run (its answers by id) on all rows and on each slice, a condition by its name.

    A difference from the base counts as better or worse where Benjamini and Hochberg's procedure over the
    slices lets it. The intervals are those that are there at once; `refining.refined` draws rows for them.
    Raises `FilterError`, `ExpressionFailed`, `UnknownMetric`.
    """
    with Frames(on.frame) as frames:
        return _table(frames, on, answers, slices, metrics, kpis, base, judged)


def _table(
    frames: Frames,
    on: EvaluationSet,
    answers: Mapping[str, Answers],
    slices: Mapping[str, str],
    metrics: Sequence[str],
    kpis: Mapping[str, Kpi],
    base: str | None,
    judged: EvaluationTable,
) -> SliceTable:
    held = frames.masks(list(slices.values()))
    masks = np.vstack([np.ones((1, on.frame.height), dtype=bool), *(s.to_numpy() for s in held)])
    counts, sums = masks.sum(axis=1), Sums(masks) if kpis else None
    worth: dict[str, list[dict[str, Figure]]] = {}
    pulls: dict[str, dict[str, Pull]] = {}
    for run, given in answers.items():
        measured = measure_many(metrics, given, masks, judged.confidence)
        worth[run] = [dict(zip(metrics, figures, strict=True)) for figures in measured]
        pulls[run] = {}
        if sums is not None:
            frames.turn_to(with_answers(on.frame, given))
            more, pulls[run] = _kpis(frames, kpis, sums, pulled=base is not None)
            for figures, found in zip(worth[run], more, strict=True):
                figures.update(found)
    differences = {
        run: _differences(given, answers[base], masks, metrics, judged)
        for run, given in answers.items()
        if base is not None and run != base
    }
    if base is not None and sums is not None:
        for run in differences:
            _kpi_differences(differences[run], run, base, worth, pulls, kpis, sums, judged)
    none: list[dict[str, Difference]] = [{} for _ in masks]
    rows = tuple(
        SliceRow(
            name=name,
            expression=expression,
            n=int(counts[place]),
            cells={
                run: Cell(worth[run][place], differences.get(run, none)[place]) for run in answers
            },
        )
        for place, (name, expression) in enumerate([(ALL, None), *slices.items()])
    )
    return SliceTable(
        set=on.version.label,
        runs=tuple(answers),
        base=base,
        metrics=tuple(metrics),
        kpis=tuple(kpis),
        confidence=judged.confidence,
        fewest=judged.rows,
        rows=rows,
        material=Material(on.frame, answers, masks, kpis, pulls, judged) if differences else None,
    )


def _kpis(
    frames: Frames, kpis: Mapping[str, Kpi], sums: Sums, pulled: bool
) -> tuple[list[dict[str, Figure]], dict[str, Pull]]:
    """By slice, the KPIs' figures; and if asked for, how rows pull each of those that have some."""
    lacking = {name: _lacking(kpi.expression, frames.columns.kinds) for name, kpi in kpis.items()}
    handed: dict[str, Handed] = {}
    for name, kpi in kpis.items():
        if lacking[name] is None:
            try:
                handed[name] = hand_over(kpi.expression, frames)
            except FilterError as error:
                raise FilterError(f"[kpis] {name}: {error.sentence}") from None
    values = dict(zip(handed, kpi_values([*handed.values()], frames, sums), strict=True))
    found: list[dict[str, Figure]] = []
    for place, n in enumerate(map(int, sums.n)):
        figures = {name: Figure(None, lacking[name], n) for name in kpis if lacking[name]}
        for name in handed:
            value = values[name][place]
            reason = None if value is not None else "no value" if n else "no rows"
            figures[name] = Figure(value, reason, n)
        found.append(figures)
    pulls = {name: pull_of(one, frames, sums) for name, one in handed.items() if pulled}
    return found, pulls


def _lacking(expression: str, there: Container[str]) -> str | None:
    """Why a KPI has no value for a run that gave, say, no scores."""
    words = re.findall(r"\w+", expression)
    missing = (name for name in ANSWER_COLUMNS if name in words and name not in there)
    return next((f"no {name}" for name in missing), None)


def _differences(
    answers: Answers,
    base: Answers,
    masks: Truths,
    metrics: Sequence[str],
    judged: EvaluationTable,
) -> list[dict[str, Difference]]:
    found: list[dict[str, Difference]] = [{} for _ in masks]
    for metric in metrics:
        each = compare_many(
            metric,
            answers,
            base,
            masks,
            confidence=judged.confidence,
            margin=judged.margins.get(metric),
        )
        counts = masks.sum(axis=1)
        for place, difference in enumerate(corrected(each, counts, judged)):
            found[place][metric] = difference
    return found


def _kpi_differences(
    found: Sequence[dict[str, Difference]],
    run: str,
    base: str,
    worth: Mapping[str, Sequence[Mapping[str, Figure]]],
    pulls: Mapping[str, Mapping[str, Pull]],
    kpis: Mapping[str, Kpi],
    sums: Sums,
    judged: EvaluationTable,
) -> None:
    """Add those of a run from the base."""
    for name, kpi in kpis.items():
        mine, other = ([figures[name] for figures in worth[one]] for one in (run, base))
        first, second = pulls[run].get(name), pulls[base].get(name)
        if first is None or second is None:
            reasons = [a.reason or b.reason for a, b in zip(mine, other, strict=True)]
            each = [
                Difference(None, None, None, None, "normal", why, "not judged") for why in reasons
            ]
        else:
            one, two = ([figure.value for figure in figures] for figures in (mine, other))
            margin = judged.margins.get(name)
            each = compare_pulls(kpi, first, second, one, two, sums, judged.confidence, margin)
        for place, apart in enumerate(corrected(each, sums.n, judged)):
            found[place][name] = apart


def corrected(
    each: Sequence[Difference], counts: Iterable[float], judged: EvaluationTable
) -> list[Difference]:
    """Too few rows are not judged; of the other slices no more are found different than by chance may be."""
    few = [
        replace(one, verdict="not judged", reason=one.reason or f"fewer than {judged.rows} rows")
        if n < judged.rows
        else one
        for one, n in zip(each, counts, strict=True)
    ]
    p = [None if one.verdict == "not judged" else one.p for one in few]
    # All rows are no slice: what is asked of them first is asked once.
    real = [True, *benjamini_hochberg(p[1:], 1 - judged.confidence)]
    return [
        replace(one, verdict="unclear")
        if one.verdict in ("better", "worse") and one.p is not None and not holds
        else one
        for one, holds in zip(few, real, strict=True)
    ]
