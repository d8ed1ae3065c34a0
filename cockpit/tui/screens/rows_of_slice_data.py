"""What the screen of a slice's rows asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui.feed import Question, Snapshot
from storage.errors import UserError

if TYPE_CHECKING:
    from cockpit.tui.feed import Look
    from cockpit.tui.judged import Rows

WINDOW = 300
"""Rows at a time."""


@dataclass(frozen=True, slots=True)
class RowsQuestion(Question):
    """Rows of a slice, those first that a run answers worst."""

    run: str
    """Its id."""
    on: str
    """The evaluation set's version."""
    condition: str | None
    """None: all rows."""
    offset: int = 0

    def read(self, look: Look) -> RowsSnapshot:
        source = look.source

        def rows() -> Rows | str:
            try:
                return source.slice_rows(self.run, self.on, self.condition, self.offset, WINDOW)
            except UserError as error:
                return fmt.plain(str(error))

        found = look.once(("rows", self), rows)
        problem = found if isinstance(found, str) else ""
        shown = None if isinstance(found, str) else found
        return RowsSnapshot(question=self, rows=shown, problem=problem, **look.frame())


@dataclass(frozen=True, slots=True, kw_only=True)
class RowsSnapshot(Snapshot):
    """A window onto the rows, or why there are none."""

    question: RowsQuestion
    rows: Rows | None = None
    problem: str = ""
