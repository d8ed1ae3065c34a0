"""Refines the intervals of a table of slices by drawing its rows again: told how far it is, ended when asked to."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from cockpit.evaluate.answered import with_answers
from cockpit.evaluate.kpis import NEEDS_DRAWS, refine_kpi
from cockpit.evaluate.metrics import find_metric
from cockpit.evaluate.resampling import RESAMPLES, Cancelled, seed_of
from cockpit.evaluate.significance import Difference, judge, refine
from cockpit.evaluate.slices import corrected
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from cockpit.evaluate.answers import Ints
    from cockpit.evaluate.slices import Cell, Material, SliceTable


def never() -> bool:
    """For who waits until it is done."""
    return False


def unheard(share: float) -> None:
    """For who does not want to know how far it is."""


def refinable(table: SliceTable) -> bool:
    """Whether drawing rows tells more of a difference: of AUC it does not, whose interval is DeLong's."""
    return table.material is not None and not table.resamples and any(_wanted(table))


def refined(
    table: SliceTable,
    resamples: int = RESAMPLES,
    progress: Callable[[float], None] = unheard,
    cancelled: Callable[[], bool] = never,
) -> SliceTable:
    """The table with intervals and p-values by so many draws of each slice's rows, verdicts corrected anew.

    The same table gives the same figures. `progress` hears of a share from 0 to 1. Raises `Cancelled` soon after
    `cancelled` says so, `FilterError` or `ExpressionFailed`.
    """
    if not refinable(table) or table.material is None:
        return table
    answers = table.material.answers[table.base or ""]
    with Frames(with_answers(table.material.frame, answers).head(0)) as frames:
        work = _Work(table, table.material, frames, resamples, progress, cancelled)
        found = [work.row(place) for place in range(len(table.rows))]
    for run in table.runs:
        for name in {name for row in found for name in row.get(run, {})}:
            each = [row[run][name] for row in found]
            counts = [row.n for row in table.rows]
            for row, one in zip(found, corrected(each, counts, work.material.judged), strict=True):
                row[run][name] = one
    rows = tuple(
        replace(row, cells={run: _with(cell, new.get(run)) for run, cell in row.cells.items()})
        for row, new in zip(table.rows, found, strict=True)
    )
    return replace(table, rows=rows, resamples=resamples)


def _with(cell: Cell, differences: Mapping[str, Difference] | None) -> Cell:
    return replace(cell, differences=differences) if differences else cell


def _wanted(table: SliceTable) -> Iterator[bool]:
    for row in table.rows:
        for cell in row.cells.values():
            for one in cell.differences.values():
                yield (one.low is not None and one.method != "delong") or one.reason == NEEDS_DRAWS


class _Work:
    """Slice by slice, and how far it is."""

    def __init__(
        self,
        table: SliceTable,
        material: Material,
        frames: Frames,
        resamples: int,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> None:
        self.table, self.material, self.frames, self.resamples = table, material, frames, resamples
        self.progress, self.cancelled = progress, cancelled
        each = len(table.metrics) + len(table.kpis)
        self._of = max(1.0, float(sum(row.n for row in table.rows)) * each * resamples)
        self._done = self._limit = 0.0

    def row(self, place: int) -> dict[str, dict[str, Difference]]:
        """By run and name, the differences on a slice, before they are corrected for how many there are."""
        row, base = self.table.rows[place], self.table.base
        found = {run: dict(row.cells[run].differences) for run in self.table.runs if run != base}
        rows = np.flatnonzero(self.material.masks[place])
        for name in (*self.table.metrics, *self.table.kpis):
            self._limit = self._done + len(rows) * self.resamples
            self._told(0)
            new = {run: self._uncorrected(name, mine[name]) for run, mine in found.items()}
            if any(one.low is not None or one.reason == NEEDS_DRAWS for one in new.values()):
                refine_one = self._metric if name in self.table.metrics else self._kpi
                new |= refine_one(name, rows, new)
            for run, one in new.items():
                found[run][name] = one
            self._done = self._limit
        self._told(0)
        return found

    def _uncorrected(self, name: str, one: Difference) -> Difference:
        """With the verdict that its own interval gives it."""
        if one.low is None or one.high is None:
            return one
        judged, kpi = self.material.judged, self.material.kpis.get(name)
        direction = kpi.direction if kpi else find_metric(name).direction
        verdict = judge(direction, one.low, one.high, judged.margins.get(name))
        return replace(one, verdict=verdict, reason=None)

    def _told(self, draws: int, rows: int = 0) -> None:
        if self.cancelled():
            raise Cancelled
        self._done = min(self._done + draws * rows, self._limit)
        self.progress(min(1.0, self._done / self._of))

    def _metric(
        self, name: str, rows: Ints, soon: Mapping[str, Difference]
    ) -> dict[str, Difference]:
        mask = np.zeros(self.material.frame.height, dtype=bool)
        mask[rows] = True
        answers = {run: self.material.answers[run].where(mask) for run in soon}
        base = self.material.answers[self.table.base or ""].where(mask)
        judged = self.material.judged
        return refine(
            name, answers, base, soon,
            confidence=judged.confidence, margin=judged.margins.get(name),
            resamples=self.resamples, told=lambda draws: self._told(draws, len(rows)),
        )  # fmt: skip

    def _kpi(self, name: str, rows: Ints, soon: Mapping[str, Difference]) -> dict[str, Difference]:
        base, judged, kpi = self.table.base or "", self.material.judged, self.material.kpis[name]
        pulls = self.material.pulls
        there = {run: one for run, one in soon.items() if name in pulls[run]}
        if name not in pulls[base] or not there:
            return dict(soon)
        handed = {run: pulls[run][name].handed for run in (base, *there)}
        return refine_kpi(
            kpi, self.frames, handed, base, there, rows,
            confidence=judged.confidence, margin=judged.margins.get(name),
            resamples=self.resamples, seed=seed_of(self.material.answers[base].y_true[rows]),
            told=lambda draws: self._told(draws, len(rows)),
        )  # fmt: skip
