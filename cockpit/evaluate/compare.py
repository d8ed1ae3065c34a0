"""Runs side by side on one version of an evaluation set: metrics, KPIs and slices, measured against a base.

Figures on different rows are never put side by side: where runs answered different versions, the version that
most of them have answered is taken, and of the others it is said how they could be scored on it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Literal, TypeVar

from cockpit.evaluate.evaluation import NotScored, answers_of, open_as_set
from cockpit.evaluate.metrics import default_metrics, find_metric
from cockpit.evaluate.prediction_files import BadPredictions
from cockpit.evaluate.refining import never, refinable, refined, unheard
from cockpit.evaluate.resampling import RESAMPLES
from cockpit.evaluate.sets import evaluation_sets
from cockpit.evaluate.slices import table
from storage.datasets import find_among
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence

    from cockpit.evaluate.answers import Answers
    from cockpit.evaluate.evaluation import EvaluationSet, Known
    from cockpit.evaluate.metrics import Figure
    from cockpit.evaluate.predictions import Loaded
    from cockpit.evaluate.significance import Difference
    from cockpit.evaluate.slices import SliceRow, SliceTable
    from cockpit.project.model import Kpi, Project
    from storage.datasets import Version

    Load = Callable[[EvaluationSet, str], Loaded | str]

T = TypeVar("T")

KEPT = 64
"""Answers of runs that are remembered."""

Group = Literal["evaluation", "kpis", "slices"]


@dataclass(frozen=True, slots=True)
class Score:
    """A metric or a KPI, of all rows or of a slice."""

    group: Group
    name: str
    """Of the metric, the KPI or the slice."""
    metric: str
    direction: str
    n: int
    """Rows."""
    unit: str = ""
    figures: Mapping[str, Figure] = field(default_factory=dict)
    """By run, those that have answered."""
    differences: Mapping[str, Difference] = field(default_factory=dict)
    """By run, from the base."""
    margin: float | None = None
    """The difference that does not matter."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What can be said of runs by their answers; nothing where there are none."""

    on: str | None = None
    """The evaluation set's version: `adult-eval@v4`."""
    rows: int = 0
    newest: bool = True
    """Whether there is no later version of the set."""
    base: str | None = None
    """The run that differences are measured from; None where it has no answers."""
    confidence: float = 0.95
    scores: tuple[Score, ...] = ()
    problems: tuple[str, ...] = ()
    """Sentences: which runs are not compared here, and what to do."""
    notes: tuple[str, ...] = ()
    """What was derived, a sentence a run."""
    resamples: int = 0
    """How often rows were drawn for the intervals; 0: they are those that are there at once."""
    tables: Mapping[Group, SliceTable] = field(default_factory=dict, compare=False, repr=False)
    """What the scores were taken from."""

    @property
    def refinable(self) -> bool:
        """Whether drawing rows tells more of a difference."""
        return any(map(refinable, self.tables.values()))


def refined_scores(
    scores: Scores,
    resamples: int = RESAMPLES,
    progress: Callable[[float], None] = unheard,
    cancelled: Callable[[], bool] = never,
) -> Scores:
    """The scores with intervals by so many draws of the rows; as `refining.refined` does it, and raises."""
    rows = {group: sum(row.n for row in one.rows) for group, one in scores.tables.items()}
    done, of = 0, max(1, sum(rows.values()))
    tables: dict[Group, SliceTable] = {}
    for group, one in scores.tables.items():

        def told(share: float, done: int = done, more: int = rows[group]) -> None:
            progress((done + share * more) / of)

        tables[group] = refined(one, resamples, told, cancelled)
        done += rows[group]
    told_again = tuple(_again(score, tables[score.group]) for score in scores.scores)
    return replace(scores, scores=told_again, resamples=resamples, tables=tables)


def _again(score: Score, found: SliceTable) -> Score:
    row = found.rows[0]
    if score.group == "slices":
        row = next(one for one in found.rows[1:] if one.name == score.name)
    return replace(score, differences=_differences(row, score.metric))


