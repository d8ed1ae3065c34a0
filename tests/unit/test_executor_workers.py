"""What every executor owes the driver: what a run finds and uses, and workers fresh and old."""

from __future__ import annotations

import math
import sys
import time
from typing import Any

import psutil
import pytest

from cockpit.sweep.executors.seam import (
    AskPrune,
    Attr,
    Event,
    Finished,
    Logged,
    Prune,
    Sampled,
    Started,
)
from cockpit.sweep.executors.work import Function
from tests.unit.executor_bench import (
    PATIENCE,
    SOON,
    ExecutorSuite,
    OnLocal,
    gone,
    needs_pidfd,
    watched,
)


class WorkersSuite(ExecutorSuite):
    # What a run finds around it

    def test_a_run_has_its_folder_and_variables_to_itself(
        self, make: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("COCKPIT_METRICS", "of a `cockpit run` that all this is in")
        bench = make(
            "import os\n"
            "def train(trial):\n"
            "    (trial.folder / 'model.txt').write_text('weights')\n"
            "    assert str(trial.folder) == os.environ['COCKPIT_RUN_DIR']\n"
            "    trial.set_user_attr('env', dict(os.environ))\n"
            "    trial.set_user_attr('data', trial.data)\n"
            "    return 1\n"
        )
        bench.outcome(0, params={"x": 0.5}, environment={"COCKPIT_RUN": "r0", "ONLY": "first"})
        data = {"COCKPIT_RUN": "r1", "COCKPIT_DATA": '{"rows": "/data/rows.csv"}'}
        bench.outcome(1, params={"x": 1.5, "on": True}, environment=data)
        found = [
            {e.key: e.value for e in bench.of(f"run{number}") if isinstance(e, Attr)}
            for number in (0, 1)
        ]
        for number, attrs in enumerate(found):
            assert (bench.folder / "runs" / f"run{number}" / "artifacts" / "model.txt").is_file()
            assert attrs["env"]["COCKPIT_RUN"] == f"r{number}"
            assert "COCKPIT_METRICS" not in attrs["env"]  # nobody would read it
        assert found[0]["env"]["ONLY"] == "first"
        assert "ONLY" not in found[1]["env"]
        assert [attrs["data"] for attrs in found] == [{}, {"rows": "/data/rows.csv"}]

    def test_any_metrics_may_be_logged_by_name(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n"
            "    trial.log(loss=1, auc=float('nan'))\n"
            "    trial.log(loss=0.5)\n"
            "    trial.log(step=7, loss=0.25, auc=0.5)\n"
            "    return 1\n"
        )
        bench.outcome()
        logged = [(e.step, dict(e.metrics)) for e in bench.events if isinstance(e, Logged)]
        assert [step for step, _ in logged] == [0, 1, 7]
        assert logged[1:] == [(1, {"loss": 0.5}), (7, {"loss": 0.25, "auc": 0.5})]
        assert math.isnan(logged[0][1]["auc"])

    @pytest.mark.parametrize("baseline", ["train.py:plain", "plain.py:plain"])
    def test_a_baseline_function_runs_in_place_of_the_sweeps(
        self, make: Any, baseline: str
    ) -> None:
        code = (
            "loaded = []\nloaded.append(1)\ndef {}(trial):\n    trial.report({}, 0)\n    return {}"
        )
        both = code.format("train", 1, 1) + "\ndef plain(trial): return 2\n"
        bench = make(both, Function("train.py:train", baseline))
        (bench.folder / "plain.py").write_text("import train\ndef plain(trial): return 2")
        assert bench.outcome(0, baseline=True).values == 2.0
        assert bench.outcome(1).values == 1.0
        assert bench.outcome(2, baseline=True).values == 2.0

    def test_a_file_of_both_functions_is_loaded_once(self, make: Any) -> None:
        code = "n = 0\ndef train(trial):\n    global n; n += 1; return n\nplain = train"
        bench = make(code, Function("train.py:train", "train.py:plain"))
        assert [bench.outcome(n, baseline=n == 1).values for n in range(3)] == [1.0, 2.0, 3.0]

    def test_a_baseline_that_is_not_there_fails_alone(self, make: Any) -> None:
        bench = make("def train(trial): return 1", Function("train.py:train", "train.py:plain"))
        outcome = bench.outcome(0, baseline=True)
        assert outcome.state == "failed"
        assert outcome.reason == "the baseline: train.py has no function 'plain'; it has train"
        assert bench.outcome(1).state == "complete"

    # Workers fresh and old, few and many

    WHO = "import os\ntrials = []\ndef train(trial):\n    trials.append(1)\n    return [os.getpid(), len(trials)]\n"

    def test_a_fresh_process_an_attempt(self, make: Any) -> None:
        bench = make(self.WHO, Function("train.py:train", isolation="process"))
        outcomes = [bench.outcome(number) for number in range(3)]
        assert len({outcome.values[0] for outcome in outcomes}) == 3
        assert [outcome.values[1] for outcome in outcomes] == [1.0, 1.0, 1.0]

    def test_a_worker_is_replaced_after_so_many_trials(self, make: Any) -> None:
        bench = make(self.WHO, Function("train.py:train", recycle=2))
        assert [bench.outcome(n).values[1] for n in range(5)] == [1.0, 2.0, 1.0, 2.0, 1.0]

    def test_a_worker_that_has_grown_is_replaced(self, make: Any) -> None:
        code = "kept = []\ndef train(trial):\n    kept.append(b'x' * trial.params['size'])\n    return len(kept)"
        bench = make(code, Function("train.py:train", recycle_memory=150_000_000))
        sizes = [1, 200_000_000, 1, 1]
        counts = [bench.outcome(n, params={"size": size}).values for n, size in enumerate(sizes)]
        assert counts == [1.0, 2.0, 1.0, 2.0]

    def test_more_workers_and_fewer(self, make: Any) -> None:
        bench = make("def train(trial):\n    trial.should_prune()\n    return 1\n")
        bench.executor.resize(3)
        assert bench.executor.free() == 3
        for number in range(3):
            bench.executor.submit(bench.task(number))
        for number in range(3):
            bench.first(AskPrune, f"run{number}")
        bench.executor.resize(1)
        assert bench.executor.free() == 0
        for number in range(3):  # none is ended for it
            bench.executor.answer(f"run{number}", 0, Prune(False))
            assert bench.finish(f"run{number}").state == "complete"
            assert bench.executor.free() == (number == 2)
        assert bench.outcome(3, answers=lambda _: Prune(False)).state == "complete"

    @needs_pidfd
    def test_workers_that_are_too_many_go(self, make: Any) -> None:
        bench = make("def train(trial):\n    trial.should_prune()\n    return 1\n", workers=2)
        for number in (0, 1):
            bench.executor.submit(bench.task(number))
            bench.first(AskPrune, f"run{number}")
        pids = [e.pid for e in bench.events if isinstance(e, Started)]
        with watched(*pids) as pidfds:
            for number in (0, 1):
                bench.executor.answer(f"run{number}", 0, Prune(False))
                bench.finish(f"run{number}")
            bench.executor.resize(0)
            assert gone(pidfds, SOON)

    def test_nothing_of_an_earlier_driver_is_taken_over_that_is_not_there(self, make: Any) -> None:
        bench = make("def train(trial): return 1")
        assert bench.executor.attach([bench.task(0)]) == frozenset()
        assert bench.outcome(0, attempt=1).state == "complete"

    def test_thousands_of_trials_leave_no_descriptor(self, make: Any) -> None:
        bench = make("def train(trial): return trial.params['x']", workers=2)
        for number in (0, 1):
            bench.executor.submit(bench.task(number, params={"x": 1.0}))
        bench.finish("run0")
        bench.finish("run1")
        descriptors = psutil.Process().num_fds()
        begun = done = 0
        start = time.perf_counter()
        while done < 2000:
            while bench.executor.free() and begun < 2000:
                bench.executor.submit(bench.task(begun, run="same", params={"x": 1.0}))
                begun += 1
            events = bench.executor.poll(PATIENCE)
            assert events
            done += sum(isinstance(event, Finished) for event in events)
        rate = 2000 / (time.perf_counter() - start)
        sys.stdout.write(f"{rate:.0f} trials/s on 2 workers\n")
        assert psutil.Process().num_fds() == descriptors

    # What a run uses

    def test_memory_over_the_limit_is_its_own_outcome(self, make: Any) -> None:
        bench = make(
            "import os, time\n"
            "def train(trial):\n"
            "    if trial.number == 0:\n"
            "        kept = os.urandom(1) * 300_000_000\n"
            "        time.sleep(60)\n"
            "    return 1\n"
        )
        outcome = bench.outcome(0, memory=200_000_000)
        assert outcome.state == "oom"
        assert outcome.reason.startswith("used ")
        assert outcome.reason.endswith("MB of memory, more than its limit of 200MB")
        assert outcome.max_rss > 200_000_000
        assert bench.outcome(1, memory=200_000_000).state == "complete"

    def test_what_a_run_started_counts_as_its_memory(self, make: Any) -> None:
        bench = make(
            "import subprocess, sys\n"
            "def train(trial):\n"
            "    big = 'import time; kept = b\"x\" * 300_000_000; time.sleep(60)'\n"
            "    subprocess.run([sys.executable, '-c', big], start_new_session=True)\n"
        )
        outcome = bench.outcome(memory=200_000_000)
        assert outcome.state == "oom"

    def test_what_runs_use_is_sampled(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n"
            "    trial.report(0, 0)\n"
            "    kept = bytearray(100_000_000)\n"
            "    while not trial.should_prune(): sum(range(100_000))\n"
            "    return 1\n"
        )
        samples: list[Sampled] = []

        def seen(_: Event) -> Prune:
            """Whether the run was seen with all its memory, and at work; it may begin slowly."""
            samples[:] = [
                event
                for event in bench.events
                if isinstance(event, Sampled)
                and event.usage["system.memory_mb"] > 100
                and event.usage["system.cpu_percent"] > 10
            ]
            return Prune(bool(samples))

        outcome = bench.outcome(3, attempt=2, answers=seen)
        sample = samples[0]
        assert (sample.run, sample.attempt) == ("run3", 2)
        assert sample.seconds >= 1
        assert outcome.cpu_seconds > 0.1
        assert outcome.max_rss > 100_000_000


class TestWorkersOnLocal(OnLocal, WorkersSuite):
    pass
