"""A run is made again from what the store knows of it, and does not come out otherwise unnoticed."""

from __future__ import annotations

import json
import signal
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import Project, eventually
from tests.unit.repositories import commit_all, git

if TYPE_CHECKING:
    from pathlib import Path

TRAIN = """
import random
def train(trial):
    rows = [float(row) for row in open("rows.csv")]
    rng, value = random.Random(repr(trial.params)), 0.0
    for step in range(6):
        value += rng.random() * sum(rows)
        trial.report(value, step)
        if trial.should_prune():
            raise trial.TrialPruned()
    return {"auc": value, "number": trial.number}
"""


@pytest.fixture
def repository(project: Project) -> Project:
    """A sweep that was run from a changed tree, with data that git does not know."""
    project.write("train.py", TRAIN.replace("range(6)", "range(9)"))
    project.write("rows.csv", "1\n2\n")
    project.write(".gitignore", "rows.csv\n")
    project.spec(
        'pruner = { name = "median", n_startup_trials = 2 }\nbaseline = false\n[params]\n'
        'x = { type = "float", low = 0, high = 1 }\n[data]\ntrain = "rows.csv"',
        trials=5,
        workers=1,
    )
    commit_all(project.folder)
    project.write("train.py", TRAIN)
    project.run("sweep", "sweep.toml")
    return project


def rerun(project: Project, *arguments: str, code: int = 0) -> Any:
    return json.loads(project.run("rerun", *arguments, "--json", code=code).stdout)


def worktrees(project: Project) -> int:
    return len(git(project.folder, "worktree", "list").splitlines())


def test_every_run_comes_out_the_same_though_the_code_has_moved_on(repository: Project) -> None:
    repository.write("train.py", "raise SystemExit('moved on')\n")
    git(repository.folder, "commit", "-am", "second")
    runs = {run["name"]: run for run in repository.json("runs")}
    assert {run["state"] for run in runs.values()} == {"complete", "pruned"}
    for name, run in runs.items():
        again = rerun(repository, name)
        assert (again["same"], again["how"]) == (True, "exact")
        assert again["run"]["state"] == run["state"]
        assert again["run"]["params"] == run["params"]
        assert again["run"]["metrics"] == run["metrics"]
        assert again["run"]["tags"] == ["rerun"]
        assert again["run"]["note"] == f"rerun of {name} ({run['id']})"
        (compared,) = again["compared"]
        assert (compared["metric"], compared["steps"]) == ("auc", run["step"] + 1)
    assert worktrees(repository) == 1


def test_a_rerun_can_be_rerun(repository: Project) -> None:
    first = rerun(repository, "s#0")["run"]
    assert rerun(repository, first["id"])["same"]


def test_changed_data_is_refused_and_seen_where_it_is_forced(repository: Project) -> None:
    repository.write("rows.csv", "1\n3\n")
    refused = repository.run("rerun", "s#0", code=2)
    assert "[data] train" in refused.stderr
    assert "has changed since" in refused.stderr
    again = rerun(repository, "s#0", "--force", code=1)
    assert (again["same"], again["how"], again["compared"][0]["first"]) == (False, "different", 0)
    said = repository.run("rerun", "s#0", "--force", code=1).stdout
    assert "✗ auc was" in said
    (repository.folder / "rows.csv").unlink()
    assert "cannot be read any more" in repository.run("rerun", "s#0", "--force", code=2).stderr


def test_here_takes_the_folder_as_it_is_and_says_so(repository: Project) -> None:
    repository.write("train.py", TRAIN.replace("value += ", "value += 1 + "))
    done = repository.run("rerun", "s#0", "--here", code=1)
    assert "as it is now, not as it was" in done.stdout
    assert rerun(repository, "s#0")["same"]


def test_a_lost_diff_is_refused(repository: Project) -> None:
    for patch in (repository.folder / ".cockpit/diffs").iterdir():
        patch.write_text("something else")
    assert (
        "the diff of train.py is not in the store" in repository.run("rerun", "s#0", code=2).stderr
    )


