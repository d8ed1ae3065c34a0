"""What people ask about runs."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage import window
from storage.errors import UserError
from storage.events import BUNDLE
from storage.expressions.run_filter import run_names
from storage.ids import from_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.session import Session

SETTLED = ("complete", "pruned", "failed", "timeout", "oom", "stopped", "lost")
STATES = ("waiting", "running", *SETTLED)


@dataclass(frozen=True, slots=True)
class Run:
    """One execution: a trial of a sweep, or a plain tracked command."""

    id: str
    """Twelve characters; a unique prefix of them names the run everywhere."""
    name: str
    """`SWEEP#NUMBER` for a trial, until somebody renames it or its sweep."""
    sweep: str | None
    """The sweep's name."""
    number: int | None
    state: str
    """One of `STATES`."""
    reason: str | None
    """Why it is pruned or did not get to its end, in one line."""
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
    attempt: int = 0
    """Counted from 0; beyond, the run was tried again, and all that is told of it is of this attempt."""
    baseline: bool = False
    """Whether it is what its sweep is measured against."""


@dataclass(frozen=True, slots=True)
class SortKey:
    """One of the things that runs are sorted by."""

    name: str
    """As in `RunQuery.sort`."""
    descending: bool = True


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
    then: tuple[SortKey, ...] = ()
    """What else to sort by, for runs that are alike in what comes before."""

    @property
    def order(self) -> tuple[SortKey, ...]:
        """All that is sorted by; nothing where it is the time of the start alone."""
        if self.sort is None and not self.then:
            return ()
        return (SortKey(self.sort or "started", self.descending), *self.then)


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
    log: str | None
    """The last lines of its log, where it ended and they were kept."""
    imported: Mapping[str, Any] | None = None
    """Where it was taken in from: `peer`, `source`, `key`, and `artifacts` (name, where it lies, bytes)."""
    bundle: str | None = None
    """The digest of the model that it had saved when it ended, where that was told."""


class RunNotFound(UserError):
    """No run, or more than one, answers to the text; the message is a sentence for the user."""


def page(session: Session, query: RunQuery) -> RunsPage:
    """Read a window of the runs table.

    Raises `FilterError` where the query's filter cannot be understood, and `NothingToSortBy`.
    """
    sweeps, known = window.objectives(session), run_names(session)
    places = max((len(sweep.metrics) for sweep in sweeps), default=0)
    with window.matching(session, query, known, places) as matching:
        groups = matching.groups()
        rows = matching.rows(query) if query.limit != 0 else []
    there = {group.sweep for group in groups}
    names = known.among(there)
    directions = window.directions(sweep for sweep in sweeps if sweep.sweep in there)
    total = sum(group.runs for group in groups)
    whole = query.sweep is None and not query.where.strip()
    found = _fetch(session, "rowid", rows, {sweep.sweep: sweep.name for sweep in sweeps})
    return RunsPage(
        total=total,
        stored=total if whole else window.count_stored(session),
        offset=query.offset,
        runs=tuple(found[row] for row in rows),
        params=tuple(names.params),
        metrics=tuple(dict.fromkeys([*directions, *names.metrics])),
        directions=directions,
        best=window.best(groups, sweeps, directions),
    )


def by_ids(session: Session, ids: Sequence[int]) -> tuple[Run, ...]:
    """The runs of these ids, in this order."""
    if not ids:
        return ()
    sweeps = dict(session.rows("select id, name from sweeps"))
    found = _fetch(session, "id", ids, sweeps)
    return tuple(found[identity] for identity in ids if identity in found)


