"""Studies that came from an Optuna storage elsewhere: what the store knows of them already."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.imported import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from storage.session import Session


@dataclass(frozen=True, slots=True)
class KnownStudy:
    """An imported study as it stands in the tables, in the trash or not."""

    id: int
    name: str
    state: str
    reason: str | None
    metrics: tuple[str, ...]
    user_attrs: Mapping[str, Any]
    system_attrs: Mapping[str, Any]
    started: datetime | None
    ended: datetime | None
    """Naive UTC, both."""
    continued: bool
    """A driver of ours has worked on it."""
    next: int
    """The number after all that its trials have, deleted ones too."""
    strange: bool
    """Some of its trials were not imported."""
    deleted: frozenset[int]
    """Numbers of trials that were deleted for good."""


@dataclass(frozen=True, slots=True)
class KnownTrial:
    """An imported trial."""

    id: int
    number: int
    state: str
    reason: str | None
    values: list[float] | None
    params: Mapping[str, Any]
    distributions: Mapping[str, str]
    user_attrs: Mapping[str, Any]
    system_attrs: Mapping[str, Any]
    reports: Mapping[int, float]
    """Of the first objective, by step."""
    started: datetime | None
    ended: datetime | None
    """Naive UTC, both."""


def known_study(session: Session, peer: str, source: str, key: str) -> KnownStudy | None:
    """The sweep that this study of that source is here; None where it was not imported before."""
    rows = session.rows(_STUDY, peer=peer, source=source, key=key)
    if not rows:
        return None
    identity, name, state, reason, metrics, user, system, *rest = rows[0]
    started, ended, continued, next_number, strange, deleted = rest
    return KnownStudy(
        id=identity,
        name=name,
        state=state,
        reason=reason,
        metrics=tuple(metrics),
        user_attrs=json.loads(user),
        system_attrs=json.loads(system),
        started=started,
        ended=ended,
        continued=continued,
        next=next_number,
        strange=strange,
        deleted=frozenset(deleted),
    )


def known_trials(session: Session, sweep: int, keys: Sequence[str]) -> dict[str, KnownTrial]:
    """By key, those trials of a sweep that were imported before."""
    rows = session.rows(_TRIALS, sweep=sweep, keys=list(keys))
    reports: dict[int, dict[int, float]] = {}
    if rows:
        ids = [row[1] for row in rows]
        asked = {"ids": ids, "low": min(ids), "high": max(ids), "sweep": sweep}
        for run, step, value in session.rows(_REPORTS, **asked):
            reports.setdefault(run, {})[step] = value
    return {key: _trial(row, reports.get(row[0], {})) for key, *row in rows}


def _trial(row: list[Any], reports: Mapping[int, float]) -> KnownTrial:
    identity, number, state, reason, values, params, distributions, user, system, *times = row
    return KnownTrial(
        id=identity,
        number=number,
        state=state,
        reason=reason,
        values=values,
        params=json.loads(params),
        distributions=json.loads(distributions),
        user_attrs=json.loads(user),
        system_attrs=json.loads(system),
        reports=reports,
        started=times[0],
        ended=times[1],
    )


# A trial that was deleted for good leaves its number taken.
_STUDY = f"""
select id, name, state, reason, metrics, user_attrs, system_attrs, started, ended, driver is not null,
    1 + greatest(
        (select coalesce(max(number), -1) from runs where sweep = sweeps.id),
        (select coalesce(max(number), -1) from deleted where sweep = sweeps.id)),
    exists (from runs where sweep = sweeps.id and number is not null
        and not contains(system_attrs, '"{ORIGIN}"')),
    (select coalesce(list(number), []) from deleted where sweep = sweeps.id and number is not null)
from sweeps
where system_attrs->>'$.{ORIGIN}.peer' = $peer and system_attrs->>'$.{ORIGIN}.source' = $source
    and system_attrs->>'$.{ORIGIN}.key' = $key
order by id limit 1
"""
_TRIALS = f"""
select system_attrs->>'$.{ORIGIN}.key', id, number, state, reason, "values", params, distributions,
    user_attrs, system_attrs, started, ended
from runs where sweep = $sweep and system_attrs->>'$.{ORIGIN}.key' in (select unnest($keys::varchar[]))
"""
_REPORTS = """
select run, step, value from metrics
where run between $low and $high and run in (select unnest($ids))
    and name = (select metrics[1] from sweeps where id = $sweep)
order by rowid
"""
