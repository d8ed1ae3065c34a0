"""What people ask about runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage import window
from storage.errors import UserError
from storage.ids import from_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.session import Session

STATES = ("waiting", "running", "complete", "pruned", "failed", "stopped", "lost")
SETTLED = ("complete", "pruned", "failed", "stopped", "lost")


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: a trial of a sweep, or a plain tracked command."""

    id: str
    """Twelve characters; a unique prefix of them names the run everywhere."""
    name: str
    """`SWEEP#NUMBER` for a trial."""
    sweep: str | None
    """The sweep's name."""
    number: int | None
    state: str
    """One of `STATES`."""
    reason: str | None
    """Why it is failed, stopped, pruned or lost, in one line."""
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    """The last value by name; NaN and ±inf are kept."""
    step: int | None
    """The last step reported."""
    started: datetime | None
    """UTC, timezone-aware."""
    seconds: float | None
    """Time from start to end, or to now while it runs."""
    tags: tuple[str, ...] = ()
    note: str | None = None
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class RunQuery:
    """A window onto the runs table."""

    sweep: str | None = None
    """Only this sweep's runs (by name)."""
    where: str = ""
    """Only runs that an expression holds for, or that hold some words: see storage.expressions.run_filter."""
    sort: str | None = None
    """A field of storage.expressions.run_filter, else a metric, else a param; `metrics.NAME`, `params.NAME` choose.

    Newest first without.
    """
    descending: bool = True
    """Rows without a value, or with NaN, come last either way."""
    pinned_first: bool = False
    offset: int = 0
    limit: int | None = 200


@dataclass(frozen=True, slots=True)
class RunsPage:
    """A window of rows, and what a table needs to know of the rows around it."""

    total: int
    """Rows that match the query, inside the window or not."""
    stored: int
    """Runs in the store, the trash left out."""
    offset: int
    runs: tuple[Run, ...]
    params: tuple[str, ...]
    """Names of all params of the matching sweeps, in the order first seen."""
    metrics: tuple[str, ...]
    """Names of all metrics, objectives first."""
    directions: Mapping[str, str]
    """`maximize` or `minimize`, for the metrics that are objectives."""
    best: Mapping[str, str]
    """For each objective, the id of the best complete matching run."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric by step, thinned so that spikes survive."""

    run: str
    """The run's id."""
    number: int | None
    state: str
    name: str
    steps: tuple[float, ...]
    values: tuple[float, ...]
    """As long as `steps`; finite."""


@dataclass(frozen=True, slots=True)
class RunDetail:
    """Everything known of one run."""

    run: Run
    ended: datetime | None
    """UTC, timezone-aware."""
    user_attrs: Mapping[str, Any]
    resources: Mapping[str, Any]
    """`cpu_seconds` and `max_rss` (bytes), where they were measured."""
    provenance: Mapping[str, Any]
    """Git commit, interpreter, packages, host, seed, spec, data: see cockpit.sweep.provenance."""


class RunNotFound(UserError):
    """No run, or more than one, answers to the text; the message is a sentence for the user."""


def page(session: Session, query: RunQuery) -> RunsPage:
    """Read a window of the runs table.

    Raises `FilterError` where the query's filter cannot be understood, and `NothingToSortBy`.
    """
    sweeps = window.objectives(session)
    scope = window.scope_of(session, query)
    groups = window.groups(session, scope, max((len(s.metrics) for s in sweeps), default=0))
    there = {group.sweep for group in groups}
    directions = window.directions(sweep for sweep in sweeps if sweep.sweep in there)
    names = window.names(session, there)
    total = sum(group.runs for group in groups)
    whole = query.sweep is None and not query.where.strip()
    rows = window.pick(session, scope, query) if query.limit != 0 else []
    found = _fetch(session, "rowid", rows)
    return RunsPage(
        total=total,
        stored=total if whole else window.count_stored(session),
        offset=query.offset,
        runs=tuple(found[row] for row in rows),
        params=tuple(names["param"]),
        metrics=tuple(dict.fromkeys([*directions, *names["metric"]])),
        directions=directions,
        best=window.best(groups, sweeps, directions),
    )


def by_ids(session: Session, ids: Sequence[int]) -> tuple[Run, ...]:
    """The runs of these ids, in this order."""
    found = _fetch(session, "id", ids)
    return tuple(found[identity] for identity in ids if identity in found)


