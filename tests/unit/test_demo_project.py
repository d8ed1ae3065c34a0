"""The demo: a project that is there, that works, and that stays the user's."""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from cockpit.data.contract import check
from cockpit.demo.write import DemoError, write_project
from cockpit.project.reading import load_project
from cockpit.sweep.spec import load_spec
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from types import ModuleType

NAMES = [
    "DATA-LICENCE.md",
    "README.md",
    "adult_test.parquet",
    "adult_train.parquet",
    "cockpit.toml",
    "complaints.parquet",
    "sweep.toml",
    "train.py",
]


def test_the_whole_project_is_written(tmp_path: Path) -> None:
    written = write_project(tmp_path / "a" / "demo")
    assert [each.path.name for each in written] == NAMES
    assert {each.outcome for each in written} == {"written"}
    assert sorted(os.listdir(tmp_path / "a" / "demo")) == NAMES
    assert "CC BY" in (tmp_path / "a/demo/DATA-LICENCE.md").read_text().replace(
        "Creative Commons Attribution", "CC BY"
    )


def test_a_changed_file_is_never_overwritten(tmp_path: Path) -> None:
    write_project(tmp_path)
    (tmp_path / "sweep.toml").write_text("# mine\n")
    (tmp_path / "train.py").unlink()
    (tmp_path / "README.md").unlink()
    (tmp_path / "README.md").symlink_to("nowhere")
    outcomes = {each.path.name: each.outcome for each in write_project(tmp_path)}
    assert (tmp_path / "sweep.toml").read_text() == "# mine\n"
    assert (tmp_path / "README.md").is_symlink()
    assert outcomes == dict.fromkeys(NAMES, "there") | {
        "sweep.toml": "kept",
        "README.md": "kept",
        "train.py": "written",
    }


def test_files_get_the_rights_the_user_gives_new_files(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_project(tmp_path)
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def test_a_place_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DemoError, match="is a file; name a folder"):
        write_project(tmp_path / "file")
    with pytest.raises(DemoError, match="cannot write the demo"):
        write_project(tmp_path / "file" / "below")


def test_its_spec_asks_for_what_the_readme_promises(tmp_path: Path) -> None:
    write_project(tmp_path)
    spec = load_spec(tmp_path / "sweep.toml")
    assert (spec.sweep.name, spec.sweep.metrics, spec.sweep.directions) == (
        "income",
        ("auc",),
        ("maximize",),
    )
    assert (spec.sweep.trials, spec.executor.workers, spec.sweep.seed) == (30, 2, 2)
    assert spec.data == {"train": tmp_path / "adult_train.parquet"}


class Pruned(Exception):
    """Stands for the worker's TrialPruned."""


class ShortTrial:
    """As the worker's trial, with a pruner that ends it at a given step."""

    TrialPruned = Pruned

    def __init__(self, params: Mapping[str, Any], last: int) -> None:
        self.params = params
        self.reports: list[tuple[float, int]] = []
        self._last = last

    def report(self, value: float, step: int) -> None:
        self.reports.append((value, step))

    def should_prune(self) -> bool:
        return self.reports[-1][1] >= self._last


class NothingKept(ShortTrial):
    """As the worker's trial where neither ONNX nor skops is installed."""

    def __init__(self, params: Mapping[str, Any], data: Mapping[str, str]) -> None:
        super().__init__(params, last=1_000)
        self.data = data
        self.answered: dict[str, Any] = {}

    def save_model(self, *_: Any, **__: Any) -> None:
        raise ValueError("no ONNX: skl2onnx not installed here")

    def log_predictions(self, name: str, **answers: Any) -> None:
        self.answered[name] = answers


@pytest.fixture
def train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The demo's own module, from where it was written to."""
    pytest.importorskip("sklearn", reason="comes with the demo extra")
    write_project(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield importlib.import_module("train")
    del sys.modules["train"]


def test_training_reports_a_rising_auc_and_ends_when_told(train: ModuleType) -> None:
    trial = ShortTrial({"learning_rate": 0.1, "max_leaf_nodes": 16}, last=30)
    with pytest.raises(Pruned):
        train.train(trial)
    assert [step for _, step in trial.reports] == [10, 20, 30]
    values = [value for value, _ in trial.reports]
    assert values == sorted(values)
    assert values[-1] > 0.91


def test_without_what_keeps_a_model_a_run_says_so_and_answers_all_the_same(
    train: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(train, "ITERATIONS", 10)
    data = {"adult-eval": str(tmp_path / "adult_test.parquet")}
    trial = NothingKept({"max_leaf_nodes": 4}, data)
    assert train.train(trial)["auc"] > 0.8
    assert "no model is kept, so none can be promoted: no ONNX" in capsys.readouterr().out
    answers = trial.answered["adult-eval"]
    assert len(answers["y_score"]) == 13_956
    assert not {"id", "income", "fnlwgt"} & set(answers["features"])


def test_its_data_keep_their_contract_and_its_slices_are_no_empty_words(tmp_path: Path) -> None:
    write_project(tmp_path)
    project = load_project(tmp_path)
    table = project.data["adult-eval"]
    people = pl.scan_parquet(tmp_path / table.path)
    report = check(people, table)
    assert report.passed
    assert len(report.rules) > 15
    with Frames(people.collect()) as frames:
        for name, expression in project.slices.items():
            assert 1_000 < frames.count(expression) < 8_000, name
    more = pl.read_parquet(tmp_path / project.data["complaints"].path)
    whole = pl.concat([people.collect(), more])
    assert whole.height == 16_281
    assert whole["id"].n_unique() == whole.height, "no row of the one is in the other"
    assert set(project.kpis) == {"profit"}
    assert project.models["income"].gates
    assert project.evaluation.metrics[0] == "auc"
