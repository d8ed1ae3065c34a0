"""The worker in the users' own environments: their modules, their interpreters, their Optuna."""

from __future__ import annotations

import ast
import contextlib
import json
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.sweep.executors import worker
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.seam import (
    AskPrune,
    Attr,
    Finished,
    Outcome,
    Prune,
    Ready,
    Report,
    Suggest,
    Task,
    Value,
)
from cockpit.sweep.executors.work import Function

if TYPE_CHECKING:
    from collections.abc import Iterator

PATIENCE = 60.0


@pytest.fixture(scope="session")
def bare_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with nothing installed."""
    folder = tmp_path_factory.mktemp("bare") / "venv"
    command = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(command, check=True, timeout=PATIENCE)
    return str(folder / "bin" / "python")


class Runner:
    """Runs one function's trials, all questions answered alike; keeps the events."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.events: list[Any] = []

    def write(self, **files: str) -> None:
        """`src__train="…"` writes src/train.py."""
        for name, text in files.items():
            path = self.folder / (name.replace("__", "/") + ".py")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(
        self, function: str = "train.py:train", python: str = sys.executable, trials: int = 1
    ) -> list[Outcome]:
        executor = LocalExecutor(Function(function), self.folder, python, 1)
        with contextlib.closing(executor):
            for number in range(trials):
                log, files = self.folder / f"{number}.txt", self.folder / f"run{number}" / "files"
                executor.submit(Task(f"run{number}", number, 0, {}, log, files, PATIENCE))
                while not executor.free():
                    for event in executor.poll(PATIENCE):
                        self._note(executor, event)
        return [event.outcome for event in self.events if isinstance(event, Finished)]

    def _note(self, executor: LocalExecutor, event: Any) -> None:
        self.events.append(event)
        if isinstance(event, Suggest):
            options = event.options
            value = options["choices"][0] if "choices" in options else options["low"]
            executor.answer(event.run, event.attempt, Value(value))
        elif isinstance(event, AskPrune):
            executor.answer(event.run, event.attempt, Prune(True))


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    folder = tmp_path / "project"
    folder.mkdir()
    return Runner(folder)


OURS = ("storage", "local", "spec", "driver", "worker", "executor", "process", "guard", "cockpit")


def test_modules_of_the_user_named_like_ours_win(runner: Runner, bare_python: str) -> None:
    runner.write(
        train="\n".join(f"import {name}" for name in OURS)
        + f"\ndef train(trial): return sum(m.MINE for m in ({', '.join(OURS)}))",
        **dict.fromkeys(OURS, "MINE = 1"),
    )
    for python in (sys.executable, bare_python):
        outcome = runner.run(python=python)[-1]
        assert (outcome.reason, outcome.values) == (None, len(OURS))


@pytest.mark.parametrize("name", ["storage", "worker", "json", "my-train"])
def test_a_train_file_may_have_any_name(runner: Runner, name: str) -> None:
    runner.write(**{name: "import json\ndef train(trial): return json.loads('1')"})
    assert runner.run(f"{name}.py:train")[0].reason is None


def test_an_interpreter_without_cockpit_and_optuna(runner: Runner, bare_python: str) -> None:
    runner.write(
        train="def train(trial):\n"
        "    for name in ('cockpit', 'optuna', 'duckdb', 'polars'):\n"
        "        try:\n"
        "            __import__(name)\n"
        "        except ImportError:\n"
        "            trial.report(1.0, len(trial._steps))\n"
        "    return trial.suggest_float('x', 0.5, 1)\n"
    )
    outcome = runner.run(python=bare_python)[0]
    assert (outcome.reason, outcome.values) == (None, 0.5)
    assert len([event for event in runner.events if isinstance(event, Report)]) == 4
    ready = next(event for event in runner.events if isinstance(event, Ready))
    assert ready.environment["interpreter"] == bare_python
    assert "optuna" not in ready.environment["packages"]
    assert ready.environment["python"] == ".".join(map(str, sys.version_info[:3]))


def test_an_interpreter_inside_the_project_is_not_the_users_code(runner: Runner) -> None:
    venv = runner.folder / ".venv"
    command = [sys.executable, "-m", "venv", "--without-pip", str(venv)]
    subprocess.run(command, check=True, timeout=PATIENCE)
    library = next((venv / "lib").glob("python*")) / "site-packages" / "library.py"
    library.write_text("def fail():\n    raise OSError('no')\n")
    runner.write(train="import library\ndef train(trial):\n    library.fail()\n")
    outcome = runner.run(python=".venv/bin/python")[0]
    assert outcome.reason == "train.py line 3: OSError: no"


OBJECTIVE = """
import optuna

def objective(trial):
    kind = trial.suggest_categorical("kind", ["linear", "tree"])
    if kind == "linear":
        rate = trial.suggest_float("rate", 1e-3, 1.0, log=True)
    else:
        rate = trial.suggest_int("depth", 2, 8) / 10
    for step in range(10):
        trial.report(rate * step, step)
        if trial.should_prune():
            raise optuna.TrialPruned()
    return rate
"""


def test_an_optuna_objective_runs_unchanged(runner: Runner) -> None:
    runner.write(train=OBJECTIVE)
    outcome = runner.run("train.py:objective")[0]
    assert (outcome.state, outcome.reason) == ("pruned", None)
    assert [e.name for e in runner.events if isinstance(e, Suggest)] == ["kind", "rate"]


