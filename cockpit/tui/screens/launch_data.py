"""What the Launch screen asks of the store: nothing but its frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit.tui.feed import Question, Snapshot

if TYPE_CHECKING:
    from cockpit.tui.feed import Look


@dataclass(frozen=True, slots=True)
class LaunchQuestion(Question):
    """What runs now."""

    def read(self, look: Look) -> Snapshot:
        return Snapshot(question=self, **look.frame())
