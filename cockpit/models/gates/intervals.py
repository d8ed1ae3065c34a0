"""How much of what a gate compares may be chance, where no single metric's own interval says it.

A gate may do arithmetic with several figures (`auc + recall >= incumbent.auc + incumbent.recall - 0.01`), compare
two slices of one model, or hold a KPI against a number. What it compares is worked out again and again without
one of forty parts of the rows, the same parts for all its figures: the delete-a-group jackknife (Kott, 2001,
Journal of Official Statistics 17), so that what both models have in common is no part of the interval.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cockpit.evaluate.answered import with_answers
from cockpit.evaluate.kpis import compare_kpi
from cockpit.evaluate.metrics import measure_many
from cockpit.evaluate.significance import LEAST_ROWS, Difference
from cockpit.evaluate.slices import ALL
from cockpit.models.gates.syntax import is_kpi, metric_of
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from cockpit.evaluate.answers import Answers, Truths
    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.project.model import Project
    from storage.expressions.gates import Name

PARTS = 40
DRAWS = 2_000
SEED = 7
"""The parts are the same each time a gate is judged."""
_EXTREME = re.compile(r"\b(min|max|distinct)\b", re.IGNORECASE)
"""What says nothing of other rows: leaving rows out is no way to an interval then."""


class Parts:
    """The figures of two models without one part of the rows after the other."""

    def __init__(
        self, project: Project, on: EvaluationSet, sides: Mapping[bool, Answers | None]
    ) -> None:
        """`sides`: the candidate's answers, and the incumbent's under True."""
        self._project, self._on, self._sides = project, on, sides
        self._known: dict[tuple[Name, str], NDArray[np.float64] | None] = {}
        self._held: dict[str, Truths] = {}

    def spread(
        self, names: tuple[Name, ...], row: str, value: float, of: Callable[[Any], float | None]
    ) -> Difference:
        """The interval about `value`, which is what `of` makes of the figures: a mapping by name, as texts.

        Of figures that name no slice it is that of `row`.
        """
        rows = min(int(self._mask(name.slice or row).sum()) for name in names)
        if rows < LEAST_ROWS:
            return _nothing(value, "too few rows to judge")
        found: dict[str, NDArray[np.float64]] = {}
        for name in names:
            if is_kpi(name) and _EXTREME.search(
                self._project.kpis[metric_of(name) or ""].expression
            ):
                return _nothing(value, "no interval: other rows may hold more")
            without = self._without(name, name.slice or row)
            if without is None:
                return _nothing(value, "no interval: without some of the rows there is no value")
            found[str(name)] = without
        each = [
            of({name: float(one[part]) for name, one in found.items()}) for part in range(PARTS)
        ]
        if any(one is None for one in each):
            return _nothing(value, "no interval: without some of the rows there is no value")
        return self._about(value, np.array(each, dtype=np.float64))

    def resampled(self, name: Name, row: str) -> Difference:
        """The candidate less the incumbent in a KPI whose interval is found by drawing the rows anew."""
        candidate, incumbent = self._sides[False], self._sides[True]
        assert candidate is not None
        assert incumbent is not None
        return compare_kpi(
            self._project.kpis[metric_of(name) or ""],
            self._on.frame,
            candidate,
            incumbent,
            mask=self._mask(name.slice or row),
            confidence=self._project.evaluation.confidence,
            resamples=DRAWS,
        )

    def _about(self, value: float, each: NDArray[np.float64]) -> Difference:
        from scipy.stats import t

        error = float(np.sqrt((PARTS - 1) / PARTS * ((each - each.mean()) ** 2).sum()))
        reach = float(t.ppf((1 + self._project.evaluation.confidence) / 2, PARTS - 1)) * error
        p = float(2 * t.sf(abs(value) / error, PARTS - 1)) if error > 0 else float(value == 0)
        return Difference(value, value - reach, value + reach, p, "normal", None, "unclear")

    def _without(self, name: Name, row: str) -> NDArray[np.float64] | None:
        key = (name, row)
        if key not in self._known:
            self._known[key] = self._measured(name, self._mask(row) & self._left)
        return self._known[key]

    def _measured(self, name: Name, masks: Truths) -> NDArray[np.float64] | None:
        answers, metric = self._sides.get(name.incumbent), metric_of(name)
        if answers is None or metric is None:
            return None
        if is_kpi(name):
            columns = pl.DataFrame({str(place): mask for place, mask in enumerate(masks)})
            with Frames(with_answers(self._on.frame, answers)) as frames:
                asked = [self._project.kpis[metric].expression]
                values = [row[0] for row in frames.aggregates(asked, columns)]
        else:
            values = [figures[0].value for figures in measure_many([metric], answers, masks)]
        if any(value is None for value in values):
            return None
        return np.array(values, dtype=np.float64)

    def _mask(self, row: str) -> Truths:
        """(rows,): which rows a slice holds."""
        if row not in self._held:
            if row == ALL:
                self._held[row] = np.ones(self._on.frame.height, dtype=bool)
            else:
                with Frames(self._on.frame) as frames:
                    held = frames.masks([self._project.slices[row]])
                self._held[row] = held["0"].to_numpy()
        return self._held[row]

    @cached_property
    def _left(self) -> Truths:
        """(parts, rows): the rows without each part."""
        dealt = np.random.default_rng(SEED).permutation(self._on.frame.height) % PARTS
        left: Truths = dealt != np.arange(PARTS)[:, None]
        return left


def _nothing(value: float, reason: str) -> Difference:
    return Difference(value, None, None, None, "normal", reason, "not judged")
