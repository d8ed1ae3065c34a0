"""`cockpit run`: one command as a run, whatever it is and however it ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

from tests.e2e.conftest import COCKPIT, Project, clean, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ARGPARSE = """
import argparse, json, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float)
parser.add_argument("--amp", action="store_true")
given = parser.parse_args()
for step in range(3):
    print(json.dumps({"loss": given.lr / (step + 1), "step": step}))
    print("epoch", step, file=sys.stderr)
"""
WAITS = """
import os, time
print('{"loss": 1}', flush=True)
child = os.fork()
with open("pids", "a") as file:
    file.write(f"{os.getpid()}\\n")
while not os.path.exists("gate"):
    time.sleep(0.01)
"""


def python(project: Project, name: str, code: str, *arguments: str) -> tuple[str, ...]:
    project.write(name, code)
    return ("run", "--", sys.executable, name, *arguments)


def only(project: Project) -> dict[str, Any]:
    (run,) = project.json("runs")
    assert isinstance(run, dict)
    return run


def is_gone(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] == b"Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def pids(project: Project) -> list[int]:
    """Of both processes of WAITS, once they are there."""
    path = project.folder / "pids"
    found = eventually(lambda: path.exists() and len(path.read_text().split()) == 2 and path)
    return [int(pid) for pid in found.read_text().split()]


@contextlib.contextmanager
def running(project: Project, before: str = "") -> Iterator[subprocess.Popen[str]]:
    with project.start(*python(project, "wait.py", before + WAITS)) as tracked:
        try:
            pids(project)
            yield tracked
        finally:
            tracked.kill()


@pytest.fixture
def terminals() -> Iterator[list[pexpect.spawn]]:
    opened: list[pexpect.spawn] = []
    yield opened
    for terminal in opened:
        terminal.close(force=True)


def spawn(project: Project, *arguments: str, **options: Any) -> pexpect.spawn:
    return pexpect.spawn(
        COCKPIT[0],
        [*COCKPIT[1:], *arguments],
        cwd=str(project.folder),
        env={**clean(), "TERM": "xterm-256color"},
        timeout=60,
        encoding="utf-8",
        **options,
    )


def test_an_argparse_script_unchanged(project: Project) -> None:
    done = project.run(*python(project, "train.py", ARGPARSE, "--lr", "0.5", "--amp"))
    assert [json.loads(line)["step"] for line in done.stdout.splitlines()] == [0, 1, 2]
    assert done.stderr.startswith("epoch 0\nepoch 1\nepoch 2\n")
    run = only(project)
    last = done.stderr.splitlines()[-1]
    assert last.startswith("train-1 ✓ complete")
    assert last.endswith(f"loss 0.1667  {run['id']}")
    assert (run["state"], run["params"]) == ("complete", {"lr": 0.5, "amp": True})
    assert run["metrics"] == {"loss": pytest.approx(0.5 / 3)}
    shown = project.json("show", "train-1")
    assert shown["provenance"]["command"] == [sys.executable, "train.py", "--lr", "0.5", "--amp"]
    assert shown["provenance"]["environment"]["packages"]["duckdb"]
    log = (project.folder / ".cockpit" / "runs" / run["id"] / "log.txt").read_text()
    assert sorted(log.splitlines()) == sorted((done.stdout + done.stderr).splitlines()[:-1])


def test_a_line_is_whole_in_the_log_where_the_other_output_speaks_in_its_middle(
    project: Project,
) -> None:
    project.run("run", "sh", "-c", "printf half; echo other >&2; echo ' whole'; printf rest")
    log = project.folder / ".cockpit" / "runs" / only(project)["id"] / "log.txt"
    assert sorted(log.read_text().splitlines()) == ["half whole", "other", "rest"]


def test_a_shell_script_with_a_file_and_a_pattern(project: Project) -> None:
    project.write("old.json", '{"size": 9}\n')
    script = project.write(
        "train.sh",
        '#!/bin/sh\necho "AUC: 0.75"\necho \'{"size": 3}\' >> old.json\n'
        'echo x > "$COCKPIT_RUN_DIR/model"\necho \'{"ms": 2}\' >> "$COCKPIT_METRICS"\nexit 7\n',
    )
    script.chmod(0o755)
    arguments = ("--metrics-file", "old.json", "--pattern", r"AUC: (?P<auc>\S+)")
    named = ("--name", "base", "--tag", "t", "--note", "first", "--param", "lr=0.5")
    project.run("run", *arguments, *named, "./train.sh", code=7)
    run = only(project)
    assert (run["name"], run["state"]) == ("base", "failed")
    assert run["reason"] == "the command exited with code 7"
    assert run["metrics"] == {"auc": 0.75, "size": 3.0, "ms": 2.0}
    assert (run["params"], run["tags"]) == ({"lr": 0.5}, ["t"])
    artifacts = project.folder / ".cockpit" / "runs" / run["id"] / "artifacts"
    assert os.listdir(artifacts) == ["model"]


def test_track_within_it_makes_no_second_run(project: Project) -> None:
    code = """
