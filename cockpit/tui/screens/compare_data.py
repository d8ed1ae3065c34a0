"""What the Compare screen asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cockpit.compare import compare, not_to_compare
from cockpit.scored_rows import legend, rescored, scored_rows
from cockpit.seeds import seed_lines, seeded
from cockpit.tui.feed import Question, Snapshot

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.compare import Comparison
    from cockpit.evaluate.compare import Scores
    from cockpit.tui.feed import Look
    from cockpit.tui.seam import Source
    from storage.history import History
    from storage.runs import RunDetail
    from storage.sweeps import Sweep

POINTS = 400
"""Of a curve: two for each column of a wide terminal."""


@dataclass(frozen=True, slots=True)
class CompareQuestion(Question):
    """Some runs side by side, by their ids."""

    runs: tuple[str, ...]
    base: str
    """Id of the run that the others are measured against."""
    chosen: str
    """Id of the run whose code is looked at."""
    metric: str | None = None
    """Whose curves are wanted; the first objective's without."""

    def stamp(self, source: Source) -> tuple[int, ...]:
        return (source.scores_stamp(), *source.project_stamp())

    def read(self, look: Look) -> CompareSnapshot:
        found = look.once(("details", self.runs), lambda: look.source.details(self.runs))
        if problem := not_to_compare(len(found)):
            gone = len(self.runs) - len(found)
            problem += f"; {gone} of those marked {'is' if gone == 1 else 'are'} gone" * bool(gone)
            return CompareSnapshot(question=self, problem=problem, **look.frame())
        metric = self.metric or _headline(found, look.sweeps())
        ids = tuple(one.run.id for one in found)
        scores, scoring = self._scores(look, ids)
        compared = compare(found, look.sweeps(), scored_rows(scores, ids) if scores else ())
        names = [run.name for run in compared.runs]
        return CompareSnapshot(
            question=self,
            found=compared,
            scoring=scoring,
            scores=scores,
            problems=scores.problems if scores else (),
            seeds=tuple(seed_lines(seeded(compared, found), names)),
            marks=legend(scores, names[_place(ids, self.base)]) if scores else "",
            metric=metric,
            curves=self._curves(look, found, metric),
            code=self._code(look, found),
            **look.frame(),
        )

    def _scores(self, look: Look, ids: tuple[str, ...]) -> tuple[Scores | None, bool]:
        known = look.once(("answered", ids), lambda: look.source.answered(ids))
        if known is None:
            return None, False
        return look.source.scores(known, ids[_place(ids, self.base)])

    def _curves(
        self, look: Look, found: tuple[RunDetail, ...], metric: str | None
    ) -> tuple[History, ...]:
        if metric is None:
            return ()
        ids = tuple(one.run.id for one in found)
        return look.once(
            ("histories", ids, metric), lambda: look.source.histories(ids, metric, POINTS)
        )

    def _code(self, look: Look, found: tuple[RunDetail, ...]) -> tuple[str, ...]:
        by_id = {one.run.id: one for one in found}
        base = by_id.get(self.base, found[0])
        other = by_id.get(self.chosen)
        if other is None or other is base:
            other = next(one for one in found if one is not base)
        # Not asked again when the data changes: what a run was made of stays as it was.
        key = ("code", base.run.id, other.run.id)
        if key not in look.kept:
            look.kept[key] = look.source.code_diff(base, other)
        return look.kept[key]  # type: ignore[return-value]  # the key says the type


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareSnapshot(Snapshot):
    """A comparison, the curves of one metric, and the difference of two runs' code."""

    question: CompareQuestion
    problem: str = ""
    """Why there is nothing to compare."""
    found: Comparison | None = None
    scoring: bool = False
    """Whether scores on an evaluation set are on their way."""
    scores: Scores | None = None
    """Those that stand in the comparison."""
    problems: tuple[str, ...] = ()
    """Sentences: which runs are not scored beside the others, and what to do."""
    seeds: tuple[str, ...] = ()
    """Sentences: the means of runs that are alike but for their seed."""
    marks: str = ""
    """What the marks on differences mean."""
    metric: str | None = None
    curves: tuple[History, ...] = ()
    code: tuple[str, ...] = ()

    @property
    def base(self) -> int:
        """The base's place among the runs."""
        return _place([run.id for run in self.found.runs] if self.found else (), self.question.base)

    def refined(self, scores: Scores) -> CompareSnapshot:
        """The same with these scores."""
        if self.found is None or scores is self.scores:
            return self
        names = [run.name for run in self.found.runs]
        return replace(
            self,
            found=rescored(self.found, scores),
            scores=scores,
            marks=legend(scores, names[self.base]),
        )


def _place(ids: Sequence[str], base: str) -> int:
    """The base's, or the first where it has gone."""
    return ids.index(base) if base in ids else 0


def _headline(found: tuple[RunDetail, ...], sweeps: tuple[Sweep, ...]) -> str | None:
    """The first objective of a sweep of theirs, else the first metric there is."""
    of = {one.run.sweep for one in found}
    for sweep in sweeps:
        if sweep.name in of and sweep.metrics:
            return sweep.metrics[0]
    return next((name for one in found for name in one.run.metrics), None)
