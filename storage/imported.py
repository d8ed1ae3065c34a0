"""Runs that came from somewhere else: what the store knows of them already."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.fold import UNBEGUN

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import polars as pl

    from storage.session import Session

ORIGIN = "imported"
"""The system attribute that says where a run came from: `peer`, `source` and `key`; the first thing told of it."""
LANDED = "landed"
"""The system attribute that says what of the peer's own was taken over: `tags`, `note`, `artifacts`; the last thing."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a curve reaches: equal where the curves are."""

    points: int
    steps: int
    """Their sum."""
    times: int
    """Their sum, in microseconds since 1970."""


@dataclass(frozen=True, slots=True)
class Known:
    """An imported run as it stands in the tables, in the trash or not."""

    id: int
    begun: bool
    """False where an import was cut off before it had said more than where the run came from."""
    state: str
    reason: str | None
    started: datetime | None
    ended: datetime | None
    """Naive UTC, both."""
    params: Mapping[str, Any]
    attrs: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: frozenset[str]
    provenance: str | None
    landed: Mapping[str, Any]
    """As in `LANDED`; empty where the last import of it was cut off."""
    curves: Mapping[str, Extent]


def known(session: Session, peer: str, source: str | None, keys: Sequence[str]) -> dict[str, Known]:
    """By key, the runs that were imported before; `source` None: whichever source they came from."""
    if not keys:
        return {}
    rows = session.rows(_FOUND, peer=peer, source=source, keys=list(keys))
    ids = [row[1] for row in rows]
    curves: dict[int, dict[str, Extent]] = {}
    if ids:
        for run, name, *extent in session.rows(_EXTENTS, ids=ids, low=min(ids), high=max(ids)):
            curves.setdefault(run, {})[name] = Extent(*map(int, extent))
    found: dict[str, Known] = {}
    for (
        key,
        run,
        state,
        reason,
        started,
        ended,
        params,
        attrs,
        metrics,
        tags,
        origin,
        landed,
    ) in rows:
        found.setdefault(
            key,
            Known(
                id=run,
                begun=reason != UNBEGUN,
                state=state,
                reason=reason,
                started=started,
                ended=ended,
                params=json.loads(params),
                attrs=json.loads(attrs),
                metrics=metrics,
                tags=frozenset(tags),
                provenance=origin,
                landed=json.loads(landed or "{}"),
                curves=curves.get(run, {}),
            ),
        )
    return found


def names(session: Session) -> set[str]:
    """The names that runs and sweeps have, in the trash or not."""
    rows = session.rows("select name from runs union all select name from sweeps")
    return {name for (name,) in rows}


def points(session: Session, run: int, name: str) -> pl.DataFrame:
    """A curve in the order told: step, time (microseconds since 1970), value."""
    return session.frame(_POINTS, run=run, name=name)


# The first condition is a mere look at the text, and nearly all runs of most stores end there.
_FOUND = f"""
select system_attrs->>'$.{ORIGIN}.key' as key, id, state, reason, started, ended, params, user_attrs, metrics,
    tags, provenance, system_attrs->'$.{LANDED}'
from runs
where contains(system_attrs, '"{ORIGIN}"')
    and system_attrs->>'$.{ORIGIN}.peer' = $peer
    and ($source is null or system_attrs->>'$.{ORIGIN}.source' = $source)
    and system_attrs->>'$.{ORIGIN}.key' in (select unnest($keys::varchar[]))
order by id
"""
_EXTENTS = """
select run, name, count(*), sum(step), sum(epoch_us(time)) from metrics
where run between $low and $high and run in (select unnest($ids)) group by run, name
"""
_POINTS = """
select step, epoch_us(time) as time, value from metrics where run = $run and name = $name order by rowid
"""
