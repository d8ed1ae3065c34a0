"""Keeps the importance of a sweep's params up to date, seldom enough and while nobody waits for the store."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.sweep.importance import Importance, Material

PAUSE = 4.0
"""Seconds between two weighings, however fast trials are told."""
SHARE = 20
"""And at least so many times what the last one took."""


class Weigher:
    """Reads what is to be weighed inside a look at the store, and weighs it outside."""

    def __init__(self) -> None:
        self._found: dict[str, Importance] = {}
        self._told: dict[str, int] = {}
        self._pending: tuple[str, Material] | None = None
        self._next = 0.0
        self._late = False
        self._news = 0

    def importance(
        self, sweep: str, complete: int, read: Callable[[], Material]
    ) -> Importance | None:
        """The last that was found; `read` is called where more trials are complete by now."""
        if complete != self._told.get(sweep):
            self._late = monotonic() < self._next
            if not self._late:
                self._pending = sweep, read()
                self._told[sweep] = complete
        return self._found.get(sweep)

    def stamp(self) -> int:
        """Differs when there is something new to show, or when it is time to read again."""
        if self._pending is not None:
            from cockpit.sweep.importance import importance

            sweep, material = self._pending
            began = monotonic()
            self._found[sweep] = importance(material)
            self._pending = None
            self._next = monotonic() + max(PAUSE, SHARE * (monotonic() - began))
            self._news += 1
        elif self._late and monotonic() >= self._next:
            self._late = False
            self._news += 1
        return self._news
