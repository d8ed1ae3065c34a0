"""What the screen of a promotion asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cockpit.tui.background import Finding
from cockpit.tui.feed import Question, Snapshot

if TYPE_CHECKING:
    from cockpit.tui.feed import Look
    from cockpit.tui.models.desk import Judgement, Proposal
    from cockpit.tui.seam import Source
    from storage.models import Move


@dataclass(frozen=True, slots=True)
class PromotionQuestion(Question):
    """What the gates say of a promotion, and what its alias means meanwhile."""

    proposal: Proposal
    ended: bool = False
    """Whether judging it is to end, or has been ended."""

    def stamp(self, source: Source) -> tuple[int, ...]:
        return source.models.stamp()

    def read(self, look: Look) -> PromotionSnapshot:
        desk, asked = look.source.models, self.proposal
        shelves = look.once("models", desk.shelves)
        moves = (move for shelf in shelves if shelf.name == asked.model for move in shelf.aliases)
        live = next((move for move in moves if move.alias == asked.alias), None)
        return PromotionSnapshot(
            question=self, finding=desk.judged(asked, self.ended), live=live, **look.frame()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PromotionSnapshot(Snapshot):
    """A judgement on its way, or here; or why there is none."""

    question: PromotionQuestion
    finding: Finding = field(default_factory=Finding)
    live: Move | None = None
    """The move that put the alias where it is now."""

    @property
    def judgement(self) -> Judgement | None:
        found: Judgement | None = self.finding.found
        return found

    @property
    def outdated(self) -> bool:
        """Whether the alias has moved since the gates were judged."""
        if self.judgement is None:
            return False
        incumbent = self.judgement.checked.incumbent
        return (self.live.digest if self.live else None) != (incumbent and incumbent.digest)
