"""What people ask about runs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.store import Session

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
    text: str = ""
    """Only runs whose name holds this text, case ignored."""
    sort: str | None = None
    """A field (`name`, `state`, `number`, `started`, `seconds`), else a metric, else a param.

    Newest first without.
    """
    descending: bool = True
    """Rows without a value come last either way."""
    offset: int = 0
    limit: int | None = 200


@dataclass(frozen=True, slots=True)
class RunsPage:
    """A window of rows, and what a table needs to know of the rows around it."""

    total: int
    """Rows that match the query, inside the window or not."""
    stored: int
    """Runs in the store."""
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
    """Read a window of the runs table."""
    where, params = _where(query)
    total, stored = session.rows(
        f"select count(*) filter ({where}), count(*) from {_WITH_SWEEP}", **params
    )[0]
    window = "" if query.limit is None else "limit $limit"
    order, order_params = _order(session, query)
    picked = session.rows(
        f"select runs.id from {_WITH_SWEEP} where {where} order by {order} {window} offset $offset",
        **params,
        **order_params,
        **({} if query.limit is None else {"limit": query.limit}),
        offset=query.offset,
    )
    objectives = _objectives(session, where, params)
    names = _names(session, where, params)
    metrics = dict.fromkeys([*objectives, *names["metric"]])
    return RunsPage(
        total=total,
        stored=stored,
        offset=query.offset,
        runs=by_ids(session, [identity for (identity,) in picked]),
        params=tuple(names["param"]),
        metrics=tuple(metrics),
        directions=objectives,
        best=_best(session, where, params, objectives),
    )


def by_ids(session: Session, ids: Sequence[int]) -> tuple[Run, ...]:
    """The runs of these ids, in this order."""
    if not ids:
        return ()
    rows = session.rows(
        f"select {_COLUMNS} from {_WITH_SWEEP} where runs.id between $low and $high"
        " and runs.id in (select unnest($ids))",
        low=min(ids),
        high=max(ids),
        ids=list(ids),
    )
    now = datetime.now(UTC).replace(tzinfo=None)
    found = {row[0]: _run(row[1:], now) for row in rows}
    return tuple(found[identity] for identity in ids if identity in found)


def find(session: Session, text: str) -> Run:
    """Find the run people mean by an id, a unique start of one, `SWEEP#NUMBER`, `SWEEP#best` or `@latest`.

    Raises `RunNotFound`.
    """
    if text == "@latest":
        picked = session.rows("select id from runs order by id desc limit 1")
    else:
        picked = session.rows("select id from runs where name = $text", text=text)
    if not picked and text.endswith("#best"):
        picked = _best_of_sweep(session, text.removesuffix("#best"))
    if not picked and len(text) >= 3:
        picked = session.rows(
            "select id from runs where starts_with(key, $text) limit 9", text=text
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
    rows = session.rows("select id, number, state from runs where key = $run", run=run)
    if not rows:
        raise RunNotFound(f"no run has the id {run!r}")
    identity, number, state = rows[0]
    found = thinned(session, [identity], name, points).get(identity, ((), ()))
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


_WITH_SWEEP = "runs left join sweeps on runs.sweep = sweeps.id"
_COLUMNS = """
    runs.id, runs.key, runs.name, sweeps.name, runs.number, runs.state, runs.reason, runs.params,
    runs.metrics, runs.step, runs.started, runs.ended, runs.tags, runs.note, runs.pinned
"""
FIELDS = {
    "name": "runs.name",
    "state": "runs.state",
    "sweep": "sweeps.name",
    "number": "runs.number",
    "started": "runs.started",
    "seconds": "coalesce(runs.ended, now()::timestamp) - runs.started",
}
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


def _where(query: RunQuery) -> tuple[str, dict[str, Any]]:
    conditions: list[str] = []
    params: dict[str, Any] = {}
    if query.sweep is not None:
        conditions.append("sweeps.name = $sweep")
        params["sweep"] = query.sweep
    if query.text:
        conditions.append("contains(lower(runs.name), lower($text))")
        params["text"] = query.text
    return " and ".join(conditions) or "true", params


def _order(session: Session, query: RunQuery) -> tuple[str, dict[str, Any]]:
    way = "desc" if query.descending else "asc"
    if query.sort is None:
        return f"runs.id {way}", {}
    if query.sort in FIELDS:
        return f"{FIELDS[query.sort]} {way} nulls last, runs.id desc", {}
    is_metric = session.rows(
        "select exists(from names where kind = 'metric' and name = $sort)", sort=query.sort
    )[0][0]
    if is_metric:
        value = "case when isnan(runs.metrics[$sort]) then null else runs.metrics[$sort] end"
        return f"{value} {way} nulls last, runs.id desc", {"sort": query.sort}
    text = "json_extract_string(runs.params, $sort)"
    pointer = "/" + query.sort.replace("~", "~0").replace("/", "~1")
    return (
        f"try_cast({text} as double) {way} nulls last, {text} {way} nulls last, runs.id desc",
        {"sort": pointer},
    )


def _objectives(session: Session, where: str, params: dict[str, Any]) -> dict[str, str]:
    rows = session.rows(
        "select distinct on (s.id) s.metrics, s.directions from sweeps s semi join"
        f" (select runs.sweep from {_WITH_SWEEP} where {where}) r on r.sweep = s.id order by s.id desc",
        **params,
    )
    return {name: way for names, ways in rows for name, way in zip(names, ways, strict=False)}


def _names(session: Session, where: str, params: dict[str, Any]) -> dict[str, list[str]]:
    rows = session.rows(
        "select kind, name from names where exists"
        f" (from {_WITH_SWEEP} where {where} and runs.sweep is not distinct from names.sweep)"
        " group by kind, name order by min(position)",
        **params,
    )
    return {
        wanted: [name for kind, name in rows if kind == wanted] for wanted in ("param", "metric")
    }


def _best(
    session: Session, where: str, params: dict[str, Any], objectives: Mapping[str, str]
) -> dict[str, str]:
    best: dict[str, str] = {}
    for name, direction in objectives.items():
        pick = "arg_max" if direction == "maximize" else "arg_min"
        rows = session.rows(
            f"select {pick}(runs.key, runs.metrics[$metric]) from {_WITH_SWEEP}"
            f" where {where} and runs.state = 'complete' and not isnan(runs.metrics[$metric])",
            **params,
            metric=name,
        )
        if rows[0][0] is not None:
            best[name] = rows[0][0]
    return best


def _best_of_sweep(session: Session, sweep: str) -> list[tuple[Any, ...]]:
    return session.rows(
        "select runs.id from runs join sweeps on runs.sweep = sweeps.id where sweeps.name = $sweep"
        " and runs.state = 'complete' and len(sweeps.directions) = 1 and not isnan(runs.\"values\"[1])"
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
