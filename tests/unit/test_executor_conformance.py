"""What every executor owes the driver. The local one here; others subclass `ExecutorSuite`."""

from __future__ import annotations

import contextlib
import math
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from cockpit.sweep.executors.command_line import escaped
from cockpit.sweep.executors.guard import Guard
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.seam import (
    AskPrune,
    Attr,
    Constraint,
    Event,
    Executor,
    ExecutorError,
    Finished,
    FunctionError,
    ImportFailed,
    InterpreterError,
    Logged,
    Outcome,
    Prune,
    Ready,
    Refused,
    Report,
    Sampled,
    Started,
    Suggest,
    Task,
    Value,
)
from cockpit.sweep.executors.work import Command, Function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Work = Function | Command
TRAIN = Function("train.py:train")
PATIENCE = 60.0


def command(script: str, *arguments: str) -> Command:
    """A shell script and its `$1`, `$2`…, which may hold placeholders."""
    return Command(("sh", "-c", escaped(script), "sh", *arguments))


def python(code: str) -> Command:
    return Command((sys.executable, "-c", escaped(code)))


needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches deaths by pidfd")


class Bench:
    """A project folder, an executor on it, and a driver that answers from a script."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self.folder, self.executor = folder, executor
        self.events: list[Event] = []

    def task(self, number: int = 0, attempt: int = 0, **options: Any) -> Task:
        run = options.pop("run", f"run{number}")
        params = options.pop("params", {})
        folder = self.folder / "runs" / run / "artifacts"
        return Task(run, number, attempt, params, self.log(run), folder, **options)

    def log(self, run: str = "run0") -> Path:
        return self.folder / "runs" / run / "log.txt"

    def poll_until(self, ready: Callable[[Event], bool], answers: Any = None) -> Event:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = None
            for event in self.executor.poll(1.0):
                self.events.append(event)
                if isinstance(event, Suggest | AskPrune) and answers is not None:
                    self.executor.answer(event.run, event.attempt, answers(event))
                found = found or (event if ready(event) else None)
            if found:
                return found
        raise TimeoutError(f"it did not happen; this did: {self.events}")

    def outcome(self, number: int = 0, answers: Any = None, **options: Any) -> Outcome:
        task = self.task(number, **options)
        self.executor.submit(task)
        return self.finish(task.run, task.attempt, answers)

    def finish(self, run: str = "run0", attempt: int = 0, answers: Any = None) -> Outcome:
        last = self.first(Finished, run, attempt, answers)
        assert isinstance(last, Finished)
        return last.outcome

    def of(self, run: str, attempt: int = 0) -> list[Any]:
        """What came of an attempt so far."""
        known = [event for event in self.events if not isinstance(event, Ready)]
        return [event for event in known if (event.run, event.attempt) == (run, attempt)]

    def first(
        self, kind: type, run: str | None = None, attempt: int | None = None, answers: Any = None
    ) -> Any:
        """The first event of a kind (of an attempt), waited for if need be."""

        def wanted(event: Event) -> bool:
            if run is None or not isinstance(event, kind):
                return isinstance(event, kind)
            return event.run == run and attempt in (None, event.attempt)

        there = [event for event in self.events if wanted(event)]
        return there[0] if there else self.poll_until(wanted, answers)


def gone(pidfds: list[int], seconds: float) -> bool:
    """Whether every process ends within the time."""
    end = time.monotonic() + seconds
    waiting = list(pidfds)
    while waiting and time.monotonic() < end:
        ended, _, _ = select.select(waiting, [], [], max(0.0, end - time.monotonic()))
        waiting = [descriptor for descriptor in waiting if descriptor not in ended]
    return not waiting


@contextlib.contextmanager
def watched(*pids: int) -> Iterator[list[int]]:
    descriptors = [os.pidfd_open(pid) for pid in pids]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


class ExecutorSuite:
    """Needs a fixture `executor_factory(work, folder, python=…, workers=…)`."""

    @pytest.fixture
    def make(self, executor_factory: Any, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
        with contextlib.ExitStack() as stack:

            def build(code: str, work: Work | None = None, **options: Any) -> Bench:
                (tmp_path / "train.py").write_text(code)
                executor = executor_factory(work or TRAIN, tmp_path, **options)
                stack.callback(executor.close, 0.1)
                return Bench(tmp_path, executor)

            yield build

    # What a function may return

    @pytest.mark.parametrize(
        "expression, values",
        [
            ("0.25", 0.25),
            ("3", 3.0),
            ("True", 1.0),
            ("float('inf')", math.inf),
            ("{'auc': 0.5, 'ms': 3}", {"auc": 0.5, "ms": 3.0}),
            ("(0.5, 3)", (0.5, 3.0)),
            ("[1, 2]", (1.0, 2.0)),
            ("__import__('fractions').Fraction(1, 2)", 0.5),
        ],
    )
    def test_numbers_dicts_and_sequences_arrive(
        self, make: Any, expression: str, values: Any
    ) -> None:
        outcome = make(f"def train(trial): return {expression}").outcome()
        assert (outcome.state, outcome.values, outcome.reason) == ("complete", values, None)
        assert outcome.seconds > 0
        assert outcome.cpu_seconds is not None
        assert outcome.max_rss is not None
        assert 1_000_000 < outcome.max_rss < 1_000_000_000

    def test_nan_is_passed_on(self, make: Any) -> None:
        code = "def train(trial):\n trial.report(float('-inf'), 0)\n return float('nan')"
        bench = make(code)
        outcome = bench.outcome()
        assert outcome.state == "complete"
        assert math.isnan(outcome.values)
        assert bench.first(Report).value == -math.inf

    @pytest.mark.parametrize(
        "expression, shown",
        [
            ("'abc'", "'abc' (str)"),
            ("None", "None (NoneType)"),
            ("{'a': 'x'}", "{'a': 'x'} (dict)"),
        ],
    )
    def test_anything_else_is_failed_and_shown(
        self, make: Any, expression: str, shown: str
    ) -> None:
        outcome = make(f"def train(trial): return {expression}").outcome()
        expected = "expected a number, a dict of metrics or a sequence of numbers"
        assert (outcome.state, outcome.values) == ("failed", None)
        assert outcome.reason == f"returned {shown}; {expected}"

    # How a function may end

    def test_an_error_names_the_line_in_the_users_code(self, make: Any) -> None:
        bench = make(
            "import json\n\ndef load():\n    return {}['incme']\n\ndef train(trial):\n    load()\n"
        )
        outcome = bench.outcome()
        assert (outcome.state, outcome.reason) == ("failed", "train.py line 4: KeyError: 'incme'")
        log = bench.log().read_text()
        assert "Traceback (most recent call last)" in log
        assert "worker.py" not in log

    def test_an_error_inside_a_library_names_the_users_line(self, make: Any) -> None:
        outcome = make("import json\ndef train(trial):\n    json.loads('{')\n").outcome()
        assert outcome.reason.startswith("train.py line 3: json.decoder.JSONDecodeError: Expecting")

    def test_an_error_of_many_lines_is_one_line(self, make: Any) -> None:
        outcome = make("def train(trial):\n    raise ValueError('a\\nb' + 'x' * 9999)\n").outcome()
        assert outcome.reason.startswith("train.py line 2: ValueError: a bxxx")
        assert "\n" not in outcome.reason
        assert len(outcome.reason) < 400

    @pytest.mark.parametrize(
        "argument, shown", [("3", "3"), ("0", "0"), ("'no'", "'no'"), ("", "")]
    )
    def test_sys_exit_is_failed(self, make: Any, argument: str, shown: str) -> None:
        outcome = make(f"import sys\ndef train(trial):\n    sys.exit({argument})\n").outcome()
        assert outcome.state == "failed"
        assert outcome.reason == f"train.py line 3: called sys.exit({shown})"

    def test_keyboard_interrupt_of_the_code_is_failed(self, make: Any) -> None:
        outcome = make("def train(trial):\n    raise KeyboardInterrupt\n").outcome()
        assert (outcome.state, outcome.reason) == ("failed", "train.py line 2: KeyboardInterrupt")

    def test_out_of_memory_is_told_apart(self, make: Any) -> None:
        outcome = make("def train(trial):\n    bytearray(1 << 60)\n").outcome()
        assert (outcome.state, outcome.reason) == (
            "failed",
            "train.py line 2: out of memory (MemoryError)",
        )

    @pytest.mark.parametrize(
        "line, state, reason",
        [
            ("os._exit(3)", "failed", "the worker process exited with code 3 in mid-trial"),
            ("ctypes.string_at(0)", "failed", "the worker process died of SIGSEGV"),
            ("os.abort()", "failed", "the worker process died of SIGABRT"),
            (
                "os.kill(os.getpid(), 9)",
                "lost",
                "the worker process was killed (SIGKILL), not by the sweep",
            ),
            (
                "os.closerange(3, 256); time.sleep(60)",
                "failed",
                "the worker lost its connection to the sweep; "
                "does the training code close file descriptors that are not its own?",
            ),
        ],
    )
    def test_a_dead_worker_has_a_reason_and_the_next_trial_a_worker(
        self, make: Any, line: str, state: str, reason: str
    ) -> None:
        code = "import ctypes, os, time\ndef train(trial):\n    if trial.number == 0:\n        "
        bench = make(f"{code}print('last words', flush=True); {line}\n    return 1\n")
        outcome = bench.outcome(0)
        assert (outcome.state, outcome.reason) == (state, reason)
        assert "last words" in bench.log().read_text()
        assert bench.outcome(1).state == "complete"
        assert len([event for event in bench.events if isinstance(event, Ready)]) == 2

    def test_a_segfault_leaves_its_traceback_in_the_log(self, make: Any) -> None:
        bench = make("import ctypes\ndef train(trial):\n    ctypes.string_at(0)\n")
        bench.outcome()
        assert "Segmentation fault" in bench.log().read_text()
        assert "train.py" in bench.log().read_text()

    # What a function may say

    def test_params_of_the_spec_need_no_question(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n"
            "    assert trial.params == {'x': 0.5, 'n': 3, 'loss': 'log'}\n"
            "    assert trial.suggest_float('x', 0, 1) == trial.params['x']\n"
            "    assert trial.suggest_categorical('loss', ['log', 'hinge']) == 'log'\n"
            "    return trial.suggest_int('n', 1, 5)\n"
        )
        outcome = bench.outcome(params={"x": 0.5, "n": 3, "loss": "log"})
        assert (outcome.reason, outcome.values) == (None, 3.0)
        assert not [event for event in bench.events if isinstance(event, Suggest)]

    def test_define_by_run_gives_the_very_object_that_was_offered(self, make: Any) -> None:
        bench = make(
            "class Net: pass\n"
            "A, B = Net(), Net()\n"
            "SHAPES = [(1, 2), [3], None, True, 1, 1.0, float('nan'), '(1, 2)', Net, A, B, len]\n"
            "def train(trial):\n"
            "    for index, shape in enumerate(SHAPES):\n"
            "        got = trial.suggest_categorical(f'p{index}', SHAPES)\n"
            "        assert got is shape, (got, shape)\n"
            "        assert trial.suggest_categorical(f'p{index}', SHAPES) is shape\n"
            "        assert trial.params[f'p{index}'] is shape\n"
            "    return len(trial.params)\n"
        )
        outcome = bench.outcome(
            answers=lambda ask: Value(ask.options["choices"][int(ask.name[1:])])
        )
        assert (outcome.reason, outcome.values) == (None, 12.0)
        choices = bench.first(Suggest).options["choices"]
        assert len({repr(choice) for choice in choices}) == 12
        assert "0x" not in repr(choices)  # an address would differ from worker to worker

    def test_suggestions_carry_their_range(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n"
            "    x = trial.suggest_float('x', 1e-5, 1, log=True)\n"
            "    n = trial.suggest_int('n', 2, 8, step=2)\n"
            "    u = trial.suggest_uniform('u', 0, 1)\n"
            "    v = trial.suggest_loguniform('v', 1, 2)\n"
            "    w = trial.suggest_discrete_uniform('w', 0, 1, 0.5)\n"
            "    assert type(n) is int and type(w) is float\n"
            "    return x, n, u, v, w\n"
        )
        reply = {"x": 0.5, "n": 4, "u": 0.25, "v": 1.5, "w": 1}
        outcome = bench.outcome(answers=lambda ask: Value(reply[ask.name]))
        assert outcome.values == (0.5, 4.0, 0.25, 1.5, 1.0)
        asked = [(e.kind, e.options) for e in bench.events if isinstance(e, Suggest)]
        assert asked == [
            ("float", {"low": 1e-5, "high": 1.0, "step": None, "log": True}),
            ("int", {"low": 2, "high": 8, "step": 2, "log": False}),
            ("float", {"low": 0.0, "high": 1.0, "step": None, "log": False}),
            ("float", {"low": 1.0, "high": 2.0, "step": None, "log": True}),
            ("float", {"low": 0.0, "high": 1.0, "step": 0.5, "log": False}),
        ]

    def test_a_refused_range_is_an_error_at_the_users_line(self, make: Any) -> None:
        bench = make("def train(trial):\n\n    trial.suggest_float('x', 2, 1)\n")
        refusal = Refused("ValueError", "`low <= high` must hold")
        outcome = bench.outcome(answers=lambda _: refusal)
        assert outcome.reason == "train.py line 3: ValueError: `low <= high` must hold"

    def test_reports_and_pruning_in_order(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n"
            "    for step in range(100):\n"
            "        trial.report(step / 10, step)\n"
            "        if trial.should_prune():\n"
            "            raise trial.TrialPruned()\n"
        )
        outcome = bench.outcome(
            answers=lambda _: Prune(len([e for e in bench.events if isinstance(e, Report)]) == 3)
        )
        assert (outcome.state, outcome.values) == ("pruned", None)
        kinds = [type(event) for event in bench.events]
        assert kinds == [Ready, Started, *[Report, AskPrune] * 3, Finished]
        assert [e.value for e in bench.events if isinstance(e, Report)] == [0.0, 0.1, 0.2]

    @pytest.mark.parametrize(
        "call, error",
        [
            ("trial.report('high', 0)", "TypeError"),
            ("trial.report(1, 'first')", "TypeError"),
            ("trial.report(1, -1)", "ValueError"),
            ("trial.set_user_attr('x', object())", "TypeError"),
            ("trial.set_constraint('x', float('nan'))", "ValueError"),
            ("trial.study", "AttributeError"),
        ],
    )
    def test_misuse_is_an_error_at_the_users_line(self, make: Any, call: str, error: str) -> None:
        outcome = make(f"def train(trial):\n    {call}\n").outcome()
        assert outcome.state == "failed"
        assert outcome.reason.startswith(f"train.py line 2: {error}: ")

    def test_a_step_counts_once(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n    trial.report(1, 0); trial.report(2, 0)\n    return 0\n"
        )
        assert bench.outcome().state == "complete"
        assert [e.value for e in bench.events if isinstance(e, Report)] == [1.0]
        assert "step 0 was reported already" in bench.log().read_text()

    def test_attributes_and_constraints_arrive(self, make: Any) -> None:
        bench = make(
            "def train(trial):\n"
            "    trial.set_user_attr('shape', {'rows': [1, 2]})\n"
            "    trial.set_constraint('memory', -2)\n"
            "    assert trial.user_attrs['shape'] and trial.constraints == {'memory': -2.0}\n"
            "    import datetime\n"
            "    assert datetime.datetime.now() >= trial.datetime_start\n"
            "    return trial.number\n"
        )
        outcome = bench.outcome(7)
        assert (outcome.reason, outcome.values) == (None, 7.0)
        assert bench.first(Attr) == Attr("run7", 0, "shape", {"rows": [1, 2]})
        assert bench.first(Constraint) == Constraint("run7", 0, "memory", -2.0)

    def test_a_trial_kept_past_its_end_cannot_speak_for_the_next(self, make: Any) -> None:
        bench = make(
            "old = []\n"
            "def train(trial):\n"
            "    old.append(trial)\n"
            "    if len(old) > 1:\n"
            "        old[0].report(1, 1)\n"
            "    return 0\n"
        )
        assert bench.outcome(0).state == "complete"
        assert "this trial has ended" in bench.outcome(1).reason

    def test_a_forked_child_cannot_speak_for_the_trial(self, make: Any) -> None:
        bench = make(
            "import os\n"
            "def train(trial):\n"
            "    pid = os.fork()\n"
            "    if pid == 0:\n"
            "        try:\n"
            "            trial.report(1, 1)\n"
            "        except RuntimeError:\n"
            "            os._exit(7)\n"
            "        os._exit(0)\n"
            "    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])\n"
        )
        assert bench.outcome().values == 7.0

    # Its output

    def test_megabytes_of_output_go_to_the_trials_own_log(self, make: Any) -> None:
        bench = make(
            "import ctypes, os, sys\n"
            "print('at import')\n"
            "def train(trial):\n"
            "    print(f'trial {trial.number}')\n"
            "    print('x' * 5_000_000)\n"
            "    print('to stderr', file=sys.stderr)\n"
            "    ctypes.CDLL(None).puts(b'from C')\n"
            "    os.system('echo from a child')\n"
            "    print('no newline \\ud800', end='')\n"
            "    return 1\n"
        )
        assert bench.outcome(0).state == bench.outcome(1).state == "complete"
        for number in (0, 1):
            text = bench.log(f"run{number}").read_text()
            assert len(text) > 5_000_000
            assert text.count("trial ") == 1
            for part in (f"trial {number}\n", "to stderr", "from C", "from a child", "no newline"):
                assert part in text
        assert "at import" in bench.log("run0").read_text()
        assert "at import" not in bench.log("run1").read_text()

    def test_a_log_that_cannot_be_written_fails_the_trial(self, make: Any) -> None:
        bench = make("def train(trial): return 1")
        (bench.folder / "runs").write_text("a file where a folder should be")
        outcome = bench.outcome()
        assert outcome.state == "failed"
        assert "Error" in outcome.reason

    def test_reading_stdin_ends_at_once(self, make: Any) -> None:
        assert (
            make("def train(trial): input()")
            .outcome()
            .reason.startswith("train.py line 1: EOFError")
        )

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
        assert outcome.seconds < 5
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
            assert gone(pidfds, 2)

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
            assert gone(pidfds, 2)

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

    # What a run finds around it

    def test_a_run_has_its_folder_and_variables_to_itself(self, make: Any) -> None:
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
            assert gone(pidfds, 5)

    def test_nothing_of_an_earlier_driver_is_taken_over_that_is_not_there(self, make: Any) -> None:
        bench = make("def train(trial): return 1")
        assert bench.executor.attach([bench.task(0)]) == frozenset()
        assert bench.outcome(0, attempt=1).state == "complete"

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
        seen = lambda _: Prune(any(isinstance(e, Sampled) for e in bench.events))  # noqa: E731
        outcome = bench.outcome(3, attempt=2, answers=seen)
        sample = bench.first(Sampled)
        assert (sample.run, sample.attempt) == ("run3", 2)
        assert sample.seconds >= 1
        assert sample.usage["system.memory_mb"] > 100
        assert sample.usage["system.cpu_percent"] > 10
        assert outcome.cpu_seconds > 0.1
        assert outcome.max_rss > 100_000_000

    # Programs that know nothing of all this

    def test_a_command_is_run_with_its_params_and_read(self, make: Any) -> None:
        script = 'printf \'{"loss": %s, "epoch": 3}\\n\' "$1"; echo "$@" >&2; '
        script += 'echo done > "$COCKPIT_RUN_DIR/out"'
        bench = make("", command(script, "{x}", "{flag:amp}", "{flag:off}", "n={number}"))
        params = {"x": 0.5, "amp": True, "off": False}
        outcome = bench.outcome(4, params=params)
        assert (outcome.state, outcome.values, outcome.reason) == ("complete", {"loss": 0.5}, None)
        assert bench.first(Logged) == Logged("run4", 0, {"loss": 0.5}, 3)
        assert "0.5 --amp n=4" in bench.log("run4").read_text()
        assert '{"loss": 0.5' in bench.log("run4").read_text()
        assert (bench.folder / "runs" / "run4" / "artifacts" / "out").read_text() == "done\n"
        assert outcome.max_rss > 100_000

    def test_a_command_may_read_its_params_from_a_file(self, make: Any) -> None:
        bench = make("", command('cat "$COCKPIT_PARAMS" "$1"', "{params}"))
        assert bench.outcome(params={"x": 0.5, "y": "a b"}).values == {"x": 0.5}
        assert bench.log().read_text().count('{"x": 0.5, "y": "a b"}') == 2

    @pytest.mark.parametrize(
        "script, state, reason",
        [
            ("echo bad >&2; exit 3", "failed", "the command exited with code 3"),
            ("kill -SEGV $$", "failed", "the command died of SIGSEGV"),
            ("kill -KILL $$", "lost", "the command was killed (SIGKILL), not by the sweep"),
            ("exit 137", "lost", "a process of the command was killed (SIGKILL), not by the sweep"),
        ],
    )
    def test_a_command_that_fails(self, make: Any, script: str, state: str, reason: str) -> None:
        bench = make("", command(f"echo '{{\"loss\": 1}}'; {script}"))
        outcome = bench.outcome()
        assert outcome.state == state
        assert outcome.reason.startswith(reason)
        assert bench.outcome(attempt=1).state == state
        assert bench.executor.free() == 1

    def test_a_program_that_is_not_there_fails_its_trial(self, make: Any) -> None:
        bench = make("", Command(("./no-such-program",)))
        outcome = bench.outcome()
        assert outcome.state == "failed"
        assert "no-such-program" in outcome.reason

    def test_a_baseline_command_runs_in_place_of_the_sweeps(self, make: Any) -> None:
        ours, theirs = (command(f"echo '{{\"loss\": {n}}}'").argv for n in (1, 2))
        bench = make("", Command(ours, baseline=theirs))
        assert bench.outcome(0, baseline=True).values == {"loss": 2.0}
        assert bench.outcome(1).values == {"loss": 1.0}

    def test_a_timeout_of_a_command(self, make: Any) -> None:
        bench = make("", command("sleep 60"))
        outcome = bench.outcome(timeout=0.2)
        assert (outcome.state, outcome.reason) == ("timeout", "ran longer than 0.2s")

    def test_a_pruned_command_cleans_up_with_all_it_started(self, make: Any) -> None:
        """The shell dies of SIGTERM at once; what it started has the time it needs."""
        cleaner = (
            "import signal, sys, time\n"
            "def stop(*_):\n"
            "    time.sleep(0.3)\n"
            "    print('cleaned up', flush=True)\n"
            "    sys.exit()\n"
            "signal.signal(signal.SIGTERM, stop)\n"
            "print('{\"loss\": 1}', flush=True)\n"
            "time.sleep(60)\n"
        )
        bench = make("", command(f"'{sys.executable}' -c \"$1\"; true", escaped(cleaner)))
        bench.executor.submit(bench.task())
        bench.first(Logged)
        bench.executor.cancel("run0", "worse than the others", "pruned", 2 * PATIENCE)
        outcome = bench.finish()
        assert (outcome.state, outcome.reason) == ("pruned", "worse than the others")
        assert outcome.values == {"loss": 1.0}
        assert "cleaned up" in bench.log().read_text()

    def test_what_a_command_started_in_other_groups_is_asked_to_end_too(self, make: Any) -> None:
        """`timeout` goes into a process group of its own, and passes SIGTERM on."""
        cleaner = (
            "trap 'echo cleaned up; exit' TERM; echo '{\"loss\": 1}'; while :; do sleep 0.1; done"
        )
        script = 'timeout 60 sh -c "$1"; true'
        bench = make("", command(script, escaped(cleaner)))
        bench.executor.submit(bench.task())
        bench.first(Logged)
        bench.executor.cancel("run0", "stopped by you", grace=2 * PATIENCE)
        assert bench.finish().state == "cancelled"
        assert "cleaned up" in bench.log().read_text()

    @needs_pidfd
    @pytest.mark.parametrize("state, end", [("cancelled", "time.sleep(60)"), ("complete", "pass")])
    def test_nothing_a_command_started_is_left_running(
        self, make: Any, state: str, end: str
    ) -> None:
        """Deaf to SIGTERM, in a process group of its own, and in the end its parent gone."""
        bench = make(
            "",
            python(
                "import os, signal, time\n"
                "ours, theirs = os.pipe()\n"
                "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                "if os.fork() == 0:\n"
                "    os.setpgid(0, 0)\n"
                "    print('{\"pid\": %d}' % os.getpid(), flush=True)\n"
                "    os.write(theirs, b'.')\n"
                "    time.sleep(60)\n"
                "os.read(ours, 1)\n" + end
            ),
        )
        bench.executor.submit(bench.task())
        with watched(int(bench.first(Logged).metrics["pid"])) as pidfds:
            if state == "cancelled":
                bench.executor.cancel("run0", "stopped by you", grace=0.1)
            assert bench.finish().state == state
            assert gone(pidfds, 5)

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


class TestLocalExecutor(ExecutorSuite):
    @pytest.fixture
    def executor_factory(self) -> Callable[..., Executor]:
        def factory(work: Work, folder: Path, **options: Any) -> Executor:
            return LocalExecutor(
                work,
                folder,
                options.pop("python", sys.executable),
                options.pop("workers", 1),
                **options,
            )

        return factory


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
            assert gone(pidfds, 2)


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
        assert kinds == [Ready, Started, Finished]

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
        with pytest.raises(InterpreterError, match=f"{python} could not start a worker"):
            local("", python=python).check(PATIENCE)

    def test_a_file_that_breaks_in_mid_sweep_fails_its_trials(
        self, local: Any, tmp_path: Path
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
            (tmp_path / "train.py").write_text("import nosuchlibrary")
        assert outcomes[1].state == "failed"
        assert "nosuchlibrary" in outcomes[1].reason


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


@pytest.mark.parametrize("program", ["./train.sh", "train-of-nobody"])
def test_a_program_that_is_not_there_is_told_before_the_first_trial(
    tmp_path: Path, program: str
) -> None:
    executor = LocalExecutor(Command((program, "{x}")), tmp_path, sys.executable, 1)
    with contextlib.closing(executor), pytest.raises(ExecutorError, match=f"program {program}"):
        executor.check()


def test_a_chosen_python_comes_first_on_a_commands_path(tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
    work = Command(("python", "-c", "import json, sys; print(sys.prefix)"))
    executor = LocalExecutor(work, tmp_path, "venv/bin/python", 1)
    with contextlib.closing(executor):
        assert executor.check()["interpreter"] == str(venv / "bin" / "python")
        bench = Bench(tmp_path, executor)
        assert bench.outcome().state == "complete"
        assert bench.log().read_text().strip() == str(venv)
