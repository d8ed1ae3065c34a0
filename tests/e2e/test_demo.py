"""The first command of the README, without a terminal."""

from __future__ import annotations

import signal
import subprocess
from collections import Counter
from typing import Any

from tests.e2e.conftest import COCKPIT, Project, clean

MINUTES = 420.0


def demo(project: Project) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COCKPIT, "demo", "--no-tui"],
        cwd=project.folder,
        env=clean(),
        capture_output=True,
        text=True,
        timeout=MINUTES,
        check=False,
    )


def runs(project: Project) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = project.json("runs", "--store", "cockpit-demo/.cockpit")
    return found


def test_the_demo_is_a_finished_sweep_of_30_trials_and_goes_on_where_it_was_left(
    project: Project,
) -> None:
    with project.start("demo", "--no-tui") as first:
        assert first.stdout is not None
        for line in first.stdout:
            if line.strip().startswith("3/30"):
                break
        first.send_signal(signal.SIGKILL)
    train = project.folder / "cockpit-demo" / "train.py"
    mine = train.read_text().replace("ITERATIONS = 200", "ITERATIONS = 60")
    train.write_text(mine)
    second = demo(project)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "Left as you changed them: train.py" in second.stdout
    assert "Going on with its sweep income" in second.stdout
    states = Counter(run["state"] for run in runs(project))
    assert states.total() == 30
    assert not set(states) & {"running", "waiting", "failed"}
    assert {run["step"] for run in runs(project)} >= {60}
    best = max(run["metrics"]["auc"] for run in runs(project) if run["state"] == "complete")
    assert best >= 0.92
    assert {"auc", "log_loss"} <= set(runs(project)[-1]["metrics"])
    third = demo(project)
    assert "is complete" in third.stdout
    assert len(runs(project)) == 30
    assert "ITERATIONS = 60" in train.read_text()
