"""What a finished attempt means for its trial: the values to tell, or the reason there are none."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.sweep.executor import Outcome

_RUN_STATES = {"timeout": "failed", "cancelled": "stopped"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a trial is settled."""

    state: str
    """A run's state: `complete`, `pruned`, `failed`, `stopped` or `lost`."""
    values: tuple[float, ...] | None = None
    """One an objective; only where the trial is complete."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Everything the function returned, by name."""
    reason: str | None = None


def judge(outcome: Outcome, objectives: Sequence[str]) -> Verdict:
    """Settle a trial: a value that is missing or NaN makes it failed, as Optuna would have it."""
    if outcome.state != "complete":
        return Verdict(_RUN_STATES.get(outcome.state, outcome.state), reason=outcome.reason)
    metrics = _by_name(outcome.values, objectives)
    if isinstance(metrics, str):
        return Verdict("failed", reason=metrics)
    for name in objectives:
        if name not in metrics:
            there = ", ".join(metrics) or "nothing"
            return Verdict(
                "failed",
                None,
                metrics,
                f"returned no {name!r}, which the sweep asks for, but {there}",
            )
        if math.isnan(metrics[name]):
            return Verdict("failed", None, metrics, f"returned NaN for {name!r}")
    return Verdict("complete", tuple(metrics[name] for name in objectives), metrics)


def _by_name(
    values: float | tuple[float, ...] | Mapping[str, float] | None, objectives: Sequence[str]
) -> Mapping[str, float] | str:
    if isinstance(values, Mapping):
        return values
    listed = values if isinstance(values, tuple) else () if values is None else (values,)
    if len(listed) != len(objectives):
        return f"returned {len(listed)} values, and the sweep has {len(objectives)}: {', '.join(objectives)}"
    return dict(zip(objectives, listed, strict=True))
