"""What a screen with a table of runs asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypedDict

from cockpit.tui.feed import Question, Snapshot
from cockpit.tui.grouping import narrowed
from cockpit.tui.sparks import read_sparks
from storage.expressions.terms import FilterError
from storage.runs import RunQuery

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.tui.feed import Look
    from storage.groups import RunGroup
    from storage.runs import Curve, Run, RunsPage
    from storage.sparks import Spark
    from storage.sweeps import Sweep

MEMBERS = 100
"""Runs shown of a group that is unfolded."""
POINTS = 400
"""Of a run's curve: two for each column of a wide terminal."""


@dataclass(frozen=True, slots=True)
class TableQuestion(Question):
    """A window onto the runs, and the run under the cursor."""

    query: RunQuery = field(default_factory=RunQuery)
    selected: str | None = None
    """Id of the run under the cursor; its curve is wanted too."""
    curves: tuple[str, ...] = ()
    """Metrics whose curves stand in the table."""
    picked: tuple[int, int] | None = None
    """Offset and number of rows whose ids are wanted."""
    grouped: tuple[str, str] | None = None
    """The column to group by, and the metric to tell the groups by."""
    unfolded: tuple[str | None, ...] = ()
    """The values of the groups whose runs are wanted."""

    def read(self, look: Look) -> TableSnapshot:
        table = read_table(look, self.query, self)
        return TableSnapshot(question=self, **table, **look.frame())


class Table(TypedDict):
    """The fields of a snapshot that a table of runs needs."""

    page: RunsPage
    where: str
    complaint: str
    curve: Curve | None
    sparks: Mapping[tuple[str, str], Spark]
    picked: tuple[str, ...]
    groups: tuple[RunGroup, ...]
    members: Mapping[str | None, tuple[Run, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TableSnapshot(Snapshot):
    """A window of the runs table and the curve of the run under the cursor."""

    question: TableQuestion
    page: RunsPage
    where: str
    """The filter of the page: the last that was understood."""
    complaint: str
    """What is the matter with the filter that was asked for; empty where nothing is."""
    curve: Curve | None
    sparks: Mapping[tuple[str, str], Spark] = field(default_factory=dict)
    """The curves in the table, by run's id and metric."""
    picked: tuple[str, ...] = ()
    """Ids of the rows asked for."""
    groups: tuple[RunGroup, ...] = ()
    """Of all runs that match."""
    members: Mapping[str | None, tuple[Run, ...]] = field(default_factory=dict)
    """By a group's value, its runs, the best first, at most `MEMBERS`."""


def read_table(look: Look, query: RunQuery, asked: TableQuestion) -> Table:
    """Read the rows that match `query`, and of them what was asked for besides."""
    page, where, complaint = _page(look, query)
    run = selected_run(page, asked.selected)
    return {
        "page": page,
        "where": where,
        "complaint": complaint,
        "curve": headline_curve(look, run) if run else None,
        "sparks": read_sparks(look, page, asked.curves),
        "picked": _ids(look, replace(query, where=where), asked.picked),
        "groups": _groups(look, replace(query, where=where), asked.grouped),
        "members": _members(look, RunQuery(query.sweep, where), asked, page.directions),
    }


def _ids(look: Look, query: RunQuery, picked: tuple[int, int] | None) -> tuple[str, ...]:
    if picked is None:
        return ()
    offset, limit = picked
    asked = replace(query, offset=offset, limit=limit)
    return look.once(("ids", asked), lambda: look.source.ids(asked))


def _groups(look: Look, query: RunQuery, grouped: tuple[str, str] | None) -> tuple[RunGroup, ...]:
    if grouped is None:
        return ()
    asked = RunQuery(query.sweep, query.where)
    return look.once(("groups", asked, grouped), lambda: look.source.groups(asked, *grouped))


def _members(
    look: Look, query: RunQuery, asked: TableQuestion, directions: Mapping[str, str]
) -> dict[str | None, tuple[Run, ...]]:
    if asked.grouped is None:
        return {}
    by, metric = asked.grouped
    down = directions.get(metric) != "minimize"
    found = {}
    for value in asked.unfolded:
        where = narrowed(query.where, by, value)
        one = replace(query, where=where, sort=metric, descending=down, limit=MEMBERS)
        found[value] = look.once(one, partial(look.source.runs, one)).runs
    return found


def selected_run(page: RunsPage, selected: str | None) -> Run | None:
    """The run under the cursor, where it is in the window."""
    return next((run for run in page.runs if run.id == selected), None)


def _page(look: Look, query: RunQuery) -> tuple[RunsPage, str, str]:
    """The page, its filter, and a complaint: half a condition is typed on the way to a whole one."""
    understood = ("understood", query.sweep)
    try:
        page = look.once(query, lambda: look.source.runs(query))
    except FilterError as error:
        last = replace(query, where=str(look.kept.pop(understood, "")))
        page, where, _ = _page(look, last)
        return page, where, str(error)
    look.kept[understood] = query.where
    return page, query.where, ""


def headline_curve(look: Look, run: Run) -> Curve | None:
    """The curve of the metric that a run is known by."""
    name = headline(run, look.sweeps())
    if name is None:
        return None
    return look.once(("curve", run.id, name), lambda: look.source.curve(run.id, name, POINTS))


def headline(run: Run, sweeps: tuple[Sweep, ...]) -> str | None:
    """The metric a run is known by: its sweep's first objective, else the first it has."""
    for sweep in sweeps:
        if sweep.name == run.sweep and sweep.metrics:
            return sweep.metrics[0]
    return next(iter(run.metrics), None)
