"""What a sweep's running trials use of the machine, by the last sample of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.session import Session

CPU, MEMORY = "system.cpu_percent", "system.memory_mb"


@dataclass(frozen=True, slots=True)
class Usage:
    """Of all running trials together."""

    cpu_percent: float
    """100 a core."""
    memory_mb: float
    """Resident, of the trials' process trees."""


def usage(session: Session, sweep: str) -> Usage | None:
    """What the sweep with this id uses now; None where nothing runs or nothing was sampled yet."""
    rows = session.rows(
        "select runs.id from runs join sweeps on runs.sweep = sweeps.id"
        " where sweeps.key = $sweep and runs.state = 'running' and runs.trashed is null",
        sweep=sweep,
    )
    ids = [run for (run,) in rows]
    if not ids:
        return None
    # The bounds, because the newest runs are a range of the table, which is skipped through by it.
    found = dict(session.rows(_LAST, ids=ids, low=min(ids), high=max(ids), names=[CPU, MEMORY]))
    return Usage(found.get(CPU, 0.0), found.get(MEMORY, 0.0)) if found else None


_LAST = """
select name, sum(last) from (
    select run, name, arg_max(value, step) as last from metrics
    where run between $low and $high and run in (select unnest($ids))
        and name in (select unnest($names)) and isfinite(value)
    group by run, name
) group by name
"""
