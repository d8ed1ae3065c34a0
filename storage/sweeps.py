"""What people ask about sweeps."""

from __future__ import annotations

import json
import operator
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, overload

from storage.errors import UserError
from storage.ids import from_text
from storage.runs import Curve, Run, RunQuery, RunsPage, by_ids, page, seconds_between, thinned

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from storage.session import Session


@dataclass(frozen=True, slots=True)
class Sweep:
    """An Optuna study and how it was run."""

    id: str
    name: str
    state: str
    """`running`, `paused`, `complete` (did what was asked), `stopped` (was asked to end), `failed`, or `lost`."""
    reason: str | None
    metrics: tuple[str, ...]
    """The objectives."""
    directions: tuple[str, ...]
    """`maximize` or `minimize`, one an objective."""
    trials: int | None
    """How many were asked for."""
    counts: Mapping[str, int]
    """Trials by state; states without one are absent."""
    best: Run | None
    """Best complete trial of a sweep with one objective."""
    baseline: Run | None
    """What the trials are measured against: trial 0, or a run that is no trial; None where there is none."""
    workers: int | None
    sampler: str | None
    pruner: str | None
    seed: int | None
    started: datetime | None
    """UTC, timezone-aware."""
    seconds: float | None
    """Time from start to end, or to now while it runs."""
    driver: Mapping[str, Any]
    """`pid` and `host` of the process that runs it."""

    @property
    def settled(self) -> int:
        """Trials that have ended, however they did."""
        return sum(n for state, n in self.counts.items() if state not in ("running", "waiting"))


@dataclass(frozen=True, slots=True)
class SweepView:
    """All that the Sweep screen paints, read in one session."""

    sweep: Sweep
    best_so_far: tuple[tuple[int, float], ...]
    """(trial number, its value) of each complete trial that was the best until then; empty with several objectives."""
    values: Sequence[tuple[int, float, str]]
    """(trial number, its last value, its state) for every trial that has one."""
    curves: tuple[Curve, ...]
    """Intermediate values of the newest trials, by step."""
    page: RunsPage
    """The trials, newest first."""


class TrialValues(Sequence[tuple[int, float, str]]):
    """(trial number, its last value, its state), by number: in 18 bytes each, for there may be 100,000."""

    __slots__ = ("_names", "_numbers", "_states", "_values")

    def __init__(self, rows: Iterable[tuple[int, float, str]]) -> None:
        self._numbers, self._values, self._states = array("q"), array("d"), array("H")
        names: dict[str, int] = {}
        for number, value, state in rows:
            self._numbers.append(number)
            self._values.append(value)
            self._states.append(names.setdefault(state, len(names)))
        self._names = tuple(names)

    @overload
    def __getitem__(self, place: int) -> tuple[int, float, str]: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[tuple[int, float, str], ...]: ...
    def __getitem__(
        self, place: int | slice
    ) -> tuple[int, float, str] | tuple[tuple[int, float, str], ...]:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        return self._numbers[place], self._values[place], self._names[self._states[place]]

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[tuple[int, float, str]]:
        states = map(self._names.__getitem__, self._states)
        return zip(self._numbers, self._values, states, strict=True)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TrialValues):
            return NotImplemented
        return all(getattr(self, part) == getattr(other, part) for part in self.__slots__)

    __hash__ = None  # type: ignore[assignment]  # as of any sequence that is no tuple


class SweepNotFound(UserError):
    """No sweep has the name; the message is a sentence for the user."""


def all_sweeps(session: Session) -> tuple[Sweep, ...]:
    """Every sweep that is not in the trash, newest first."""
    return _read(session, "trashed is null")


def sweep_names(session: Session) -> frozenset[str]:
    """The names taken, in the trash too."""
    return frozenset(name for (name,) in session.rows("select name from sweeps"))


def find_sweep(session: Session, name: str) -> Sweep:
    """Find a sweep by its name, or by a unique start of its id; raises `SweepNotFound`."""
    found = _read(session, "name = $text and trashed is null", text=name) or (
        _read(session, "starts_with(key, $text) and trashed is null", text=name)
        if len(name) >= 3
        else ()
    )
    if len(found) != 1:
        rows = session.rows("select name from sweeps where trashed is null order by name")
        known = ", ".join(known for (known,) in rows) or "none yet"
        raise SweepNotFound(f"no sweep is called {name!r}; there are: {known}")
    return found[0]


