"""What KPIs are worth on slices of a run's rows: one way for every figure that is shown.

What is made of sums follows from what each row hands to the aggregates, for all slices at once; a median, a least, a
greatest, a number of distinct values, and rows that hand over no finite number, are asked of the sandbox.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cockpit.evaluate.handed import Handed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.evaluate.answers import Floats
    from cockpit.evaluate.handed import Sums
    from storage.frames import Frames


def hand_over(expression: str, frames: Frames) -> Handed:
    """Take a KPI apart on the rows of `frames`, those of a run with its answers.

    Raises `FilterError`, `ExpressionFailed`.
    """
    return Handed(expression, frames.taken_apart(expression))


def kpi_values(handed: Sequence[Handed], frames: Frames, sums: Sums) -> list[list[float | None]]:
    """By KPI, its value on each slice; None where it has none. `frames` are those of `hand_over`.

    Raises `FilterError`, `ExpressionFailed`.
    """
    others = [one.expression for one in handed if not one.summed]
    asked: list[list[float | None]] = []
    if others:
        columns = pl.DataFrame({str(place): mask for place, mask in enumerate(sums.masks)})
        asked = [list(one) for one in zip(*frames.aggregates(others, columns), strict=True)]
    rest = iter(asked)
    return [
        frames.put_together(one.expression, _columns(one.by_slice(sums)))
        if one.summed
        else next(rest)
        for one in handed
    ]


def together(expression: str, frames: Frames, aggregates: Floats) -> Floats:
    """(lines,): what a KPI is worth by the aggregates of each line; NaN where it has no value."""
    found = frames.put_together(expression, _columns(aggregates))
    return np.array([math.nan if value is None else value for value in found])


def _columns(aggregates: Floats) -> pl.DataFrame:
    columns = {str(place): column for place, column in enumerate(aggregates.T)}
    return pl.DataFrame(columns).fill_nan(None).cast(pl.Float64)
