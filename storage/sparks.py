"""The curves of many runs at once, as small as a cell of a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.ids import from_text
from storage.runs import thinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.session import Session

POINTS = 24
"""Of a run: the lowest and the highest of each of twelve stretches."""


@dataclass(frozen=True, slots=True)
class Spark:
    """A metric of a run by step, thinned so that spikes survive."""

    steps: tuple[float, ...] = ()
    values: tuple[float, ...] = ()
    """As long as `steps`; finite."""


def sparks(session: Session, runs: Sequence[str], name: str) -> dict[str, Spark]:
    """Read a metric of the runs of these ids, in one query; a run that has none is given an empty curve."""
    ids = {run: from_text(run) for run in runs}
    found = thinned(session, list(ids.values()), name, POINTS)
    return {run: Spark(*found.get(identity, ((), ()))) for run, identity in ids.items()}