class Comparer:
    """Scores runs; remembers what it has opened and loaded by its content. For one thread."""

    def __init__(self) -> None:
        self._sets: dict[Hashable, EvaluationSet] = {}
        self._answers: dict[Hashable, Loaded | str] = {}

    def scores(
        self,
        project: Project,
        known: Known,
        runs: Sequence[str],
        base: str | None = None,
        on: str | None = None,
    ) -> Scores:
        """Compare runs (ids) on the evaluation set `on`, else on the one that most of them have answered.

        Of `on`, the models that runs saved are asked about rows that the runs have not answered.
        What cannot be computed is a sentence among the problems. Raises `DatasetNotFound` where there is no `on`.
        """
        if on is not None:
            find_among(known.versions, on)
        if not any(told.run in runs for told in known.predictions):
            return Scores()
        try:
            candidates = _candidates(project, known, runs, on)
            load = partial(self._load, known, rescore=on is not None)
            version, loaded = self._best(project, known, runs, base, candidates, load)
            if version is None:
                refused = self._refused(project, known, runs, candidates[0], load)
                return Scores(problems=tuple(refused))
            opened = self._open(project, known, version)
            return self._measured(project, known, opened, runs, base, loaded, load)
        except UserError as error:
            return Scores(problems=tuple(str(error).splitlines()))

    def _best(
        self,
        project: Project,
        known: Known,
        runs: Sequence[str],
        base: str | None,
        candidates: Sequence[Version],
        load: Load,
    ) -> tuple[Version | None, dict[str, Loaded]]:
        """The version on which most runs can be scored, the base among them if possible; the newest of those."""
        best: tuple[Version | None, dict[str, Loaded]] = None, {}
        most = (False, 0)
        for version in candidates:
            opened = self._open(project, known, version)
            answers = {run: load(opened, run) for run in runs if _told(known, run, version)}
            loaded = {run: one for run, one in answers.items() if not isinstance(one, str)}
            worth = (base in loaded, len(loaded))
            if loaded and worth > most:
                best, most = (version, loaded), worth
        return best

    def _open(self, project: Project, known: Known, version: Version) -> EvaluationSet:
        said = project.data.get(version.name)
        roles = (said.key, said.target, said.positive) if said else None
        key = (version.label, version.digest, roles)
        return _once(self._sets, key, lambda: open_as_set(known.layout, project, version), 4)

    def _load(self, known: Known, on: EvaluationSet, run: str, rescore: bool) -> Loaded | str:
        told = tuple(
            (one.evaluation, one.dataset, one.digest) for one in known.predictions if one.run == run
        )
        about = (on.version.label, on.truth.target, on.classes)
        key = (run, told, known.features.get(run), *about, rescore)
        return _once(self._answers, key, lambda: _answers(known, on, run, rescore), KEPT)

    def _refused(
        self, project: Project, known: Known, runs: Sequence[str], version: Version, load: Load
    ) -> list[str]:
        on = self._open(project, known, version)
        each = [load(on, run) for run in runs if _told(known, run, version)]
        return [one for one in each if isinstance(one, str)]

    def _measured(
        self,
        project: Project,
        known: Known,
        on: EvaluationSet,
        runs: Sequence[str],
        base: str | None,
        loaded: Mapping[str, Loaded],
        load: Load,
    ) -> Scores:
        version = on.version
        others = [load(on, run) for run in runs if _told(known, run, version)]
        problems = [one for one in others if isinstance(one, str)]
        if base is not None and not _told(known, base, version):
            problems.append(
                f"{known.names[base]} has no predictions on {version.name}: nothing there is measured against it"
            )
        base = base if base in loaded else None
        first = loaded[base] if base else next(iter(loaded.values()))
        alike = {run: one for run, one in loaded.items() if one.answers.task == first.answers.task}
        problems += [
            f"{known.names[run]} gave answers for {one.answers.task}, not for {first.answers.task}"
            for run, one in loaded.items()
            if run not in alike
        ]
        answers = {run: one.answers for run, one in alike.items()}
        found = scores_on(project, on, answers, base)
        return replace(
            found,
            newest=version.digest == find_among(known.versions, version.name).digest,
            problems=(*problems, *found.problems),
            notes=tuple(
                f"{known.names[run]}: {note}" for run, one in alike.items() for note in one.notes
            ),
        )