def _fetch(
    session: Session, key: str, wanted: Sequence[int], sweeps: Mapping[int, str]
) -> dict[int, Run]:
    if not wanted:
        return {}
    rows = session.rows(
        f"select {key}, {_COLUMNS} from runs where {key} in (select unnest($wanted))",
        wanted=list(wanted),
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    return {row[0]: _run(row[1:], sweeps, now) for row in rows}


def find(session: Session, text: str) -> Run:
    """Find the run people mean: an id, a unique start of one, a name, `SWEEP#NUMBER` (or `#best`, `#baseline`),
    `@latest`.

    Runs in the trash are not found. Raises `RunNotFound`.
    """
    picked = (
        session.rows("select id from runs where trashed is null order by id desc limit 1")
        if text == "@latest"
        else session.rows("select id from runs where name = $text and trashed is null", text=text)
        or _of_sweep(session, *text.rpartition("#")[::2])
        or _starting(session, text)
    )
    if len(picked) == 1:
        return by_ids(session, [picked[0][0]])[0]
    if not picked:
        raise RunNotFound(
            f"no run answers to {text!r}; name one by its id, the start of it, SWEEP#NUMBER, "
            "SWEEP#best, SWEEP#baseline or @latest (cockpit runs lists them)"
        )
    names = ", ".join(f"{run.name} ({run.id})" for run in by_ids(session, [i for (i,) in picked]))
    raise RunNotFound(f"{text!r} could be {names}; write more of the id")


def _of_sweep(session: Session, sweep: str, which: str) -> list[tuple[Any, ...]]:
    """The sweep's run of this number, its best one or its baseline; a renamed one still has its number."""
    asked = {"best": _BEST, "baseline": _BASELINE}.get(which)
    if asked is not None:
        return session.rows(asked, sweep=sweep)
    if not (which.isascii() and which.isdigit() and len(which) < 10):
        return []
    return session.rows(_NUMBERED, sweep=sweep, number=int(which))


def _starting(session: Session, text: str) -> list[tuple[Any, ...]]:
    if len(text) < 3:
        return []
    return session.rows(
        "select id from runs where starts_with(key, $text) and trashed is null limit 9", text=text
    )


_NUMBERED = """
select id from runs where number = $number and trashed is null
    and sweep in (select id from sweeps where name = $sweep)
"""
_BASELINE = """
select id from runs where baseline and trashed is null
    and sweep in (select id from sweeps where name = $sweep)
order by id desc limit 1
"""
_BEST = """
select runs.id from runs join sweeps on runs.sweep = sweeps.id
where sweeps.name = $sweep and runs.trashed is null and runs.number is not null
    and runs.state = 'complete' and runs.feasible and len(sweeps.directions) = 1 and not isnan(runs."values"[1])
order by if(sweeps.directions[1] = 'maximize', -1, 1) * runs."values"[1], runs.id limit 1
"""


def detail(session: Session, text: str) -> RunDetail:
    """Find a run (see `find`) and read all there is on it. Raises `RunNotFound`."""
    return details(session, [find(session, text).id])[0]


def details(session: Session, runs: Sequence[str]) -> tuple[RunDetail, ...]:
    """Read all there is on the runs of these ids, in their order; those in the trash or gone are left out."""
    ids = [from_text(run) for run in runs]
    known = {run.id: run for run in by_ids(session, ids)}
    rows = session.rows(
        "select key, ended, user_attrs, resources, content, log, system_attrs->>'$.imported',"
        " system_attrs->>'$.landed.artifacts', system_attrs->>$bundle from runs"
        " left join provenance on runs.provenance = provenance.digest"
        " where id in (select unnest($ids)) and trashed is null",
        ids=ids,
        bundle=f'$."{BUNDLE}"',
    )
    found = {
        key: RunDetail(
            run=known[key],
            ended=ended and ended.replace(tzinfo=UTC),
            user_attrs=json.loads(attrs),
            resources=json.loads(resources or "{}"),
            provenance=json.loads(provenance or "{}"),
            log=log,
            imported=origin and {**json.loads(origin), "artifacts": json.loads(files or "[]")},
            bundle=bundle,
        )
        for key, ended, attrs, resources, provenance, log, origin, files, bundle in rows
    }
    return tuple(found[run] for run in runs if run in found)


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
    most = 2 * max(1, points // 2)
    of = {"ids": list(ids), "low": min(ids), "high": max(ids), "name": name}
    rows = session.rows(f"{_POINTS} limit {most * len(ids) + 1}", **of)
    # Short curves, as nearly all are, need none of the work that thinning takes.
    if (
        len(rows) > most * len(ids)
        or max(Counter(run for run, _, _ in rows).values(), default=0) > most
    ):
        rows = session.rows(_THINNED, **of, stretches=most // 2)
    found: dict[int, tuple[list[float], list[float]]] = {}
    for run, step, value in sorted(set(rows)):
        steps, values = found.setdefault(run, ([], []))
        steps.append(step)
        values.append(value)
    return {run: (tuple(steps), tuple(values)) for run, (steps, values) in found.items()}


_COLUMNS = """
    key, name, sweep, number, state, reason, params, metrics, step, started, ended, tags, note, pinned,
    attempt, baseline
"""
_POINTS = """
select run, step, value from metrics
where run between $low and $high and run in (select unnest($ids)) and name = $name and isfinite(value)
"""
_THINNED = f"""
with points as ({_POINTS}), spans as (
    select run, min(step) as low, max(step) - min(step) + 1 as span, count(*) as n from points group by run
), stretched as (
    select run, step, value,
        case when n > 2 * $stretches then (step - low) * $stretches // span else step end as stretch
    from points join spans using (run)
), extremes as (
    select run, unnest([
        {{'step': arg_min(step, value), 'value': min(value)}},
        {{'step': arg_max(step, value), 'value': max(value)}}
    ], recursive := true)
    from stretched group by run, stretch
)
select run, step, value from extremes
"""


def seconds_between(
    started: datetime | None, ended: datetime | None, now: datetime
) -> float | None:
    """Seconds from `started` to `ended`, or to `now` where it has not ended."""
    return None if started is None else max(0.0, ((ended or now) - started).total_seconds())


def _run(row: tuple[Any, ...], sweeps: Mapping[int, str], now: datetime) -> Run:
    key, name, sweep, number, state, reason, params, metrics, step, started, ended = row[:11]
    tags, note, pinned, attempt, baseline = row[11:]
    return Run(
        id=key,
        name=name,
        sweep=sweeps.get(sweep),
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
        attempt=attempt,
        baseline=baseline,
    )
