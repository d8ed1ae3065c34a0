"""Scores runs on evaluation sets for the screens: in the reading thread, the store being left meanwhile.

Whatever was opened, loaded or measured is kept by its content, so that only what is new costs anything.
"""

from __future__ import annotations

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar

from cockpit.format import listed
from cockpit.tui.judged import Judged, Other, Rows
from storage.errors import UserError
from storage.expressions.terms import FilterError
from storage.faults import StoreError, StoreReadOnly

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from cockpit.evaluate.evaluation import EvaluationSet, Known
    from cockpit.evaluate.predictions import Loaded
    from cockpit.evaluate.slices import SliceTable
    from cockpit.evaluate.worst import WorstRows
    from cockpit.project.model import EvaluationTable, Kpi, Project
    from cockpit.tui.judged import Asked
    from storage.datasets import Version
    from storage.expressions.terms import Kind
    from storage.layout import Layout
    from storage.predictions import Predictions

T = TypeVar("T")

AGAIN = 5.0
"""Seconds until it is looked again whether the file of an evaluation set holds something new."""


@dataclass(frozen=True, slots=True, eq=False)
class _Opened:
    """An evaluation set, and what is asked of it all the time."""

    on: EvaluationSet
    columns: Mapping[str, Kind]
    values: Mapping[str, tuple[str, ...]]


