"""When a sweep has had enough."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cockpit.sweep.durations import as_written

if TYPE_CHECKING:
    from cockpit.sweep.spec.tables import SweepTable


class Budget:
    """Trials, time, and how long nothing may get better; what is spent first ends the asking."""

    def __init__(self, sweep: SweepTable, asked: int = 0) -> None:
        """`asked` trials were asked for before."""
        self.trials = sweep.trials
        self.asked = asked
        self._time, self._patience = sweep.time, sweep.patience
        self._began = time.monotonic()
        self._since_best = 0
        self._nothing_left = False

    @property
    def left(self) -> float:
        """Trials that may still be asked for; infinite without a limit."""
        return float("inf") if self.trials is None else max(0, self.trials - self.asked)

    def ask(self) -> None:
        """One more trial was asked for."""
        self.asked += 1

    def add(self, trials: int) -> None:
        """Allow so many trials more, though the patience was at its end."""
        if self.trials is not None:
            self.trials = max(self.trials, self.asked) + trials
        self._since_best = 0

    def settled(self, improved: bool) -> None:
        """A trial came to its end; `improved` where it is the best so far."""
        self._since_best = 0 if improved else self._since_best + 1

    def nothing_left(self, is_so: bool) -> None:
        """Take note whether the search has no other point."""
        self._nothing_left = is_so

    def renew(self) -> None:
        """Somebody wants more though the patience was at its end: it begins anew."""
        if self._is_patience_up():
            self._since_best = 0

    def over(self) -> str | None:
        """Why there are no more trials, however many are added; else as `spent`."""
        if self._nothing_left:
            return "there is no other point to try"
        if self._time is not None and time.monotonic() - self._began >= self._time:
            return f"its time ({as_written(self._time)}) was used up"
        return None

    def spent(self) -> str | None:
        """Why there are no more trials though some are left, as a sentence; None where there is no such reason."""
        if (why := self.over()) is not None:
            return why
        return f"nothing better came in {self._patience} trials" if self._is_patience_up() else None

    def _is_patience_up(self) -> bool:
        return self._patience is not None and self._since_best >= self._patience
