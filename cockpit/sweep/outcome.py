"""What a finished attempt means for its trial: the values to tell, or the reason there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.sweep.executors.seam import Outcome

_RUN_STATES = {"cancelled": "stopped"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a trial is settled."""

    state: str
    """A run's state: `complete`, `pruned`, `failed`, `timeout`, `oom`, `stopped` or `lost`."""
    values: tuple[float, ...] | None = None
    """One an objective; only where the trial is complete."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Everything that was measured, by name; of a command also where it did not come to its end."""
    reason: str | None = None


def judge(outcome: Outcome, objectives: Sequence[str], verb: str = "returned") -> Verdict:
    """Settle a trial: a value that is missing or NaN makes it failed, as Optuna would have it.

    `verb` is what the work does with its values: a function returns them, a command printed them.
    """
    if outcome.state != "complete":
        state = _RUN_STATES.get(outcome.state, outcome.state)
        metrics = outcome.values if isinstance(outcome.values, Mapping) else {}
        return Verdict(state, None, metrics, outcome.reason)
    named = _by_name(outcome.values, objectives)
    if isinstance(named, str):
        return Verdict("failed", reason=f"{verb} {named}")
    for name in objectives:
        if name not in named:
            there = ", ".join(named) or "nothing"
            reason = f"{verb} no {name!r}, which the sweep asks for, but {there}"
            return Verdict("failed", None, named, reason)
        if math.isnan(named[name]):
            return Verdict("failed", None, named, f"{verb} NaN for {name!r}")
    return Verdict("complete", tuple(named[name] for name in objectives), named)


def _by_name(
    values: float | tuple[float, ...] | Mapping[str, float] | None, objectives: Sequence[str]
) -> Mapping[str, float] | str:
    if isinstance(values, Mapping):
        return values
    listed = values if isinstance(values, tuple) else () if values is None else (values,)
    if len(listed) != len(objectives):
        return f"{len(listed)} values, and the sweep has {len(objectives)}: {', '.join(objectives)}"
    return dict(zip(objectives, listed, strict=True))
