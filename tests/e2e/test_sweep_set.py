"""`cockpit sweep --set`: any value of the spec, from the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.cli.main import run as cockpit
from tests.e2e.conftest import eventually

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

TRAIN = "def train(trial):\n    return {'auc': trial.params['x']}\n"
PARAMS = '[params]\nx = { type = "float", low = 0.0, high = 1.0 }\n'


@pytest.fixture
def ready(project: Project) -> Project:
    project.write("train.py", TRAIN)
    project.spec("baseline = false")
    with (project.folder / "sweep.toml").open("a") as file:
        file.write(PARAMS)
    return project


def test_a_setting_goes_before_the_file_and_is_remembered(ready: Project) -> None:
    settings = ["--set", "params.x.low=0.9", "--set", "sweep.sampler=random", "--set"]
    ready.run("sweep", "sweep.toml", "--trials", "3", *settings, "sweep.seed=9")
    runs = ready.json("runs")
    assert len(runs) == 3
    assert all(run["params"]["x"] >= 0.9 for run in runs)
    (sweep,) = ready.json("sweeps")
    assert (sweep["sampler"], sweep["seed"]) == ("random", 9)
    known = ready.json("show", "s#best")["provenance"]["overrides"]
    assert known["params.x.low"] == 0.9
    assert known["sweep.trials"] == 3


def test_a_setting_reaches_a_detached_sweep_and_one_that_goes_on(ready: Project) -> None:
    ready.run("sweep", "sweep.toml", "--detach", "--set", "sweep.trials=2")
    eventually(lambda: ready.json("sweeps")[0]["state"] == "complete")
    assert len(ready.json("runs")) == 2
    ready.run("sweep", "--resume", "s", "--trials", "4", "--set", "params.x.high=1.0")
    assert len(ready.json("runs")) == 4


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("sweep.trails=3", 'did you mean "trials"?'),
        ("params.x.low=2", "low 2.0 is above high 1.0"),
        ("trials=3", "is not TABLE.KEY=VALUE, as in sweep.seed=7"),
        ("sweep.seed", "is not TABLE.KEY=VALUE, as in sweep.seed=7"),
    ],
)
def test_a_setting_that_cannot_be_is_said_and_nothing_starts(
    ready: Project, setting: str, said: str
) -> None:
    done = ready.run("sweep", "sweep.toml", "--set", setting, code=2)
    assert said in done.stderr
    assert not (ready.folder / ".cockpit").exists()


def test_a_function_takes_settings_too(ready: Project) -> None:
    ready.write("f.py", "def f(trial):\n    return trial.suggest_float('x', 0, 1)\n")
    ready.run("sweep", "f.py:f", "--trials", "2", "--set", "sweep.sampler=random")
    assert ready.json("sweeps")[0]["sampler"] == "random"


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("--replay", "s", "--trials", "3"), "--replay takes the name of a sweep and nothing else"),
        (("--replay", "s", "--workers", "2"), "--replay takes the name of a sweep"),
        (("--resume", "s", "--name", "t"), "--resume s names the sweep already"),
        (("--resume", "s", "--direction", "maximize"), "the sweep knows its own"),
        (("train.py", "--trials", "3"), "as in train.py:objective"),
    ],
)
def test_what_does_not_go_together_or_is_left_out_is_said(
    arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cockpit(["sweep", *arguments]) == 2
    assert said in capsys.readouterr().err
