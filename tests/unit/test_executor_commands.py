"""What every executor owes the driver: programs that know nothing of all this."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.sweep.executors.command_line import escaped
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.seam import (
    ExecutorError,
    Logged,
)
from cockpit.sweep.executors.work import Command
from tests.unit.executor_bench import (
    PATIENCE,
    SOON,
    Bench,
    ExecutorSuite,
    OnLocal,
    command,
    gone,
    needs_pidfd,
    python,
    watched,
)

if TYPE_CHECKING:
    from pathlib import Path


class CommandsSuite(ExecutorSuite):
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
    @pytest.mark.parametrize(
        "state, apart, end",
        [
            ("cancelled", "setpgid(0, 0)", "time.sleep(60)"),
            ("cancelled", "setsid()", "time.sleep(60)"),
            ("complete", "setpgid(0, 0)", "pass"),
        ],
    )
    def test_nothing_a_command_started_is_left_running(
        self, make: Any, state: str, apart: str, end: str
    ) -> None:
        """Deaf to SIGTERM, in a group or a session of its own, and in the end its parent gone."""
        bench = make(
            "",
            python(
                "import os, signal, time\n"
                "ours, theirs = os.pipe()\n"
                "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                "if os.fork() == 0:\n"
                f"    os.{apart}\n"
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
            assert gone(pidfds, SOON)


class TestCommandsOnLocal(OnLocal, CommandsSuite):
    pass


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
