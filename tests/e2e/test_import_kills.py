"""kill -9 in the middle of an import, again and again; doing it once more makes it as if it had been done once."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cockpit.interop.landing import Landing, Source
from cockpit.interop.mlflow import read
from storage.care.check import check
from storage.layout import Layout
from storage.store import Store
from tests.e2e.conftest import COCKPIT, Project, clean, eventually
from tests.unit.landed import told_of
from tests.unit.mlflow_stores import Database, Run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e
KILLS = int(os.environ.get("KILLS", "4"))
RUNS, POINTS = 150, 400
# Some dozens of pieces, each under the store's lock, as a large import is made of.
IMPORT = """
import pathlib, sys
from cockpit.interop import landing
from cockpit.interop.mlflow import read
from storage.layout import Layout
landing.RUNS, landing.PIECE = 7, 1000
place = pathlib.Path(sys.argv[2])
with landing.Landing(Layout(pathlib.Path(sys.argv[1])), landing.Source("mlflow", str(place), True)) as work:
    print(flush=True)
    work.take(read(place))
"""


def many(file: Path) -> None:
    """A database with enough in it that an import takes its time."""
    store = Database(file)
    store.base.execute("begin")
    for number in range(RUNS):
        points = [(step, number + step / 8) for step in range(POINTS)]
        store.add(
            Run(
                f"{number:032x}",
                params={"n": str(number)},
                tags={"t": "x"},
                metrics={"loss": points},
            )
        )
    store.base.execute("commit")


def started(layout: Layout, file: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", IMPORT, str(layout.root), str(file)], stdout=subprocess.PIPE
    )


def test_two_imports_at_once_add_nothing_twice(tmp_path: Path) -> None:
    file, layout = tmp_path / "mlflow.db", Layout(tmp_path / "both")
    many(file)
    for process in [started(layout, file) for _ in range(2)]:
        with process:
            process.communicate(timeout=120)
        assert process.returncode == 0
    found = told_of(layout)
    assert len(found) == RUNS
    assert {len(run.curves["loss"]) for run in found.values()} == {POINTS}
    assert check(Store(layout)).passed


def test_a_killed_import_is_gone_on_with_by_doing_it_again(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    many(file)
    killed, once = Layout(tmp_path / "killed"), Layout(tmp_path / "once")
    rng, cut_off = random.Random(5), 0
    for _ in range(KILLS):
        process = started(killed, file)
        assert process.stdout is not None
        with process, process.stdout:
            process.stdout.readline()
            time.sleep(rng.random() * 0.6)  # the moment of the kill, not something awaited
            process.kill()
        cut_off += process.returncode == -signal.SIGKILL
    assert cut_off
    for layout in (killed, once):
        with Landing(layout, Source("mlflow", str(file), True)) as landing:
            landing.take(read(file))
    assert {key: replace(run, id="") for key, run in told_of(killed).items()} == {
        key: replace(run, id="") for key, run in told_of(once).items()
    }
    assert check(Store(killed)).passed


def test_follow_goes_on_until_ctrl_c(project: Project) -> None:
    store = Database(project.folder / "mlflow.db")
    store.add(Run("a" * 32, status="RUNNING", metrics={"loss": [(0, 1.0)]}))
    command = [*COCKPIT, "import", "mlflow.db", "--follow", "--every", "0.1"]
    process = subprocess.Popen(
        command,
        cwd=project.folder,
        env=clean(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        layout = Layout(project.folder / ".cockpit")
        eventually(lambda: layout.database.exists() and project.json("runs"))
        (run,) = project.json("runs")
        assert run["state"] == "running"
        store.add(Run("a" * 32, status="RUNNING", metrics={"loss": [(0, 1.0), (1, 0.5)]}))
        eventually(lambda: project.json("runs")[0]["metrics"] == {"loss": 0.5})
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 0, err
    assert "1 run: 1 new" in out
    assert "no longer following" in err
    (run,) = project.json("runs")
    assert (run["state"], run["reason"]) == ("stopped", "was running in mlflow when last seen")
