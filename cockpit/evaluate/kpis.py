"""Whether a KPI of one run is better than another's on the same rows: intervals and verdicts, as for metrics.

`compare_kpi(kpi, frame, a, b, *, mask=None, confidence=0.95, margin=None, resamples=0, seed=None) -> Difference`

A KPI is arithmetic of aggregates. Sums, means, counts and standard deviations are made of what each row adds, so
sums, differences, products and quotients of them have a normal interval at once: by how far each row pulls the one
run's value and the other's (the delta method: van der Vaart, Asymptotic Statistics, 1998, chapter 3). Medians,
quantiles, and what else is done with aggregates (`round`, `case`) want the paired bootstrap. Of a least, of a
greatest and of a number of distinct values neither is sound, for other rows may hold what these do not: there is no
interval, and the reason says so. The rows of a slice are drawn, not their number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cockpit.evaluate.answered import with_answers
from cockpit.evaluate.handed import Sums
from cockpit.evaluate.intervals import student_quantile, student_tail
from cockpit.evaluate.kpi_values import hand_over, kpi_values, together
from cockpit.evaluate.metrics import ALIKE
from cockpit.evaluate.resampling import bootstrap, go_on, percentile, seed_of
from cockpit.evaluate.significance import LEAST_ROWS, Difference, judge
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cockpit.evaluate.answers import Answers, Floats, Ints, Truths
    from cockpit.evaluate.handed import Handed
    from cockpit.project.model import Kpi
    from storage.expressions.aggregates import Part

NEEDS_DRAWS = "no interval without resampling"
_STEP = 1e-3
"""Of a standard error: by how much an aggregate is moved to see what that does to the KPI."""


def compare_kpi(
    kpi: Kpi,
    frame: pl.DataFrame,
    a: Answers,
    b: Answers,
    *,
    mask: Truths | None = None,
    confidence: float = 0.95,
    margin: float | None = None,
    resamples: int = 0,
    seed: int | None = None,
) -> Difference:
    """How much better or worse `a` is than `b` by a KPI on the same rows, with an interval.

    `frame`: the evaluation set; `mask` (rows,): a slice of it. `resamples`: 0 for the interval that is there at once.
    Raises `FilterError`, `ExpressionFailed`, and `ValueError` where the two are not answers to the rows.
    """
    if len(a) != frame.height or len(b) != frame.height:
        raise ValueError("the two runs have not answered the same rows")
    masks = np.ones((1, frame.height), dtype=bool) if mask is None else mask[None]
    sums = Sums(masks)
    with Frames(with_answers(frame, a)) as frames:
        first, values = _side(kpi.expression, frames, sums)
        frames.turn_to(with_answers(frame, b))
        second, others = _side(kpi.expression, frames, sums)
        (soon,) = compare_pulls(kpi, first, second, values, others, sums, confidence, margin)
        if not resamples:
            return soon
        handed = {"a": first.handed, "b": second.handed}
        rows = np.flatnonzero(masks[0])
        seed = seed_of(a.y_true[rows]) if seed is None else seed
        return refine_kpi(
            kpi, frames, handed, "b", {"a": soon}, rows,
            confidence=confidence, margin=margin, resamples=resamples, seed=seed,
        )["a"]  # fmt: skip


def _side(expression: str, frames: Frames, sums: Sums) -> tuple[Pull, list[float | None]]:
    handed = hand_over(expression, frames)
    (values,) = kpi_values([handed], frames, sums)
    return pull_of(handed, frames, sums), values


# The interval at once


@dataclass(frozen=True, slots=True, eq=False)
class Pull:
    """How far each row pulls a KPI of one run, on each of several slices."""

    handed: Handed
    columns: Floats | None
    """(rows, p), around their means; None where there is no normal interval."""
    slopes: Floats
    """(slices, p): how the KPI moves with the mean of each column; NaN where nobody can say."""
    odd: Floats
    """(slices,): rows that hand over no finite number."""


def pull_of(handed: Handed, frames: Frames, sums: Sums) -> Pull:
    """How rows pull the KPI that they were handed over for. Raises `FilterError`, `ExpressionFailed`."""
    every = handed.finite.all()
    odd = np.zeros(len(sums)) if every else sums.of((~handed.finite).astype(np.float64))
    if handed.unsound or not handed.at_once:
        return Pull(handed, None, np.zeros((len(sums), 0)), odd)
    with np.errstate(all="ignore"):
        return _pull(handed, frames, sums, odd)


def _pull(handed: Handed, frames: Frames, sums: Sums, odd: Floats) -> Pull:
    columns, owners, slopes, worth = [], [], [], []
    for place, part in enumerate(handed.parts):
        mine, value, moves = _moves(part, handed, place, sums)
        columns += mine
        slopes += moves
        owners += [place] * len(mine)
        worth.append(value)
    base, gain = np.stack(columns, axis=1), np.stack(slopes, axis=1)
    base = base - base.mean(axis=0)
    gain *= np.stack(_derivatives(handed, frames, worth, base, gain, owners, sums))[owners].T
    return Pull(handed, base, gain, odd)


def _moves(
    part: Part, handed: Handed, place: int, sums: Sums
) -> tuple[list[Floats], Floats, list[Floats]]:
    """The columns that an aggregate is made of, its value by slice, and how it moves with each column's mean."""
    there, values = handed.there[:, place].astype(np.float64), handed.values[:, place]
    n: Floats = sums.n
    count = n if handed.there[:, place].all() else sums.of(there)
    if part.of == "count":
        return [there], count, [n]
    total = sums.of(values)
    if part.of == "sum":
        return [values], np.where(count > 0, total, np.nan), [n]
    mean = total / count
    if part.of == "mean":
        return [values, there], mean, [n / count, -mean * n / count]
    middle = values.sum() / max(1.0, there.sum())
    around = (values - middle) * there
    mean = sums.of(around) / count
    square = sums.of(around**2) / count - mean**2
    free = count / (count - 1) if part.of == "stddev" else np.ones_like(count)
    value = np.sqrt(np.maximum(square, 0) * free)
    each = free / (2 * value) * n / count
    return (
        [around**2, around, there],
        value,
        [each, -2 * mean * each, (mean**2 - square) * each],
    )