def _fetch(session: Session, key: str, wanted: Sequence[int]) -> dict[int, Run]:
    if not wanted:
        return {}
    rows = session.rows(
        f"select runs.{key}, {_COLUMNS} from {window.WITH_SWEEP}"
        f" where runs.{key} in (select unnest($wanted))",
        wanted=list(wanted),
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    return {row[0]: _run(row[1:], now) for row in rows}


def find(session: Session, text: str) -> Run:
    """Find the run people mean by an id, a unique start of one, `SWEEP#NUMBER`, `SWEEP#best` or `@latest`.

    Runs in the trash are not found. Raises `RunNotFound`.
    """
    if text == "@latest":
        picked = session.rows("select id from runs where trashed is null order by id desc limit 1")
    else:
        picked = session.rows(
            "select id from runs where name = $text and trashed is null", text=text
        )
    if not picked and text.endswith("#best"):
        picked = _best_of_sweep(session, text.removesuffix("#best"))
    if not picked and len(text) >= 3:
        picked = session.rows(
            "select id from runs where starts_with(key, $text) and trashed is null limit 9",
            text=text,
        )
    if len(picked) == 1:
        return by_ids(session, [picked[0][0]])[0]
    if not picked:
        raise RunNotFound(
            f"no run answers to {text!r}; name one by its id, the start of it, SWEEP#NUMBER, "
            "SWEEP#best or @latest (cockpit runs lists them)"
        )
    names = ", ".join(f"{run.name} ({run.id})" for run in by_ids(session, [i for (i,) in picked]))
    raise RunNotFound(f"{text!r} could be {names}; write more of the id")


def detail(session: Session, text: str) -> RunDetail:
    """Find a run (see `find`) and read all there is on it. Raises `RunNotFound`."""
    run = find(session, text)
    ended, attrs, resources, provenance = session.rows(
        "select ended, user_attrs, resources, content from runs"
        " left join provenance on runs.provenance = provenance.digest where key = $run",
        run=run.id,
    )[0]
    return RunDetail(
        run=run,
        ended=ended and ended.replace(tzinfo=UTC),
        user_attrs=json.loads(attrs),
        resources=json.loads(resources or "{}"),
        provenance=json.loads(provenance or "{}"),
    )


def curve(session: Session, run: str, name: str, points: int = 200) -> Curve:
    """Read one metric of one run by step, in about `points` points; spikes survive the thinning."""
    try:
        identity = from_text(run)
    except ValueError as error:
        raise RunNotFound(f"no run has the id {run!r}") from error
    # By the number, not by the text: the newest runs are a range of it.
    rows = session.rows("select number, state from runs where id = $id", id=identity)
    if not rows:
        raise RunNotFound(f"no run has the id {run!r}")
    found = thinned(session, [identity], name, points).get(identity, ((), ()))
    number, state = rows[0]
    return Curve(run, number, state, name, *found)


def thinned(
    session: Session, ids: Sequence[int], name: str, points: int
) -> dict[int, tuple[tuple[float, ...], tuple[float, ...]]]:
    """Read a metric of many runs: by run id its steps and its values, finite ones only.

    A run with more than `points` points keeps the lowest and the highest of each of `points / 2` equal
    stretches of steps, so that no spike is lost.
    """
    if not ids:
        return {}
    found: dict[int, tuple[list[float], list[float]]] = {}
    for identity, step, value in session.rows(
        _THINNED,
        ids=list(ids),
        low=min(ids),
        high=max(ids),
        name=name,
        stretches=max(1, points // 2),
    ):
        steps, values = found.setdefault(identity, ([], []))
        steps.append(step)
        values.append(value)
    return {identity: (tuple(steps), tuple(values)) for identity, (steps, values) in found.items()}


_COLUMNS = """
    runs.key, runs.name, sweeps.name, runs.number, runs.state, runs.reason, runs.params, runs.metrics,
    runs.step, runs.started, runs.ended, runs.tags, runs.note, runs.pinned
"""
_THINNED = """
with points as (
    select run, step, value from metrics
    where run between $low and $high and run in (select unnest($ids)) and name = $name
        and isfinite(value)
), spans as (
    select run, min(step) as low, max(step) - min(step) + 1 as span, count(*) as n from points group by run
), stretched as (
    select run, step, value,
        case when n > 2 * $stretches then (step - low) * $stretches // span else step end as stretch
    from points join spans using (run)
), extremes as (
    select run, unnest([
        {'step': arg_min(step, value), 'value': min(value)},
        {'step': arg_max(step, value), 'value': max(value)}
    ], recursive := true)
    from stretched group by run, stretch
)
select distinct run, step, value from extremes order by run, step
"""


def _best_of_sweep(session: Session, sweep: str) -> list[tuple[Any, ...]]:
    return session.rows(
        "select runs.id from runs join sweeps on runs.sweep = sweeps.id where sweeps.name = $sweep"
        " and runs.trashed is null and runs.state = 'complete' and len(sweeps.directions) = 1"
        ' and not isnan(runs."values"[1])'
        " order by if(sweeps.directions[1] = 'maximize', -1, 1) * runs.\"values\"[1], runs.id limit 1",
        sweep=sweep,
    )


def seconds_between(
    started: datetime | None, ended: datetime | None, now: datetime
) -> float | None:
    """Seconds from `started` to `ended`, or to `now` where it has not ended."""
    return None if started is None else max(0.0, ((ended or now) - started).total_seconds())


def _run(row: tuple[Any, ...], now: datetime) -> Run:
    key, name, sweep, number, state, reason, params, metrics, step, started, ended = row[:11]
    tags, note, pinned = row[11:]
    return Run(
        id=key,
        name=name,
        sweep=sweep,
        number=number,
        state=state,
        reason=reason,
        params=json.loads(params),
        metrics=metrics,
        step=step,
        started=started and started.replace(tzinfo=UTC),
        seconds=seconds_between(started, ended, now),
        tags=tuple(tags),
        note=note,
        pinned=pinned,
    )