import cockpit
with cockpit.track("other", {"depth": 3}, tags=["x"]) as run:
    run.log(loss=0.5)
    run.set(rows=9)
"""
    project.write("train.py", code)
    home = str(os.path.dirname(os.path.dirname(os.path.dirname(__file__))))
    project.run("run", "--", "env", f"PYTHONPATH={home}", sys.executable, "train.py")
    run = only(project)
    assert (run["name"], run["params"], run["tags"]) == ("train-1", {"depth": 3}, ["x"])
    assert run["metrics"] == {"loss": 0.5}


@pytest.mark.parametrize("argv", [("no-such-program",), ("./no/such",), ("./plain",)])
def test_what_cannot_be_started_is_a_sentence_and_nothing_is_stored(
    project: Project, argv: tuple[str, ...]
) -> None:
    project.write("plain", "no program")
    done = project.run("run", "--", *argv, code=2)
    assert f"{argv[0]} was not found" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (project.folder / ".cockpit").exists()


def test_a_file_that_is_no_program_is_a_sentence_too(project: Project) -> None:
    project.write("plain", "\0\1\2").chmod(0o755)
    done = project.run("run", "./plain", code=2)
    assert "cockpit: ./plain cannot be started: Exec format error" in done.stderr
    assert project.json("runs") == []
    assert os.listdir(project.folder / ".cockpit" / "runs") == []


def test_a_store_that_cannot_be_written_is_a_sentence(project: Project) -> None:
    project.write("file", "")
    done = project.run("--store", "file/store", "run", "touch", "started", code=2)
    assert "file/store cannot be written, so nothing was started" in done.stderr
    assert not (project.folder / "started").exists()


@pytest.mark.parametrize(
    "arguments, problem",
    [
        ((), "which command?"),
        (("--pattern", "(", "true"), "is no regular expression"),
        (("--param", "lr", "true"), "NAME=VALUE"),
        (("--name", "a#1", "true"), "cannot be a name"),
        (("--tag", " ", "true"), "a tag has 1 to 100"),
    ],
)
def test_a_mistake_is_told_before_anything_runs(
    project: Project, arguments: tuple[str, ...], problem: str
) -> None:
    assert problem in project.run("run", *arguments, code=2).stderr
    assert not (project.folder / ".cockpit").exists()


def test_ctrl_c_once_goes_to_the_command(project: Project) -> None:
    with running(project) as tracked:
        tracked.send_signal(signal.SIGINT)
        _, err = tracked.communicate()
    assert tracked.returncode == 128 + signal.SIGINT
    assert "KeyboardInterrupt" in err
    assert (only(project)["state"], only(project)["reason"]) == ("stopped", "interrupted")
    eventually(lambda: all(map(is_gone, pids(project))))


def test_a_command_that_catches_ctrl_c_may_finish(project: Project) -> None:
    code = """
import os, signal
signal.signal(signal.SIGINT, lambda *_: print('{"saved": 1}', flush=True) or os._exit(0))
print("ready", flush=True)
open("pids", "w").write("1 1")
while True:
    signal.pause()
"""
    with project.start(*python(project, "train.py", code)) as tracked:
        pids(project)
        tracked.send_signal(signal.SIGINT)
        tracked.communicate()
    assert tracked.returncode == 0
    assert (only(project)["state"], only(project)["metrics"]) == ("stopped", {"saved": 1.0})


def test_ctrl_c_twice_asks_it_to_end_and_three_times_ends_it(project: Project) -> None:
    code = """
import signal
for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: open(f"got{number:d}", "w").close())
"""
    with running(project, code) as tracked:
        for number in (signal.SIGINT, signal.SIGTERM):
            tracked.send_signal(signal.SIGINT)
            eventually((project.folder / f"got{number:d}").exists)
        tracked.send_signal(signal.SIGINT)
        tracked.communicate()
    assert tracked.returncode == 128 + signal.SIGKILL
    assert only(project)["state"] == "stopped"
    eventually(lambda: all(map(is_gone, pids(project))))


def test_sigterm_ends_the_command(project: Project) -> None:
    with running(project) as tracked:
        tracked.send_signal(signal.SIGTERM)
        tracked.communicate()
    assert tracked.returncode == 128 + signal.SIGTERM
    assert (only(project)["state"], only(project)["reason"]) == ("stopped", "ended by a SIGTERM")
    eventually(lambda: all(map(is_gone, pids(project))))


def test_kill_9_of_cockpit_leaves_nothing_running_and_the_run_lost(project: Project) -> None:
    with running(project) as tracked:
        eventually(lambda: (project.json("runs") or [{}])[0].get("metrics"))
        tracked.kill()
        tracked.communicate()
    eventually(lambda: all(map(is_gone, pids(project))))
    assert (only(project)["state"], only(project)["metrics"]) == ("lost", {"loss": 1.0})


def test_a_hang_up_is_survived(project: Project) -> None:
    terminal = spawn(project, *python(project, "wait.py", WAITS))
    pids(project)
    terminal.ptyproc.fileobj.close()  # the terminal is gone, and the kernel tells with a SIGHUP
    (project.folder / "gate").write_text("go")
    assert terminal.ptyproc.wait() == 0
    assert only(project)["state"] == "complete"


def test_on_a_terminal_the_command_has_one_too(
    project: Project, terminals: list[pexpect.spawn]
) -> None:
    code = """
