"""Optuna's own conformance suite, whole, on our storage; and what it cannot know: the way back."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from optuna.testing.pytest_storages import StorageTestCase

from storage.events import RunChanged, RunCreated
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


def test_a_trial_tried_again_forgets_what_it_reported_here_and_for_the_next_process(
    tmp_path: Path,
) -> None:
    storage = RunStorage(tmp_path / ".cockpit")
    study = optuna.create_study(
        storage=storage,
        study_name="s",
        pruner=optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2),
    )
    for value in (3.0, 1.0):
        trial = study.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        trial.report(value, 1)
        trial.should_prune()
        study.tell(trial, value)
    assert "completed_rung_0" in study.trials[1].system_attrs
    params = study.best_trial.params
    storage.restart(study.best_trial._trial_id, attempt=1)
    assert study.best_trial.number == 0
    again = study.trials[1]
    assert (again.state.name, again.values, again.intermediate_values) == ("RUNNING", None, {})
    assert (again.params, again.system_attrs) == (params, {})
    study.tell(1, 2.0)
    reloaded = optuna.load_study(study_name="s", storage=RunStorage(tmp_path / ".cockpit"))
    assert (reloaded.trials[1].values, reloaded.trials[1].intermediate_values) == ([2.0], {})
    assert (reloaded.trials[1].params, reloaded.trials[1].system_attrs) == (params, {})
    with Store(find_store(str(tmp_path / ".cockpit"))).session() as session:
        assert find(session, "s#1").attempt == 1


def test_a_baseline_run_is_in_the_sweep_and_no_trial_of_the_study(tmp_path: Path) -> None:
    storage = RunStorage(tmp_path / ".cockpit")
    study = optuna.create_study(storage=storage, study_name="s")
    run = storage._spool.new_id()
    storage._spool.append(
        RunCreated(run, study._study_id, None, "s#baseline", "running", 1.0),
        RunChanged(run, {"baseline": True, "state": "complete", "values": [-9.0]}),
    )
    study.optimize(lambda trial: trial.suggest_float("x", 0, 1), n_trials=2)
    again = optuna.load_study(study_name="s", storage=RunStorage(tmp_path / ".cockpit"))
    assert [trial.number for trial in again.trials] == [0, 1]


@pytest.mark.parametrize("state", ["stopped", "lost", "timeout", "oom", "failed"])
def test_whatever_did_not_get_to_its_end_has_failed_for_optuna(tmp_path: Path, state: str) -> None:
    storage = RunStorage(tmp_path / ".cockpit")
    study = optuna.create_study(storage=storage, study_name="s")
    trial = study.ask()
    storage.describe(trial._trial_id, state=state, reason="no luck")
    study.tell(trial, state=optuna.trial.TrialState.FAIL)
    again = optuna.load_study(study_name="s", storage=RunStorage(tmp_path / ".cockpit"))
    assert [trial.state.name for trial in again.trials] == ["FAIL"]
    with Store(find_store(str(tmp_path / ".cockpit"))).session() as session:
        assert find(session, "s#0").state == state
