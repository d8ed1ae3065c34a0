"""Which points of a search space that can be counted were told: where all were, nothing is left to run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


class Tried:
    """The points of the declared parameters that were told. Each trial is looked at until it has ended."""

    def __init__(self, declared: Mapping[str, BaseDistribution]) -> None:
        self._declared = declared
        self._points = math.prod(map(_values, declared.values())) if declared else math.inf
        self._told: set[tuple[int, ...]] = set()
        self._open: list[int] = []
        self._seen = 0

    def all_of(self, trials: Sequence[FrozenTrial]) -> bool:
        """Whether these, all of the sweep by number, leave no point that was not told."""
        if math.isinf(self._points):
            return False
        self._open += range(self._seen, len(trials))
        self._seen = len(trials)
        for number in self._open:
            if trials[number].state == TrialState.COMPLETE:
                self._take(trials[number].params)
        self._open = [each for each in self._open if not trials[each].state.is_finished()]
        return len(self._told) >= self._points

    def _take(self, params: Mapping[str, Any]) -> None:
        try:
            point = tuple(_place(each, params[name]) for name, each in self._declared.items())
        except (KeyError, ValueError):  # a point of the space as it was before somebody changed it
            return
        self._told.add(point)


def _values(distribution: BaseDistribution) -> float:
    if isinstance(distribution, CategoricalDistribution):
        return len(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if distribution.single():
        return 1
    return _place(distribution, distribution.high) + 1 if distribution.step else math.inf


def _place(distribution: BaseDistribution, value: Any) -> int:
    """Where a value stands among those of its distribution; raises ValueError where it does not."""
    internal = distribution.to_internal_repr(value)
    if not distribution._contains(internal):
        raise ValueError(value)
    if isinstance(distribution, CategoricalDistribution):
        return int(internal)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return round((internal - distribution.low) / (distribution.step or 1))
