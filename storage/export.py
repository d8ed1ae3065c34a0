"""Runs and points as they leave the store: all of them that match, with all there is on them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from storage import window
from storage.expressions.run_filter import FIELDS, run_names

if TYPE_CHECKING:
    import polars as pl

    from storage.runs import RunQuery
    from storage.session import Session

OWN = (
    *("id", "name", "sweep", "number", "state", "reason", "started", "ended", "seconds", "tags"),
    "note",
)
"""What every run has; times are UTC."""


def runs(session: Session, query: RunQuery) -> list[dict[str, Any]]:
    """Runs as they match, in the query's order: the fields of `OWN`, then `metrics`, `params` and `attrs`, by name.

    Raises `FilterError` or `NothingToSortBy`.
    """
    rows = _matching(session, query)
    found = {
        row[0]: dict(zip((*OWN, "metrics", "params", "attrs"), row[1:], strict=True))
        for row in session.rows(_RUNS, rows=rows)
    }
    for run in found.values():
        for part in ("params", "attrs"):
            run[part] = json.loads(run[part])
    return [found[row] for row in rows if row in found]


def points(session: Session, query: RunQuery) -> pl.DataFrame:
    """All points of the runs that match: run (its id), run_name, metric, step, time (UTC), value.

    By run, then in the order told. Raises `FilterError`.
    """
    return session.frame(_POINTS, rows=_matching(session, query))


def _matching(session: Session, query: RunQuery) -> list[int]:
    with window.matching(session, query, run_names(session)) as matching:
        return matching.rows(query)


_RUNS = f"""
select runs.rowid, runs.key, runs.name, {FIELDS["sweep"][1]}, runs.number, runs.state, runs.reason,
    runs.started, runs.ended, {FIELDS["seconds"][1]}, runs.tags, runs.note,
    runs.metrics, runs.params, runs.user_attrs
from runs where runs.rowid in (select unnest($rows::bigint[]))
"""
_POINTS = """
select runs.key as run, runs.name as run_name, metrics.name as metric, metrics.step, metrics.time, metrics.value
from metrics join runs on metrics.run = runs.id
where runs.rowid in (select unnest($rows::bigint[])) order by runs.id, metrics.rowid
"""