def test_numpy_numbers_are_numbers(runner: Runner) -> None:
    runner.write(
        train="import numpy as np\n"
        "def train(trial):\n"
        "    trial.set_user_attr('matrix', np.eye(2))\n"
        "    trial.report(np.float32(0.5), np.int64(1))\n"
        "    got = trial.suggest_categorical('n', list(np.array([8, 16])))\n"
        "    assert isinstance(got, np.int64)\n"
        "    trial.suggest_float('x', np.float64(1), np.int64(2))\n"
        "    return {'auc': np.float64(0.25), 'n': np.int64(3), 'ok': np.bool_(True)}\n"
    )
    outcome = runner.run()[0]
    assert (outcome.reason, outcome.values) == (None, {"auc": 0.25, "n": 3.0, "ok": 1.0})
    assert next(e for e in runner.events if isinstance(e, Attr)).value == [[1.0, 0.0], [0.0, 1.0]]
    assert next(e for e in runner.events if isinstance(e, Suggest)).options["choices"] == [8, 16]


def test_a_function_of_a_package(runner: Runner) -> None:
    runner.write(
        models__train="from . import base\ntrain = base.train",
        models__base="def train(trial): return 1",
    )
    assert runner.run("models.train:train")[0].values == 1.0


def test_a_train_file_in_a_folder_imports_its_neighbours_and_the_projects(runner: Runner) -> None:
    runner.write(
        src__train="import beside, above\ndef train(trial): return beside.x + above.x",
        src__beside="x = 1",
        above="x = 2",
    )
    assert runner.run("src/train.py:train")[0].values == 3.0


def test_each_trial_starts_in_the_projects_folder(runner: Runner) -> None:
    runner.write(
        train="import os, sys\n"
        "assert sys.argv[1:] == []\n"
        "def train(trial):\n"
        "    assert os.path.exists('train.py')\n"
        "    os.chdir('/')\n"
        "    return 1\n"
    )
    assert [outcome.reason for outcome in runner.run(trials=2)] == [None, None]


def test_the_module_is_loaded_once(runner: Runner) -> None:
    runner.write(train="runs = []\ndef train(trial):\n    runs.append(1)\n    return len(runs)")
    assert [outcome.values for outcome in runner.run(trials=3)] == [1.0, 2.0, 3.0]


def test_processes_of_multiprocessing_work(runner: Runner) -> None:
    runner.write(
        train="import multiprocessing\n"
        "def square(x): return x * x\n"
        "def train(trial):\n"
        "    total = 0\n"
        "    for method in ('fork', 'spawn'):\n"
        "        with multiprocessing.get_context(method).Pool(2) as pool:\n"
        "            total += sum(pool.map(square, range(4)))\n"
        "    return total\n"
    )
    outcome = runner.run()[0]
    assert (outcome.reason, outcome.values) == (None, 28.0)


def test_peak_memory_is_the_trials_own(runner: Runner) -> None:
    runner.write(
        train="def train(trial):\n"
        "    return len(bytearray(300_000_000)) if trial.number == 0 else 0\n"
    )
    big, small = (outcome.max_rss for outcome in runner.run(trials=2))
    assert big is not None
    assert big > 300_000_000
    if sys.platform == "linux":
        assert small is not None
        assert small < 100_000_000


def test_reports_from_threads_arrive_whole(runner: Runner) -> None:
    runner.write(
        train="import threading\n"
        "def train(trial):\n"
        "    def tell(start):\n"
        "        for step in range(start, start + 500):\n"
        "            trial.report(step, step)\n"
        "    threads = [threading.Thread(target=tell, args=(k * 500,)) for k in range(4)]\n"
        "    [t.start() for t in threads]\n"
        "    [t.join() for t in threads]\n"
        "    return 1\n"
    )
    assert runner.run()[0].state == "complete"
    reports = [event for event in runner.events if isinstance(event, Report)]
    assert sorted(event.step for event in reports) == list(range(2000))
    assert all(event.value == event.step for event in reports)


@pytest.fixture
def trial(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[worker.Trial, socket.socket]]:
    """A trial in this process, and the sweep's end of its socket."""
    monkeypatch.setattr(worker.os, "register_at_fork", lambda **_: None)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        channel = worker.Channel(theirs.fileno(), worker.Stop())
        channel.trial = worker.Trial(channel, 0, {}, "/nowhere")
        yield channel.trial, ours


def test_a_late_prune_answer_means_go_on(
    trial: tuple[worker.Trial, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    asking, sweep = trial
    monkeypatch.setattr(worker, "PRUNE_SECONDS", 0.0)
    assert asking.should_prune() is False
    sweep.send(b'{"prune": true, "ask": 1}\n')  # it has gone on already
    assert asking.should_prune() is False
    monkeypatch.setattr(worker, "PRUNE_SECONDS", PATIENCE)
    sweep.send(b'{"prune": true, "ask": 2}\n{"prune": true, "ask": 3}\n')
    assert asking.should_prune() is True
    questions = [json.loads(line)["ask"] for line in sweep.recv(1 << 16).splitlines()]
    assert questions == [1, 2, 3]


def test_a_late_answer_is_not_the_next_trial(trial: tuple[worker.Trial, socket.socket]) -> None:
    asking, sweep = trial
    sweep.send(b'{"prune": true, "ask": 1}\n{"number": 5}\n')
    assert asking._channel.task() == {"number": 5}


def test_the_worker_is_written_for_older_interpreters() -> None:
    source = Path(worker.__file__).read_text(encoding="utf-8")
    tree = ast.parse(source, feature_version=(3, 8))
    imported = {
        (node.module or "") if isinstance(node, ast.ImportFrom) else alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    assert {name.partition(".")[0] for name in imported} <= sys.stdlib_module_names
