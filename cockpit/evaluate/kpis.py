"""Whether a KPI of one run is better than another's on the same rows: intervals and verdicts, as for metrics.

`compare_kpi(kpi, frame, a, b, *, mask=None, confidence=0.95, margin=None, resamples=0, seed=None) -> Difference`

A KPI is arithmetic of aggregates. Sums, means, counts and standard deviations are made of what each row adds, so
sums, differences, products and quotients of them have a normal interval at once: by how far each row pulls the one
run's value and the other's (the delta method: van der Vaart, Asymptotic Statistics, 1998, chapter 3), with Student's
quantiles. Medians, quantiles, and what else is done with aggregates (`round`, `case`) want the paired bootstrap. Of a
least, of a greatest and of a number of distinct values neither is sound, for other rows may hold what these do not:
there is no interval, and the reason says so. The rows of a slice are drawn, not their number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

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

    import polars as pl

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
    columns: tuple[Floats, ...] | None
    """p of (rows,), around their means; None where there is no normal interval."""
    slopes: Floats
    """(slices, p): how the KPI moves with the mean of each column; NaN where nobody can say."""
    odd: Truths
    """(slices,): whether a row hands over no finite number."""
    behind: Floats
    """(slices,): how many rows it rests on."""


def pull_of(handed: Handed, frames: Frames, sums: Sums) -> Pull:
    """How rows pull the KPI that they were handed over for. Raises `FilterError`, `ExpressionFailed`."""
    every, behind = handed.finite.all(), handed.behind(sums)
    odd = np.zeros(len(sums), dtype=bool) if every else sums.any(~handed.finite)
    if handed.unsound or not handed.at_once:
        return Pull(handed, None, np.zeros((len(sums), 0)), odd, behind)
    with np.errstate(all="ignore"):
        return Pull(handed, *_pull(handed, frames, sums), odd, behind)


def _pull(handed: Handed, frames: Frames, sums: Sums) -> tuple[tuple[Floats, ...], Floats]:
    worth, base, owners, slopes = handed.by_slice(sums), [], [], []
    for place, part in enumerate(handed.parts):
        mine, moves = _moves(part, handed, place, worth[:, place], sums)
        base += [column - column.mean() for column in mine]
        slopes += moves
        owners += [place] * len(mine)
    gain = np.stack(slopes, axis=1)
    gain *= np.stack(_derivatives(handed, frames, worth, base, gain, owners, sums))[owners].T
    return tuple(base), gain


def _moves(
    part: Part, handed: Handed, place: int, worth: Floats, sums: Sums
) -> tuple[list[Floats], list[Floats]]:
    """The columns that an aggregate is made of, and how it moves by slice with each column's mean."""
    there = handed.there[:, place].astype(np.float64)
    values = np.ascontiguousarray(handed.values[:, place])
    n: Floats = sums.n
    if part.of == "count":
        return [there], [n]
    if part.of == "sum":
        return [values], [n]
    count = n if handed.there[:, place].all() else sums.of(there)
    if part.of == "mean":
        return [values, there], [n / count, -worth * n / count]
    around = (values - values.sum() / max(1.0, there.sum())) * there
    mean, free = sums.of(around) / count, 1.0 / count
    if part.of == "stddev":
        free = 1.0 / (count - 1)
    each = free / (2 * worth) * n
    square = worth**2 / free / count
    return [around**2, around, there], [each, -2 * mean * each, (mean**2 - square) * each]


def _derivatives(
    handed: Handed,
    frames: Frames,
    values: Floats,
    base: Sequence[Floats],
    gain: Floats,
    owners: Sequence[int],
    sums: Sums,
) -> list[Floats]:
    """By aggregate, how the KPI moves with it on each slice: by moving it a little to either side."""
    moved, steps = [], []
    for place in range(values.shape[1]):
        mine = [at for at, owner in enumerate(owners) if owner == place]
        step = _STEP * sums.errors([base[at] for at in mine], gain[:, mine])
        steps.append(step)
        for sign in (1, -1):
            other = values.copy()
            other[:, place] += sign * step
            moved.append(other)
    found = together(handed.expression, frames, np.concatenate(moved)).reshape(
        len(steps), 2, len(values)
    )
    return [
        np.where(step > 0, (up - down) / (2 * step), 0.0)
        for (up, down), step in zip(found, steps, strict=True)
    ]


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
    """The differences of two runs that were taken apart, by slice, from their values there.

    Student's t, with one degree of freedom fewer than rows it rests on.
    """
    errors, behind = _errors_apart(first, second, sums), np.minimum(first.behind, second.behind)
    reaches = student_quantile(confidence, behind - 1)
    found = []
    for place, (value, other) in enumerate(zip(values, others, strict=True)):
        error, odd = float(errors[place]), first.odd[place] or second.odd[place]
        reason = first.handed.unsound or ("no interval: a row has no finite value" if odd else None)
        if reason is None and behind[place] < LEAST_ROWS:
            reason = "too few rows to judge"
        if reason is None and first.columns is None and error:
            reason = NEEDS_DRAWS
        if value is None or other is None:
            why = "no value" if sums.n[place] else "no rows"
            found.append(Difference(None, None, None, None, "normal", why, "not judged"))
            continue
        reach, freedom = float(reaches[place]) * error, float(behind[place]) - 1
        apart = value - other
        found.append(_difference(kpi, apart, error, reach, freedom, margin, reason))
    return found


def _errors_apart(first: Pull, second: Pull, sums: Sums) -> Floats:
    """(slices,): the standard error of the difference; 0 where no row tells the two apart, NaN for nobody knows."""
    one, other = first.handed, second.handed
    differing = (one.values != other.values) | (one.there != other.there)
    same = ~sums.any(differing.any(axis=1))
    errors = np.full(len(sums), np.nan)
    if first.columns is not None and second.columns is not None:
        # What both have in common is taken away first: it would drown a small difference.
        apart = [a - b for a, b in zip(first.columns, second.columns, strict=True)]
        slopes = np.hstack([first.slopes, first.slopes - second.slopes])
        errors = sums.errors([*apart, *second.columns], slopes)
    return np.where(same, 0.0, errors)


def _difference(
    kpi: Kpi,
    apart: float,
    error: float,
    reach: float,
    freedom: float,
    margin: float | None,
    reason: str | None,
) -> Difference:
    if reason is None and error == 0 and apart == 0:
        return Difference(0.0, 0.0, 0.0, 1.0, "normal", None, judge(kpi.direction, 0, 0, margin))
    if reason is None and not ALIKE * abs(apart) < error < math.inf:
        reason = "no interval by these rows"
    if reason is not None:
        return Difference(apart, None, None, None, "normal", reason, "not judged")
    low, high = apart - reach, apart + reach
    p = float(student_tail(apart / error, freedom))
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
        ends = percentile(values - worth[0], confidence, len(rows), soon[run].p)
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
