"""What the commands about evaluation sets share: which runs, on which set, by which metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cockpit.cli.common import open_session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.evaluate.evaluation import EvaluationSet, Known
    from cockpit.evaluate.features import Features
    from cockpit.evaluate.predictions import Loaded
    from cockpit.evaluate.slices import SliceTable
    from cockpit.project.model import Kpi, Project
    from storage.layout import Layout

on_option = click.option(
    "--on",
    metavar="EVAL[@V]",
    help="The evaluation set, NAME or NAME@VERSION. [default: what cockpit.toml says; its newest version]",
)


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """Runs on an evaluation set."""

    project: Project
    known: Known
    on: EvaluationSet
    runs: tuple[str, ...]
    """Their ids, as they were asked for, the base among them."""
    base: str | None
    loaded: Mapping[str, Loaded]

    def name(self, run: str) -> str:
        """A run's name."""
        return self.known.names[run]

    def features(self, run: str) -> Features:
        """The columns that a run's model takes."""
        from cockpit.evaluate.evaluation import run_features

        return run_features(self.known, run, self.on.target)

    def notes(self) -> list[str]:
        """What was derived, a sentence a run."""
        return [f"{self.name(run)}: {note}" for run in self.runs for note in self.loaded[run].notes]

    def table(
        self, slices: Mapping[str, str], metrics: Sequence[str], kpis: Mapping[str, Kpi]
    ) -> SliceTable:
        """Slices × runs."""
        from cockpit.evaluate.slices import table

        answers = {run: self.loaded[run].answers for run in self.runs}
        judged = self.project.evaluation
        return table(self.on, answers, slices, metrics, kpis, self.base, judged)


def score(layout: Layout, texts: Sequence[str], on: str | None, base: str | None = None) -> Scored:
    """Find the runs and their answers; the base goes first, and is the first of several where none is named."""
    from cockpit.evaluate.evaluation import look, open_set, scored
    from cockpit.evaluate.sets import brought_up
    from cockpit.project.reading import find_project
    from storage.runs import find

    project = find_project(layout)
    brought_up(layout, project, on)
    with open_session(layout) as session:
        asked = [find(session, text).id for text in ((base, *texts) if base else texts)]
        runs = tuple(dict.fromkeys(asked))
        known = look(session, runs)
    opened = open_set(layout, project, known.versions, on)
    first = runs[0] if base or len(runs) > 1 else None
    answers = scored(known, opened, runs, rescore=True)
    return Scored(project, known, opened, runs, first, answers)


def metrics_of(found: Scored, asked: Sequence[str]) -> tuple[str, ...]:
    """The metrics asked for, else those of cockpit.toml, else the task's; KPIs' names go too."""
    from cockpit.evaluate.metrics import default_metrics, find_metric

    kpis = found.project.kpis
    names = asked or found.project.evaluation.metrics
    for name in names:
        if name not in kpis:
            find_metric(name)
    task = next(iter(found.loaded.values())).answers.task
    return tuple(names) or default_metrics(task)


def directions(found: Scored, names: Sequence[str]) -> dict[str, str]:
    """By metric or KPI, `maximize` or `minimize`."""
    from cockpit.evaluate.metrics import find_metric

    kpis = found.project.kpis
    return {
        name: kpis[name].direction if name in kpis else find_metric(name).direction
        for name in names
    }
