"""How runs do on the slices of an evaluation set: metrics and KPIs by slice and run, measured against a base."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cockpit.evaluate.metrics import Figure, measure_many
from cockpit.evaluate.significance import Difference, benjamini_hochberg, compare_many
from storage.expressions.terms import FilterError
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cockpit.evaluate.answers import Answers, Truths
    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.project.model import EvaluationTable, Kpi

ALL = "all rows"
ANSWER_COLUMNS = ("y_true", "y_pred", "y_score")


@dataclass(frozen=True, slots=True)
class Cell:
    """A run on a slice."""

    figures: Mapping[str, Figure]
    """By metric or KPI."""
    differences: Mapping[str, Difference] = field(default_factory=dict)
    """By metric, from the base; none of the base itself, nor of KPIs."""


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
    slices lets it. Raises `FilterError`, `ExpressionFailed`, `UnknownMetric`.
    """
    with Frames(on.frame) as frames:
        held = frames.masks(list(slices.values()))
    masks = np.vstack([np.ones((1, on.frame.height), dtype=bool), *(s.to_numpy() for s in held)])
    counts = masks.sum(axis=1)
    worth = {
        run: _figures(on.frame, given, masks, metrics, kpis, judged.confidence)
        for run, given in answers.items()
    }
    differences = {
        run: _differences(given, answers[base], masks, metrics, judged)
        for run, given in answers.items()
        if base is not None and run != base
    }
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
    )


def with_answers(frame: pl.DataFrame, answers: Answers) -> pl.DataFrame:
    """The rows of an evaluation set with `y_true`, and `y_pred` and `y_score` where the run gave them."""
    columns = {"y_true": answers.y_true}
    if answers.y_pred is not None:
        columns["y_pred"] = answers.y_pred
    if answers.y_score is not None and answers.y_score.ndim == 1:
        columns["y_score"] = answers.y_score
    told = [pl.Series(name, values) for name, values in columns.items()]
    if answers.task == "multiclass":
        labels = pl.Series([str(label) for label in answers.classes], dtype=pl.String)
        told = [_names(labels, series) for series in told]
    return frame.drop(name for name in ANSWER_COLUMNS if name in frame.columns).with_columns(told)


def _names(labels: pl.Series, codes: pl.Series) -> pl.Series:
    places = codes.fill_nan(None) if codes.dtype.is_float() else codes
    return labels.gather(places.cast(pl.UInt32)).alias(codes.name)


def _figures(
    frame: pl.DataFrame,
    answers: Answers,
    masks: Truths,
    metrics: Sequence[str],
    kpis: Mapping[str, Kpi],
    confidence: float,
) -> list[dict[str, Figure]]:
    """A table a mask: by metric and KPI, its figure."""
    measured = measure_many(metrics, answers, masks, confidence)
    found = [dict(zip(metrics, figures, strict=True)) for figures in measured]
    if kpis:
        for figures, more in zip(found, _kpis(frame, answers, masks, kpis), strict=True):
            figures.update(more)
    return found


def _kpis(
    frame: pl.DataFrame, answers: Answers, masks: Truths, kpis: Mapping[str, Kpi]
) -> list[dict[str, Figure]]:
    whole = with_answers(frame, answers)
    lacking = {name: _lacking(kpi.expression, whole.columns) for name, kpi in kpis.items()}
    asked = [name for name in kpis if lacking[name] is None]
    columns = pl.DataFrame({str(place): mask for place, mask in enumerate(masks)})
    try:
        with Frames(whole) as frames:
            values = frames.aggregates([kpis[name].expression for name in asked], columns)
    except FilterError as error:
        raise FilterError(f"[kpis] {asked[error.which or 0]}: {error.sentence}") from None
    counts = [int(count) for count in masks.sum(axis=1)]
    found: list[dict[str, Figure]] = []
    for n, row in zip(counts, values, strict=True):
        worth = dict(zip(asked, row, strict=True))
        figures = {name: Figure(None, lacking[name], n) for name in kpis if lacking[name]}
        for name, value in worth.items():
            reason = None if value is not None else "no value" if n else "no rows"
            figures[name] = Figure(value, reason, n)
        found.append(figures)
    return found


def _lacking(expression: str, there: Sequence[str]) -> str | None:
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
        for place, difference in enumerate(_judged(each, counts, judged)):
            found[place][metric] = difference
    return found


def _judged(
    each: Sequence[Difference], counts: Iterable[int], judged: EvaluationTable
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