def _derivatives(
    handed: Handed,
    frames: Frames,
    worth: Sequence[Floats],
    base: Floats,
    gain: Floats,
    owners: Sequence[int],
    sums: Sums,
) -> list[Floats]:
    """By aggregate, how the KPI moves with it on each slice: by moving it a little to either side."""
    values = np.stack(worth, axis=1)
    owner, moved, steps = np.array(owners), [], []
    for place in range(len(worth)):
        mine = owner == place
        step = _STEP * _errors(base[:, mine], gain[:, mine], sums)
        steps.append(step)
        for sign in (1, -1):
            other = values.copy()
            other[:, place] += sign * step
            moved.append(other)
    found = together(handed.expression, frames, np.concatenate(moved)).reshape(
        len(worth), 2, len(values)
    )
    return [
        np.where(step > 0, (up - down) / (2 * step), 0.0)
        for (up, down), step in zip(found, steps, strict=True)
    ]


def _errors(columns: Floats, slopes: Floats, sums: Sums) -> Floats:
    """(slices,): the standard error of columns' means times their slopes."""
    p = columns.shape[1]
    pairs = [(i, j) for i in range(p) for j in range(i, p)]
    products = np.stack([columns[:, i] * columns[:, j] for i, j in pairs], axis=1)
    n = sums.n[:, None]
    together = sums.of(np.hstack([columns, products])) / n
    means, crossed = together[:, :p], together[:, p:]
    variance: Floats = np.zeros(len(sums))
    for (i, j), both in zip(pairs, crossed.T, strict=True):
        twice = 1 if i == j else 2
        variance += twice * slopes[:, i] * slopes[:, j] * (both - means[:, i] * means[:, j])
    return np.asarray(np.sqrt(np.maximum(variance, 0) / (sums.n - 1)))


