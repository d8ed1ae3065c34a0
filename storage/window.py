"""The SQL behind a page of runs: which match, what is known of them all, and in what order they come."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.expressions.run_filter import FIELDS, run_filter
from storage.expressions.terms import Kind, NothingToSortBy, Values
from storage.ids import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from storage.expressions.run_filter import RunNames
    from storage.runs import RunQuery
    from storage.session import Session


@dataclass(frozen=True, slots=True)
class Objectives:
    """What a sweep is after."""

    sweep: int
    name: str
    """The sweep's."""
    metrics: list[str]
    directions: list[str]


@dataclass(frozen=True, slots=True)
class Group:
    """What there is to know of a sweep's matching runs; `sweep` is None for runs of none."""

    sweep: int | None
    runs: int
    extremes: tuple[tuple[int | None, float | None], ...]
    """For each objective (run's id, value) of the lowest, then of the highest; complete trials only."""


def objectives(session: Session) -> list[Objectives]:
    """Of every sweep, newest first."""
    rows = session.rows("select id, name, metrics, directions from sweeps order by id desc")
    return [Objectives(*row) for row in rows]


def count_stored(session: Session) -> int:
    """Runs in the store, the trash left out."""
    found: int = session.rows("select count(*) from runs where trashed is null")[0][0]
    return found


class Matching:
    """The runs that match a query."""

    def __init__(
        self,
        session: Session,
        source: str,
        values: Mapping[str, Any],
        ways: Sequence[str],
        places: int,
    ) -> None:
        self._session = session
        self._source = source
        """A table or a subquery with `row`, `sweep`, `id`, `pinned`, the keys to sort by `k0`… and the
        objectives of complete trials `v1`…"""
        self._values = values
        self._ways = ways
        """`asc` or `desc` for each of the keys."""
        self._places = places

    def groups(self) -> list[Group]:
        """Count them by sweep and find the extremes of the objectives; however many there are, one pass."""
        extremes = "".join(_EXTREMES.format(place=place) for place in range(1, self._places + 1))
        found = self._session.rows(
            f"select sweep, count(*){extremes} from {self._source} group by sweep", **self._values
        )
        return [
            Group(sweep, runs, tuple(zip(told[::2], told[1::2], strict=True)))
            for sweep, runs, *told in found
        ]

    def rows(self, query: RunQuery) -> list[int]:
        """Row ids of the query's window, in its order."""
        order = ["pinned desc"] if query.pinned_first else []
        order += [f"k{place} {way} nulls last" for place, way in enumerate(self._ways)]
        order.append("id desc" if self._ways or query.descending else "id asc")
        limit = "" if query.limit is None else f"limit {query.limit:d}"
        found = self._session.rows(
            f"select row from {self._source} order by {', '.join(order)} {limit} offset {query.offset:d}",
            **self._values,
        )
        return [row for (row,) in found]

    @property
    def keys(self) -> int:
        """How many keys there are; a param has two of them, its numbers and its texts."""
        return len(self._ways)

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask of the runs; they stand for `{source}`, with their keys `k0`…"""
        return self._session.rows(sql.format(source=self._source), **self._values)


_EXTREMES = ", arg_min(id, v{place}), min(v{place}), arg_max(id, v{place}), max(v{place})"
_VALUE = """, case when runs.state = 'complete' and runs.feasible and runs.number is not null
    then nullif(runs."values"[{place}], 'nan'::double) end as v{place}"""


@contextmanager
def matching(
    session: Session, query: RunQuery, names: RunNames, places: int = 0
) -> Iterator[Matching]:
    """Find a query's runs, with up to `places` objectives. Raises `FilterError` or `NothingToSortBy`."""
    condition, values = _where(query, names)
    keys = _keys(query, names, values)
    ways = [way for _, way in keys]
    picked = "".join(f", {key} as k{place}" for place, (key, _) in enumerate(keys))
    picked += "".join(_VALUE.format(place=place) for place in range(1, places + 1))
    sql = (
        "select runs.rowid as row, runs.sweep, runs.id, runs.pinned"
        f"{picked} from runs where {condition}"
    )
    if not query.where.strip():
        yield Matching(session, f"({sql})", values, ways, places)
        return
    # A filter may have to read JSON: once, not for every question.
    session.write(f"create temp table matching as {sql}", **values)
    try:
        yield Matching(session, "matching", {}, ways, places)
    finally:
        session.write("drop table matching")


def _where(query: RunQuery, names: RunNames) -> tuple[str, dict[str, Any]]:
    conditions = ["runs.trashed is null"]
    values: dict[str, Any] = {}
    if query.sweep is not None:
        conditions.append("runs.sweep in (select id from sweeps where name = $sweep)")
        values["sweep"] = query.sweep
    if query.where.strip():
        found = run_filter(names, query.where)
        conditions.append(found.sql)
        values |= found.values
    return " and ".join(conditions), values


def _keys(query: RunQuery, names: RunNames, bound: dict[str, Any]) -> list[tuple[str, str]]:
    """(SQL, way) of what to sort by, one after the other."""
    values = Values("s")
    found = [
        (sql, "desc" if key.descending else "asc")
        for key in query.order
        for sql in _readings(key.name, names, values)
    ]
    bound |= values.bound
    return found


def _readings(name: str, names: RunNames, values: Values) -> list[str]:
    """A column as it is sorted by; a param's numbers come before its texts."""
    term = names.find(name.split("."), values)
    if term is None:
        raise NothingToSortBy(f"there is no {name!r} to sort by")
    if Kind.SET in term.readings:
        return [f"nullif({term.readings[Kind.SET]}, [])"]
    keys = [term.readings[kind] for kind in (Kind.NUMBER, Kind.TEXT) if kind in term.readings]
    return keys or list(term.readings.values())


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


LARGEST_FIRST = ("started", "seconds", "step", "pinned")
"""Fields that one wants to see from the large end."""


def descends(sort: str | None, ways: Mapping[str, str]) -> bool:
    """Which way people expect a column to be sorted; `ways` are the objectives' directions."""
    if sort in FIELDS:
        return sort in LARGEST_FIRST
    return ways.get((sort or "").removeprefix("metrics.")) != "minimize"
