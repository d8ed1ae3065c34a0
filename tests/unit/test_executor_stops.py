"""What every executor owes the driver: runs that are stopped, and each attempt ends once."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from cockpit.sweep.executors.seam import (
    AskPrune,
    Attr,
    Finished,
    Prune,
    Started,
)
from tests.unit.executor_bench import (
    PATIENCE,
    SOON,
    ExecutorSuite,
    OnLocal,
    gone,
    needs_pidfd,
    watched,
)


class StopsSuite(ExecutorSuite):
    # Stopping

    SLEEPER = (
        "import signal, subprocess, time\n"
        "def train(trial):\n"
        "    try:\n"
        "        trial.set_user_attr('here', 1)\n"
        "        time.sleep(60)\n"
        "    finally:\n"
        "        print('cleaned up')\n"
    )

    def test_cancel_runs_finally_and_says_why(self, make: Any) -> None:
        bench = make(self.SLEEPER)
        bench.executor.submit(bench.task())
        bench.first(Attr)
        bench.executor.cancel("run0", "stopped by you")
        outcome = bench.finish()
        assert (outcome.state, outcome.reason) == ("cancelled", "stopped by you")
        assert outcome.seconds < SOON
        assert "cleaned up" in bench.log().read_text()
        assert bench.executor.free() == 1

    def test_a_stop_that_comes_before_the_first_line_is_not_lost(self, make: Any) -> None:
        bench = make(
            "import time\ndef train(trial):\n    time.sleep(60 * (trial.number % 2))\n    return 1\n"
        )
        for number in range(0, 8, 2):
            assert bench.outcome(number).state == "complete"
            bench.executor.submit(bench.task(number + 1))
            bench.first(Started, f"run{number + 1}")
            bench.executor.cancel(f"run{number + 1}", "stopped by you", grace=2 * PATIENCE)
            assert bench.finish(f"run{number + 1}").state == "cancelled"

    def test_cancel_of_a_run_that_is_over_does_nothing(self, make: Any) -> None:
        bench = make("def train(trial): return 1")
        assert bench.outcome(0).state == "complete"
        bench.executor.cancel("run0", "too late")
        bench.executor.cancel("never was", "too early")
        assert bench.outcome(1).state == "complete"

    def test_a_timeout_is_its_own_outcome(self, make: Any) -> None:
        bench = make(self.SLEEPER)
        outcome = bench.outcome(timeout=0.2)
        assert (outcome.state, outcome.reason) == ("timeout", "ran longer than 0.2s")

    @needs_pidfd
    def test_a_trial_that_ignores_sigterm_is_killed_with_its_children(self, make: Any) -> None:
        bench = make(
            "import signal, subprocess, time\n"
            "def train(trial):\n"
            "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "    child = subprocess.Popen(['sleep', '60'])\n"
            "    trial.set_user_attr('child', child.pid)\n"
            "    time.sleep(60)\n"
        )
        bench.executor.submit(bench.task())
        with watched(bench.first(Attr).value, bench.first(Started).pid) as pidfds:
            bench.executor.cancel("run0", "stopped by you", grace=0.2)
            assert bench.finish().state == "cancelled"
            assert gone(pidfds, SOON)

    def test_a_swallowed_stop_is_still_a_stop(self, make: Any) -> None:
        bench = make(
            "import time\n"
            "def train(trial):\n"
            "    trial.set_user_attr('here', 1)\n"
            "    try:\n"
            "        time.sleep(60)\n"
            "    except BaseException:\n"
            "        return 1\n"
        )
        bench.executor.submit(bench.task())
        bench.first(Attr)
        bench.executor.cancel("run0", "stopped by you")
        assert bench.finish().state == "cancelled"

    @needs_pidfd
    def test_a_dead_workers_children_are_ended(self, make: Any) -> None:
        bench = make(
            "import os, subprocess\n"
            "def train(trial):\n"
            "    trial.set_user_attr('child', subprocess.Popen(['sleep', '60']).pid)\n"
            "    os._exit(1)\n"
        )
        bench.executor.submit(bench.task())
        child = bench.first(Attr).value
        bench.finish()
        with contextlib.suppress(ProcessLookupError), watched(child) as pidfds:
            assert gone(pidfds, SOON)

    def test_close_settles_what_still_runs(self, make: Any) -> None:
        bench = make(self.SLEEPER, workers=2)
        for number in (0, 1):
            bench.executor.submit(bench.task(number))
        bench.first(Attr, "run0")
        bench.first(Attr, "run1")
        ended = [e for e in bench.executor.close(5) if isinstance(e, Finished)]
        assert sorted(event.run for event in ended) == ["run0", "run1"]
        assert {event.outcome.state for event in ended} == {"cancelled"}

    # Attempts and slots

    def test_a_retry_is_an_attempt_of_its_own(self, make: Any) -> None:
        bench = make(
            "import os\n"
            "def train(trial):\n"
            "    trial.report(1, 0)\n"
            "    os.path.exists('flag') or (open('flag', 'w').close(), os._exit(1))\n"
            "    return 1\n"
        )
        assert bench.outcome(attempt=1).state == "failed"
        assert bench.outcome(attempt=2).state == "complete"
        finished = [event for event in bench.events if isinstance(event, Finished)]
        assert [(event.run, event.attempt) for event in finished] == [("run0", 1), ("run0", 2)]

    def test_an_answer_to_an_older_attempt_is_left_alone(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n    trial.report(1, 0)\n    return trial.should_prune() + 0\n"
        )
        bench.executor.submit(bench.task(attempt=2))
        bench.first(AskPrune)
        bench.executor.answer("run0", 1, Prune(True))
        bench.executor.answer("run0", 2, Prune(False))
        assert bench.finish(attempt=2).values == 0.0

    def test_slots_run_side_by_side(self, make: Any) -> None:
        bench = make("def train(trial):\n    trial.should_prune()\n    return 1\n", workers=2)
        assert bench.executor.free() == 2
        for number in (0, 1):
            bench.executor.submit(bench.task(number))
        assert bench.executor.free() == 0
        with pytest.raises(RuntimeError, match="busy"):
            bench.executor.submit(bench.task(2))
        for run in ("run0", "run1"):  # neither is answered before both ask
            bench.first(AskPrune, run)
        for run in ("run0", "run1"):
            bench.executor.answer(run, 0, Prune(False))
        assert bench.finish("run0").state == bench.finish("run1").state == "complete"

    # Attempts, answers, prunes

    def test_an_answer_to_no_question_does_not_answer_the_next(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n"
            "    first = trial.should_prune()\n"
            "    trial.report(1, 0)\n"
            "    return [first, trial.should_prune()]\n"
        )
        bench.executor.submit(bench.task())
        bench.executor.answer("run0", 0, Prune(True))
        bench.first(AskPrune)
        bench.executor.answer("run0", 0, Prune(False))
        bench.executor.answer("run0", 0, Prune(True))
        if [type(event) for event in bench.events].count(AskPrune) < 2:
            bench.poll_until(lambda event: isinstance(event, AskPrune))
        bench.executor.answer("run0", 0, Prune(False))
        assert bench.finish().values == (0.0, 0.0)

    def test_a_run_that_is_cancelled_as_pruned_ends_so(self, make: Any) -> None:
        bench = make(self.SLEEPER)
        bench.executor.submit(bench.task())
        bench.first(Attr)
        bench.executor.cancel("run0", "pruned by you", "pruned")
        outcome = bench.finish()
        assert (outcome.state, outcome.reason) == ("pruned", "pruned by you")
        assert "cleaned up" in bench.log().read_text()

    def test_each_attempt_ends_once_however_it_ends(self, make: Any) -> None:
        bench = make(
            "import os, time\n"
            "def train(trial):\n"
            "    trial.report(1, 0)\n"
            "    if trial.params['how'] == 'die': os._exit(1)\n"
            "    if trial.params['how'] == 'raise': raise ValueError\n"
            "    if trial.params['how'] == 'hang': time.sleep(60)\n"
            "    return 1\n",
            workers=2,
        )
        hows = ["die", "raise", "hang", "return", "hang", "die", "return", "raise"]
        for attempt, how in enumerate(hows):
            if not bench.executor.free():
                bench.poll_until(lambda event: isinstance(event, Finished))
            options = {"timeout": 0.1} if how == "hang" else {}
            bench.executor.submit(bench.task(attempt % 3, attempt, params={"how": how}, **options))
        for attempt in range(len(hows)):
            bench.finish(f"run{attempt % 3}", attempt)
        bench.events += bench.executor.close(1)
        ended = [(e.run, e.attempt) for e in bench.events if isinstance(e, Finished)]
        assert sorted(ended) == sorted((f"run{n % 3}", n) for n in range(len(hows)))
        for run, attempt in ended:  # and nothing comes after the end
            assert isinstance(bench.of(run, attempt)[-1], Finished)
        states = {e.attempt: e.outcome.state for e in bench.events if isinstance(e, Finished)}
        expected = {"die": "failed", "raise": "failed", "hang": "timeout", "return": "complete"}
        assert states == {n: expected[how] for n, how in enumerate(hows)}


class TestStopsOnLocal(OnLocal, StopsSuite):
    pass
