"""`cockpit --inline`: a sweep below the prompt, and a terminal that is left as it was."""

from __future__ import annotations

import re
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from tests.e2e.conftest import COCKPIT, SLOW, Project, eventually
from tests.e2e.test_bytes import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

GATED = """
import pathlib, time
def train(trial):
    x = trial.suggest_float("x", 0, 1)
    trial.report(x, 1)
    while not pathlib.Path("go").exists():
        time.sleep(0.02)
    return {"auc": x}
"""
"""Reports once, then says nothing until the test lets it go on."""
INLINE = (*COCKPIT, "--inline")
LEFT = r"● #1 .*\nprompt>\s*$"
"""The last picture, and right below it a prompt at which nothing was typed yet."""


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    opened: list[Line] = []
    yield opened
    for line in opened:
        line.child.close(force=True)


@pytest.fixture
def gated(project: Project) -> Iterator[Project]:
    """A sweep of four trials, two at a time, that waits, both having reported."""
    project.write("train.py", GATED)
    project.spec(trials=4)
    project.run("sweep", "sweep.toml", "--detach")
    eventually(lambda: [run["step"] for run in project.json("runs")] == [1, 1])
    yield project
    (project.folder / "go").touch()
    eventually(lambda: project.json("sweeps")[0]["state"] != "running")


def texts(line: Line) -> list[str]:
    return [row.rstrip() for row in line.screen.display if row.strip()]


def test_the_picture_follows_the_sweep_and_its_last_one_stays(
    gated: Project, lines: list[Line]
) -> None:
    line = Line(gated, (80, 12), program=INLINE)
    lines.append(line)
    line.until(r"(?s)● #0  step 1  auc .*● #1 .*q leaves")
    line.until_silent()
    assert line.take(3.0) == b"", "nothing has changed, and something was sent"
    (gated.folder / "go").touch()
    assert line.until_end() == 0
    first, second, *more = texts(line)
    assert re.match(r"✓ s complete  4/4  ━{24}  ✓ 4  took ", first)
    assert "best auc" in second
    assert more == []
    assert b"\x1b[?" not in line.sent, "a mode was switched"


def test_leaving_gives_the_prompt_back_right_below_and_the_sweep_goes_on(
    gated: Project, lines: list[Line]
) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash here, whose job control is tried")
    line = Line(gated, (80, 12), program=(bash, "--norc", "--noprofile", "-i"), PS1="prompt> ")
    lines.append(line)
    line.child.send("seq 101 120; stty -g > before\r")
    line.until(r"120\s+prompt> ")
    for leave in ("q", "\x03"):
        line.child.send(f"{' '.join(INLINE)}\r")
        line.until(r"q leaves")
        line.child.send("what")
        line.child.send(leave)
        line.until(LEFT)
        assert "what" not in "".join(texts(line))
    line.child.send(f"{' '.join(INLINE)}\r")
    line.until(r"q leaves")
    line.child.send("\x1a")
    line.until(r"Stopped")
    line.child.send("fg\r")
    line.until(r"(?s)Stopped.*fg.*● s running.*q leaves")
    line.child.send("q")
    line.until(LEFT)
    line.child.send("stty -g > after; echo left with $?\r")
    line.until(r"left with 0")
    modes = [(gated.folder / name).read_text() for name in ("before", "after")]
    assert modes[0] == modes[1]
    assert gated.json("sweeps")[0]["state"] == "running"


def test_what_stood_above_stays_and_a_smaller_window_loses_nothing_of_it(
    gated: Project, lines: list[Line]
) -> None:
    program = ("/bin/sh", "-c", f"seq 101 105; exec {' '.join(INLINE)}")
    line = Line(gated, (80, 12), program=program)
    lines.append(line)
    line.until(r"q leaves")
    line.screen.resize(12, 40)
    line.child.setwinsize(12, 40)
    line.until(r"● s running  0/4")
    line.until_silent()
    line.child.kill(signal.SIGTERM)
    assert line.until_end() == 0
    assert texts(line)[:5] == ["101", "102", "103", "104", "105"]
    assert [text[:12] for text in texts(line)[5:7]] == ["● s running ", "  auc · no t"]
    assert len(texts(line)) == 9, "the line about the keys goes"


def test_a_pipe_gets_a_plain_line_a_change(gated: Project) -> None:
    with gated.start("--inline", "s") as follower:
        assert follower.stdout is not None
        first = follower.stdout.readline()
        (gated.folder / "go").touch()
        more = follower.stdout.read().splitlines()
    assert follower.returncode == 0
    assert first == "s running  0/4\n"
    assert re.fullmatch(r"s complete  4/4  ✓ 4  best auc 0\.\d+ \(#\d\)", more[-1])
    assert len(more) == len(set(more))
    assert "\x1b" not in "".join(more)


def test_without_a_sweep_it_says_what_to_type(project: Project) -> None:
    assert "cockpit demo" in project.run("--inline").stdout
    project.write("train.py", SLOW)
    project.spec(trials=1)
    project.run("sweep", "sweep.toml")
    assert "there are: s" in project.run("--inline", "x", code=2).stderr
    assert "stands alone" in project.run("--inline", "s", "runs", code=2).stderr
