"""What the Models screen asks, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cockpit.tui.background import Finding
from cockpit.tui.feed import Question, Snapshot
from cockpit.tui.models.desk import Asked

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.tui.feed import Look
    from cockpit.tui.models.desk import Kind, Shelf
    from cockpit.tui.seam import Source
    from storage.models import Move, Version


@dataclass(frozen=True, slots=True)
class ModelsQuestion(Question):
    """The models there are, and one version of one of them."""

    chosen: str | None = None
    """Label of the version that is looked at; the first that is listed without."""
    kind: Kind = "gates"

    def stamp(self, source: Source) -> tuple[int, ...]:
        return source.models.stamp()

    def read(self, look: Look) -> ModelsSnapshot:
        desk = look.source.models
        shelves = look.once("models", desk.shelves)
        chosen = _chosen(shelves, self.chosen)
        moves: tuple[Move, ...] = ()
        total, grounds, facts = 0, None, Finding()
        if chosen is not None:
            model, digest = chosen.model, chosen.digest
            moves, total = look.once(("moves", model), lambda: desk.moves(model))
            grounds = look.once(("grounds", model, digest), lambda: desk.grounds(chosen))
            if self.kind == "facts":
                facts = desk.facts(chosen)
        return ModelsSnapshot(
            question=self,
            shelves=shelves,
            asked=desk.asked(),
            chosen=chosen,
            grounds=grounds,
            moves=moves,
            total=total,
            facts=facts,
            **look.frame(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsSnapshot(Snapshot):
    """All models, and what is known of the chosen version."""

    question: ModelsQuestion
    shelves: tuple[Shelf, ...] = ()
    asked: Asked = field(default_factory=Asked)
    chosen: Version | None = None
    grounds: Move | None = None
    """How the chosen one came to its alias the last time it was judged."""
    moves: tuple[Move, ...] = ()
    """Of the chosen one's model, the newest first."""
    total: int = 0
    facts: Finding = field(default_factory=Finding)

    @property
    def lonely(self) -> tuple[str, ...]:
        """Models of cockpit.toml that have no version."""
        there = {shelf.name for shelf in self.shelves}
        return tuple(name for name in self.asked.gates if name not in there)


def _chosen(shelves: Sequence[Shelf], label: str | None) -> Version | None:
    listed = [version for shelf in shelves for version in shelf.versions]
    known = {version.label: version for version in listed}
    return known.get(label or "") or next(iter(listed), None)
