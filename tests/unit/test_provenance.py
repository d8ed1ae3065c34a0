"""What identifies a run is written down, and no secret with it."""

from __future__ import annotations

import importlib.metadata
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from blake3 import blake3

import cockpit
import cockpit.sweep.provenance.git as repository
from cockpit.data.versions import register
from cockpit.origin import origin
from cockpit.sweep.provenance import collect, collect_plain, datasets, digest, git_state
from cockpit.sweep.spec import SpecInvalid, load_spec
from storage.layout import Layout
from tests.unit.repositories import commit_all, git

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.sweep.spec import Spec

WORKER = {"python": "3.12.1", "interpreter": "/usr/bin/python3", "packages": {"numpy": "2.0"}}


@pytest.fixture
def spec(tmp_path: Path) -> Spec:
    (tmp_path / "train.py").write_text("def train(trial): ...\n")
    (tmp_path / "rows.csv").write_text("x\n1\n")
    (tmp_path / "sweep.toml").write_text(
        '[sweep]\nseed = 7\n[run]\nfunction = "train.py:train"\n[data]\ntrain = "rows.csv"\n'
    )
    return load_spec(tmp_path / "sweep.toml")


def test_everything_that_identifies_a_run_is_collected(spec: Spec) -> None:
    found = collect(spec, WORKER, ["cockpit", "sweep", "sweep.toml"])
    assert (found.seed, found.spec, found.environment) == (7, spec.text, WORKER)
    assert found.command == ("cockpit", "sweep", "sweep.toml")
    assert found.cockpit == cockpit.__version__
    assert found.machine.cores >= 1
    assert found.machine.memory > 2**26
    assert found.data["train"].digest == "blake3:" + blake3(b"x\n1\n").hexdigest()
    assert found.data["train"].bytes == 4


def test_it_is_plain_json_with_a_digest_that_sees_any_change(spec: Spec) -> None:
    found = collect(spec, WORKER, ["cockpit"])
    assert json.loads(json.dumps(found.to_json())) == found.to_json()
    assert digest(found) == digest(collect(spec, WORKER, ["cockpit"]))
    assert len(digest(found)) == 16
    (spec.folder / "rows.csv").write_text("x\n2\n")
    assert digest(found) != digest(collect(spec, WORKER, ["cockpit"]))


def test_where_the_spec_came_from_is_known(spec: Spec) -> None:
    found = collect(spec, WORKER)
    assert found.spec_path == str(spec.folder / "sweep.toml")
    assert found.spec_folder == str(spec.folder)
    assert found.optuna == importlib.metadata.version("optuna")


def test_a_plain_run_needs_no_spec(spec: Spec) -> None:
    commit = commit_all(spec.folder)
    found = collect_plain(spec.folder, ["python", "train.py"], WORKER)
    assert found.git is not None
    assert found.git.commit == commit
    assert (found.command, found.spec_folder) == (("python", "train.py"), str(spec.folder))
    assert (found.spec, found.seed, found.data, found.optuna) == (None, None, {}, None)
    assert json.loads(json.dumps(found.to_json())) == found.to_json()


def test_data_files_are_dataset_versions(spec: Spec) -> None:
    found = collect(spec, WORKER)
    (seen,) = datasets(found)
    path = str(spec.folder / "rows.csv")
    assert (seen.name, seen.path, seen.bytes) == ("train", path, 4)
    assert seen.digest == found.data["train"].digest


def test_a_pattern_is_one_content_of_all_its_files(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".cockpit")
    parts = tmp_path / "parts"
    parts.mkdir()
    for name in ("part-1.csv", "part-2.csv", "other.csv"):
        (parts / name).write_text("x\n1\n")
    (tmp_path / "train.py").write_text("def train(trial):\n    return 1.0\n")
    (tmp_path / "sweep.toml").write_text(
        '[sweep]\n[run]\nfunction = "train.py:train"\n[data]\ntrain = "parts/part-*.csv"\n'
    )
    spec = load_spec(tmp_path / "sweep.toml")
    (found,) = collect(spec, WORKER, layout=layout).data.values()
    assert (found.path, found.bytes) == (str(parts / "part-*.csv"), 8)
    assert found.digest == register(layout, "train", parts / "part-*.csv").version.digest
    (parts / "part-2.csv").write_text("x\n2\n")
    assert collect(spec, WORKER).data["train"].digest != found.digest
    (parts / "part-3.csv").symlink_to(parts / "nowhere")
    (parts / "part-1.csv").unlink()
    (parts / "part-2.csv").unlink()
    with pytest.raises(SpecInvalid, match=r"\[data\] train: no file answers to .*part-\*"):
        collect(spec, WORKER)


