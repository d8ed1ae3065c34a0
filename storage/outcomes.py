"""What a sweep's complete trials came to: values, constraints, and the points they were told for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.fold import CONSTRAINTS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.session import Session


@dataclass(frozen=True, slots=True)
class Outcome:
    """A complete trial's values."""

    id: int
    """The run's."""
    values: tuple[float, ...]
    """One an objective; not NaN."""
    constraints: Mapping[str, float]
    """Feasible at or below 0."""

    @property
    def feasible(self) -> bool:
        return all(violation <= 0 for violation in self.constraints.values())


@dataclass(frozen=True, slots=True)
class Point:
    """A complete trial's place in the search space, and what it came to."""

    values: tuple[float, ...]
    params: Mapping[str, Any]
    distributions: Mapping[str, str]
    """Optuna's JSON, by param; a param whose distribution JSON cannot hold is absent."""


def outcomes(session: Session, sweep: str) -> tuple[Outcome, ...]:
    """The complete trials of the sweep with this id, by number; those in the trash are left out."""
    rows = session.rows(
        f"select runs.id, runs.\"values\", runs.system_attrs ->> '$' {_COMPLETE}", sweep=sweep
    )
    return tuple(Outcome(run, tuple(values), _constraints(attrs)) for run, values, attrs in rows)


def points(session: Session, sweep: str) -> tuple[Point, ...]:
    """As `outcomes`, with params."""
    rows = session.rows(
        f'select runs."values", runs.params, runs.distributions {_COMPLETE}', sweep=sweep
    )
    return tuple(
        Point(tuple(values), json.loads(params), json.loads(distributions))
        for values, params, distributions in rows
    )


_COMPLETE = """
from runs join sweeps on runs.sweep = sweeps.id
where sweeps.key = $sweep and runs.state = 'complete' and runs.trashed is null
    and runs.number is not null and len(runs."values") = len(sweeps.directions)
    and not list_bool_or(list_transform(runs."values", lambda value: isnan(value)))
order by runs.number
"""


def _constraints(attrs: str) -> dict[str, float]:
    if CONSTRAINTS not in attrs:  # as a rule; parsing ten thousand of them takes its time
        return {}
    found: dict[str, Any] = json.loads(attrs)
    old = {str(place): value for place, value in enumerate(found.get(CONSTRAINTS) or ())}
    prefix = f"{CONSTRAINTS}:"
    new = {k.removeprefix(prefix): v for k, v in found.items() if k.startswith(prefix)}
    return {name: float(value) for name, value in (old | new).items()}
