"""The store as a peer among peers."""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

from storage.events import MetricLogged, RunCreated
from storage.runs import RunQuery, page
from storage.spool import SpoolWriter
from storage.store import Store
from tests.bench.stores import BEGAN, METRICS, empty, in_four

if TYPE_CHECKING:
    from storage.layout import Layout
    from storage.session import Session
    from tests.bench.peers import Values


def top(session: Session, metric: str, limit: int = 50) -> list[Any]:
    """What the runs screen asks for: the rows, the counts, the columns, the best."""
    return list(page(session, RunQuery(sort=metric, limit=limit)).runs)


def fold(layout: Layout) -> None:
    with Store(layout).session():
        pass


class Cockpit:
    """Four appends a run, as a program tells of one; folded in by whoever looks."""

    name = "cockpit"

    def __init__(self) -> None:
        self.layout = empty("cockpit")
        self._writer = SpoolWriter(self.layout)
        self._numbers, self._rng = itertools.count(), random.Random(1)
        self._curve = 0

    def log_run(self, params: Values, metrics: Values) -> None:
        parts = in_four(self._writer.new_id(), None, next(self._numbers), self._rng, len(METRICS))
        for events in parts:
            self._writer.append(*events)

    def log_points(self, values: list[float]) -> None:
        self._curve = run = self._writer.new_id()
        self._writer.append(RunCreated(run, None, None, "curve", "running", BEGAN))
        for start in range(0, len(values), 1000):
            self._writer.append(
                *(
                    MetricLogged(run, "loss", step, BEGAN + step, values[step])
                    for step in range(start, min(start + 1000, len(values)))
                )
            )

    def read(self, session: Session) -> int:
        return session.frame(
            "select step, value from metrics where run = $run and name = 'loss' order by step",
            run=self._curve,
        ).height
