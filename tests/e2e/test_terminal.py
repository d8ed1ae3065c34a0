"""The app in a real terminal, beside a sweep that runs."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pexpect
import pytest

from tests.e2e.conftest import COCKPIT, SLOW, Project, clean, eventually
from tests.e2e.test_bytes import Line

if TYPE_CHECKING:
    from collections.abc import Iterator


SIZE = (100, 30)
HELD = SLOW.replace(
    "time.sleep(0.01)", "time.sleep(0.01)\n        while os.path.exists('hold'): time.sleep(0.01)"
)


@contextlib.contextmanager
def held(project: Project) -> Iterator[None]:
    """While it is entered no trial comes to its end."""
    hold = project.write("hold", "")
    try:
        yield
    finally:
        hold.unlink()


@pytest.fixture
def terminals() -> Iterator[list[Line]]:
    opened: list[Line] = []
    yield opened
    for terminal in opened:
        terminal.child.close(force=True)


def test_two_screens_and_a_command_show_the_same_while_the_sweep_runs(
    project: Project, terminals: list[Line]
) -> None:
    project.write("train.py", HELD)
    project.spec(trials=100)
    with project.start("sweep", "sweep.toml"), held(project):
        eventually(lambda: (project.folder / "pids").exists())
        one, two = Line(project, SIZE), Line(project, SIZE)
        terminals += [one, two]
        for terminal in (one, two):
            terminal.until(r"● running")
        two.child.send("2")
        two.until(r"Sweep s")
    for terminal in (one, two):
        terminal.until(r"✓ complete\s+100/100|100 runs")
    best = project.json("runs", "--sort", "auc", "--limit", "1")[0]["metrics"]["auc"]
    assert f"best auc {best:.4g}"[:14] in two.until(r"✓ complete\s+100/100")
    assert len(project.json("runs")) == 100


def test_q_gives_the_terminal_back_as_it_was(project: Project, terminals: list[Line]) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=2)
    project.run("sweep", "sweep.toml")
    terminal = Line(project, SIZE)
    terminals.append(terminal)
    terminal.until(r"2 runs")
    before = len(terminal.sent)
    terminal.child.send("q")
    assert terminal.until_end() == 0
    left = terminal.sent[before:]
    assert b"\x1b[?1049l" in left
    assert b"\x1b[?25h" in left
    after = left.rpartition(b"\x1b[?1049l")[2]
    assert not re.sub(rb"\x1b\[[?>=<0-9;]*[a-zA-Z]", b"", after).strip(), after


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_the_end_of_the_app_does_not_touch_the_sweep(
    project: Project, terminals: list[Line], number: signal.Signals
) -> None:
    project.write("train.py", HELD)
    project.spec(trials=100)
    with held(project):
        project.run("sweep", "sweep.toml", "--detach")
        terminal = Line(project, SIZE)
        terminals.append(terminal)
        terminal.until(r"● running")
        terminal.child.kill(number)
    eventually(lambda: project.json("sweeps")[0]["state"] == "complete")
    assert len(project.json("runs")) == 100


def test_a_dumb_terminal_gets_the_table(project: Project) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=2)
    project.run("sweep", "sweep.toml")
    child = pexpect.spawn(
        COCKPIT[0],
        [*COCKPIT[1:]],
        cwd=str(project.folder),
        env={**clean(), "TERM": "dumb"},
        encoding="utf-8",
    )
    child.expect(pexpect.EOF)
    said = str(child.before)
    assert "s#1" in said
    assert "\x1b" not in said
    child.close()


def test_the_first_frame_needs_nothing_but_textual_and_one_screen(project: Project) -> None:
    code = (
        "import sys; from cockpit.tui.app import CockpitApp; from cockpit.tui.source import StoreSource\n"
        "from storage.layout import find_store; CockpitApp(StoreSource(find_store()))\n"
        "heavy = ('duckdb', 'polars', 'optuna', 'plotext', 'numpy', 'pydantic', 'sqlglot')\n"
        "screens = [f'cockpit.tui.screens.{name}' for name in ('sweep', 'run', 'compare', 'launch')]\n"
        "print([m for m in (*heavy, *screens) if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"
    assert os.listdir(project.folder) == []
