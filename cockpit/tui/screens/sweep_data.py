"""What the Sweep screen asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cockpit.tui.screens.table_data import TableQuestion, TableSnapshot, read_table, selected_run

if TYPE_CHECKING:
    from cockpit.sweep.importance import Importance
    from cockpit.tui.feed import Look
    from cockpit.tui.seam import Source
    from storage.sweeps import Sweep, SweepView
    from storage.usage import Usage

LOG_LINES = 400


@dataclass(frozen=True, slots=True)
class SweepQuestion(TableQuestion):
    """The query's sweep; where it names none, the newest that runs."""

    weigh: bool = False
    """Whether the importance of its params is wanted too, which takes libraries and time."""

    def stamp(self, source: Source) -> tuple[int, ...]:
        log = source.log_stamp(self.selected) if self.selected else ()
        return (source.importance_stamp() if self.weigh else 0, *log)

    def read(self, look: Look) -> SweepSnapshot:
        sweeps, query, source = look.sweeps(), self.query, look.source
        if query.sweep is None and sweeps:
            query = replace(query, sweep=newest(sweeps).name)
        known = query.sweep in [sweep.name for sweep in sweeps]
        name = query.sweep if known else None
        table = read_table(look, query, self)
        view = look.once(("view", name), lambda: source.sweep(name)) if name else None
        usage = None
        if view and view.sweep.counts.get("running"):
            usage = look.once(("usage", name), lambda: source.usage(view.sweep.id))
        importance = None
        if view and name and self.weigh:
            importance = source.importance(name, view.sweep.counts.get("complete", 0))
        run = selected_run(table["page"], self.selected)
        log = source.log_tail(run.id, LOG_LINES) if run else ()
        return SweepSnapshot(
            question=self,
            **table,
            view=view,
            log=log,
            usage=usage,
            importance=importance,
            **look.frame(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepSnapshot(TableSnapshot):
    """A sweep, its trials, and what the trial under the cursor printed."""

    view: SweepView | None
    log: tuple[str, ...]
    usage: Usage | None = None
    """Of the view's running trials."""
    importance: Importance | None = None
    """Of the view's params; a few seconds behind where trials come in fast."""


def newest(sweeps: tuple[Sweep, ...]) -> Sweep:
    """The newest that runs, else the newest that is paused, else the newest."""
    for state in ("running", "paused"):
        for sweep in sweeps:
            if sweep.state == state:
                return sweep
    return sweeps[0]
