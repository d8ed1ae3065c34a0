"""Looks at the store whenever it has grown, and says what has newly come about."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage.expressions.terms import UnknownName
from storage.faults import StoreBusy
from storage.ids import from_text
from storage.runs import RunQuery, by_ids
from storage.selection import ids
from storage.store import Store
from storage.sweeps import all_sweeps, find_sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cockpit.alerts.conditions import Condition
    from storage.layout import Layout
    from storage.runs import Run
    from storage.session import Session
    from storage.sweeps import Sweep

PATIENCE = 2.0
"""Seconds to wait for a store that somebody else has open; then it is tried again at the next look."""


@dataclass(frozen=True, slots=True)
class Alert:
    """One run or sweep that a condition has come to hold for."""

    condition: str
    time: datetime
    """When it was seen: UTC, timezone-aware."""
    run: Run | None
    sweep: Sweep | None
    """One of the two is set."""

    def fields(self) -> dict[str, Any]:
        """What a command's placeholders may name, besides metrics and params."""
        shown, sweep = self.shown, self.sweep
        found: dict[str, Any] = {"kind": "run" if sweep is None else "sweep"}
        found |= {"run": shown and shown.id, "number": shown and shown.number}
        if sweep is not None:
            found |= {"name": sweep.name, "sweep": sweep.name}
            found |= {"state": sweep.state, "reason": sweep.reason}
        elif shown is not None:
            found |= {"name": shown.name, "sweep": shown.sweep}
            found |= {"state": shown.state, "reason": shown.reason}
        return {**found, "condition": self.condition}

    @property
    def shown(self) -> Run | None:
        """The run whose metrics and params are meant: of a sweep its best one, which may be missing."""
        return self.run if self.sweep is None else self.sweep.best

    def as_json(self) -> dict[str, Any]:
        """What goes to the command's stdin and to the webhook."""
        told = {**self.fields(), "time": self.time.isoformat()}
        shown, sweep = self.shown, self.sweep
        if sweep is not None:
            told |= {"objectives": list(sweep.metrics), "directions": list(sweep.directions)}
            told |= {"trials": dict(sweep.counts), "seconds": sweep.seconds}
        elif shown is not None:
            told |= {"step": shown.step, "seconds": shown.seconds, "tags": list(shown.tags)}
        told["metrics"] = dict(shown.metrics) if shown else {}
        told["params"] = dict(shown.params) if shown else {}
        return told


class Watcher:
    """Remembers what a condition held for already."""

    def __init__(
        self,
        layout: Layout,
        condition: Condition,
        sweep: str | None,
        notice: Callable[[str], None],
        everything: bool = False,
    ) -> None:
        """`everything`: what it holds for at the start is told, too. `notice` hears why nothing can be said yet."""
        self._store, self._layout = Store(layout), layout
        self._condition, self._sweep, self._notice = condition, sweep, notice
        self._seen: set[str] | None = set() if everything else None
        self._stamp: object = None
        self._noticed: set[str] = set()

    def look(self) -> list[Alert]:
        """What has newly come about since the last look, oldest first; nothing where the store has not grown.

        Raises what the store does but `StoreBusy`, and `FilterError`, `SweepNotFound`.
        """
        if not self._layout.exists():
            self._seen = self._seen or set()
            return []
        stamp = self._store.stamp()
        if stamp == self._stamp:
            return []
        try:
            with self._store.session(PATIENCE) as session:
                found = self._found(session)
                first = self._seen is None
                new = [] if first else [key for key in found if key not in (self._seen or ())]
                alerts = self._alerts(session, {key: found[key] for key in new})
        except StoreBusy as error:
            self._say_once(str(error))
            return []
        self._stamp = stamp
        kept = set() if first or self._condition.passing else self._seen or set()
        self._seen = kept | set(found)
        return alerts

    def _found(self, session: Session) -> dict[str, Sweep | None]:
        """By id, oldest first."""
        if self._condition.sweeps:
            name = self._sweep
            sweeps = all_sweeps(session) if name is None else (find_sweep(session, name),)
            meant = [sweep for sweep in sweeps if sweep.state in self._condition.sweeps]
            return {sweep.id: sweep for sweep in reversed(meant)}
        name = None if self._sweep is None else find_sweep(session, self._sweep).name
        query = RunQuery(name, self._condition.where, limit=None)
        try:
            return dict.fromkeys(sorted(ids(session, query), key=from_text))
        except UnknownName as error:
            self._say_once(f"{error.sentence}: nothing can match until some run has it")
            return {}

    def _alerts(self, session: Session, new: Mapping[str, Sweep | None]) -> list[Alert]:
        now, text = datetime.now(UTC), self._condition.text
        if self._condition.sweeps:
            return [Alert(text, now, None, sweep) for sweep in new.values()]
        runs = by_ids(session, [from_text(key) for key in new])
        return [Alert(text, now, run, None) for run in runs]

    def _say_once(self, sentence: str) -> None:
        if sentence not in self._noticed:
            self._noticed.add(sentence)
            self._notice(sentence)