import os, signal, sys
# Not by print(), which may be in the midst of something
signal.signal(signal.SIGWINCH, lambda *_: os.write(1, b"now %d\\n" % os.get_terminal_size().columns))
print("tty", sys.stdout.isatty(), sys.stderr.isatty(), os.get_terminal_size().columns)
print("\\x1b[31mred\\x1b[0m")
print('{"loss": 0.5}')
print("who? ", end="", flush=True)  # input() would ask on stderr, whose place in between is nearly exact
print("hello", sys.stdin.readline().strip())
"""
    arguments = python(project, "train.py", code)
    terminals.append(terminal := spawn(project, *arguments, dimensions=(30, 101)))
    terminal.expect_exact("tty True True 101\r\n\x1b[31mred\x1b[0m\r\n")
    terminal.expect_exact("who? ")
    terminal.setwinsize(30, 77)
    terminal.expect_exact("now 77")
    terminal.sendline("me")
    terminal.expect_exact("hello me\r\n")
    terminal.expect("train-1 ✓ complete.*loss 0.5")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 0
    log = next(project.folder.glob(".cockpit/runs/*/log.txt")).read_bytes()
    assert b"\x1b[31mred\x1b[0m\n" in log
    assert b"\r" not in log


def test_ctrl_c_typed_on_a_terminal(project: Project, terminals: list[pexpect.spawn]) -> None:
    terminals.append(terminal := spawn(project, *python(project, "wait.py", WAITS)))
    pids(project)
    terminal.sendintr()
    terminal.expect("wait-1 ■ stopped.*interrupted")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 128 + signal.SIGINT


def test_its_output_may_go_to_someone_who_stops_reading(project: Project) -> None:
    code = "for n in range(20_000): print('{\"n\": %d}' % n)"
    with project.start(*python(project, "train.py", code)) as tracked:
        assert tracked.stdout is not None
        assert tracked.stdout.readline() == '{"n": 0}\n'
        tracked.stdout.close()
        assert tracked.wait(60) == 0
    assert only(project)["metrics"] == {"n": 19_999.0}


def test_where_its_output_is_closed_what_is_printed_goes_into_the_log_alone(
    project: Project,
) -> None:
    closed = ("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *COCKPIT)
    command = ("run", "sh", "-c", "echo out; echo err >&2; cat; exit 3")
    done = subprocess.run((*closed, *command), cwd=project.folder, env=clean(), check=False)
    assert done.returncode == 3
    log = project.folder / ".cockpit" / "runs" / only(project)["id"] / "log.txt"
    assert sorted(log.read_text().splitlines()) == ["err", "out"]
    assert "could not be understood" not in project.run("store", "check").stdout


def test_its_input_is_ours(project: Project) -> None:
    done = subprocess.run(
        [*COCKPIT, "run", "sh", "-c", "read a; echo got $a"],
        cwd=project.folder,
        env=clean(),
        input="this\n",
        text=True,
        capture_output=True,
        check=True,
    )
    assert done.stdout == "got this\n"


def test_what_it_uses_is_a_curve_and_no_metric(project: Project) -> None:
    code = """
import os, time
while time.process_time() < 0.4 or not os.path.exists("seen"):
    sum(range(999))
"""

    def names() -> set[str]:
        asked = ("sql", "select distinct name from metrics", "--format", "csv")
        return set(project.run(*asked).stdout.split())

    with project.start(*python(project, "train.py", code)) as tracked:
        eventually(lambda: (project.folder / ".cockpit").exists() and project.json("runs"))
        eventually(lambda: {"system.cpu_percent", "system.memory_mb"} <= names())
        project.write("seen", "")
        assert tracked.wait(60) == 0
    assert only(project)["metrics"] == {}
    assert project.json("show", "train-1")["resources"]["cpu_seconds"] > 0.3


def test_a_long_value_leaves_room_for_the_run(project: Project) -> None:
    for word in ("a", "b"):
        project.run("run", "--name", f"first-{word}", "--param", f"x={word * 5_000}", "true")
    table = project.run("runs").stdout
    assert "first-a" in table
    assert "complete" in table
    assert "aaaa…aaaa" in table


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no device without room here")
def test_a_full_disk_behind_what_is_printed_is_told(project: Project) -> None:
    project.run("run", "--name", "x", "true")
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COCKPIT, "runs"],
            cwd=project.folder,
            env=clean(),
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == os.EX_IOERR
    assert done.stderr == "cockpit: what it prints cannot be written: No space left on device\n"
