"""A program as one attempt: its output, its metrics, its end."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.sweep.executors.command import CommandError, CommandProcess
from cockpit.sweep.executors.environment import prepare_command
from cockpit.sweep.executors.guard import session_members
from cockpit.sweep.executors.process import Stop
from cockpit.sweep.executors.seam import Outcome, Task
from cockpit.sweep.executors.work import MetricSources

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PATIENCE = 30.0


class Program:
    """A program that runs, and someone who listens to it as an executor does."""

    def __init__(self, folder: Path, *argv: str, timeout: float | None = None, **sources: Any):
        run = folder / "run"
        self.task = Task("r", 0, 0, {}, run / "log.txt", run / "artifacts", timeout=timeout)
        environment = {**os.environ, **prepare_command(self.task)}
        self.said: list[dict[str, Any]] = []
        self.process = CommandProcess(
            0, self.task, argv, environment, folder, MetricSources(**sources)
        )
        self.process.task = self.task
        self.process.begin(self.task)

    @property
    def log(self) -> str:
        return self.task.log.read_text()

    @property
    def points(self) -> list[tuple[dict[str, float], int]]:
        return [(m["metrics"], m["step"]) for m in self.said if m["say"] == "logged"]

    def turn(self) -> None:
        process = self.process
        ready, _, _ = select.select(list(process.descriptors()), [], [], 0.01)
        if ready:
            self.said += process.read()
        now = time.monotonic()
        if process.look_at <= now:
            self.said += process.look()
        if process.overdue(now):
            process.kill()

    def until(self, there: Callable[[], Any]) -> None:
        end = time.monotonic() + PATIENCE
        while not there():
            assert time.monotonic() < end, (self.said, self.log)
            self.turn()

    def outcome(self) -> Outcome:
        self.until(self.process.is_over)
        self.process.end_session()
        self.said += self.process.last_words()
        return self.process.reap()


def wait_for_end(leader: int) -> None:
    """Killed is not yet gone."""
    end = time.monotonic() + PATIENCE
    while session_members(leader):
        assert time.monotonic() < end
        select.select([], [], [], 0.01)


def shell(folder: Path, script: str, **sources: Any) -> Program:
    return Program(folder, "/bin/sh", "-c", script, **sources)


def python(folder: Path, code: str, **sources: Any) -> Program:
    return Program(folder, sys.executable, "-u", "-c", code, **sources)


def test_lines_on_stdout_are_metrics_and_all_output_is_in_the_log(tmp_path: Path) -> None:
    program = shell(
        tmp_path,
        """echo '{"auc": 0.5, "step": 1}'; echo '{"auc": 9}' >&2; echo plain; printf '{"auc": 0.75}'""",
    )
    outcome = program.outcome()
    assert (outcome.state, outcome.values) == ("complete", {"auc": 0.75})
    assert program.points == [({"auc": 0.5}, 1), ({"auc": 0.75}, 2)]
    for piece in ('{"auc": 0.5, "step": 1}\n', '{"auc": 9}\n', "plain\n", '{"auc": 0.75}'):
        assert piece in program.log


def test_a_progress_bar_on_stderr_spoils_no_metric(tmp_path: Path) -> None:
    script = """for n in 1 2 3; do printf '\\r %s0%%' $n >&2; echo "{\\"loss\\": $n}"; done"""
    program = shell(tmp_path, script)
    program.outcome()
    assert [metrics["loss"] for metrics, _ in program.points] == [1, 2, 3]


def test_metrics_by_pattern_by_file_and_by_the_variable(tmp_path: Path) -> None:
    program = shell(
        tmp_path,
        'echo "AUC: 0.5"; echo "{\\"loss\\": 2}" >> $COCKPIT_METRICS; '
        'printf "{\\n\\"size\\": 3\\n}" > $COCKPIT_RUN_DIR/m.json',
        json=False,
        file="m.json",
        patterns=(r"AUC: (?P<auc>\S+)",),
    )
    assert program.outcome().values == {"auc": 0.5, "loss": 2.0, "size": 3.0}


def test_a_file_is_read_while_the_program_runs(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    program = shell(tmp_path, 'echo "{\\"loss\\": 2}" >> $COCKPIT_METRICS; read x < gate')
    program.until(lambda: program.points == [({"loss": 2.0}, 0)])
    (tmp_path / "gate").write_text("go\n")
    assert program.outcome().state == "complete"


def test_an_earlier_attempt_s_file_is_not_read_again(tmp_path: Path) -> None:
    shell(tmp_path, 'echo "{\\"loss\\": 2}" >> $COCKPIT_METRICS; exit 3').outcome()
    again = shell(tmp_path, 'echo "{\\"auc\\": 1}" >> $COCKPIT_METRICS')
    assert again.outcome().values == {"auc": 1.0}


def test_what_track_notes_becomes_attributes(tmp_path: Path) -> None:
    program = shell(
        tmp_path,
        """echo '{"cockpit": {"attrs": {"rows": 3}, "tags": ["x"]}}' >> $COCKPIT_METRICS""",
    )
    program.outcome()
    assert program.said == [{"say": "attr", "key": "rows", "value": 3}]


def test_a_failure_is_told_with_the_last_line_of_stderr(tmp_path: Path) -> None:
    outcome = shell(tmp_path, "echo no such data >&2; echo bye; exit 3").outcome()
    assert outcome.state == "failed"
    assert outcome.reason == "the command exited with code 3: no such data"


def test_a_signal_s_name_is_told(tmp_path: Path) -> None:
    outcome = shell(tmp_path, "kill -SEGV $$").outcome()
    assert (outcome.state, outcome.reason) == ("failed", "the command died of SIGSEGV")


def test_a_program_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc") else 0
    with pytest.raises(CommandError, match=r"^\./nothing cannot be started: No such file"):
        Program(tmp_path, "./nothing")
    if before:
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(
    "first, advice", [("echo hi", "a line like #!/bin/sh"), ("#!/no/such/sh", "its first line")]
)
def test_a_script_that_cannot_be_started_is_told_what_it_lacks(
    tmp_path: Path, first: str, advice: str
) -> None:
    script = tmp_path / "train.sh"
    script.write_text(f"{first}\n")
    script.chmod(0o755)
    with pytest.raises(CommandError, match=advice):
        Program(tmp_path, str(script))


def test_a_program_that_closes_its_output_lives_on(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "gate")
    program = shell(tmp_path, "exec >&- 2>&-; echo x > closed; read x < gate; exit 4")
    program.until((tmp_path / "closed").exists)
    ready, _, _ = select.select(list(program.process.descriptors()), [], [], 0)
    assert not ready  # or it would keep the executor from sleeping
    (tmp_path / "gate").write_text("go\n")
    assert program.outcome().reason == "the command exited with code 4"


def test_a_flood_of_lines_is_read_in_small_pieces_and_whole(tmp_path: Path) -> None:
    code = "for n in range(30_000): print('{\"loss\": %d}' % n)"
    program = Program(tmp_path, sys.executable, "-c", code)
    most = 0

    def turn_is_small() -> bool:
        nonlocal most
        before = len(program.said)
        program.turn()
        most = max(most, len(program.said) - before)
        return len(program.said) >= 30_000

    program.until(turn_is_small)
    assert program.outcome().values == {"loss": 29_999.0}
    assert len(program.points) == 30_000
    assert most < 8_000
    assert program.log.count("\n") == 30_000


def test_garbage_goes_to_the_log_as_it_is(tmp_path: Path) -> None:
    code = "import os; os.write(1, bytes(range(256)) * 9); os.write(1, b'\\n{\"a\": 1}\\n')"
    program = python(tmp_path, code)
    assert program.outcome().values == {"a": 1.0}
    assert program.task.log.read_bytes() == bytes(range(256)) * 9 + b'\n{"a": 1}\n'


def test_one_told_to_stop_may_clean_up_and_keeps_its_values(tmp_path: Path) -> None:
    script = (
        """trap 'echo cleaned; exit 0' TERM; echo '{"auc": 0.5}'; while :; do sleep 0.05; done"""
    )
    program = shell(tmp_path, script)
    program.until(lambda: program.points)
    program.process.terminate(Stop("pruned", "not worth it", PATIENCE))
    outcome = program.outcome()
    assert (outcome.state, outcome.reason, outcome.values) == (
        "pruned",
        "not worth it",
        {"auc": 0.5},
    )
    assert "cleaned" in program.log


def test_one_that_will_not_stop_is_killed_with_all_it_started(tmp_path: Path) -> None:
    script = "trap '' TERM; sh -c \"trap '' TERM; sleep 1000\" & echo started; wait; sleep 1000"
    program = shell(tmp_path, script)
    program.until(lambda: "started" in program.log)
    pid = program.process.pid
    program.process.terminate(Stop("cancelled", "over", 0.05))
    assert program.outcome().state == "cancelled"
    wait_for_end(pid)


def test_what_is_left_behind_ends_with_the_program(tmp_path: Path) -> None:
    program = shell(tmp_path, "sleep 1000 & echo $! > child; exit 0")
    pid = program.process.pid
    assert program.outcome().state == "complete"
    wait_for_end(pid)


def test_killed_by_someone_else_is_lost(tmp_path: Path) -> None:
    program = shell(tmp_path, "echo up; sleep 1000")
    program.until(lambda: "up" in program.log)
    os.kill(program.process.pid, signal.SIGKILL)
    assert program.outcome().state == "lost"
