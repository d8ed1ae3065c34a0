"""Optuna's own conformance suite, whole, on our storage; and what it cannot know: the way back."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from optuna.testing.pytest_storages import StorageTestCase

from storage.layout import find_store
from storage.optuna import RunStorage
from storage.runs import find
from storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path


class TestContract(StorageTestCase):
    @pytest.fixture
    def storage(self, tmp_path: Path) -> RunStorage:
        return RunStorage(tmp_path / ".cockpit")


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -5, 5)
    kind = trial.suggest_categorical("kind", ["a", None, True, 3])
    n = trial.suggest_int("n", 1, 64, log=True)
    for step in range(3):
        trial.report(math.nan if step == 1 else x * step, step)
    trial.set_user_attr("note", {"kind": kind})
    if trial.number % 4 == 3:
        raise optuna.TrialPruned
    return x * x + n


def study_of(storage: RunStorage, **options: Any) -> optuna.Study:
    return optuna.create_study(
        storage=storage, study_name="s", sampler=optuna.samplers.RandomSampler(seed=1), **options
    )


def test_a_study_comes_back_from_the_store_as_it_was(tmp_path: Path) -> None:
    study = study_of(RunStorage(tmp_path / ".cockpit"))
    study.set_user_attr("owner", "me")
    study.enqueue_trial({"x": 1.5})
    study.optimize(objective, n_trials=12)
    study.enqueue_trial({"x": 2.5})
    again = optuna.load_study(study_name="s", storage=RunStorage(tmp_path / ".cockpit"))
    assert again._study_id == study._study_id
    assert again.user_attrs == {"owner": "me"}
    assert len(again.trials) == 13
    for before, after in zip(study.trials, again.trials, strict=True):
        assert (before.number, before.state, before.params) == (
            after.number,
            after.state,
            after.params,
        )
        assert before.values == after.values
        assert before.distributions == after.distributions
        assert before.user_attrs == after.user_attrs
        assert before.system_attrs == after.system_attrs
        assert repr(before.intermediate_values) == repr(after.intermediate_values)
        assert before._trial_id == after._trial_id
    again.optimize(objective, n_trials=1)
    assert again.trials[-1].params["x"] == 2.5


def test_two_processes_may_not_take_the_same_name(tmp_path: Path) -> None:
    study_of(RunStorage(tmp_path / ".cockpit"))
    with pytest.raises(optuna.exceptions.DuplicatedStudyError):
        study_of(RunStorage(tmp_path / ".cockpit"))


def test_a_deleted_study_is_gone_for_the_next_process(tmp_path: Path) -> None:
    study = study_of(RunStorage(tmp_path / ".cockpit"))
    study.optimize(objective, n_trials=2)
    optuna.delete_study(study_name="s", storage=RunStorage(tmp_path / ".cockpit"))
    with pytest.raises(KeyError):
        optuna.load_study(study_name="s", storage=RunStorage(tmp_path / ".cockpit"))


def test_a_trial_left_running_by_a_dead_process_comes_back_failed(tmp_path: Path) -> None:
    storage = RunStorage(tmp_path / ".cockpit")
    study = study_of(storage)
    study.ask()
    storage._spool.close()
    again = optuna.load_study(study_name="s", storage=RunStorage(tmp_path / ".cockpit"))
    assert [trial.state for trial in again.trials] == [optuna.trial.TrialState.FAIL]


def test_metrics_carry_the_names_of_the_objectives(tmp_path: Path) -> None:
    storage = RunStorage(tmp_path / ".cockpit")
    study = optuna.create_study(
        storage=storage, directions=["minimize", "maximize"], study_name="s"
    )
    study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 2.0), n_trials=1)
    with Store(find_store(str(tmp_path / ".cockpit"))).session() as session:
        assert set(find(session, "s#0").metrics) == {"value_0", "value_1"}


def test_choices_that_json_cannot_hold_do_not_stop_a_study(tmp_path: Path) -> None:
    storage = RunStorage(tmp_path / ".cockpit")
    study = optuna.create_study(storage=storage, study_name="s")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        study.optimize(
            lambda trial: len(trial.suggest_categorical("layers", [(1, 2), (3,)])), n_trials=3
        )
        again = optuna.load_study(study_name="s", storage=RunStorage(tmp_path / ".cockpit"))
        assert len(again.trials) == 3
