"""What lies here is found by its usual name, counted without a trace, and taken in as far as one lets it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from cockpit.interop.errors import NothingToImport
from cockpit.interop.moving import Moved, Seen, here, move_in
from cockpit.tui.importing import counted, outcome, progress
from storage.store import Store
from storage.sweeps import all_sweeps
from tests.unit.landed import told_of
from tests.unit.mlflow_stores import Database, Folder, Run

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout


def moved(layout: Layout, place: Path, dry: bool = False, until: int = 1_000) -> tuple[Moved, Seen]:
    seen = [Seen(0, 0)]
    found = move_in(
        layout,
        str(place),
        dry=dry,
        told=seen.append,
        cancelled=lambda: seen[-1].runs >= until,
    )
    return found, seen[-1]


def study(path: Path, trials: int) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(path)))
    made = optuna.create_study(storage=storage, study_name="lauf")
    for number in range(trials):
        trial = made.ask({"x": optuna.distributions.FloatDistribution(0, 1)})
        trial.report(number, 0)
        trial.report(number / 2, 1)
        made.tell(trial, number / 2)


def test_what_lies_here_is_found_by_its_usual_name(tmp_path: Path) -> None:
    for name in ("logs", "runs", "wandb"):
        (tmp_path / name).mkdir()
    assert here(tmp_path, tmp_path) == []
    Folder(tmp_path / "mlruns").add(Run("a" * 32))
    Database(tmp_path / "mlflow.db").add(Run("b" * 32))
    study(tmp_path / "optuna.log", 1)
    names = [place.name for place in here(tmp_path, tmp_path)]
    assert names == ["mlflow.db", "mlruns", "optuna.log"]


def test_a_study_is_counted_and_then_a_sweep(layout: Layout, tmp_path: Path) -> None:
    study(tmp_path / "optuna.log", 3)
    found, seen = moved(layout, tmp_path / "optuna.log", dry=True)
    assert (found.peer, seen, found.complete) == ("optuna", Seen(3, 6), True)
    assert counted(found).startswith("Optuna: 3 runs; 6 points and 3 params to add")
    assert not layout.root.exists()
    found, _ = moved(layout, tmp_path / "optuna.log")
    assert outcome(found) == "3 runs imported from Optuna, 6 points"
    with Store(layout).session() as session:
        (sweep,) = all_sweeps(session)
    assert (sweep.name, sweep.settled) == ("lauf", 3)


def test_what_was_read_until_it_was_ended_stays_and_is_not_read_twice(
    layout: Layout, tmp_path: Path
) -> None:
    store = Database(tmp_path / "mlflow.db")
    for number in range(5):
        store.add(Run(f"{number:032x}", metrics={"loss": [(0, 1.0), (1, 0.5)]}))
    found, seen = moved(layout, store.file, until=2)
    assert (found.complete, found.landed.new, seen) == (False, 2, Seen(2, 4))
    assert (
        outcome(found)
        == "2 runs imported from MLflow, 4 points; ended early, I goes on with the rest"
    )
    assert len(told_of(layout)) == 2
    found, _ = moved(layout, store.file)
    assert (found.landed.new, found.landed.same, found.complete) == (3, 2, True)
    assert outcome(moved(layout, store.file)[0]) == "nothing new in 5 runs of MLflow"


def test_nothing_known_is_an_error_and_how_far_it_is_reads_well(
    layout: Layout, tmp_path: Path
) -> None:
    with pytest.raises(NothingToImport):
        moved(layout, tmp_path)
    assert progress(Seen(1, 3000)) == "1 run, 3,000 points"
    assert progress(Seen(12, 1), 42) == "12 of 42 runs, 1 point"
