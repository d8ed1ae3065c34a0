"""A space that can be counted is known to be done when each of its points was told, and not before."""

from __future__ import annotations

from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial

from cockpit.sweep.tried import Tried

SPACE = {
    "n": IntDistribution(2, 6, step=2),
    "x": FloatDistribution(0.1, 0.4, step=0.1),
    "loss": CategoricalDistribution(("a", False)),
    "fixed": FloatDistribution(0.5, 0.5),
}


def trial(
    params: dict[str, Any], space: Any = SPACE, state: TrialState = TrialState.COMPLETE
) -> Any:
    value = 1.0 if state == TrialState.COMPLETE else None
    return create_trial(params=params, distributions=space, value=value, state=state)


def points() -> list[dict[str, Any]]:
    return [
        {"n": n, "x": x, "loss": loss, "fixed": 0.5}
        for n in (2, 4, 6)
        for x in (0.1, 0.2, 0.1 + 0.2, 0.4)  # as a sampler rounds it: 0.30000000000000004
        for loss in ("a", False)
    ]


def test_all_points_are_told_when_the_last_one_is() -> None:
    tried, trials = Tried(SPACE), [trial(point) for point in points()]
    assert not tried.all_of(trials[:-1])
    again = [*trials[:-1], trials[0], trial({**points()[5], "x": 0.3})]
    assert not Tried(SPACE).all_of(again)  # 0.3 and 0.30000000000000004 are one point
    assert tried.all_of(trials)


def test_a_point_counts_once_its_trial_is_complete() -> None:
    space = {"n": IntDistribution(1, 2)}
    tried, first = Tried(space), trial({"n": 1}, space)
    running = trial({"n": 2}, space, TrialState.RUNNING)
    assert not tried.all_of([first, running])
    assert not tried.all_of([first, trial({"n": 2}, space, TrialState.FAIL)])
    assert Tried(space).all_of([first, trial({"n": 2}, space)])


def test_points_of_the_space_as_it_was_do_not_count() -> None:
    wide, narrow = {"n": IntDistribution(1, 4)}, {"n": IntDistribution(1, 2)}
    before = [trial({"n": n}, wide) for n in (1, 3, 4)]
    assert not Tried(narrow).all_of(before)
    assert not Tried(narrow | {"m": IntDistribution(1, 1)}).all_of(before)


@pytest.mark.parametrize("space", [{}, {"x": FloatDistribution(0, 1)}])
def test_what_cannot_be_counted_is_never_done(space: dict[str, Any]) -> None:
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.tell(study.ask(space), 1.0)
    assert not Tried(space).all_of(study.get_trials())
