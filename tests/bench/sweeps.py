"""What a trial costs beside its own work, and whether a long sweep stays light."""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import threading
import time
import warnings
from typing import TYPE_CHECKING

import optuna
import pexpect
import psutil
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend

from cockpit.sweep.launch import run_sweep
from cockpit.sweep.spec import load_spec
from storage.layout import Layout
from tests.bench.measure import Figure
from tests.bench.stores import folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cockpit.sweep.signals import Wish
    from cockpit.sweep.trials import Settled

TRIALS = 5_000
EARLY = 1_000
COCKPIT = [sys.executable, "-P", "-m", "cockpit"]
_TRAIN = "def train(trial):\n    return trial.params['x']\n"
_SPEC = """
[sweep]
sampler = "random"
pruner = "none"
seed = 1
trials = {trials}
baseline = false
[run]
{run}
[params]
x = {{ type = "float", low = 0.0, high = 1.0 }}
[executor]
workers = {workers}
{executor}
"""


class Nobody:
    """A listener that shows nothing."""

    def started(self, name: str, trials: int | None, workers: int, done: int) -> None: ...
    def notice(self, sentence: str) -> None: ...
    def settled(self, trial: Settled, best: Settled | None) -> None: ...
    def tick(self, running: int, wish: Wish, trials: int | None) -> None: ...


def overhead() -> Iterator[Figure]:
    """A trial that does nothing: in-process by study.optimize, and by a sweep with one worker"""
    yield Figure("study.optimize, in memory, in this process", _in_process(2_000), "s")
    function = 'function = "train.py:train"'
    command = 'command = ["echo", \'{{"value": {x}}}\']'
    yield Figure("a warm worker", _swept(2_000, function), "s")
    yield Figure(
        "a fresh Python process a trial", _swept(60, function, 'isolation = "process"'), "s"
    )
    yield Figure("a command a trial (echo)", _swept(200, command), "s")


def soak() -> Iterator[Figure]:
    """5,000 trivial trials on 2 workers, the app looking on all the while; Optuna's journal beside it"""
    at = _project(TRIALS, 2, 'function = "train.py:train"')
    driver = subprocess.Popen(
        [*COCKPIT, "sweep", "sweep.toml", "--json"], cwd=at, stdout=subprocess.PIPE, text=True
    )
    assert driver.stdout is not None
    process = psutil.Process(driver.pid)
    seen: list[tuple[float, int, int]] = []
    done = 0
    app: pexpect.spawn[bytes] | None = None
    for line in driver.stdout:
        done += "number" in json.loads(line)
        if app is None:
            app = _looker(at)
        if done in (1, EARLY, TRIALS):
            seen.append((time.perf_counter(), process.memory_info().rss, process.num_fds()))
    driver.wait()
    assert app is not None
    app.terminate(force=True)
    (began, _, _), (_, early_memory, early_files), (ended, memory, files) = seen[:3]
    ours = TRIALS / (ended - began)
    yield Figure("trials a second", ours, "/s", 300.0, at_least=True)
    journal = _journal(1_000)
    yield Figure("Optuna, journal file, 2 processes (1,000 trials)", journal, "/s")
    yield Figure("  ours is so many times faster", ours / journal, "×", 10.0, at_least=True)
    yield Figure("driver's memory after 1,000", early_memory / 2**20, "MiB")
    yield Figure("  and after 5,000", memory / 2**20, "MiB")
    yield Figure("descriptors left over since the 1,000th", float(files - early_files), "", 0.0)


def _looker(at: Path) -> pexpect.spawn[bytes]:
    """The app in a terminal of its own, which somebody reads."""
    app = pexpect.spawn(COCKPIT[0], COCKPIT[1:], cwd=str(at), dimensions=(50, 200), timeout=None)
    threading.Thread(target=app.expect, args=(pexpect.EOF,), daemon=True).start()
    return app


def _project(trials: int, workers: int, run: str, executor: str = "") -> Path:
    at = folder("sweep")
    (at / "train.py").write_text(_TRAIN)
    spec = _SPEC.format(trials=trials, workers=workers, run=run, executor=executor)
    (at / "sweep.toml").write_text(spec)
    return at


def _swept(trials: int, run: str, executor: str = "") -> float:
    """Seconds a trial, the start of the sweep left out."""
    at = _project(trials, 1, run, executor)
    spec = load_spec(at / "sweep.toml")
    return run_sweep(spec, Layout(at / ".cockpit"), Nobody()).seconds / trials


def _in_process(trials: int) -> float:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    began = time.perf_counter()
    study.optimize(_objective, n_trials=trials)
    return (time.perf_counter() - began) / trials


def _objective(trial: optuna.Trial) -> float:
    return trial.suggest_float("x", 0, 1)


def _journal(trials: int) -> float:
    """Trials a second of two processes that share a journal file."""
    file = str(folder("journal") / "log")
    context = multiprocessing.get_context("spawn")
    _study(file, load=False)
    barrier = context.Barrier(3)
    both = [context.Process(target=_optimize, args=(file, trials // 2, barrier)) for _ in range(2)]
    for process in both:
        process.start()
    barrier.wait()
    began = time.perf_counter()
    for process in both:
        process.join()
    return trials / (time.perf_counter() - began)


def _optimize(file: str, trials: int, barrier: threading.Barrier) -> None:
    study = _study(file, load=True)
    barrier.wait()
    study.optimize(_objective, n_trials=trials)


def _study(file: str, load: bool) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return optuna.create_study(
            storage=JournalStorage(JournalFileBackend(file)),
            study_name="s",
            sampler=optuna.samplers.RandomSampler(),
            load_if_exists=load,
        )