def provenance_of(session: Session, name: str) -> Mapping[str, Any]:
    """What identifies how a sweep was started the last time; empty where nothing was kept.

    Raises `SweepNotFound`.
    """
    rows = session.rows(
        "select content from sweeps join provenance on provenance.digest = sweeps.provenance"
        " where sweeps.key = $key",
        key=find_sweep(session, name).id,
    )
    found: dict[str, Any] = json.loads(rows[0][0]) if rows else {}
    return found


def view(session: Session, name: str, points: int = 200, curves: int = 60) -> SweepView:
    """Read what the Sweep screen shows: `curves` newest trials' reports in `points` points each.

    Raises `SweepNotFound`.
    """
    sweep = find_sweep(session, name)
    values = _values(session, sweep)
    trials = page(session, RunQuery(sweep=sweep.name, sort="number"))
    return SweepView(
        sweep=sweep,
        best_so_far=_best_so_far(values, sweep),
        values=values,
        curves=_curves(session, sweep, points, curves),
        page=trials,
    )


_SWEEPS = """
select id, key, name, state, reason, metrics, directions, trials, workers, sampler, pruner, seed,
    driver, started, ended,
    (select map_from_entries(list((state, n))) from (
        select state, count(*) as n from runs where runs.sweep = sweeps.id and trashed is null
        and number is not null group by state)) as counts,
    if(len(directions) = 1, (
        select if(directions[1] = 'maximize', arg_max(id, "values"[1]), arg_min(id, "values"[1])) from runs
        where runs.sweep = sweeps.id and runs.state = 'complete' and runs.trashed is null
            and runs.feasible and runs.number is not null and not isnan("values"[1])
    ), null) as best,
    (select max(id) from runs where runs.sweep = sweeps.id and baseline and runs.trashed is null) as baseline
from sweeps where {where} order by id desc
"""


def _read(session: Session, where: str, **params: Any) -> tuple[Sweep, ...]:
    rows = session.rows(_SWEEPS.format(where=where), **params)
    named = sorted({identity for row in rows for identity in row[-2:] if identity is not None})
    runs = {from_text(run.id): run for run in by_ids(session, named)}
    now = datetime.now(UTC).replace(tzinfo=None)
    return tuple(_sweep(row, runs, now) for row in rows)


def _sweep(row: tuple[Any, ...], runs: Mapping[int, Run], now: datetime) -> Sweep:
    _, key, name, state, reason, metrics, directions, trials, workers, sampler, pruner, seed = row[
        :12
    ]
    driver, started, ended, counts, best, baseline = row[12:]
    return Sweep(
        id=key,
        name=name,
        state=state,
        reason=reason,
        metrics=tuple(metrics),
        directions=tuple(directions),
        trials=trials,
        counts=counts or {},
        best=runs.get(best),
        baseline=runs.get(baseline),
        workers=workers,
        sampler=sampler,
        pruner=pruner,
        seed=seed,
        started=started and started.replace(tzinfo=UTC),
        seconds=seconds_between(started, ended, now),
        driver=json.loads(driver) if driver else {},
    )


def _values(session: Session, sweep: Sweep) -> TrialValues:
    rows = session.stream(
        'select number, coalesce("values"[1], runs.metrics[$metric]) as value, runs.state from runs'
        " join sweeps on runs.sweep = sweeps.id where sweeps.key = $sweep and runs.trashed is null"
        " and number is not null and isfinite(value) order by number",
        metric=sweep.metrics[0] if sweep.metrics else "value",
        sweep=sweep.id,
    )
    return TrialValues((number, value, state) for number, value, state in rows)


def _best_so_far(values: TrialValues, sweep: Sweep) -> tuple[tuple[int, float], ...]:
    if len(sweep.directions) != 1:
        return ()
    better = operator.gt if sweep.directions[0] == "maximize" else operator.lt
    line: list[tuple[int, float]] = []
    for number, value, state in values:
        if state == "complete" and (not line or better(value, line[-1][1])):
            line.append((number, value))
    return tuple(line)


def _curves(session: Session, sweep: Sweep, points: int, limit: int) -> tuple[Curve, ...]:
    if not sweep.metrics:
        return ()
    name = sweep.metrics[0]
    rows = session.rows(
        "select runs.id, runs.key, runs.number, runs.state from runs join sweeps on runs.sweep = sweeps.id"
        " where sweeps.key = $sweep and runs.step is not null and runs.trashed is null"
        " and runs.number is not null order by runs.number desc limit $limit",
        sweep=sweep.id,
        limit=limit,
    )
    found = thinned(session, [row[0] for row in rows], name, points)
    return tuple(
        Curve(key, number, state, name, *found[identity])
        for identity, key, number, state in rows
        if identity in found
    )
