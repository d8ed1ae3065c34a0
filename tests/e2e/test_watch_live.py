"""`cockpit watch` beside a sweep that runs: it tells of each trial as it ends, and of the sweep."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING

from tests.e2e.conftest import SECONDS, SLOW, eventually

if TYPE_CHECKING:
    from tests.e2e.conftest import Project


def test_a_live_sweep_is_watched_to_its_end(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=4)
    watching = ("watch", "--every", "0.1s", "--json")
    ended = project.start(*watching, "sweep ended", "--once", "--run", "sh -c 'cat > ended.json'")
    trials = project.start(*watching, "trial ended")
    for watcher in (ended, trials):  # what came about before it looked would not be told
        assert watcher.stderr is not None
        assert "waiting for it" in watcher.stderr.readline()
    project.run("sweep", "sweep.toml")
    said, _ = ended.communicate(timeout=SECONDS)
    assert ended.returncode == 0
    told = json.loads(said)
    assert json.loads((project.folder / "ended.json").read_text()) == told
    assert (told["name"], told["state"], told["trials"]) == ("s", "complete", {"complete": 4})
    assert trials.stdout is not None
    found = [json.loads(trials.stdout.readline()) for _ in range(4)]
    assert sorted(one["name"] for one in found) == [f"s#{n}" for n in range(4)]
    os.kill(trials.pid, signal.SIGINT)
    rest, problems = trials.communicate(timeout=SECONDS)
    assert (trials.returncode, rest, "Traceback" in problems) == (130, "", False)


def test_ctrl_c_ends_the_command_that_is_run(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=1)
    project.run("sweep", "sweep.toml")
    watcher = project.start(
        "watch", "sweep ended", "--all", "--run", "sh -c 'echo $$ > pid; exec sleep 600'"
    )
    file = project.folder / "pid"
    pid = int(eventually(lambda: file.exists() and file.read_text().strip()))
    os.kill(watcher.pid, signal.SIGINT)
    watcher.communicate(timeout=SECONDS)
    assert watcher.returncode == 130
    assert eventually(lambda: not _there(pid))


def _there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
