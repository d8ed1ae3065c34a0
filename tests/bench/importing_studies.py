"""How fast an Optuna study comes in, beside Optuna itself reading the same storage in the same run."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend
from optuna.study import StudyDirection
from optuna.trial import TrialState

from cockpit.interop.landing import Landed, Source
from cockpit.interop.optuna import Studies
from cockpit.interop.optuna_dump import dump, target_of
from cockpit.interop.optuna_landing import StudyLanding
from storage.layout import Layout
from tests.bench.measure import Figure, seconds
from tests.bench.stores import folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRIALS, REPORTS = 10_000, 10
NAME = "big"


def studies() -> Iterator[Figure]:
    """A study of 10,000 trials (5 params, 10 reports each) imported and folded in; beside Optuna, reading it alone"""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    place = folder("optuna")
    journal, base = place / "study.log", place / "study.db"
    took = seconds(partial(_write, journal))
    print(f"  (written by Optuna's own journal, its file apart, in {took:.1f} s)")
    for file in (journal, base):
        layout = Layout(place / f"{file.name}.cockpit")
        cpu = time.process_time()
        yield Figure(f"{file.name}: Optuna, reading alone", seconds(partial(_theirs, file)), "s")
        yield Figure("  its CPU", time.process_time() - cpu, "s")
        cpu = time.process_time()
        yield Figure(
            "  cockpit, reading and folding in",
            seconds(partial(_land, layout, file, TRIALS)),
            "s",
            10,
        )
        yield Figure("  its CPU", time.process_time() - cpu, "s")
        yield Figure("  of it read", seconds(partial(_read, file)), "s")
        yield Figure("  a second time, nothing new", seconds(partial(_land, layout, file, 0)), "s")
        if file == journal:
            yield Figure(
                "  dumped as sqlite",
                seconds(partial(dump, layout, [NAME], target_of(str(base)))),
                "s",
            )


class _Lines(BaseJournalBackend):
    def __init__(self) -> None:
        self.logs: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        yield from self.logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.logs += logs


def _write(file: Path) -> None:
    """Operation by operation, as an objective's calls write them."""
    lines = _Lines()
    storage = JournalStorage(lines)
    study = storage.create_new_study([StudyDirection.MINIMIZE], NAME)
    unit, kinds = FloatDistribution(0, 1), CategoricalDistribution(["a", "b", "c"])
    for number in range(TRIALS):
        trial = storage.create_new_trial(study)
        for param in range(4):
            storage.set_trial_param(trial, f"p{param}", number / TRIALS, unit)
        storage.set_trial_param(trial, "kind", number % 3, kinds)
        for step in range(REPORTS):
            storage.set_trial_intermediate_value(trial, step, number / (step + 1))
        storage.set_trial_user_attr(trial, "number", number)
        storage.set_trial_state_values(trial, TrialState.COMPLETE, [number / TRIALS])
    JournalFileBackend(str(file)).append_logs(lines.logs)


def _theirs(file: Path) -> None:
    storage = (
        f"sqlite:///{file}"
        if file.suffix == ".db"
        else JournalStorage(JournalFileBackend(str(file)))
    )
    assert len(optuna.load_study(study_name=NAME, storage=storage).trials) == TRIALS


def _land(layout: Layout, file: Path, new: int) -> None:
    with StudyLanding(layout, Source("optuna", str(file))) as landing:
        landed: Landed = landing.take(Studies().read(file))
    assert (landed.runs, landed.new) == (TRIALS, new)


def _read(file: Path) -> None:
    assert sum(1 for _ in Studies().read(file)) == TRIALS + 1