def scores_on(
    project: Project, on: EvaluationSet, answers: Mapping[str, Answers], base: str | None = None
) -> Scores:
    """The metrics, KPIs and slices of the project, of answers by run, one at least, all of one task.

    What is wrong with a KPI or a slice is a sentence among the problems.
    """
    tables: dict[Group, SliceTable] = {}
    scores = list(_scores(project, on, answers, base, tables))
    return Scores(
        on=on.version.label,
        rows=on.frame.height,
        base=base,
        confidence=project.evaluation.confidence,
        scores=tuple(one for one in scores if isinstance(one, Score)),
        problems=tuple(str(one) for one in scores if isinstance(one, UserError)),
        tables=tables,
    )


def _once(kept: dict[Hashable, T], key: Hashable, find: Callable[[], T], most: int) -> T:
    if key not in kept:
        while len(kept) >= most:
            kept.pop(next(iter(kept)))
        kept[key] = find()
    return kept[key]


def _answers(known: Known, on: EvaluationSet, run: str, rescore: bool) -> Loaded | str:
    """A run's answers, or a sentence on why there are none."""
    try:
        return answers_of(known, on, run, rescore=rescore)
    except NotScored as why:
        return str(why)
    except BadPredictions as why:
        return f"{known.names[run]}: {why}"


def _told(known: Known, run: str, version: Version) -> bool:
    return known.of(run, version.name) is not None


def _candidates(
    project: Project, known: Known, runs: Sequence[str], on: str | None
) -> list[Version]:
    """The versions to be considered, one at least, the newest first: of one set, those answered and the newest one."""
    on = on or project.evaluation.on
    if on is not None and "@" in on:
        return [find_among(known.versions, on)]
    mine = [told for told in known.predictions if told.run in runs]
    name = on or _most_answered(project, [told.evaluation for told in mine])
    newest = find_among(known.versions, name)
    answered = {told.dataset for told in mine if told.evaluation == newest.name}
    there = [one for one in known.versions if one.name == newest.name]
    return [one for one in reversed(there) if one.digest in answered or one is newest]


def _most_answered(project: Project, names: Sequence[str]) -> str:
    """The set that most runs have answered; of several, the one that cockpit.toml names first."""
    count = Counter(names)
    order = [*evaluation_sets(project), *sorted(count)]
    return max(count, key=lambda name: (count[name], -order.index(name)))


def _scores(
    project: Project,
    on: EvaluationSet,
    answers: Mapping[str, Answers],
    base: str | None,
    tables: dict[Group, SliceTable],
) -> Iterator[Score | UserError]:
    """Group by group; what is wrong with the KPIs, or with the slices, in their place. `tables` gets their tables."""
    judged, kpis = project.evaluation, project.kpis
    names = judged.metrics or default_metrics(next(iter(answers.values())).task)
    built_in = [name for name in names if name not in kpis]
    first = {name: kpis[name] for name in names[:1] if name in kpis}

    def rows(
        group: Group, slices: Mapping[str, str], metrics: Sequence[str], by: Mapping[str, Kpi]
    ) -> tuple[SliceRow, ...]:
        tables[group] = table(on, answers, slices, metrics, by, base, judged)
        return tables[group].rows

    (whole,) = rows("evaluation", {}, built_in, {})
    yield from (_score(project, "evaluation", whole, name) for name in built_in)
    try:
        (whole,) = rows("kpis", {}, [], kpis)
        yield from (_score(project, "kpis", whole, name) for name in kpis)
    except UserError as error:
        yield error
    try:
        metrics = [] if first else names[:1]
        sliced = rows("slices", project.slices, metrics, first) if project.slices else ()
        yield from (_score(project, "slices", row, names[0]) for row in sliced[1:])
    except UserError as error:
        yield error


def _score(project: Project, group: Group, row: SliceRow, metric: str) -> Score:
    kpi = project.kpis.get(metric)
    return Score(
        group=group,
        name=row.name if group == "slices" else metric,
        metric=metric,
        direction=kpi.direction if kpi else find_metric(metric).direction,
        n=row.n,
        unit=(kpi.unit or "") if kpi else "",
        figures={run: cell.figures[metric] for run, cell in row.cells.items()},
        differences=_differences(row, metric),
        margin=project.evaluation.margins.get(metric),
    )


def _differences(row: SliceRow, metric: str) -> dict[str, Difference]:
    found = {run: cell.differences.get(metric) for run, cell in row.cells.items()}
    return {run: one for run, one in found.items() if one is not None}
