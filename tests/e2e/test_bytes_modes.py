"""A terminal that was lent to the app is given back as it was: by q, by ctrl+z, and when the line drops."""

from __future__ import annotations

import os
import re
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from cockpit.tui.remember import read
from storage.layout import Layout
from storage.spool import SpoolWriter
from tests.e2e.conftest import COCKPIT, Project, eventually
from tests.e2e.test_bytes import Line
from tests.unit.many_runs import make_rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

ON_BY_DEFAULT = {b"7", b"25"}
"""Line wrap and the cursor."""
TERMS = ["xterm", "xterm-256color", "linux", "screen", "tmux"]


def stray_modes(sent: bytes) -> list[str]:
    """Private modes and keyboards that were left switched."""
    last = dict(re.findall(rb"\x1b\[\?(\d+)([hl])", sent))
    left = [
        f"?{mode.decode()}{way.decode()}"
        for mode, way in last.items()
        if way != (b"h" if mode in ON_BY_DEFAULT else b"l")
    ]
    pushed, popped = len(re.findall(rb"\x1b\[>\d+u", sent)), len(re.findall(rb"\x1b\[<\d*u", sent))
    return left + ["keyboard"] * (pushed != popped)


@pytest.fixture
def store(project: Project) -> Project:
    """A project with some runs of long ago."""
    writer = SpoolWriter(Layout(project.folder / ".cockpit"))
    write_rows(writer, make_rows(30))
    writer.close()
    return project


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    opened: list[Line] = []
    yield opened
    for line in opened:
        line.child.close(force=True)


@pytest.mark.parametrize("term", TERMS)
def test_it_works_in_every_terminal_and_leaves_no_mode(
    store: Project, lines: list[Line], term: str
) -> None:
    for size in ((80, 24), (60, 15)):
        line = Line(store, size, TERM=term)
        lines.append(line)
        line.until(r"(?s)income#29.*\? help")
        line.child.send("q")
        assert line.until_end() == 0
        assert stray_modes(line.sent) == []


def test_without_colour_no_colour_is_sent(store: Project, lines: list[Line]) -> None:
    line = Line(store, (80, 24), NO_COLOR="1", COLORTERM="truecolor")
    lines.append(line)
    line.until(r"30 runs")
    line.until_silent()
    codes = {code for run in re.findall(rb"\x1b\[([\d;]+)m", line.sent) for code in run.split(b";")}
    assert codes <= {b"0", b"1", b"2", b"3", b"4", b"7", b"39", b"49"}


def test_ctrl_z_leads_to_the_shell_and_fg_back(store: Project, lines: list[Line]) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here, whose job control is tried")
    line = Line(store, (100, 30), program=(bash, "--norc", "--noprofile", "-i"), PS1="prompt> ")
    lines.append(line)
    line.child.send(f"{' '.join(COCKPIT)}\r")
    line.until(r"30 runs")
    line.child.send("\x1a")
    line.until(r"Stopped")
    bash_has = ["?2004h"]  # while it waits at its prompt
    assert stray_modes(line.sent) in ([], bash_has)
    line.child.send("echo h''ere\r")
    line.until(r"here")
    line.child.send("fg\r")
    line.until(r"30 runs")
    line.child.send("jj?")
    line.until(r"Keys")
    line.child.send("?")
    line.until_silent()
    before = len(line.sent)
    line.child.send("q")
    eventually(lambda: line.take(0.1) and b"prompt> " in line.sent[before:])
    assert stray_modes(line.sent) in ([], bash_has)


def test_e_lends_the_terminal_to_the_editor(store: Project, lines: list[Line]) -> None:
    editor = store.write(
        "editor", '#!/bin/sh\necho the editor is here\necho "wide leaves" >> "$1"\n'
    )
    editor.chmod(0o755)
    line = Line(store, (100, 30), EDITOR=str(editor), VISUAL="")
    lines.append(line)
    line.until(r"30 runs")
    before = len(line.sent)
    line.child.send("e")
    line.until(r"noted on income#29")
    seen = line.sent[before:]
    lent = seen[: seen.index(b"the editor is here")]
    assert b"1049l" in lent
    assert stray_modes(line.sent[:before] + lent) == []
    line.until_silent()
    assert line.sent.rpartition(b"1049h")[2].count(b"income#") >= 15, "all is painted again"
    assert "wide leaves" in store.json("show", "income#29")["note"]


def test_when_the_line_drops_the_app_goes_and_remembers(store: Project) -> None:
    line = Line(store, (80, 24))
    line.until(r"30 runs")
    line.child.send(".")
    line.until(r"oldest first")
    os.close(line.child.child_fd)  # as sshd does
    eventually(lambda: not line.child.isalive())
    assert line.child.signalstatus == signal.SIGHUP
    assert read(Layout(store.folder / ".cockpit").screens).places["1"]["descending"] is False


def test_sigterm_gives_the_terminal_back(store: Project, lines: list[Line]) -> None:
    line = Line(store, (80, 24))
    lines.append(line)
    line.until(r"30 runs")
    line.child.kill(signal.SIGTERM)
    line.until_end()
    assert stray_modes(line.sent) == []
