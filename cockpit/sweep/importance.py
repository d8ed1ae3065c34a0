"""Which params mattered in a sweep, by PED-ANOVA over its complete trials. Writes nothing."""

from __future__ import annotations

import math
import sys
import warnings
from collections import Counter
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING

from storage.errors import UserError
from storage.outcomes import points
from storage.sweeps import find_sweep

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna import Study
    from optuna.distributions import BaseDistribution
    from optuna.importance import PedAnovaImportanceEvaluator
    from optuna.trial import FrozenTrial

    from storage.outcomes import Point
    from storage.session import Session
    from storage.sweeps import Sweep

STEADY = 50
"""Complete trials from which on the best tenth holds the five that PED-ANOVA's implementation asks for."""


class NoSuchObjective(UserError):
    """The sweep has no objective of that name; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Share:
    """How much of what sets the best tenth of the trials apart is one param's doing."""

    param: str
    share: float
    """All of a sweep's add up to 1."""
    trials: int
    """Complete trials that had the param."""


@dataclass(frozen=True, slots=True)
class Importance:
    """Which params mattered."""

    sweep: str
    """Its name."""
    objectives: tuple[str, ...]
    """Several: being near their Pareto front is what is explained."""
    trials: int
    """Complete trials with finite values, which it was found from."""
    shares: tuple[Share, ...]
    """The largest first."""
    reason: str = ""
    """Why nothing can be said, in one sentence; else empty."""
    left_out: tuple[str, ...] = ()
    """Params whose choices the store could not keep."""


@dataclass(frozen=True, slots=True)
class Material:
    """What the importance is found from."""

    sweep: Sweep
    places: tuple[int, ...]
    """Of the objectives that count, among the sweep's."""
    points: tuple[Point, ...]


def material(session: Session, name: str, metric: str | None = None) -> Material:
    """Read a sweep's complete trials, so that the store is free again while they are weighed.

    `metric` picks one of several objectives; without it they count together.
    Raises `SweepNotFound` or `NoSuchObjective`.
    """
    sweep = find_sweep(session, name)
    places = _objectives(sweep, metric)
    return Material(sweep, places, points(session, sweep.id))


def importance(found: Material) -> Importance:
    """Weigh the params by PED-ANOVA (Watanabe et al., IJCAI 2023, arXiv:2304.10255).

    Params of conditional spaces are weighed among the trials that had them (arXiv:2601.20800).
    """
    sweep, places = found.sweep, found.places
    finite = [p for p in found.points if all(math.isfinite(p.values[place]) for place in places)]
    objectives = tuple(sweep.metrics[place] for place in places)
    had = Counter(param for point in finite for param in point.distributions)
    lost = {param for point in finite for param in point.params} - set(had)
    reason = _nothing(finite, places, objectives, len(found.points))
    shares = () if reason else _shares(finite, places, sweep)
    if not (reason or shares):
        reason = "no param sets the best trials apart"
    return Importance(
        sweep.name,
        objectives,
        len(finite),
        tuple(Share(param, share, had[param]) for param, share in shares),
        reason,
        tuple(sorted(lost)),
    )


def _objectives(sweep: Sweep, metric: str | None) -> tuple[int, ...]:
    if metric is None:
        return tuple(range(len(sweep.directions)))
    if metric in sweep.metrics:
        return (sweep.metrics.index(metric),)
    near = get_close_matches(metric, sweep.metrics, 1)
    hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(sweep.metrics)}"
    raise NoSuchObjective(f"{sweep.name} has no objective {metric!r}; {hint}")


def _nothing(
    found: list[Point], places: tuple[int, ...], objectives: tuple[str, ...], complete: int
) -> str:
    if len(found) < 2:
        have = "one complete trial" if found else "no complete trial"
        finite = " with finite values" * (complete > len(found))
        return f"there is {have}{finite} yet, and it takes two to tell them apart"
    if len({tuple(point.values[place] for place in places) for point in found}) == 1:
        return f"all {len(found):,} complete trials have the same {' and '.join(objectives)}"
    return ""


def _shares(
    found: list[Point], places: tuple[int, ...], sweep: Sweep
) -> tuple[tuple[str, float], ...]:
    study = _study(found, places, sweep)
    with warnings.catch_warnings():
        # Of regimes with few trials, which the number of trials beside a param says better.
        warnings.simplefilter("ignore")
        weights = _ped_anova().evaluate(study)
    total = sum(weights.values())
    if not total:
        return ()
    largest_first = sorted(weights.items(), key=lambda pair: (-pair[1], pair[0]))
    return tuple((param, weight / total) for param, weight in largest_first)


def _ped_anova() -> PedAnovaImportanceEvaluator:
    """Optuna's own; imported without scikit-learn, which takes a second and serves only fANOVA."""
    spared = "sklearn" not in sys.modules
    if spared:
        sys.modules["sklearn"] = None  # type: ignore[assignment]  # "it is not there"
    try:
        from optuna.importance import PedAnovaImportanceEvaluator
    finally:
        if spared:
            del sys.modules["sklearn"]
    return PedAnovaImportanceEvaluator()


def _study(found: list[Point], places: tuple[int, ...], sweep: Sweep) -> Study:
    """A study in memory alone, with these trials."""
    import optuna
    from optuna.distributions import json_to_distribution
    from optuna.study import StudyDirection

    directions = [StudyDirection[sweep.directions[place].upper()] for place in places]
    storage = optuna.storages.InMemoryStorage()
    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would tell of a new study
    try:
        study = optuna.create_study(storage=storage, directions=directions)
    finally:
        optuna.logging.set_verbosity(level)
    understood = cache(json_to_distribution)
    for number, point in enumerate(found):
        trial = _frozen(number, [point.values[place] for place in places], point, understood)
        storage.create_new_trial(study._study_id, trial)
    return study


def _frozen(
    number: int,
    values: list[float],
    point: Point,
    understood: Callable[[str], BaseDistribution],
) -> FrozenTrial:
    from optuna.trial import FrozenTrial, TrialState

    return FrozenTrial(
        number=number,
        trial_id=number,
        state=TrialState.COMPLETE,
        value=None,
        values=values,
        params={param: point.params[param] for param in point.distributions},
        distributions={param: understood(text) for param, text in point.distributions.items()},
        user_attrs={},
        system_attrs={},
        intermediate_values={},
        datetime_start=None,
        datetime_complete=None,
    )
