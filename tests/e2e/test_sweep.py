"""A sweep from the command line: what it prints, what the store says, what it leaves behind."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import threading
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.e2e.conftest import SLOW, Project, eventually

if TYPE_CHECKING:
    from pathlib import Path


def pids(project: Project) -> set[int]:
    file = project.folder / "pids"
    return {int(line) for line in file.read_text().split()} if file.exists() else set()


def settled(project: Project) -> list[dict[str, object]]:
    return [run for run in project.json("runs") if run["state"] not in ("running", "waiting")]


def test_what_a_sweep_prints_is_what_the_store_says(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=8)
    *trials, summary = map(
        json.loads, project.run("sweep", "sweep.toml", "--json").stdout.splitlines()
    )
    runs = {run["number"]: run for run in project.json("runs")}
    assert sorted(t["number"] for t in trials) == sorted(runs) == list(range(8))
    for trial in trials:
        run = runs[trial["number"]]
        assert (trial["state"], trial["params"], trial["metrics"]) == (
            run["state"],
            run["params"],
            run["metrics"],
        )
        assert run["name"] == f"s#{trial['number']}"
        assert run["sweep"] == "s"
        assert run["seconds"] > 0
    best = max(trial["metrics"]["auc"] for trial in trials)
    assert summary["state"] == "complete"
    assert summary["best"]["metrics"]["auc"] == best
    assert project.json("runs", "--sort", "auc", "--limit", "1")[0]["metrics"]["auc"] == best
    (sweep,) = project.json("sweeps")
    assert (sweep["name"], sweep["state"], sweep["counts"]) == ("s", "complete", {"complete": 8})


def test_a_run_says_where_it_came_from(project: Project) -> None:
    for command in (
        ["init", "-q"],
        ["add", "."],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"],
    ):
        project.write("train.py", SLOW)
        project.write("rows.csv", "a,b\n1,2\n")
        project.spec(trials=1)
        with (project.folder / "sweep.toml").open("a") as file:
            file.write('[data]\nrows = "rows.csv"\n')
        subprocess.run(["git", *command], cwd=project.folder, check=True)
    project.write("train.py", SLOW + "# changed\n")
    project.run("sweep", "sweep.toml")
    shown = project.json("show", "s#best")
    provenance = shown["provenance"]
    assert len(provenance["git"]["commit"]) == 40
    assert provenance["git"]["dirty"] is True
    assert provenance["git"]["changed"] == ["train.py"]
    assert provenance["seed"] == 1
    assert provenance["spec"] == (project.folder / "sweep.toml").read_text()
    assert provenance["data"]["rows"]["digest"].startswith("blake3:")
    assert provenance["environment"]["packages"]["optuna"].startswith("5.")
    assert provenance["machine"]["host"]


def test_after_kill_9_of_the_driver_all_that_was_told_is_there_once_and_no_worker_is(
    project: Project,
) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=10_000)
    with project.start("sweep", "sweep.toml", "--json") as driver:
        assert driver.stdout is not None
        told = [json.loads(driver.stdout.readline()) for _ in range(6)]
        driver.kill()
        told += [
            json.loads(line) for line in driver.stdout.read().splitlines() if line.endswith("}")
        ]
    workers = pids(project)
    assert workers
    eventually(lambda: not any(map(psutil.pid_exists, workers)))
    runs = project.json("runs")
    numbers = Counter(run["number"] for run in runs)
    assert set(numbers.values()) == {1}
    states = {run["number"]: run["state"] for run in runs}
    assert {states[trial["number"]] for trial in told} == {"complete"}
    assert "running" not in states.values()
    assert list(states.values()).count("lost") <= 2
    assert [sweep["state"] for sweep in project.json("sweeps")] == ["lost"]


def test_a_lost_sweep_is_taken_up_again_and_finished(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=12)
    with project.start("sweep", "sweep.toml", "--json") as driver:
        assert driver.stdout is not None
        for _ in range(3):
            driver.stdout.readline()
        driver.kill()
    project.run("sweep", "sweep.toml", "--resume")
    runs = project.json("runs")
    assert sorted(run["number"] for run in runs) == list(range(12))
    assert len({run["params"]["x"] for run in runs if run["params"]}) == len(
        [r for r in runs if r["params"]]
    )
    assert [(sweep["name"], sweep["state"]) for sweep in project.json("sweeps")] == [
        ("s", "complete")
    ]


def test_everybody_may_look_while_it_runs_and_sees_the_same(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=40)
    seen: list[int] = []
    trouble: list[str] = []
    with project.start("sweep", "sweep.toml") as driver:

        def look() -> None:
            while driver.poll() is None:
                try:
                    seen.append(len(json.loads(project.run("runs", "--json").stdout)))
                except AssertionError as error:
                    trouble.append(str(error))

        lookers = [threading.Thread(target=look) for _ in range(2)]
        for looker in lookers:
            looker.start()
        for looker in lookers:
            looker.join()
    assert not trouble
    assert max(seen) > 1
    assert Counter(run["state"] for run in project.json("runs")) == {"complete": 40}


@pytest.mark.parametrize(
    ("signals", "state"),
    [
        ([signal.SIGINT], "complete"),
        ([signal.SIGINT] * 2, "stopped"),
        ([signal.SIGTERM], "stopped"),
    ],
)
def test_ctrl_c_once_lets_trials_end_twice_ends_them(
    project: Project, signals: list[signal.Signals], state: str
) -> None:
    project.write("train.py", SLOW.replace("0.01", "0.05"))
    project.spec(trials=1_000)
    with project.start("sweep", "sweep.toml", "--json") as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        running = eventually(
            lambda: [r["number"] for r in project.json("runs") if r["state"] == "running"]
        )
        for number in signals:
            driver.send_signal(number)
        driver.stdout.read()
        assert driver.wait(20) == 130
    runs = {run["number"]: run["state"] for run in project.json("runs")}
    assert {runs[number] for number in running} <= {state, "complete"}
    assert set(runs.values()) <= {"complete", "stopped"}
    assert not any(map(psutil.pid_exists, pids(project)))
    assert [sweep["state"] for sweep in project.json("sweeps")] == ["stopped"]


def test_a_sweep_outlives_the_terminal_it_was_started_in(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=20)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(project.folder)
        os.execv(sys.executable, [sys.executable, "-P", "-m", "cockpit", "sweep", "sweep.toml"])
    eventually(lambda: pids(project))
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert Counter(run["state"] for run in project.json("runs")) == {"complete": 20}


def test_a_hang_up_while_the_code_is_imported_is_survived_too(project: Project) -> None:
    project.write(
        "train.py",
        "import pathlib, time\n"
        "pathlib.Path('begun').touch()\n"
        "while not pathlib.Path('hung-up').exists():\n"
        "    time.sleep(0.01)\n"
        "def train(trial):\n"
        "    return 0.5\n",
    )
    project.spec(trials=4)
    with project.start("sweep", "sweep.toml") as driver:
        eventually(lambda: (project.folder / "begun").exists())
        driver.send_signal(signal.SIGHUP)
        (project.folder / "hung-up").touch()
        assert driver.wait(60) == 0
    assert [run["state"] for run in project.json("runs")] == ["complete"] * 4


def test_a_detached_sweep_comes_back_at_once_and_goes_on(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=10)
    said = project.run("sweep", "sweep.toml", "--detach").stdout
    assert said.startswith("s runs detached (pid ")
    eventually(lambda: project.json("sweeps")[0]["state"] == "complete")
    assert len(project.json("runs")) == 10


def test_a_detached_sweep_tells_a_script_its_name_and_its_process(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=2)
    started = project.json("sweep", "sweep.toml", "--detach")
    assert started["sweep"] == "s"
    assert project.json("sweeps")[0]["driver"]["pid"] == started["pid"]
    eventually(lambda: project.json("sweeps")[0]["state"] == "complete")


def test_a_detached_sweep_that_cannot_start_says_why(project: Project) -> None:
    project.write("train.py", "import nothing_like_it\ndef train(trial): ...\n")
    project.spec()
    said = project.run("sweep", "sweep.toml", "--detach", code=2).stderr
    assert "train.py line 1: ModuleNotFoundError: No module named 'nothing_like_it'" in said
    assert said.count("\n") == 1


def test_the_same_spec_twice_makes_two_sweeps(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=2)
    project.run("sweep", "sweep.toml")
    project.run("sweep", "sweep.toml")
    assert [sweep["name"] for sweep in project.json("sweeps")] == ["s-2", "s"]
    assert {run["name"] for run in project.json("runs", "--sweep", "s-2")} == {"s-2#0", "s-2#1"}


def test_a_project_with_its_own_storage_and_a_bare_interpreter_sweeps(
    project: Project, tmp_path: Path
) -> None:
    bare = tmp_path / "bare"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", bare], check=True)
    project.write("storage.py", "def load():\n    return 0.75\n")
    project.write("cli.py", "WHO = 'the user'\n")
    project.write(
        "train.py",
        "import importlib.util, storage, cli\n"
        "def train(trial):\n"
        "    assert importlib.util.find_spec('optuna') is None\n"
        "    assert importlib.util.find_spec('cockpit') is None\n"
        "    assert cli.WHO == 'the user'\n"
        "    return {'auc': storage.load() + trial.suggest_float('x', 0, 0.1)}\n",
    )
    project.spec(trials=3, run=f'python = "{bare}/bin/python"')
    project.run("sweep", "sweep.toml")
    runs = project.json("runs")
    assert [run["state"] for run in runs] == ["complete"] * 3, runs
    assert all(0.75 <= run["metrics"]["auc"] <= 0.85 for run in runs)


EVIL = """
import ctypes, os, sys
def train(trial):
    match trial.number:
        case 0: raise KeyError("incme")
        case 1:
            for _ in range(30_000): print("x" * 99)
        case 2: sys.exit(3)
        case 3: ctypes.string_at(0)
        case 4: return {"auc": float("nan")}
        case 5: os._exit(4)
        case 6: return {"loss": 1.0}
    return {"auc": 0.5}
