"""Studies as Optuna itself writes them, with all that a storage can hold; and whether two are the same."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from storage.imported import ORIGIN

if TYPE_CHECKING:
    from pathlib import Path

    from optuna.trial import FrozenTrial

KINDS = ("study.db", "study.log")
FIELDS = (
    *("number", "state", "values", "params", "distributions", "intermediate_values"),
    *("user_attrs", "system_attrs", "datetime_start", "datetime_complete"),
)
NAME = "Stüdie 'a' | b"


def storage_of(file: Path) -> Any:
    """What Optuna takes for a file of one of the `KINDS`."""
    if file.suffix == ".db":
        return f"sqlite:///{file}"
    return JournalStorage(JournalFileBackend(str(file)))


def objective(trial: optuna.Trial) -> float:
    x = trial.suggest_float("x", -5.0, 5.0)
    trial.suggest_int("n ü", 1, 100, log=True)
    trial.suggest_categorical("c", ["a", None, True, 3, 2.5])
    if trial.number % 2:
        trial.suggest_float("only odd", 1e-5, 1.0, step=None, log=True)
    trial.set_user_attr("note", {"list": [1, None, "ü|`<b>"], "nan": "NaN"})
    for step, value in enumerate((x, math.nan, math.inf, -math.inf, 1e-300)):
        trial.report(value, step * 10)
    if trial.number == 3:
        raise optuna.TrialPruned
    if trial.number == 4:
        raise ValueError("no")
    return x * x


def make(file: Path, trials: int = 6) -> optuna.Study:
    """Two studies: one of one objective with a running and a waiting trial, one of two with constraints."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        storage = storage_of(file)
        study = optuna.create_study(
            storage=storage, study_name=NAME, sampler=optuna.samplers.RandomSampler(seed=1)
        )
        study.set_user_attr("who", ["é", 1])
        study.optimize(objective, n_trials=trials, catch=ValueError)
        study.ask({"x": optuna.distributions.FloatDistribution(-5.0, 5.0)}).report(0.5, 0)
        study.enqueue_trial({"x": 2.0})
        both = optuna.create_study(
            storage=storage, study_name="both", directions=["minimize", "maximize"]
        )
        both.set_metric_names(["cost", "auc"])
        for number in range(3):
            trial = both.ask()
            trial.set_constraint("fits", number - 1.0)
            both.tell(trial, [math.inf if number == 2 else number, trial.suggest_float("y", 0, 1)])
    return study


def trials_of(name: str, storage: Any) -> list[FrozenTrial]:
    return optuna.load_study(study_name=name, storage=storage).get_trials(deepcopy=False)


def as_told(trial: FrozenTrial) -> dict[str, str]:
    """All of a trial that a storage keeps, as `repr` writes it, which tells 1 from 1.0 and knows NaN."""
    found = {field: getattr(trial, field) for field in FIELDS}
    found["system_attrs"] = {k: v for k, v in found["system_attrs"].items() if k != ORIGIN}
    tables = {k: sorted(v.items(), key=str) for k, v in found.items() if isinstance(v, dict)}
    return {k: repr(v) for k, v in (found | tables).items()}
