"""Which metrics of a run have a curve."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.ids import from_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.session import Session


def curve_names(session: Session, runs: Sequence[str]) -> tuple[str, ...]:
    """Metrics that one of the runs with these ids reported at two steps or more, the `system.` ones too.

    In the order first reported. Raises ValueError where one is no id.
    """
    ids = [from_text(run) for run in runs]
    if not ids:
        return ()
    rows = session.rows(_NAMES, ids=ids, low=min(ids), high=max(ids))
    return tuple(name for (name,) in rows)


# The bounds, because the newest runs are a range of the table, which is skipped through by it.
_NAMES = """
select name from (
    select name, run, min(step) as first, max(step) as last, min(time) as time from metrics
    where run between $low and $high and run in (select unnest($ids)) and isfinite(value)
    group by name, run
) group by name having bool_or(last > first) order by min(time), name
"""