class _Kept(OrderedDict["Hashable", Any]):
    """The last so many answers."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def once(self, key: Hashable, find: Callable[[], T]) -> T:
        """The answer to this key, found where it is not known."""
        if key not in self:
            self[key] = find()
            while len(self) > self._most:
                self.popitem(last=False)
        self.move_to_end(key)
        found: T = self[key]
        return found


class Judging:
    """Answers what the Slices screen asks; for one thread."""

    def __init__(self, layout: Layout, ask: Callable[[Sequence[str] | None], Known]) -> None:
        """`ask` looks at the store for what scoring runs needs (None: all runs), and leaves it."""
        self._layout = layout
        self._ask = ask
        self._sets, self._answers = _Kept(3), _Kept(64)
        self._tables, self._worst, self._broken = _Kept(8), _Kept(2), _Kept(4)
        self._brought: tuple[str, float] | None = None
        self._shown: dict[str, Version] = {}
        """By label, the versions seen last."""

    def judged(self, asked: Asked) -> Judged:
        """Slices × runs, or what has to be done first. Raises `StoreError`."""
        try:
            return self._judged(asked)
        except StoreError:
            raise
        except UserError as error:
            return Judged(problem=str(error))

    def matching(self, label: str, condition: str) -> int:
        """How many rows of a set that was shown a condition holds for.

        Raises `FilterError`, `ExpressionFailed`.
        """
        from storage.frames import Frames

        with Frames(self._set(label).on.frame) as frames:
            return frames.count(condition)

    def rows(self, run: str, label: str, condition: str | None, offset: int, limit: int) -> Rows:
        """The rows of a slice of a set that was shown, those first that the run answers worst.

        Raises `UserError`.
        """
        from cockpit.evaluate.answered import ANSWER_COLUMNS
        from cockpit.evaluate.worst import worst_rows
        from cockpit.project.reading import find_project

        on = self._set(label).on
        known = self._ask((run,))
        loaded = self._loaded(known, on, run)

        def find() -> WorstRows:
            return worst_rows(on, loaded.answers, condition)

        key = (_state(known, run), on.version.digest, condition)
        found = self._worst.once(key, find)
        frame = found.frame
        told = [name for name in frame.columns if name in (*ANSWER_COLUMNS, "loss")]
        names = max(1, len(on.key))
        return Rows(
            set=label,
            columns=tuple(frame.columns),
            numeric=tuple(dtype.is_numeric() for dtype in frame.dtypes),
            fixed=names + len(told),
            key=names,
            values=tuple(frame.slice(offset, limit).rows()),
            offset=offset,
            of=found.of,
            loss=found.loss,
            others=_others(find_project(self._layout), known, on),
        )

    # What is behind it

    def _judged(self, asked: Asked) -> Judged:
        from cockpit.project.reading import find_project

        project = find_project(self._layout)
        self._bring_up(project)
        known = self._ask(asked.runs)
        self._shown = {one.label: one for one in known.versions}
        version = _version(project, known, asked.on)
        if version is None:
            return Judged(lacking="set")
        opened = self._open(project, version)
        loaded, left_out = self._all_loaded(known, opened.on, asked.runs)
        names = _metrics(project, opened.on)
        metric = asked.metric if asked.metric in names else names[0]
        direction, unit = _read_by(project, metric)
        more = {text: text for text in asked.more if text not in project.slices.values()}
        sliced, broken = self._sound({**project.slices, **more}, opened.on)
        table = None
        if loaded:
            table = self._table(project, known, opened.on, loaded, sliced, metric, asked)
        return Judged(
            lacking="" if table else self._lacking(known, asked.runs),
            set=version.label,
            name=version.name,
            rows=opened.on.frame.height,
            sets=_choices(project, known, version),
            metric=metric,
            metrics=names,
            direction=direction,
            unit=unit,
            table=table,
            names=known.names,
            left_out=left_out,
            notes=_notes(known, loaded),
            slices=project.slices,
            broken=broken,
            columns=opened.columns,
            values=opened.values,
            others=_others(project, known, opened.on),
        )

    def _lacking(self, known: Known, runs: Sequence[str]) -> str:
        if known.predictions:
            return ""  # what is wrong with them is said of each run
        if not self._ask(None).predictions:
            return "any"
        return "predictions" if runs else "runs"

    def _bring_up(self, project: Project) -> None:
        """See from time to time that the sets of cockpit.toml are known in their newest version."""
        from cockpit.evaluate.sets import current

        text, then = self._brought or (None, 0.0)
        if text != project.text or monotonic() - then > AGAIN:
            with suppress(StoreReadOnly):  # what is there already can be shown
                current(self._layout, project)
            self._brought = (project.text, monotonic())

    def _open(self, project: Project, version: Version) -> _Opened:
        from cockpit.evaluate.evaluation import open_as_set

        def read() -> _Opened:
            on = open_as_set(self._layout, project, version)
            return _opened(on)

        table = project.data.get(version.name)
        roles = (table.key, table.target, table.positive) if table else None
        return self._sets.once((version.label, version.digest, roles), read)

    def _sound(
        self, slices: Mapping[str, str], on: EvaluationSet
    ) -> tuple[dict[str, str], dict[str, str]]:
        """The slices that the set has the columns for; of the others, what is wrong."""
        key = (on.version.label, tuple(slices.items()))
        broken = self._broken.once(key, lambda: _flaws(slices, on))
        return {name: text for name, text in slices.items() if name not in broken}, broken

    def _set(self, label: str) -> _Opened:
        from cockpit.evaluate.evaluation import choose
        from cockpit.project.reading import find_project

        project = find_project(self._layout)
        if label not in self._shown:
            self._shown = {one.label: one for one in self._ask(()).versions}
        return self._open(project, choose(project, tuple(self._shown.values()), label))

    def _loaded(self, known: Known, on: EvaluationSet, run: str) -> Loaded:
        from cockpit.evaluate.evaluation import answers_of

        key = (_state(known, run), on.version.label, on.version.digest, on.target)
        return self._answers.once(key, lambda: answers_of(known, on, run, rescore=True))

    def _all_loaded(
        self, known: Known, on: EvaluationSet, runs: Sequence[str]
    ) -> tuple[dict[str, Loaded], dict[str, str]]:
        """The answers of the runs that have some, and of the others the reason."""
        found: dict[str, Loaded] = {}
        left_out: dict[str, str] = {}
        for run in (run for run in runs if run in known.names):
            try:
                found[run] = self._loaded(known, on, run)
            except UserError as error:
                left_out[run] = str(error)
        return found, left_out

    def _table(
        self,
        project: Project,
        known: Known,
        on: EvaluationSet,
        loaded: Mapping[str, Loaded],
        slices: Mapping[str, str],
        metric: str,
        asked: Asked,
    ) -> SliceTable:
        from cockpit.evaluate.slices import table

        base = asked.base if asked.base in loaded and len(loaded) > 1 else None
        kpis: dict[str, Kpi] = {metric: project.kpis[metric]} if metric in project.kpis else {}
        judged: EvaluationTable = project.evaluation
        states = tuple(_state(known, run) for run in loaded)
        key = (on.version.label, states, tuple(slices.items()), metric, base, project.text)

        def measure() -> SliceTable:
            answers = {run: one.answers for run, one in loaded.items()}
            return table(on, answers, slices, [] if kpis else [metric], kpis, base, judged)

        return self._tables.once(key, measure)


def _flaws(slices: Mapping[str, str], on: EvaluationSet) -> dict[str, str]:
    """What is wrong with those slices that the rows have not the columns for."""
    from storage.frames import Frames

    found: dict[str, str] = {}
    with Frames(on.frame.head(0)) as frames:
        with suppress(FilterError):
            frames.masks(list(slices.values()))
            return found
        for name, condition in slices.items():
            try:
                frames.masks([condition])
            except FilterError as error:
                found[name] = str(error)
    return found


def _notes(known: Known, loaded: Mapping[str, Loaded]) -> tuple[str, ...]:
    """What was derived, and of which runs."""
    runs: dict[str, list[str]] = {}
    for run, one in loaded.items():
        for note in one.notes:
            runs.setdefault(note, []).append(known.names[run])
    return tuple(f"{listed(names)}: {note}" for note, names in runs.items())


def _state(known: Known, run: str) -> Hashable:
    """What a run's answers follow from."""
    mine: tuple[Predictions, ...] = tuple(p for p in known.predictions if p.run == run)
    told = tuple((p.evaluation, p.dataset, p.digest) for p in mine)
    return run, told, known.features.get(run)


