"""Real projects, real processes: the command line as a user types it."""

from __future__ import annotations

import contextlib
import io
import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.cli.main import run

if TYPE_CHECKING:
    from collections.abc import Callable

COCKPIT = (sys.executable, "-P", "-m", "cockpit")
SECONDS = 60.0
COMMAND = 300.0
"""Seconds after which a command hangs; one that trains models on a busy machine takes a minute."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.e2e)


def eventually(ask: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Ask until the answer is true; the answer."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, "it did not come about in time"
        time.sleep(0.02)
    return answer


@dataclass
class Project:
    """A user's folder."""

    folder: Path

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def spec(self, body: str = "", *, trials: int = 8, workers: int = 2, run: str = "") -> None:
        self.write(
            "sweep.toml",
            f"""
[sweep]
name = "s"
metric = "auc"
direction = "maximize"
trials = {trials}
seed = 1
{body}
[run]
function = "train.py:train"
{run}
[executor]
workers = {workers}
""",
        )

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Start cockpit with these arguments, in a session of its own."""
        options = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "start_new_session": True,
        } | options
        return subprocess.Popen(
            [*COCKPIT, *arguments], cwd=self.folder, text=True, env=clean(), **options
        )

    def run(self, *arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [*COCKPIT, *arguments],
            cwd=self.folder,
            text=True,
            env=clean(),
            capture_output=True,
            timeout=COMMAND,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def json(self, *arguments: str) -> Any:
        """What a command answers with --json, asked within this process (so from one thread at a time).

        To look again and again would otherwise be to start Python again and again.
        """
        said = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(said):
            code = run([*arguments, "--json"])
        assert code == 0, said.getvalue()
        return json.loads(said.getvalue())


def clean() -> dict[str, str]:
    """The environment without what would point to another store, or tell of another terminal's size."""
    other = ("LINES", "COLUMNS")
    return {k: v for k, v in os.environ.items() if not k.startswith("COCKPIT_") and k not in other}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    for name in os.environ.keys() - clean().keys():
        monkeypatch.delenv(name)
    folder = tmp_path / "project"
    folder.mkdir()
    return Project(folder)


SLOW = """
import os, time
def train(trial):
    x = trial.suggest_float("x", 0, 1)
    with open("pids", "a") as file:
        file.write(f"{os.getpid()}\\n")
    for step in range(20):
        trial.report(x * step, step)
        time.sleep(0.01)
    return {"auc": x}
"""