def test_environment_variables_stay_out(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_TOKEN", "hush-hush-secret")
    assert "hush-hush-secret" not in json.dumps(collect(spec, WORKER).to_json())


def test_a_clean_commit_is_told_from_a_changed_tree(spec: Spec) -> None:
    commit = commit_all(spec.folder)
    found = git_state(spec.folder)
    assert found is not None
    assert (found.commit, found.branch, found.dirty) == (commit, "work", False)
    (spec.folder / "train.py").write_text("changed = 1\n")
    (spec.folder / "néw file.py").write_text("")
    found = git_state(spec.folder)
    assert found is not None
    assert (found.commit, found.dirty) == (commit, True)
    assert (found.changed, found.untracked) == (("train.py",), ("néw file.py",))


def test_the_run_store_itself_makes_no_tree_dirty(spec: Spec) -> None:
    commit_all(spec.folder)
    (spec.folder / ".cockpit").mkdir()
    (spec.folder / ".cockpit/store.duckdb").write_text("")
    found = git_state(spec.folder)
    assert found is not None
    assert (found.dirty, found.untracked) == (False, ())


def test_names_are_capped_and_the_rest_counted(spec: Spec, monkeypatch: pytest.MonkeyPatch) -> None:
    commit_all(spec.folder)
    monkeypatch.setattr(repository, "NAMES_KEPT", 2)
    for name in "abcde":
        (spec.folder / name).write_text("")
    found = git_state(spec.folder)
    assert found is not None
    assert (found.untracked, found.names_left_out) == (("a", "b"), 3)


def test_merge_conflicts_and_staged_files_count_as_changed(spec: Spec) -> None:
    commit_all(spec.folder)
    git(spec.folder, "checkout", "-b", "other")
    (spec.folder / "train.py").write_text("other = 1\n")
    git(spec.folder, "commit", "-am", "other")
    git(spec.folder, "checkout", "work")
    (spec.folder / "train.py").write_text("work = 1\n")
    git(spec.folder, "commit", "-am", "work")
    with pytest.raises(subprocess.CalledProcessError):
        git(spec.folder, "merge", "other")
    (spec.folder / "staged one.py").write_text("")
    git(spec.folder, "add", "staged one.py")
    found = git_state(spec.folder)
    assert found is not None
    assert set(found.changed) == {"train.py", "staged one.py"}


def test_before_the_first_commit_and_off_a_branch(spec: Spec) -> None:
    git(spec.folder, "init", "--initial-branch=work")
    found = git_state(spec.folder)
    assert found is not None
    assert (found.commit, found.branch, found.dirty) == (None, "work", True)
    commit_all(spec.folder)
    git(spec.folder, "checkout", "--detach")
    found = git_state(spec.folder)
    assert found is not None
    assert found.branch is None


def test_no_repository_and_no_git_are_no_errors(
    spec: Spec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(spec.folder.parent))
    assert git_state(spec.folder) is None
    monkeypatch.setenv("PATH", str(spec.folder))
    assert collect(spec, WORKER).git is None


@pytest.mark.parametrize("why", ["another user's", "damaged"])
def test_a_repository_that_git_refuses_is_not_passed_over_in_silence(
    spec: Spec, layout: Layout, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    commit_all(spec.folder)
    if why == "damaged":
        (spec.folder / ".git/config").write_text("[core")
    else:
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    known = collect(spec, WORKER).to_json()
    assert known["git"]["commit"] is None
    assert origin(known, layout)["git"].startswith("not known: git refuses this repository")


def test_a_git_hook_around_us_does_not_change_the_repository(
    spec: Spec, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = commit_all(spec.folder)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    git(elsewhere, "init")
    monkeypatch.setenv("GIT_DIR", str(elsewhere / ".git"))
    found = git_state(spec.folder)
    assert found is not None
    assert found.commit == commit


def test_data_gone_since_the_spec_was_read_is_told_with_its_line(spec: Spec) -> None:
    (spec.folder / "rows.csv").unlink()
    with pytest.raises(SpecInvalid, match=r"sweep\.toml line 6: \[data\] train: .* cannot be read"):
        collect(spec, WORKER)


@pytest.mark.skipif(sys.platform == "darwin", reason="its file names are always UTF-8")
def test_names_that_are_no_utf8_can_still_be_stored(spec: Spec) -> None:
    commit_all(spec.folder)
    with open(os.fsencode(spec.folder) + b"/caf\xe9", "wb"):
        pass
    found = collect(spec, WORKER, [os.fsdecode(b"caf\xe9")])
    assert json.dumps(found.to_json()).encode().decode().count("caf") == 2
    assert found.command == (r"caf\xe9",)
    assert found.git is not None
    assert found.git.untracked == (r"caf\xe9",)
