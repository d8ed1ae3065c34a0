"""What the Run screen asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit.tui.feed import Question, Snapshot

if TYPE_CHECKING:
    from cockpit.origin import Traces
    from cockpit.tui.feed import Look
    from cockpit.tui.seam import Source
    from storage.history import History
    from storage.runs import RunDetail
    from storage.sweeps import Sweep

LOG_LINES = 1000
POINTS = 400
"""Of a curve: two for each column of a wide terminal."""
SYSTEM = "system."


@dataclass(frozen=True, slots=True)
class RunQuestion(Question):
    """One run, by its id."""

    run: str

    def stamp(self, source: Source) -> tuple[int, ...]:
        return source.log_stamp(self.run)

    def read(self, look: Look) -> RunSnapshot:
        source, run = look.source, self.run
        found = look.once(("details", run), lambda: source.details((run,)))
        if not found:
            return RunSnapshot(question=self, **look.frame())
        detail = found[0]
        kept = (detail.log or "").splitlines()
        return RunSnapshot(
            question=self,
            detail=detail,
            traces=look.once(("traces", run), lambda: source.traces(detail)),
            curves=look.once(("histories", run), lambda: _curves(source, detail, look.sweeps())),
            log=source.log_tail(run, LOG_LINES) or tuple(kept),
            **look.frame(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RunSnapshot(Snapshot):
    """All there is on one run; nothing where it has gone."""

    question: RunQuestion
    detail: RunDetail | None = None
    traces: Traces | None = None
    curves: tuple[History, ...] = ()
    """The objectives first, what was measured of the machine at the end."""
    log: tuple[str, ...] = ()

    @property
    def sweep(self) -> Sweep | None:
        """The sweep the run belongs to."""
        name = self.detail.run.sweep if self.detail else None
        return next((sweep for sweep in self.sweeps if sweep.name == name), None)


def _curves(source: Source, detail: RunDetail, sweeps: tuple[Sweep, ...]) -> tuple[History, ...]:
    ids = (detail.run.id,)
    first = [name for sweep in sweeps if sweep.name == detail.run.sweep for name in sweep.metrics]
    names = sorted(source.curve_names(ids), key=lambda name: _rank(name, first))
    return tuple(curve for name in names for curve in source.histories(ids, name, POINTS))


def _rank(name: str, first: list[str]) -> tuple[bool, int]:
    place = first.index(name) if name in first else len(first)
    return name.startswith(SYSTEM), place
