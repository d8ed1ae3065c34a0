"""`cockpit logs`: what trials print, while they print it."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

from tests.e2e.conftest import Project, eventually

if TYPE_CHECKING:
    import subprocess

CHATTY = """
import os, time
def train(trial):
    print("hello from", trial.number, flush=True)
    while not os.path.exists("go on"):
        time.sleep(0.01)
    print("\\x1b[31mred\\x1b[0m \\x1b]0;title\\x07 and done")
    return {"auc": 1.0}
"""


def lines_of(process: subprocess.Popen[str], count: int) -> list[str]:
    assert process.stdout is not None
    return [process.stdout.readline().rstrip("\n") for _ in range(count)]


def test_a_sweep_is_followed_to_its_end_with_the_trials_that_begin_meanwhile(
    project: Project,
) -> None:
    project.write("train.py", CHATTY)
    project.spec("baseline = false", trials=4, workers=2)
    driver = project.start("sweep", "sweep.toml")
    eventually(lambda: (project.folder / ".cockpit").exists() and len(project.json("runs")) == 2)
    follower = project.start("logs", "s", "--follow")
    assert sorted(lines_of(follower, 2)) == ["#0 │ hello from 0", "#1 │ hello from 1"]
    project.write("go on", "")
    out, _ = follower.communicate(timeout=60)
    driver.communicate(timeout=60)
    assert follower.returncode == 0
    assert sorted(out.splitlines()) == [
        "#0 │ red  and done",
        "#1 │ red  and done",
        "#2 │ hello from 2",
        "#2 │ red  and done",
        "#3 │ hello from 3",
        "#3 │ red  and done",
    ]


def test_a_run_is_followed_until_ctrl_c(project: Project) -> None:
    project.write("train.py", CHATTY)
    project.spec("baseline = false", trials=1, workers=1)
    driver = project.start("sweep", "sweep.toml")
    eventually(lambda: (project.folder / ".cockpit").exists() and project.json("runs"))
    follower = project.start("logs", "s#0", "-f")
    assert lines_of(follower, 1) == ["hello from 0"]
    follower.send_signal(signal.SIGINT)
    out, err = follower.communicate(timeout=60)
    assert (follower.returncode, out, err.strip()) == (130, "", "")
    os.kill(driver.pid, signal.SIGTERM)
    driver.communicate(timeout=60)


def test_a_progress_bar_moves_on_a_terminal(project: Project) -> None:
    project.write(
        "train.py",
        """
import os, time
def train(trial):
    for done in ("10%", "20%"):
        print(f"\\r{done} ", end="", flush=True)
        while not os.path.exists(done):
            time.sleep(0.01)
    print("\\rall done")
    return {"auc": 1.0}
""",
    )
    project.spec("baseline = false", trials=1, workers=1)
    driver = project.start("sweep", "sweep.toml")
    eventually(lambda: (project.folder / ".cockpit").exists() and project.json("runs"))
    ours, theirs = os.openpty()
    follower = project.start("logs", "s#0", "-f", stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""

    def painted(text: bytes) -> bool:
        nonlocal seen
        seen += os.read(ours, 4096)
        return text in seen

    for done in ("10%", "20%"):
        eventually(lambda done=done: painted(f"\r\x1b[K{done}".encode()))
        assert b"\n" not in seen
        project.write(done, "")
    eventually(lambda: painted(b"\r\x1b[Kall done\r\n"))
    assert follower.wait(60) == 0
    driver.communicate(timeout=60)
    os.close(ours)


def test_only_the_end_is_shown_and_it_is_said(project: Project) -> None:
    project.write(
        "train.py", "def train(t):\n    print(*range(300), sep='\\n')\n    return {'auc': 1}\n"
    )
    project.spec("baseline = false", trials=2, workers=1)
    project.run("sweep", "sweep.toml")
    done = project.run("logs", "s#0")
    assert done.stdout.split() == [str(n) for n in range(200, 300)]
    assert "the last 100 lines; --all shows the rest" in done.stderr
    assert project.run("logs", "s#0", "--all").stdout.split() == [str(n) for n in range(300)]
    done = project.run("logs", "s", "-n", "1")
    assert (done.stdout, done.stderr) == ("#0 │ 299\n#1 │ 299\n", "")


def test_what_is_not_there_is_said(project: Project) -> None:
    project.write("train.py", "def train(t):\n    return {'auc': 1}\n")
    project.spec("baseline = false", trials=1, workers=1)
    project.run("sweep", "sweep.toml")
    assert "no sweep is called 'x'" in project.run("logs", "x", code=2).stderr
    done = project.run("logs", "s#0")
    assert (done.stdout, done.stderr.strip()) == ("", "(s#0 has written nothing)")
    project.run("logs", "s#0", "--all", "-n", "3", code=2)
