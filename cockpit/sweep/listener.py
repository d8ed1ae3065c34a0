"""Whoever shows how a sweep goes, and what there is to tell when it is over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cockpit.sweep.signals import Wish
    from cockpit.sweep.trials import Settled


@dataclass(frozen=True, slots=True)
class Summary:
    """How a sweep went."""

    sweep: str
    name: str
    state: str
    reason: str | None
    """Why it ended, where that was not the number of its trials."""
    counts: Mapping[str, int]
    any_complete: bool
    """Whether at least one trial is, those of earlier drivers included."""
    best: Settled | None
    baseline: Settled | None
    seconds: float
    differences: Sequence[str] | None = None
    """A replay's: what came out otherwise than in the sweep that it replays; empty where nothing did."""


class Listener(Protocol):
    """Whoever shows the sweep's progress."""

    def started(self, name: str, trials: int | None, workers: int, done: int) -> None:
        """`done` of the trials came to their end in an earlier driver's time."""
        ...

    def notice(self, sentence: str) -> None:
        """Something to know that is no error."""
        ...

    def settled(self, trial: Settled, best: Settled | None) -> None: ...

    def tick(self, running: int, wish: Wish, trials: int | None) -> None:
        """Comes several times a second; `trials` may have changed since the start."""
        ...
