"""What only the local executor does: its signals, its guard, its check before the first trial."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from cockpit.sweep.executors.guard import Guard
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.seam import (
    Finished,
    FunctionError,
    ImportFailed,
    InterpreterError,
    Ready,
    Sampled,
    Started,
    Task,
)
from cockpit.sweep.executors.work import Function
from tests.unit.executor_bench import (
    PATIENCE,
    SOON,
    TRAIN,
    gone,
    needs_pidfd,
    watched,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def test_a_signal_wakes_poll(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("def train(trial): return 1")
    read, write = os.pipe()
    os.set_blocking(write, False)
    executor = LocalExecutor(TRAIN, tmp_path, sys.executable, 1, wakeup=read)
    before = signal.set_wakeup_fd(write)
    heard: list[int] = []
    handler = signal.signal(signal.SIGUSR1, lambda number, _: heard.append(number))
    try:
        start = time.monotonic()
        os.kill(os.getpid(), signal.SIGUSR1)
        assert executor.poll(PATIENCE) == []
        assert heard == [signal.SIGUSR1]
        assert time.monotonic() - start < PATIENCE / 2
    finally:
        signal.signal(signal.SIGUSR1, handler)
        signal.set_wakeup_fd(before)
        executor.close()
        os.close(read)
        os.close(write)


DRIVER = """
import sys, threading
from pathlib import Path
from cockpit.sweep.executors.seam import Attr, Task
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.work import Function
folder = Path(sys.argv[1])
executor = LocalExecutor(Function("train.py:train"), folder, sys.executable, 2)
for n in (0, 1):
    executor.submit(Task(f"run{n}", n, 0, {}, folder / f"{n}.txt", folder / f"{n}"))
while True:
    for event in executor.poll(10):
        if isinstance(event, Attr):
            print(event.value, flush=True)
