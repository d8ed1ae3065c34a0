"""The SQL behind a page of runs: one pass for what is known of all matching runs, one for the order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.expressions.run_filter import FIELDS, run_filter, run_names
from storage.expressions.terms import Kind, NothingToSortBy, Term, Values
from storage.ids import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from storage.runs import RunQuery
    from storage.session import Session

WITH_SWEEP = "runs left join sweeps on runs.sweep = sweeps.id"


@dataclass(frozen=True, slots=True)
class Scope:
    """The runs that a query is about, as SQL."""

    where: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Objectives:
    """What a sweep is after."""

    sweep: int
    metrics: list[str]
    directions: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    """What there is to know of a sweep's matching runs; `sweep` is None for runs of none."""

    sweep: int | None
    runs: int
    extremes: tuple[tuple[int | None, float | None], ...]
    """For each objective (run's id, value) of the lowest, then of the highest; complete runs only."""


def scope_of(session: Session, query: RunQuery) -> Scope:
    """Understand a query's filter; raises `FilterError`."""
    conditions = ["runs.trashed is null"]
    values: dict[str, Any] = {}
    if query.sweep is not None:
        conditions.append("runs.sweep in (select id from sweeps where name = $sweep)")
        values["sweep"] = query.sweep
    if query.where.strip():
        found = run_filter(session, query.where)
        conditions.append(found.sql)
        values |= found.values
    return Scope(" and ".join(conditions), values)


def count_stored(session: Session) -> int:
    """Runs in the store, the trash left out."""
    found: int = session.rows("select count(*) from runs where trashed is null")[0][0]
    return found


def objectives(session: Session) -> list[Objectives]:
    """Of every sweep, newest first."""
    rows = session.rows("select id, metrics, directions from sweeps order by id desc")
    return [Objectives(*row) for row in rows]


def groups(session: Session, scope: Scope, most: int) -> list[Group]:
    """Count the matching runs of each sweep and find the extremes of up to `most` objectives.

    One pass, however many sweeps and objectives there are.
    """
    values = "".join(_VALUE.format(place=place) for place in range(1, most + 1))
    extremes = "".join(_EXTREMES.format(place=place) for place in range(1, most + 1))
    rows = session.rows(
        f"select sweep, count(*){extremes} from"
        f" (select runs.sweep, runs.id{values} from {WITH_SWEEP} where {scope.where}) group by sweep",
        **scope.values,
    )
    pairs = [tuple(zip(row[2::2], row[3::2], strict=True)) for row in rows]
    return [Group(row[0], row[1], found) for row, found in zip(rows, pairs, strict=True)]


_VALUE = ", case when runs.state = 'complete' then nullif(runs.\"values\"[{place}], 'nan'::double) end as v{place}"
_EXTREMES = ", arg_min(id, v{place}), min(v{place}), arg_max(id, v{place}), max(v{place})"


def directions(sweeps: Iterable[Objectives]) -> dict[str, str]:
    """Which way each objective is better; where sweeps differ, the first one's."""
    found: dict[str, str] = {}
    for sweep in sweeps:
        for name, way in zip(sweep.metrics, sweep.directions, strict=False):
            found.setdefault(name, way)
    return found


def best(found: list[Group], sweeps: list[Objectives], ways: Mapping[str, str]) -> dict[str, str]:
    """For each objective, the id of the best run over all groups."""
    metrics: dict[int | None, list[str]] = {sweep.sweep: sweep.metrics for sweep in sweeps}
    known: dict[str, list[tuple[float, int]]] = {}
    for group in found:
        for place, name in enumerate(metrics.get(group.sweep, ())):
            low, high = group.extremes[2 * place : 2 * place + 2]
            sign, (run, value) = (-1.0, high) if ways[name] == "maximize" else (1.0, low)
            if run is not None and value is not None:
                known.setdefault(name, []).append((sign * value, run))
    return {name: to_text(min(values)[1]) for name, values in known.items()}


def names(session: Session, sweeps: Iterable[int | None]) -> dict[str, list[str]]:
    """Names of the sweeps' params and metrics, in the order first seen."""
    wanted = list(sweeps)
    rows = session.rows(
        "select kind, name from names where list_contains($sweeps, sweep) or ($lone and sweep is null)"
        " group by kind, name order by min(position)",
        sweeps=[sweep for sweep in wanted if sweep is not None],
        lone=None in wanted,
    )
    return {kind: [n for k, n in rows if k == kind] for kind in ("param", "metric")}


LARGEST_FIRST = ("started", "seconds", "step", "pinned")
"""Fields that one wants to see from the large end."""


def descends(sort: str | None, ways: Mapping[str, str]) -> bool:
    """Which way people expect a column to be sorted; `ways` are the objectives' directions."""
    if sort in FIELDS:
        return sort in LARGEST_FIRST
    return ways.get((sort or "").removeprefix("metrics.")) != "minimize"


def pick(session: Session, scope: Scope, query: RunQuery) -> list[int]:
    """Row ids of the window's runs, in order."""
    order, values = _order(session, query)
    limit = "" if query.limit is None else f"limit {query.limit:d}"
    rows = session.rows(
        f"select runs.rowid from {WITH_SWEEP} where {scope.where}"
        f" order by {order} {limit} offset {query.offset:d}",
        **scope.values,
        **values,
    )
    return [row for (row,) in rows]


def _order(session: Session, query: RunQuery) -> tuple[str, dict[str, Any]]:
    way = "desc" if query.descending else "asc"
    first = "runs.pinned desc, " if query.pinned_first else ""
    if query.sort is None:
        return f"{first}runs.id {way}", {}
    values = Values("s")
    term = run_names(session).find(query.sort.split("."), values)
    if term is None:
        raise NothingToSortBy(f"there is no {query.sort!r} to sort by")
    keys = [f"{sql} {way} nulls last" for sql in _sortable(term)]
    return f"{first}{', '.join(keys)}, runs.id desc", values.bound


def _sortable(term: Term) -> list[str]:
    """A param's numbers come before its texts."""
    if Kind.SET in term.readings:
        return [f"nullif({term.readings[Kind.SET]}, [])"]
    keys = [term.readings[kind] for kind in (Kind.NUMBER, Kind.TEXT) if kind in term.readings]
    return keys or list(term.readings.values())
