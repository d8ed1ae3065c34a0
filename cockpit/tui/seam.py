"""The seam to the data: what the screens ask."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from cockpit.evaluate.compare import Scores as Scored
    from cockpit.evaluate.evaluation import Known
    from cockpit.origin import Traces
    from cockpit.sweep.importance import Importance
    from cockpit.tui.data.desk import DataDesk
    from cockpit.tui.judged import Asked, Judged, Rows
    from cockpit.tui.models.desk import ModelsDesk
    from storage.datasets import Version
    from storage.groups import RunGroup
    from storage.history import History
    from storage.runs import Curve, RunDetail, RunQuery, RunsPage
    from storage.sparks import Spark
    from storage.sweeps import Sweep, SweepView
    from storage.usage import Usage


class Unreadable(Exception):
    """The data cannot be read now; the message is a sentence for the screen."""


class Source(Protocol):
    """Answers the screens' questions. Called from one thread that is not the screen's.

    Each method may raise `Unreadable`.
    """

    project: str
    """Name of the project's folder."""
    data: DataDesk
    """What is found out about datasets, in the background."""
    models: ModelsDesk
    """What is known of models, and what their gates say."""

    def stamp(self) -> tuple[int, ...]:
        """Differs when there is something new to read; costs a few stat calls."""

    def reading(self) -> AbstractContextManager[None]:
        """The questions asked inside share one look at the store."""

    def runs(self, query: RunQuery) -> RunsPage:
        """Raises `FilterError` too, where the query's filter cannot be understood."""

    def ids(self, query: RunQuery) -> tuple[str, ...]:
        """Of the runs in the query's window; raises `FilterError` too."""

    def groups(self, query: RunQuery, by: str, metric: str) -> tuple[RunGroup, ...]:
        """The query's runs put together by a column; raises `FilterError` too."""

    def sparks(self, runs: Sequence[str], name: str) -> Mapping[str, Spark]:
        """Of the runs of these ids a metric's curve, as small as a cell."""

    def sweeps(self) -> tuple[Sweep, ...]:
        """Newest first."""

    def sweep(self, name: str) -> SweepView: ...

    def usage(self, sweep_id: str) -> Usage | None:
        """What the sweep's running trials use now."""

    def importance(self, name: str, complete: int) -> Importance | None:
        """Which params of a sweep mattered, of which so many trials are complete; None: not known yet."""

    def importance_stamp(self) -> int:
        """Differs when the importance is known better."""

    def curve(self, run_id: str, name: str, points: int) -> Curve: ...

    def details(self, run_ids: Sequence[str]) -> tuple[RunDetail, ...]:
        """All there is on the runs of these ids, in their order; those that have gone are left out."""

    def curve_names(self, run_ids: Sequence[str]) -> tuple[str, ...]:
        """The metrics that one of the runs has a curve of, the `system.` ones too."""

    def histories(self, run_ids: Sequence[str], name: str, points: int) -> tuple[History, ...]:
        """A metric's curves with their times, of each of the runs."""

    def traces(self, found: RunDetail) -> Traces:
        """Where a run comes from, in words, and what it left behind."""

    def code_diff(self, base: RunDetail, other: RunDetail) -> tuple[str, ...]:
        """In what the code of two runs differs, as lines of a diff."""

    def log_stamp(self, run_id: str) -> tuple[int, ...]:
        """Differs when the run's log has grown."""

    def log_tail(self, run_id: str, lines: int) -> tuple[str, ...]:
        """The last lines, as written; empty where there is no log."""

    def judged(self, asked: Asked) -> Judged:
        """Runs on the slices of an evaluation set."""

    def matching(self, label: str, condition: str) -> int:
        """How many rows of an evaluation set are in a slice; raises `UserError` where the condition is wrong."""

    def slice_rows(
        self, run: str, label: str, condition: str | None, offset: int, limit: int
    ) -> Rows:
        """Rows of a slice, those first that a run answers worst; raises `UserError`."""

    def project_stamp(self) -> tuple[int, ...]:
        """Differs when cockpit.toml does."""

    def answered(self, run_ids: Sequence[str]) -> Known | None:
        """What the store says of these runs' answers on evaluation sets; None where there are none."""

    def scores(self, known: Known, base: str) -> tuple[Scored | None, bool]:
        """The runs' scores as far as they are known, measured against the base; whether more is on its way."""

    def scores_stamp(self) -> int:
        """Differs when more scores are known."""

    def datasets(self) -> tuple[Version, ...]:
        """All versions of all datasets, by name and number."""

    def size(self) -> int:
        """Bytes of the store."""

    def notices(self) -> tuple[str, ...]:
        """Sentences of the store about itself, heard while it was read; each kind once."""


def gist(notice: str) -> str:
    """What a notice is about: one that is said again with another figure is no other notice."""
    return re.sub(r"\d[\d,]*", "#", notice)