"""


@needs_pidfd
def test_kill_9_of_the_driver_ends_workers_and_what_they_started(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text(
        "import ctypes, os, signal, subprocess\n"
        "def train(trial):\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    child = subprocess.Popen(['sleep', '300'], process_group=0).pid\n"
        "    trial.set_user_attr('pids', f'{os.getpid()} {child}')\n"
        "    ctypes.PyDLL(None).sleep(300)\n"  # never lets the interpreter lock go
    )
    (tmp_path / "drive.py").write_text(DRIVER)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, tmp_path / "drive.py", tmp_path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as driver:
        assert driver.stdout is not None
        pids = [int(pid) for _ in range(2) for pid in driver.stdout.readline().split()]
        children = {child.pid for child in psutil.Process(driver.pid).children()}
        assert len(pids) == 4
        with watched(*pids, *children.difference(pids)) as pidfds:
            driver.kill()
            assert gone(pidfds, SOON)


@needs_pidfd
def test_a_killed_guard_is_replaced() -> None:
    others = {child.pid for child in psutil.Process().children()}
    guard = Guard()
    (pid,) = {child.pid for child in psutil.Process().children()} - others
    with (
        subprocess.Popen(["sleep", "300"], start_new_session=True) as sleeper,
        watched(pid) as first,
    ):
        guard.add(sleeper.pid)
        os.kill(pid, signal.SIGKILL)
        assert gone(first, PATIENCE)
        guard.add(sleeper.pid)
        guard.close()
        assert sleeper.wait(PATIENCE) == -signal.SIGKILL


@pytest.fixture
def local(tmp_path: Path) -> Iterator[Callable[..., LocalExecutor]]:
    with contextlib.ExitStack() as stack:

        def build(
            code: str,
            function: str = "train.py:train",
            python: str = sys.executable,
            **options: Any,
        ) -> LocalExecutor:
            (tmp_path / "train.py").write_text(code)
            executor = LocalExecutor(Function(function), tmp_path, python, 1, **options)
            stack.callback(executor.close, 0.1)
            return executor

        yield build


class TestBeforeTheFirstTrial:
    def test_the_checked_worker_is_kept(self, local: Any, tmp_path: Path) -> None:
        executor = local("def train(trial): return 1")
        environment = executor.check(PATIENCE)
        assert environment["packages"]["optuna"]
        assert Path(environment["interpreter"]).name.startswith("python")
        executor.submit(Task("run0", 0, 0, {}, tmp_path / "log.txt", tmp_path / "files"))
        kinds = []
        while Finished not in kinds:
            kinds += [type(event) for event in executor.poll(PATIENCE)]
        assert [kind for kind in kinds if kind is not Sampled] == [Ready, Started, Finished]

    @pytest.mark.parametrize(
        "code, function, error, message",
        [
            (
                "\nimport nosuchlibrary",
                "train.py:train",
                ImportFailed,
                "train.py cannot be imported: train.py line 2: "
                "ModuleNotFoundError: No module named 'nosuchlibrary'",
            ),
            (
                "x = 1\ndef train(trial:\n",
                "train.py:train",
                ImportFailed,
                "train.py cannot be imported: train.py line 2: SyntaxError: '(' was never closed",
            ),
            (
                "import sys\nsys.exit(2)",
                "train.py:train",
                ImportFailed,
                "train.py cannot be imported: train.py line 2: called sys.exit(2)",
            ),
            ("", "model.py:train", ImportFailed, "model.py was not found in "),
            (
                "def train(trial): pass\ndef evaluate(): pass",
                "train.py:trian",
                FunctionError,
                "train.py has no function 'trian'; it has train",
            ),
            (
                "",
                "train.py:train",
                FunctionError,
                "train.py has no function 'train', nor any other",
            ),
            (
                "train = 3",
                "train.py:train",
                FunctionError,
                "train.py:train is 3 (int), no function",
            ),
            (
                "def train(): pass",
                "train.py:train",
                FunctionError,
                "train.py:train must take the trial as its one argument",
            ),
        ],
    )
    def test_one_clear_line(
        self, local: Any, code: str, function: str, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error) as caught:
            local(code, function).check(PATIENCE)
        assert str(caught.value).startswith(message)
        assert "\n" not in str(caught.value)

    def test_a_module_that_trains_when_imported_is_not_waited_for(self, local: Any) -> None:
        with pytest.raises(ImportFailed, match="not imported within"):
            local("import time; time.sleep(60)").check(0.5)

    def test_a_module_that_dies_when_imported(self, local: Any) -> None:
        with pytest.raises(InterpreterError, match=r"could not start a worker .*SIGSEGV"):
            local("import ctypes; ctypes.string_at(0)").check(PATIENCE)

    @pytest.mark.parametrize("python", [".venv/bin/python", "python-of-nobody"])
    def test_an_interpreter_that_is_not_there(self, local: Any, python: str) -> None:
        with pytest.raises(InterpreterError, match=f"the interpreter {python} was not found"):
            local("", python=python)

    @pytest.mark.parametrize("program", ["false", "ls"])
    def test_an_interpreter_that_is_no_python(self, local: Any, program: str) -> None:
        python = shutil.which(program)
        told = f"{python} could not start a worker .*; it takes Python 3.8 or later"
        with pytest.raises(InterpreterError, match=told):
            local("", python=python).check(PATIENCE)

    @pytest.mark.parametrize(
        "code, state, said",
        [
            ("import nosuchlibrary", "failed", "nosuchlibrary"),
            (
                "import os; os.kill(os.getpid(), 9)",
                "lost",
                "was killed (SIGKILL), not by the sweep",
            ),
        ],
    )
    def test_a_file_that_breaks_in_mid_sweep_ends_its_trials(
        self, local: Any, tmp_path: Path, code: str, state: str, said: str
    ) -> None:
        executor = local("import os\ndef train(trial): os._exit(1)")
        outcomes = []
        for number in (0, 1):
            executor.submit(
                Task(f"run{number}", number, 0, {}, tmp_path / "log.txt", tmp_path / "files")
            )
            while len(outcomes) == number:
                events = executor.poll(PATIENCE)
                outcomes += [event.outcome for event in events if isinstance(event, Finished)]
            (tmp_path / "train.py").write_text(code)
        assert outcomes[1].state == state
        assert said in outcomes[1].reason


def test_threads_are_shared_out_unless_the_user_did(local: Any, tmp_path: Path) -> None:
    code = "import os\nold = {k: v for k, v in os.environ.items() if 'THREADS' in k}\n"
    code += "def train(trial): return {k: float(v) for k, v in old.items()}"
    inherited = {k: v for k, v in os.environ.items() if "THREADS" not in k}
    executor = local(code, environment={**inherited, "MKL_NUM_THREADS": "77"})
    executor.submit(Task("run0", 0, 0, {}, tmp_path / "log.txt", tmp_path / "files"))
    values: Any = None
    while values is None:
        for event in executor.poll(PATIENCE):
            values = event.outcome.values if isinstance(event, Finished) else None
    assert values["MKL_NUM_THREADS"] == 77
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    assert values["OMP_NUM_THREADS"] == cores


def test_threads_may_be_set_for_every_run(local: Any, tmp_path: Path) -> None:
    code = "import os\ndef train(trial): return float(os.environ['OMP_NUM_THREADS'])"
    inherited = {k: v for k, v in os.environ.items() if "THREADS" not in k}
    executor = local(code, environment=inherited, threads=3)
    executor.submit(Task("run0", 0, 0, {}, tmp_path / "log.txt", tmp_path / "files"))
    values: Any = None
    while values is None:
        for event in executor.poll(PATIENCE):
            values = event.outcome.values if isinstance(event, Finished) else None
    assert values == 3.0
