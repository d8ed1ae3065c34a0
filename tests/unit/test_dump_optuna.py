"""A sweep that is dumped is, to Optuna, the study that it was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli
from cockpit.interop.landing import Source
from cockpit.interop.optuna import Studies
from cockpit.interop.optuna_dump import CannotDump, dump, target_of
from cockpit.interop.optuna_landing import StudyLanding
from storage.optuna import RunStorage
from storage.sweeps import SweepNotFound
from tests.unit.made_studies import NAME, as_told, make, storage_of, trials_of

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout


@pytest.fixture
def filled(layout: Layout, tmp_path: Path) -> Layout:
    """A store with the studies of `made_studies`."""
    file = tmp_path / "study.log"
    make(file)
    with StudyLanding(layout, Source("optuna", str(file))) as landing:
        landing.take(Studies().read(file))
    return layout


@pytest.mark.parametrize("name", ["out.db", "out.log"])
def test_optuna_reads_back_what_the_store_has(filled: Layout, tmp_path: Path, name: str) -> None:
    out = tmp_path / name
    done = dump(filled, ["both", NAME, "both"], target_of(str(out)))
    assert (done.studies, done.trials, done.reports, done.left) == (("both", NAME), 11, 31, 0)
    ours = RunStorage(filled.root)
    for known in done.studies:
        mine = optuna.load_study(study_name=known, storage=ours)
        theirs = optuna.load_study(study_name=known, storage=storage_of(out))
        assert theirs.directions == mine.directions
        assert theirs.user_attrs == mine.user_attrs
        assert theirs.metric_names == mine.metric_names
        assert list(map(as_told, theirs.trials)) == list(map(as_told, mine.trials))
    study = optuna.load_study(study_name="both", storage=storage_of(out))
    study.tell(study.ask(), [1.0, 2.0])
    assert len(trials_of("both", storage_of(out))) == 4


def test_what_is_there_stays_unless_it_is_to_go(filled: Layout, tmp_path: Path) -> None:
    out = tmp_path / "out.log"
    out.write_bytes(b"mine")
    with pytest.raises(CannotDump, match="--replace"):
        dump(filled, ["both"], target_of(str(out)))
    with pytest.raises(SweepNotFound):
        dump(filled, ["nope"], target_of(str(out)), replace=True)
    assert out.read_bytes() == b"mine"
    dump(filled, ["both"], target_of(str(out)), replace=True)
    assert len(trials_of("both", storage_of(out))) == 3
    with pytest.raises(CannotDump, match="cannot be written"):
        dump(filled, ["both"], target_of(str(tmp_path / "nowhere" / "x.log")))
    assert not [path.name for path in tmp_path.iterdir() if ".part" in path.name]


@pytest.mark.parametrize("text", ["x.txt", "x", "mysql://h/x", "sqlite://h.db.x"])
def test_no_storage_is_guessed(text: str) -> None:
    with pytest.raises(CannotDump, match="names no storage"):
        target_of(text)


def test_the_command_names_the_dashboard(filled: Layout, tmp_path: Path) -> None:
    arguments = ["dump", "optuna", "both", "-o", f"sqlite:///{tmp_path}/x.db"]
    done = CliRunner().invoke(cli, [*arguments, "--store", str(filled.root)])
    assert done.exit_code == 0, done.output
    assert "1 study, 3 trials with 0 reports written" in done.output
    assert f"optuna-dashboard sqlite:///{tmp_path}/x.db" in done.output
