"""The screens' seam to what runs, on a real sweep: launched, asked, stopped, gone on with."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import psutil
import pytest

from cockpit.sweep.control import Request
from cockpit.tui.control import Refused, StoreControl
from storage.layout import Layout
from tests.e2e.conftest import SLOW, eventually

if TYPE_CHECKING:
    from tests.e2e.conftest import Project


@pytest.fixture
def control(project: Project) -> StoreControl:
    held = "time.sleep(0.01)\n        while os.path.exists('hold'): time.sleep(0.01)"
    project.write("train.py", SLOW.replace("time.sleep(0.01)", held))
    project.spec("sampler = 'random'", trials=200)
    return StoreControl(Layout(project.folder / ".cockpit"))


def state(project: Project) -> str:
    return str(project.json("sweeps")[0]["state"])


def test_a_sweep_is_launched_paused_extended_stopped_and_gone_on_with(
    project: Project, control: StoreControl
) -> None:
    hold = project.write("hold", "")
    (spec,) = control.specs()
    assert control.draft(spec, {"sweep.trials": 6}).names == ("s",)
    name, said = control.launch((str(spec), "--trials", "6", "--set", "sweep.seed=4"))
    assert name == "s"
    assert said
    eventually(lambda: project.json("runs"))  # it looks for requests from now on
    assert control.ask("s", Request("pause")).startswith("s: paused")
    assert state(project) == "paused"
    assert "8 trials in all" in control.ask("s", Request("add", count=2))
    running = [run["id"] for run in project.json("runs") if run["state"] == "running"]
    control.ask("s", Request("continue"))
    assert control.ask("s", Request("stop", now=True)).startswith("s: stopping now")
    eventually(lambda: state(project) == "stopped")
    hold.unlink()
    with pytest.raises(Refused, match="is not running: it is stopped"):
        control.ask("s", Request("pause"))
    for run in running:
        with pytest.raises(Refused, match="is not running"):
            control.ask_of_run(run, Request("kill"))
    assert "goes on, detached" in control.resume("s", 4)
    eventually(lambda: state(project) == "complete")
    assert project.json("sweeps")[0]["seed"] == 4
    assert "goes on, detached" in control.resume("s", 6)
    eventually(lambda: state(project) == "complete")
    assert project.json("sweeps")[0]["trials"] == 6


def test_a_driver_that_was_killed_leaves_no_zombie_and_a_lost_sweep(
    project: Project, control: StoreControl
) -> None:
    control.launch((str(next(iter(control.specs()))),))
    pid = project.json("sweeps")[0]["driver"]["pid"]
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: not psutil.pid_exists(pid))
    eventually(lambda: state(project) == "lost")


def test_what_keeps_a_sweep_from_starting_comes_back_as_a_sentence(
    project: Project, control: StoreControl
) -> None:
    project.write("train.py", "import not_there\ndef train(trial): ...\n")
    with pytest.raises(Refused, match="not_there"):
        control.launch((str(next(iter(control.specs()))),))
    with pytest.raises(Refused, match="there is no run store at"):
        control.ask("x", Request("pause"))
