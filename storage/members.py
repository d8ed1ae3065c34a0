"""Which runs a sweep has, and no more of each than whoever follows them needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from storage.session import Session


@dataclass(frozen=True, slots=True)
class Member:
    """A run of a sweep."""

    id: str
    number: int | None
    """None for a baseline of a function of its own."""
    state: str


def members(session: Session, sweep: str) -> list[Member]:
    """The runs of the sweep of this id, the baseline first, then by number."""
    rows = session.rows(
        "select runs.key, number, runs.state from runs join sweeps on runs.sweep = sweeps.id"
        " where sweeps.key = $sweep and runs.trashed is null order by number nulls first",
        sweep=sweep,
    )
    return [Member(*row) for row in rows]
