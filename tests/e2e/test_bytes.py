"""What the app sends down the line: every byte of it crosses somebody's SSH connection."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

import pexpect
import pyte
import pytest

from cockpit.data import versions as registering
from cockpit.project.reading import load_project
from storage.layout import Layout
from storage.spool import SpoolWriter
from tests.e2e.conftest import COCKPIT, SLOW, Project, clean, eventually
from tests.unit.many_runs import make_rows, write_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVE = """
import time
def train(trial):
    x = trial.suggest_float("x", 0, 1)
    start = time.monotonic()
    for step in range(600):
        value = x * (1 - 0.99 ** step)
        trial.report(value, step)
        trial.log(step, **{f"m{n}": value * n for n in range(9)})
        time.sleep(max(0.0, start + 0.1 * (step + 1) - time.monotonic()))
    return {"auc": value}
"""
"""Ten metrics, ten times a second."""


DATA = """
[data.people]
path = "people.csv"
key = ["id"]
[data.people.contract.columns]
age = { type = "int", max = 55 }
"""


class Line:
    """A terminal of some size with cockpit in it, and a count of all that it was sent."""

    def __init__(
        self,
        project: Project,
        size: tuple[int, int],
        program: tuple[str, ...] = COCKPIT,
        **environ: str,
    ) -> None:
        columns, rows = size
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.sent = b""
        self.child = pexpect.spawn(
            program[0],
            [*program[1:]],
            cwd=str(project.folder),
            env={**clean(), "TERM": "xterm-256color", **environ},
            dimensions=(rows, columns),
        )

    def take(self, seconds: float) -> bytes:
        """All that comes within so long."""
        end, taken = time.monotonic() + seconds, b""
        while (left := end - time.monotonic()) > 0:
            try:
                data: Any = self.child.read_nonblocking(65536, timeout=left)
            except (pexpect.TIMEOUT, pexpect.EOF):
                break
            taken += data
            self.feed(data)
        return taken

    def feed(self, data: bytes) -> None:
        self.sent += data
        self._stream.feed(data)

    def until_end(self) -> int | None:
        """Take the rest; returns the exit status, None after a signal."""
        self.child.expect(pexpect.EOF)
        rest: Any = self.child.before
        self.feed(rest)
        self.child.close()
        return self.child.exitstatus

    def until(self, pattern: str) -> str:
        def shown() -> str:
            self.take(0.05)
            text = "\n".join(self.screen.display)
            return text if re.search(pattern, text) else ""

        try:
            return str(eventually(shown))
        except AssertionError:
            stands = "\n".join(self.screen.display)
            raise AssertionError(f"there is no {pattern!r} in\n{stands}") from None

    def until_silent(self, seconds: float = 1.0) -> None:
        eventually(lambda: not self.take(seconds))


@pytest.fixture
def lines() -> Iterator[list[Line]]:
    opened: list[Line] = []
    yield opened
    for line in opened:
        line.child.close(force=True)


def test_an_idle_screen_sends_nothing_in_ten_seconds(project: Project, lines: list[Line]) -> None:
    # Old runs: the age of one of today's would change, and that is news.
    writer = SpoolWriter(Layout(project.folder / ".cockpit"))
    write_rows(writer, make_rows(30))
    writer.close()
    one, two = Line(project, (80, 24)), Line(project, (200, 50))
    lines += [one, two]
    for line in lines:
        line.until(r"30 runs")
    two.child.send("2")
    two.until(r"takes two to tell them apart")  # the last that comes: the importance
    for line in lines:
        line.until_silent(2.0)
    # Both at once: nothing more is to be learnt by doing it one after the other.
    assert one.take(10.0) + two.take(0.5) == b""


def test_the_data_screen_sends_nothing_once_all_is_found_out(
    project: Project, lines: list[Line]
) -> None:
    project.write("cockpit.toml", DATA)
    layout = Layout(project.folder / ".cockpit")
    with pytest.MonkeyPatch.context() as patch:
        # Long ago: the age of a version of today would change, and that is news.
        patch.setattr(registering, "time", lambda: time.time() - 400 * 86_400)
        for ages in ([30, 40, 50], [30, 40, 51, 60]):
            rows = "".join(f"{place},{age}\n" for place, age in enumerate(ages))
            project.write("people.csv", f"id,age\n{rows}")
            registering.register(
                layout,
                "people",
                project.folder / "people.csv",
                keep=True,
                project=load_project(project.folder),
            )
    one, two = Line(project, (80, 24)), Line(project, (200, 50))
    lines += [one, two]
    for line in lines:
        line.until(r"No runs yet")
        line.child.send("5")
        line.until(r"✗ 1 broken")
    two.child.send("d")
    two.until(r"1 added")
    for line in lines:
        line.until_silent(2.0)
    assert one.take(6.0) + two.take(0.5) == b""


def test_a_live_sweep_is_a_trickle(project: Project, lines: list[Line]) -> None:
    project.write("train.py", LIVE)
    project.spec(trials=10, workers=1)
    sent = [0, 0]
    with project.start("sweep", "sweep.toml"):
        lines += [Line(project, (80, 24)), Line(project, (200, 50))]
        for line in lines:
            line.until(r"1 run ")
            line.child.send("2")
        for line in lines:
            line.until(r"(?s)Sweep s .*auc by step.*┤")  # the curve stands: from here on it grows
        before = [line.screen.display[:] for line in lines]
        began = time.monotonic()
        for _ in range(24):
            for place, line in enumerate(lines):
                sent[place] += len(line.take(0.25))
        seconds = time.monotonic() - began
        project.run("stop", "--now")
    assert all(line.screen.display != then for line, then in zip(lines, before, strict=True))
    assert sent[0] / seconds <= 1_000
    assert sent[1] / seconds <= 3_000


def test_the_first_data_is_painted_once(project: Project, lines: list[Line]) -> None:
    project.write("train.py", SLOW)
    project.spec(trials=30)
    project.run("sweep", "sweep.toml")
    line = Line(project, (120, 36))
    lines.append(line)
    line.until(r"30 runs")
    line.until_silent()
    painted = line.sent.count(b"s#1 ")
    assert painted <= 2, painted
    assert len(line.sent) < 5 * 120 * 36, "a cell was sent more than once"