"""


def test_whatever_an_objective_does_its_trial_is_settled_and_the_sweep_goes_on(
    project: Project,
) -> None:
    project.write("train.py", EVIL)
    project.spec(trials=8)
    project.run("sweep", "sweep.toml")
    runs = {run["number"]: run for run in project.json("runs")}
    told = {number: (run["state"], run["reason"]) for number, run in runs.items()}
    assert told == {
        0: ("failed", "train.py line 5: KeyError: 'incme'"),
        1: ("complete", None),
        2: ("failed", "train.py line 8: called sys.exit(3)"),
        3: ("failed", "the worker process died of SIGSEGV"),
        4: ("failed", "returned NaN for 'auc'"),
        5: ("failed", "the worker process exited with code 4 in mid-trial"),
        6: ("failed", "returned no 'auc', which the sweep asks for, but loss"),
        7: ("complete", None),
    }
    log = project.folder / ".cockpit" / "runs" / runs[1]["id"] / "log.txt"
    assert log.stat().st_size == 3_000_000


def test_a_trial_that_hangs_is_ended_at_its_time_limit(project: Project) -> None:
    project.write("train.py", "import time\ndef train(trial):\n    time.sleep(600)\n")
    project.spec(trials=2, workers=2)
    with (project.folder / "sweep.toml").open("a") as file:
        file.write('[limits]\ntimeout = "0.3s"\n')
    project.run("sweep", "sweep.toml", code=3)
    assert {(run["state"], run["reason"]) for run in project.json("runs")} == {
        ("timeout", "ran longer than 0.3s")
    }


def test_an_optuna_objective_from_its_documentation_runs_unchanged(project: Project) -> None:
    project.write(
        "train.py",
        "import optuna\n"
        "def objective(trial):\n"
        "    x = trial.suggest_float('x', -10, 10)\n"
        "    kind = trial.suggest_categorical('kind', ['a', 'b'])\n"
        "    if kind == 'a':\n"
        "        x += trial.suggest_int('shift', 1, 3)\n"
        "    for step in range(5):\n"
        "        trial.report((x - 2) ** 2 + 5 - step, step)\n"
        "        if trial.should_prune():\n"
        "            raise optuna.TrialPruned()\n"
        "    return (x - 2) ** 2\n",
    )
    project.run("sweep", "train.py:objective", "--trials", "25", "--workers", "2")
    counts = Counter(run["state"] for run in project.json("runs"))
    assert counts["complete"] + counts["pruned"] == 25
    assert counts["pruned"] > 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            ("trials = 8", "trails = 8"),
            'sweep.toml line 6: [sweep] trails is not a known key; did you mean "trials"?',
        ),
        (("train.py:train", "train.py:trian"), 'train.py has no trian; did you mean "train"?'),
        (("train.py:train", "tarin.py:train"), 'did you mean "train.py"?'),
        (
            ("[executor]", "[params]\nx = { type = 'float', low = 2, high = 1 }\n[executor]"),
            "is above high",
        ),
        (
            (
                "[executor]",
                "[params]\nx = { type = 'float', low = 0, high = 1, log = true }\n[executor]",
            ),
            "needs low > 0",
        ),
        (("[executor]", "[data]\nrows = 'no.csv'\n[executor]"), "no.csv"),
    ],
)
def test_a_bad_spec_is_one_clear_line_exit_code_2_and_nothing_started(
    project: Project, change: tuple[str, str], said: str
) -> None:
    project.write("train.py", SLOW)
    project.spec()
    spec = project.folder / "sweep.toml"
    spec.write_text(spec.read_text().replace(*change))
    done = project.run("sweep", "sweep.toml", code=2)
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert not (project.folder / ".cockpit").exists()


def test_a_missing_spec_is_said_to_be_missing(project: Project) -> None:
    assert "no such file" in project.run("sweep", "sweep.toml", code=2).stderr


def test_an_empty_store_tells_a_newcomer_what_to_type(project: Project) -> None:
    assert "cockpit demo" in project.run("runs").stdout
    assert "cockpit demo" in project.run().stdout
    assert project.json("runs") == []
    assert not (project.folder / ".cockpit").exists()


def test_no_traceback_reaches_a_user_who_did_not_ask_for_it(project: Project) -> None:
    (project.folder / ".cockpit").mkdir()
    (project.folder / ".cockpit" / "store.duckdb").write_bytes(b"no database" * 999)
    assert "Traceback" not in project.run("runs", code=2).stderr
    assert "Traceback" in project.run("--traceback", "runs", code=2).stderr


def test_the_store_of_a_sweep_is_where_the_user_stands_and_is_found_from_around(
    project: Project,
) -> None:
    inner = project.folder / "inner"
    inner.mkdir()
    here = Project(inner)
    here.write("train.py", SLOW)
    here.spec(trials=1)
    here.run("sweep", "sweep.toml")
    assert len(here.json("runs")) == 1
    around = project.run("runs", "--json")
    assert len(json.loads(around.stdout)) == 1
    assert "inner" in around.stderr
    project.run("sweep", "inner/sweep.toml")
    assert (project.folder / ".cockpit").is_dir()
    assert [run["sweep"] for run in project.json("runs")] == ["s"]


def test_only_a_sweep_that_is_there_and_does_not_run_is_resumed(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=500)
    assert "no sweep is called 's'" in project.run("sweep", "sweep.toml", "--resume", code=2).stderr
    with project.start("sweep", "sweep.toml", "--json") as driver:
        assert driver.stdout is not None
        driver.stdout.readline()
        assert "runs already" in project.run("sweep", "sweep.toml", "--resume", code=2).stderr
        driver.terminate()
    project.run("delete", "s", "--yes")
    assert "no sweep is called 's'" in project.run("sweep", "sweep.toml", "--resume", code=2).stderr
