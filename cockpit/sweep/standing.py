"""How a sweep stands: what came of its trials, which is the best, and what was tried."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.sweep.spec import Spec
    from cockpit.sweep.trials import Settled


class Standing:
    """Takes in runs as they are settled."""

    def __init__(self, spec: Spec) -> None:
        self._directions, self._duplicates = spec.sweep.directions, spec.sweep.duplicates
        self._told: dict[str, Settled] = {}
        """Complete trials by their params."""
        self.counts: dict[str, int] = {}
        """Runs by their state, of this driver."""
        self.best: Settled | None = None
        """Of one objective; what breaks a constraint is never the best."""
        self.baseline: Settled | None = None

    @property
    def any_complete(self) -> bool:
        return bool(self._told)

    def count(self, settled: Settled) -> None:
        """One more run has come to its end."""
        self.counts[settled.state] = self.counts.get(settled.state, 0) + 1

    def take(self, settled: Settled) -> bool:
        """Remember a trial; True where it is the best so far."""
        if settled.values is None:
            return False
        self._told.setdefault(_point(settled.params), settled)
        if settled.baseline:
            self.baseline = settled
        if len(settled.values) > 1 or not settled.feasible:
            return False
        sign = 1 if self._directions[0] == "maximize" else -1
        best = self.best and self.best.values
        if best and sign * settled.values[0] <= sign * best[0]:
            return False
        self.best = settled
        return True

    def same(self, params: Mapping[str, Any]) -> Settled | None:
        """The complete trial whose outcome counts for these params too, where duplicates are skipped."""
        if self._duplicates == "run" or not params:
            return None
        return self._told.get(_point(params))


def _point(params: Mapping[str, Any]) -> str:
    return json.dumps(params, sort_keys=True, default=repr)
