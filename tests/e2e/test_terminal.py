"""The app in a real terminal, beside a sweep that runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pexpect
import pyte
import pytest

from tests.e2e.conftest import COCKPIT, SLOW, Project, clean, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator


class Terminal:
    """A screen of 100x30 with cockpit in it."""

    def __init__(self, project: Project, *arguments: str) -> None:
        self.screen = pyte.Screen(100, 30)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.child = pexpect.spawn(
            COCKPIT[0],
            [*COCKPIT[1:], *arguments],
            cwd=str(project.folder),
            env={**clean(), "TERM": "xterm-256color"},
            dimensions=(30, 100),
        )

    def text(self) -> str:
        """What stands on the screen now."""
        try:
            while data := self.child.read_nonblocking(65536, timeout=0.05):
                self.raw += data
                self._stream.feed(data)
        except (pexpect.TIMEOUT, pexpect.EOF):
            pass
        return "\n".join(self.screen.display)

    def until(self, pattern: str) -> str:
        return str(eventually(lambda: (text := self.text()) and re.search(pattern, text) and text))


@pytest.fixture
def terminals() -> Iterator[list[Terminal]]:
    opened: list[Terminal] = []
    yield opened
    for terminal in opened:
        terminal.child.close(force=True)


def test_two_screens_and_a_command_show_the_same_while_the_sweep_runs(
    project: Project, terminals: list[Terminal]
) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=100)
    with project.start("sweep", "sweep.toml"):
        eventually(lambda: (project.folder / "pids").exists())
        one, two = Terminal(project), Terminal(project)
        terminals += [one, two]
        one.until(r"● running")
        two.child.send("2")
        two.until(r"Sweep s")
    for terminal in (one, two):
        terminal.until(r"✓ complete\s+100/100|100 runs")
    best = project.json("runs", "--sort", "auc", "--limit", "1")[0]["metrics"]["auc"]
    assert f"best auc {best:.4g}"[:14] in two.until(r"✓ complete\s+100/100")
    assert len(project.json("runs")) == 100


def test_q_gives_the_terminal_back_as_it_was(project: Project, terminals: list[Terminal]) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=2)
    project.run("sweep", "sweep.toml")
    terminal = Terminal(project)
    terminals.append(terminal)
    terminal.until(r"2 runs")
    before = len(terminal.raw)
    terminal.child.send("q")
    terminal.child.expect(pexpect.EOF)
    left = terminal.raw[before:] + terminal.child.before
    terminal.child.close()
    assert terminal.child.exitstatus == 0
    assert b"\x1b[?1049l" in left
    assert b"\x1b[?25h" in left
    after = left.rpartition(b"\x1b[?1049l")[2]
    assert not re.sub(rb"\x1b\[[?>=<0-9;]*[a-zA-Z]", b"", after).strip(), after


def test_an_idle_screen_sends_nothing(project: Project, terminals: list[Terminal]) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=2)
    project.run("sweep", "sweep.toml")
    terminal = Terminal(project)
    terminals.append(terminal)
    terminal.until(r"2 runs")
    while terminal.child.expect([pexpect.TIMEOUT, r"(?s).+"], timeout=1):
        pass  # what is still on its way comes first
    assert terminal.child.expect([pexpect.TIMEOUT, r"(?s).+"], timeout=5) == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_the_end_of_the_app_does_not_touch_the_sweep(
    project: Project, terminals: list[Terminal], number: signal.Signals
) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=100)
    project.run("sweep", "sweep.toml", "--detach")
    terminal = Terminal(project)
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
    assert "s#1" in child.before
    assert "\x1b" not in child.before
    child.close()


def test_the_first_frame_needs_nothing_but_textual(project: Project) -> None:
    code = (
        "import sys; from cockpit.tui.app import CockpitApp; from cockpit.tui.source import StoreSource\n"
        "from storage.layout import find_store; CockpitApp(StoreSource(find_store()))\n"
        "print([m for m in ('duckdb', 'polars', 'optuna', 'plotext', 'numpy', 'pydantic') if m in sys.modules])"
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