def compare_pulls(
    kpi: Kpi,
    first: Pull,
    second: Pull,
    values: Sequence[float | None],
    others: Sequence[float | None],
    sums: Sums,
    confidence: float,
    margin: float | None,
) -> list[Difference]:
    """The differences of two runs that were taken apart, by slice, from their values there."""
    errors, reaches = _errors_apart(first, second, sums), student_quantile(confidence, sums.n - 1)
    found = []
    for place, (value, other) in enumerate(zip(values, others, strict=True)):
        n, error = int(sums.n[place]), float(errors[place])
        odd = bool(first.odd[place] or second.odd[place])
        reason = first.handed.unsound or ("no interval: a row has no finite value" if odd else None)
        if reason is None and n < LEAST_ROWS:
            reason = "too few rows to judge"
        if reason is None and first.columns is None and error:
            reason = NEEDS_DRAWS
        found.append(_difference(kpi, value, other, error, float(reaches[place]), margin, reason, n))
    return found


def _errors_apart(first: Pull, second: Pull, sums: Sums) -> Floats:
    """(slices,): the standard error of the difference; 0 where no row tells the two apart, NaN for nobody knows."""
    one, other = first.handed, second.handed
    differing = (one.values != other.values) | (one.there != other.there)
    same = sums.of(differing.any(axis=1).astype(np.float64)) == 0
    errors = np.full(len(sums), np.nan)
    if first.columns is not None and second.columns is not None:
        # What both have in common is taken away first: it would drown a small difference.
        columns = np.hstack([first.columns - second.columns, second.columns])
        slopes = np.hstack([first.slopes, first.slopes - second.slopes])
        with np.errstate(all="ignore"):
            errors = _errors(columns, slopes, sums)
    return np.where(same, 0.0, errors)


def _difference(
    kpi: Kpi,
    value: float | None,
    other: float | None,
    error: float,
    reach: float,
    margin: float | None,
    reason: str | None,
    n: int,
) -> Difference:
    if value is None or other is None:
        why = "no value" if n else "no rows"
        return Difference(None, None, None, None, "normal", why, "not judged")
    apart = value - other
    if reason is None and error == 0 and apart == 0:
        return Difference(0.0, 0.0, 0.0, 1.0, "normal", None, judge(kpi.direction, 0, 0, margin))
    if reason is None and not ALIKE * abs(apart) < error < math.inf:
        reason = "no interval by these rows"
    if reason is not None:
        return Difference(apart, None, None, None, "normal", reason, "not judged")
    low, high = apart - reach * error, apart + reach * error
    p = float(student_tail(apart / error, n - 1))
    verdict = judge(kpi.direction, low, high, margin)
    return Difference(apart, low, high, p, "normal", None, verdict)


# The refined interval


def refine_kpi(
    kpi: Kpi,
    frames: Frames,
    handed: Mapping[str, Handed],
    base: str,
    soon: Mapping[str, Difference],
    rows: Ints,
    *,
    confidence: float,
    margin: float | None,
    resamples: int,
    seed: int,
    told: Callable[[int], None] = go_on,
) -> dict[str, Difference]:
    """The differences of runs from a base by the paired bootstrap over `rows`, those of a slice.

    `frames`: of rows with answers, or of none such. What was there `soon` stays where resampling tells nothing,
    with the reason. `told` hears of draws as `resampling.bootstrap` tells of them.
    Raises `FilterError`, `ExpressionFailed`.
    """
    wanted = [run for run, one in soon.items() if one.low is not None or one.reason == NEEDS_DRAWS]
    wanted = [run for run in wanted if not (soon[run].low == soon[run].high == 0)]
    if not wanted:
        return dict(soon)
    statistics = [partial(handed[run].on, rows) for run in (base, *wanted)]
    drawn = bootstrap(statistics, len(rows), resamples, seed, told)
    worth = together(kpi.expression, frames, np.concatenate(drawn)).reshape(len(drawn), -1)
    refined = dict(soon)
    for run, values in zip(wanted, worth[1:], strict=True):
        ends = percentile(values - worth[0], confidence, soon[run].p)
        if ends is not None:
            low, high, p = ends
            verdict = judge(kpi.direction, low, high, margin)
            refined[run] = Difference(
                soon[run].value, low, high, p, "paired bootstrap", None, verdict
            )
        elif soon[run].low is None:
            why = "no interval by these rows"
            refined[run] = Difference(
                soon[run].value, None, None, None, "paired bootstrap", why, "not judged"
            )
    return refined
