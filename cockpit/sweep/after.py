"""What a sweep has found: its best runs, of several objectives the Pareto front. Writes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.outcomes import outcomes
from storage.runs import by_ids
from storage.sweeps import find_sweep

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.outcomes import Outcome
    from storage.runs import Run
    from storage.session import Session
    from storage.sweeps import Sweep


@dataclass(frozen=True, slots=True)
class Best:
    """The best complete runs of one objective, or the Pareto front of several."""

    sweep: Sweep
    runs: tuple[Run, ...]
    """Best of the first objective first."""
    found: int
    """Feasible runs with one objective, runs on the front with several; `runs` may be fewer."""
    complete: int
    infeasible: int
    """Complete runs that break a constraint: never among the best."""


def best(session: Session, name: str, most: int | None) -> Best:
    """Find the `most` best runs of a sweep; None: the best one, of several objectives the whole front.

    Raises `SweepNotFound`.
    """
    sweep = find_sweep(session, name)
    told = outcomes(session, sweep.id)
    if len(sweep.directions) > 1:
        ranked = front(told, sweep.directions)
    else:
        ranked, most = _ranked(told, sweep), most or 1
    return Best(
        sweep,
        by_ids(session, [one.id for one in ranked[:most]]),
        found=len(ranked),
        complete=len(told),
        infeasible=sum(not one.feasible for one in told),
    )


def _ranked(told: Sequence[Outcome], sweep: Sweep) -> list[Outcome]:
    sign = _signs(sweep.directions)[0]
    return sorted(
        (one for one in told if one.feasible), key=lambda one: (sign * one.values[0], one.id)
    )


def front(told: Sequence[Outcome], directions: Sequence[str]) -> list[Outcome]:
    """The feasible outcomes that no other is as good as everywhere and better than somewhere.

    In the order of the first objective, its best first.
    """
    import numpy as np

    feasible = [one for one in told if one.feasible]
    if not feasible:
        return []
    losses = np.array([one.values for one in feasible]) * _signs(directions) + 0.0  # no -0.0
    # In the order of the first objective, then of the next one, the first is beaten by none; it goes,
    # with all that it beats.
    left, places = np.unique(losses, axis=0, return_inverse=True)
    alone = np.arange(len(left))
    kept: dict[int, list[Outcome]] = {}
    while len(left):
        kept[int(alone[0])] = []
        better = (left < left[0]).any(axis=1)
        left, alone = left[better], alone[better]
    for one, place in zip(feasible, places.ravel().tolist(), strict=True):
        if place in kept:
            kept[place].append(one)
    return [one for same in kept.values() for one in same]


def _signs(directions: Sequence[str]) -> list[float]:
    return [-1.0 if way == "maximize" else 1.0 for way in directions]
