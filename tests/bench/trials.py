"""What a trial of Optuna costs on each storage: five floats, ten reports with a pruner, a tell."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import optuna
from optuna.storages import InMemoryStorage, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from storage.optuna import RunStorage
from tests.bench.measure import median
from tests.bench.stores import folder

if TYPE_CHECKING:
    from collections.abc import Callable

    from optuna.storages import BaseStorage

KINDS: dict[str, tuple[Callable[[], BaseStorage], int]] = {
    "in memory": (InMemoryStorage, 300),
    "cockpit's RunStorage": (lambda: RunStorage(folder("optuna") / ".cockpit"), 300),
    "Optuna's JournalStorage(file)": (
        lambda: JournalStorage(JournalFileBackend(str(folder("journal") / "log"))),
        100,
    ),
    "Optuna's RDBStorage(sqlite)": (
        lambda: RDBStorage(f"sqlite:///{folder('rdb') / 'study.db'}"),
        30,
    ),
}
"""By name, how to make one, and how many trials are enough to know."""


def objective(trial: optuna.Trial) -> float:
    x = sum(trial.suggest_float(f"x{i}", 0, 1) for i in range(5))
    for step in range(10):
        trial.report(x * step, step)
        trial.should_prune()  # asked, and not followed: every trial is to make its ten reports
    return x


def seconds_a_trial(name: str, repeats: int = 5) -> float:
    make, trials = KINDS[name]
    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def optimize() -> None:
        study = optuna.create_study(
            storage=make(),
            sampler=optuna.samplers.RandomSampler(seed=1),
            pruner=optuna.pruners.MedianPruner(),
        )
        study.optimize(objective, n_trials=trials)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        optimize()
        return median(optimize, repeats) / trials
