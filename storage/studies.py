"""What Optuna needs to take up a study again: everything it was told, as plain values."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from storage.session import Session


@dataclass(frozen=True, slots=True)
class StoredStudy:
    """A study without its trials."""

    id: int
    name: str
    directions: tuple[str, ...]
    user_attrs: dict[str, Any]
    system_attrs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class StoredTrial:
    """A trial as it was spooled."""

    id: int
    number: int
    state: str
    values: list[float] | None
    params: dict[str, Any]
    distributions: dict[str, str]
    """Optuna's JSON, by param."""
    user_attrs: dict[str, Any]
    system_attrs: dict[str, Any]
    intermediate_values: dict[int, float]
    started: datetime | None
    """UTC, timezone-aware."""
    ended: datetime | None


def studies(session: Session) -> tuple[StoredStudy, ...]:
    """Every study, oldest first."""
    rows = session.rows(
        "select id, name, directions, user_attrs, system_attrs from sweeps order by id"
    )
    return tuple(
        StoredStudy(identity, name, tuple(directions), json.loads(user), json.loads(system))
        for identity, name, directions, user, system in rows
    )


def trials(session: Session, study: int) -> tuple[StoredTrial, ...]:
    """The study's trials by number; a run without one (a baseline) is none of Optuna's."""
    reports: dict[int, dict[int, float]] = {}
    for run, step, value in session.rows(_REPORTS, study=study):
        reports.setdefault(run, {})[step] = value
    return tuple(
        StoredTrial(
            id=identity,
            number=number,
            state=state,
            values=values,
            params=json.loads(params),
            distributions=json.loads(distributions),
            user_attrs=json.loads(user),
            system_attrs=json.loads(system),
            intermediate_values=reports.get(identity, {}),
            started=started and started.replace(tzinfo=UTC),
            ended=ended and ended.replace(tzinfo=UTC),
        )
        for identity, number, state, values, params, distributions, user, system, started, ended in (
            session.rows(_TRIALS, study=study)
        )
    )


_TRIALS = """
select id, number, state, "values", params, distributions, user_attrs, system_attrs, started, ended
from runs where sweep = $study and number is not null
union all
-- A trial that was deleted for good leaves its number taken.
select id, number, 'failed', null, '{}', '{}', '{}', '{}', time, time
from deleted where sweep = $study and number is not null
order by number
"""
_REPORTS = """
select run, step, value from metrics
where run in (select id from runs where sweep = $study)
    and name = (select metrics[1] from sweeps where id = $study)
"""
