"""A running sweep obeys from any other terminal, within a second, and says what it did."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.e2e.conftest import Project

WAITS = """
import os, time
def train(trial):
    trial.report(0.5, 0)
    while not os.path.exists("go") and not os.path.exists(f"go-{trial.number}"):
        time.sleep(0.005)
    return {"auc": trial.params["x"]}
"""


class Running:
    """A sweep of four trials, two at a time, that wait until they are let go."""

    def __init__(self, project: Project, driver: subprocess.Popen[str]) -> None:
        self.project, self.driver = project, driver

    def states(self) -> list[str]:
        runs = self.project.json("runs", "--limit", "100")
        return [run["state"] for run in sorted(runs, key=lambda run: run["number"])]

    def sweep(self) -> dict[str, Any]:
        (found,) = self.project.json("sweeps")
        return dict(found)

    def ask(self, *words: str, code: int = 0) -> str:
        done = self.project.run(*words, code=code)
        return done.stdout + done.stderr

    def let_go(self, number: int | None = None) -> None:
        self.project.write("go" if number is None else f"go-{number}", "")

    def ends(self, code: int = 0) -> None:
        assert self.driver.wait(30) == code


@pytest.fixture
def running(project: Project) -> Iterator[Running]:
    project.write("train.py", WAITS)
    project.spec("sampler = 'random'\nbaseline = false", trials=4)
    with (project.folder / "sweep.toml").open("a") as file:
        file.write('[params]\nx = { type = "float", low = 0.0, high = 1.0 }\n')
    with project.start("sweep", "sweep.toml") as driver:
        found = Running(project, driver)
        eventually(lambda: (project.folder / ".cockpit").exists())
        eventually(lambda: found.states() == ["running", "running"])
        yield found
        driver.kill()


def test_stop_lets_the_running_trials_end(running: Running) -> None:
    assert "2 trials still to come to an end" in running.ask("stop")
    running.let_go()
    running.ends(130)
    assert running.states() == ["complete", "complete"]
    assert running.sweep()["state"] == "stopped"
    running.project.run("sweep", "--resume", "s")
    assert running.states() == ["complete"] * 4


def test_stop_now_ends_them(running: Running) -> None:
    assert "2 trials ended" in running.ask("stop", "s", "--now")
    running.ends(130)  # though nobody let them go
    assert running.states() == ["stopped", "stopped"]


def test_a_paused_sweep_starts_nothing_until_it_goes_on(running: Running) -> None:
    assert "paused" in running.ask("pause")
    assert running.sweep()["state"] == "paused"
    running.let_go(0)
    eventually(lambda: running.states().count("complete") == 1)
    assert running.states() == ["complete", "running"]
    assert "goes on" in running.ask("continue")
    running.let_go()
    running.ends()
    assert running.states() == ["complete"] * 4


def test_a_paused_sweep_with_nothing_running_waits(running: Running) -> None:
    running.ask("pause")
    running.let_go()
    eventually(lambda: running.states() == ["complete", "complete"])
    assert running.driver.poll() is None
    running.ask("continue", "s")
    running.ends()


def test_trials_are_added(running: Running) -> None:
    assert "6 trials in all" in running.ask("add", "2")
    running.let_go()
    running.ends()
    assert len(running.states()) == 6


def test_what_was_added_counts_when_the_sweep_goes_on(running: Running) -> None:
    running.ask("add", "2")
    running.ask("workers", "1")
    running.ask("stop", "--now")
    running.ends(130)
    running.let_go()
    said = running.ask("sweep", "--resume", "s")
    assert "6 trials, 1 at a time" in said
    assert running.states() == ["complete"] * 6


def test_what_makes_no_sense_for_a_sweep_that_stops_is_refused(running: Running) -> None:
    running.ask("stop")
    for words in (("add", "2"), ("enqueue", "x=0.5"), ("pause",), ("continue",)):
        assert "is being stopped" in running.ask(*words, code=2), words
    assert running.sweep()["state"] == "running"
    running.let_go()
    running.ends(130)
    assert running.states() == ["complete"] * 2


def test_more_and_fewer_workers(running: Running) -> None:
    assert "4 at a time" in running.ask("workers", "s", "4")
    eventually(lambda: running.states() == ["running"] * 4)
    assert "3 trials more still to come to an end" in running.ask("workers", "1")
    assert running.sweep()["workers"] == 1
    running.let_go()
    running.ends()


def test_one_trial_is_killed_and_the_others_go_on(running: Running) -> None:
    assert "#0 is being ended" in running.ask("kill", "s#0")
    eventually(lambda: running.states()[0] == "stopped")
    assert running.project.json("show", "s#0")["reason"] == "killed by the user"
    running.let_go()
    running.ends()
    assert running.states() == ["stopped", "complete", "complete", "complete"]


def test_one_trial_is_pruned(running: Running) -> None:
    running.ask("prune", "s#1")
    eventually(lambda: running.states()[1] == "pruned")
    running.let_go()
    running.ends()


def test_a_point_is_put_in_line(running: Running) -> None:
    assert "next trial" in running.ask("enqueue", "x=0.125")
    running.let_go()
    running.ends()
    assert running.project.json("show", "s#2")["params"] == {"x": 0.125}


def test_every_point_in_line_is_tried_though_fewer_trials_are_left(running: Running) -> None:
    for point, says in (
        ("x=1", "is the next trial to start"),
        ("x=0.25", "starts after 1 in line"),
        ("x=0.5", "starts after 2 in line"),
    ):
        assert says in running.ask("enqueue", point)
    running.let_go()
    running.ends()
    points = [running.project.json("show", f"s#{n}")["params"]["x"] for n in (2, 3, 4)]
    assert points == [1.0, 0.25, 0.5]
    assert [type(point) for point in points] == [float] * 3


def test_what_cannot_be_is_said(running: Running) -> None:
    for words, says in (
        (("enqueue", "y=1"), "there is no param 'y'"),
        (("enqueue", "x=7"), "x cannot be 7"),
        (("enqueue", "x=true"), "x cannot be True"),
        (("workers", "0"), "whole number from 1 up"),
        (("workers", "5000"), "5000 workers cannot be"),
        (("add", "s", "many"), "whole number from 1 up"),
        (("stop", "nobody"), "no sweep is called 'nobody'"),
        (("kill", "s#9"), "s#9"),
    ):
        assert says in running.ask(*words, code=2), words
        assert running.driver.poll() is None
    assert running.states() == ["running", "running"]


def test_a_sweep_that_has_ended_says_how_to_go_on(running: Running) -> None:
    running.let_go()
    running.ends()
    said = running.ask("add", "s", "2", code=2)
    assert "cockpit sweep --resume s" in said
    assert "no sweep is running" in running.ask("stop", code=2)


def test_a_driver_that_does_not_answer_leaves_nothing_half_done(running: Running) -> None:
    running.driver.send_signal(19)  # SIGSTOP
    try:
        assert "nothing was done" in running.ask("add", "2", code=2)
    finally:
        running.driver.send_signal(18)
    running.let_go()
    running.ends()
    assert len(running.states()) == 4


def test_a_sweep_that_finds_nothing_but_duplicates_still_hears(project: Project) -> None:
    project.write("train.py", "def train(trial):\n    return {'auc': trial.params['x']}\n")
    project.spec("duplicates = 'skip'\nsampler = 'random'", trials=10**6, workers=1)
    with (project.folder / "sweep.toml").open("a") as file:
        file.write('[params]\nx = { type = "float", low = 1.0, high = 1.0000000000000002 }\n')
    with project.start("sweep", "sweep.toml", stdout=subprocess.DEVNULL) as driver:
        eventually(lambda: len(project.json("runs", "--limit", "50")) > 20)
        project.run("stop")
        assert driver.wait(30) == 130


def test_a_sampler_that_tries_every_point_takes_none_in_line(project: Project) -> None:
    project.write("train.py", "import time\ndef train(trial):\n    time.sleep(60)\n")
    project.spec("sampler = 'grid'", trials=9, workers=1)
    with (project.folder / "sweep.toml").open("a") as file:
        file.write('[params]\nx = { type = "int", low = 1, high = 9 }\n')
    with project.start("sweep", "sweep.toml") as driver:
        eventually(lambda: project.json("runs"))
        refused = project.run("enqueue", "x=3", code=2).stderr
        assert "the sampler grid tries every point" in refused
        project.run("stop", "--now")
        assert driver.wait(30) == 130
