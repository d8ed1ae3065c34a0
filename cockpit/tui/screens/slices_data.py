"""What the Slices screen asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui.feed import Question, Snapshot
from cockpit.tui.judged import Asked, Judged
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.tui.feed import Look
    from cockpit.tui.seam import Source
    from storage.runs import Run


@dataclass(frozen=True, slots=True)
class Matching:
    """How many rows of the set what is being typed stands for."""

    text: str
    rows: int | None = None
    complaint: str = ""
    """What is wrong with it, and where."""


@dataclass(frozen=True, slots=True)
class SlicesQuestion(Question):
    """Some runs on the slices of an evaluation set."""

    runs: tuple[str, ...] = ()
    """Ids."""
    beside: str | None = None
    """A run to measure a single one against, where it can be."""
    base: str | None = None
    """Id of the run that the others are measured against; the first one where it says nothing."""
    on: str | None = None
    metric: str | None = None
    more: tuple[str, ...] = ()
    """Conditions that were typed or found in this visit."""
    typed: str = ""
    """What is being typed."""

    @property
    def asked(self) -> Asked:
        """What is to be scored."""
        runs = tuple(dict.fromkeys(([self.beside] if self.beside else []) + list(self.runs)))
        base = self.base if self.base in runs else runs[0] if len(runs) > 1 else None
        return Asked(runs, base, self.on, self.metric, self.more)

    def stamp(self, source: Source) -> tuple[int, ...]:
        return source.project_stamp()

    def read(self, look: Look) -> SlicesSnapshot:
        judged = self._judged(look)
        ids = self.asked.runs
        runs = look.once(("details", ids), lambda: look.source.details(ids)) if ids else ()
        return SlicesSnapshot(
            question=self,
            judged=judged,
            runs={one.run.id: one.run for one in runs},
            matching=self._matching(look, judged),
            **look.frame(),
        )

    def _judged(self, look: Look) -> Judged:
        def judge(asked: Asked) -> Judged:
            key = ("judged", asked, look.source.project_stamp())
            return look.once(key, lambda: look.source.judged(asked))

        asked = self.asked
        judged = judge(asked)
        there = judged.table.runs if judged.table else ()
        if asked.base and asked.base not in there and len(there) > 1:
            judged = judge(replace(asked, base=there[0]))
        if self.beside not in self.runs:
            # Nobody asked for it, so nobody wants to hear that it cannot be compared.
            left_out = {run: why for run, why in judged.left_out.items() if run != self.beside}
            judged = replace(judged, left_out=left_out)
        return judged

    def _matching(self, look: Look, judged: Judged) -> Matching | None:
        text = self.typed.strip()
        if not text or not judged.set:
            return None

        def count() -> Matching:
            try:
                return Matching(text, look.source.matching(judged.set, text))
            except UserError as error:
                return Matching(text, complaint=fmt.plain(str(error)))

        return look.once(("matching", judged.set, text), count)


@dataclass(frozen=True, slots=True, kw_only=True)
class SlicesSnapshot(Snapshot):
    """Runs on slices, or what has to be there first."""

    question: SlicesQuestion
    judged: Judged
    runs: Mapping[str, Run]
    """By id."""
    matching: Matching | None = None
