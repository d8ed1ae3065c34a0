"""What every executor owes the driver: what a function says and prints arrives, in order."""

from __future__ import annotations

from typing import Any

import pytest

from cockpit.sweep.executors.seam import (
    AskPrune,
    Attr,
    Constraint,
    Finished,
    Prune,
    Ready,
    Refused,
    Report,
    Sampled,
    Started,
    Suggest,
    Value,
)
from tests.unit.executor_bench import (
    SOON,
    ExecutorSuite,
    OnLocal,
)


class SaysSuite(ExecutorSuite):
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
        kinds = [type(event) for event in bench.events if not isinstance(event, Sampled)]
        assert kinds == [Ready, Started, *[Report, AskPrune] * 3, Finished]
        assert [e.value for e in bench.events if isinstance(e, Report)] == [0.0, 0.1, 0.2]

    @pytest.mark.parametrize(
        "call, error",
        [
            ("trial.report('high', 0)", "TypeError"),
            ("trial.report(1, 'first')", "TypeError"),
            ("trial.report(1, -1)", "ValueError"),
            ("trial.report(1, 2**63)", "ValueError"),
            ("trial.log(2**63, loss=1)", "ValueError"),
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

    def test_a_child_forked_while_a_thread_speaks_is_told_so_and_does_not_hang(
        self, make: Any
    ) -> None:
        bench = make(
            "import os, threading\n"
            "def train(trial):\n"
            "    over = threading.Event()\n"
            "    def speak():\n"
            "        while not over.is_set():\n"
            "            trial.log(loss=1)\n"
            "    speakers = [threading.Thread(target=speak) for _ in range(3)]\n"
            "    [each.start() for each in speakers]\n"
            "    codes = set()\n"
            "    for _ in range(40):\n"
            "        pid = os.fork()\n"
            "        if pid == 0:\n"
            "            try: trial.log(loss=2)\n"
            "            except RuntimeError: os._exit(7)\n"
            "            os._exit(0)\n"
            "        codes.add(os.WEXITSTATUS(os.waitpid(pid, 0)[1]))\n"
            "    over.set()\n"
            "    [each.join() for each in speakers]\n"
            "    return sorted(codes)\n"
        )
        outcome = bench.outcome(timeout=SOON)
        assert (outcome.state, outcome.values) == ("complete", (7.0,))

    def test_a_forked_childs_own_child_is_left_in_peace(self, make: Any) -> None:
        bench = make(
            "import os\n"
            "def train(trial):\n"
            "    pid = os.fork()\n"
            "    if pid == 0:\n"
            "        if (below := os.fork()) != 0:\n"
            "            os.waitpid(below, 0)\n"
            "        os._exit(0)\n"
            "    os.waitpid(pid, 0)\n"
            "    return 1\n"
        )
        assert bench.outcome().state == "complete"
        assert bench.log().read_text() == ""

    def test_words_that_are_not_the_workers_end_it_alone(self, make: Any) -> None:
        bench = make(
            "import os\n"
            "def train(trial):\n"
            "    for number in range(3, 4096) if trial.number == 0 else ():\n"
            "        try: os.write(number, b'junk\\n')\n"
            "        except OSError: pass\n"
            "    return 1\n"
        )
        outcome = bench.outcome(0)
        assert outcome.state == "failed"
        assert "close or write to file descriptors that are not its own" in outcome.reason
        assert bench.outcome(1).values == 1.0

    # Its output

    @pytest.mark.parametrize(
        "line",
        [
            "sys.stdout.close()",
            "sys.stderr.close()",
            "os.close(1)",
            "os.closerange(0, 3)",
            "sys.stdout = None",
            "sys.stdout = sys.stderr = object()",
            "sys.stdout = type('Tee', (), {'write': lambda self, text: os.write(1, text.encode())})()",
        ],
    )
    def test_what_code_does_to_its_output_fails_neither_it_nor_the_next(
        self, make: Any, line: str
    ) -> None:
        bench = make(
            "import os, sys\n"
            "def train(trial):\n"
            "    if trial.number == 0:\n"
            f"        {line}\n"
            "        return 1\n"
            "    if hasattr(sys.stdout, 'write'):\n"
            "        print('of the next')\n"
            "    if hasattr(sys.stderr, 'write'):\n"
            "        print('of the next', file=sys.stderr)\n"
            "    return 2\n"
        )
        assert (bench.outcome(0).values, bench.outcome(1).values) == (1.0, 2.0)
        if "object" not in line:
            assert "of the next" in bench.log("run1").read_text()

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


class TestSaysOnLocal(OnLocal, SaysSuite):
    pass