def _version(project: Project, known: Known, text: str | None) -> Version | None:
    """The version asked for; of a project that names no set, the one these runs were scored on last."""
    from cockpit.evaluate.evaluation import choose
    from cockpit.evaluate.sets import evaluation_sets

    if text is None and not evaluation_sets(project) and project.evaluation.on is None:
        latest = max(known.predictions, key=lambda p: p.time, default=None)
        return known.version(latest) if latest else None
    return choose(project, known.versions, text)


def _opened(on: EvaluationSet) -> _Opened:
    from storage.expressions.terms import Kind
    from storage.frames import Frames

    with Frames(on.frame) as frames:
        kinds = dict(frames.columns.kinds)
        texts = [name for name, kind in kinds.items() if kind is Kind.TEXT]
        return _Opened(on, kinds, {name: frames.frequent(name) for name in texts})


def _metrics(project: Project, on: EvaluationSet) -> tuple[str, ...]:
    """Those of cockpit.toml, else the task's; then the KPIs. Raises `UnknownMetric`."""
    from cockpit.evaluate.metrics import default_metrics, find_metric

    names = project.evaluation.metrics or default_metrics(on.task)
    for name in names:
        if name not in project.kpis:
            find_metric(name)
    return tuple(dict.fromkeys((*names, *project.kpis)))


def _read_by(project: Project, metric: str) -> tuple[str, str]:
    """Which way a metric or KPI is better, and its unit."""
    from cockpit.evaluate.metrics import find_metric

    if metric in project.kpis:
        kpi = project.kpis[metric]
        return kpi.direction, kpi.unit or ""
    return find_metric(metric).direction, ""


def _choices(project: Project, known: Known, version: Version) -> tuple[str, ...]:
    """The newest version of each set, and those that one of the runs was scored on; the newest first."""
    from cockpit.evaluate.sets import evaluation_sets

    newest = {one.name: one for one in known.versions}
    found = {newest[name].label for name in evaluation_sets(project) if name in newest}
    found |= {one.label for told in known.predictions if (one := known.version(told))}
    found.add(version.label)
    return tuple(one.label for one in reversed(known.versions) if one.label in found)


def _others(project: Project, known: Known, on: EvaluationSet) -> tuple[Other, ...]:
    """The newest version of each other dataset whose columns are known to be those of the set."""
    from cockpit.evaluate.sets import evaluation_sets

    newest = {one.name: one for one in known.versions if one.name != on.version.name}
    wanted = set(on.frame.columns)
    found = []
    for one in newest.values():
        columns = {column["name"] for column in one.facts.get("columns", ())}
        if not columns or wanted <= columns:
            sets = evaluation_sets(project)
            found.append(Other(one.label, one.name, one.rows, one.name in sets))
    return tuple(found)
