"""What every executor owes the driver: what a function may return, and how it may end."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cockpit.sweep.executors.seam import (
    Ready,
    Report,
)
from tests.unit.executor_bench import (
    ExecutorSuite,
    OnLocal,
)


class EndsSuite(ExecutorSuite):
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
            ("10**400", f"1{'0' * 78}… (int)"),
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
                "does the training code close or write to file descriptors that are not its own?",
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


class TestEndsOnLocal(OnLocal, EndsSuite):
    pass