def test_code_that_git_does_not_know_is_named(repository: Project) -> None:
    repository.write("helper.py", "")
    repository.write("train.py", "import helper\n" + TRAIN)
    repository.run("sweep", "sweep.toml", "--name", "t")
    failed = repository.run("rerun", "t#0", code=2)
    assert "git does not know helper.py: missing here" in failed.stdout
    assert "helper" in failed.stderr
    assert worktrees(repository) == 1


def test_without_git_it_says_what_can_be_done(project: Project) -> None:
    project.write("train.py", TRAIN)
    project.write("rows.csv", "1\n")
    project.spec('[params]\nx = { type = "float", low = 0, high = 1 }', trials=2, workers=1)
    project.run("sweep", "sweep.toml")
    refused = project.run("rerun", "s#1", code=2)
    assert "--here runs it in" in refused.stderr
    assert rerun(project, "s#1", "--here")["same"]


def test_suggestions_are_those_of_then(project: Project) -> None:
    project.write(
        "train.py",
        """
def train(trial):
    x = trial.suggest_float("x", 0, 1)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    deep = trial.suggest_int("deep", 1, 9) if kind == "a" else 0
    return x + deep
""",
    )
    project.spec(trials=4, workers=1)
    project.run("sweep", "sweep.toml")
    runs = project.json("runs")
    assert {run["params"]["kind"] for run in runs} == {"a", "b"}
    for run in runs:
        again = rerun(project, run["id"], "--here")
        assert (again["same"], again["run"]["params"]) == (True, run["params"])


def test_a_command_is_made_again_in_its_worktree(project: Project) -> None:
    project.write("train.sh", '#!/bin/sh\necho "{\\"auc\\": 0.$1, \\"step\\": 0}"; pwd >&2\n')
    (project.folder / "train.sh").chmod(0o755)
    project.write(
        "sweep.toml",
        """
[sweep]
name = "s"
metric = "auc"
direction = "maximize"
trials = 2
[run]
command = ["./train.sh", "{x}"]
[params]
x = { type = "int", low = 1, high = 9 }
""",
    )
    commit_all(project.folder)
    project.run("sweep", "sweep.toml")
    again = rerun(project, "s#1")
    assert (again["same"], again["how"]) == (True, "exact")
    log = project.folder / ".cockpit/runs" / again["run"]["id"] / "log.txt"
    assert "cockpit-rerun-" in log.read_text()


def test_ctrl_c_ends_it_and_leaves_nothing(repository: Project, tmp_path: Path) -> None:
    repository.write(
        "train.py",
        f"import time\ndef train(trial):\n    open('{tmp_path}/began', 'w').close()\n    time.sleep(600)\n",
    )
    driver = repository.start("sweep", "sweep.toml", "--name", "long")
    eventually((tmp_path / "began").exists)
    driver.send_signal(signal.SIGTERM)
    driver.communicate(timeout=60)
    (tmp_path / "began").unlink()
    process = repository.start("rerun", "long#0")
    eventually((tmp_path / "began").exists)
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopped; nothing is compared" in out
    assert worktrees(repository) == 1
    assert repository.json("runs")[0]["state"] == "stopped"


def test_a_plain_run_is_made_again_with_its_command_and_its_patterns(project: Project) -> None:
    project.write("train.py", "import sys\nprint('AUC: ' + sys.argv[1])\nopen('made here', 'w')\n")
    commit_all(project.folder)
    command = [sys.executable, "train.py", "0.5{"]
    project.run("run", "--name", "plain", "--pattern", r"AUC: (?P<auc>[\d.]+)", "--", *command)
    (project.folder / "made here").unlink()
    again = rerun(project, "plain")
    assert (again["same"], [each["metric"] for each in again["compared"]]) == (True, ["auc"])
    assert again["run"]["metrics"] == {"auc": 0.5}
    assert not (project.folder / "made here").exists()
