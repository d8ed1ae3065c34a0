"""What the app sends down the line: every byte of it crosses somebody's SSH connection."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pexpect
import pyte
import pytest

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
                data = self.child.read_nonblocking(65536, timeout=left)
            except (pexpect.TIMEOUT, pexpect.EOF):
                break
            taken += data
            self._stream.feed(data)
        self.sent += taken
        return taken

    def until(self, pattern: str) -> str:
        def shown() -> str:
            self.take(0.05)
            text = "\n".join(self.screen.display)
            return text if re.search(pattern, text) else ""

        return str(eventually(shown))

    def until_silent(self) -> None:
        eventually(lambda: not self.take(1.0))


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
    for size, key in (((80, 24), ""), ((200, 50), "2")):
        line = Line(project, size)
        lines.append(line)
        line.until(r"30 runs")
        line.child.send(key)
        line.until_silent()
    # Both at once: nothing more is to be learnt by doing it one after the other.
    one, two = lines
    assert one.take(10.0) + two.take(0.5) == b""


@pytest.mark.parametrize("size, most", [((80, 24), 1_000), ((200, 50), 3_000)])
def test_a_live_sweep_is_a_trickle(
    project: Project, lines: list[Line], size: tuple[int, int], most: int
) -> None:
    project.write("train.py", LIVE)
    project.spec(trials=10, workers=1)
    with project.start("sweep", "sweep.toml"):
        line = Line(project, size)
        lines.append(line)
        line.child.send("2")
        line.until(r"Sweep s")
        line.until(r"● running")
        line.take(5.0)  # the first figures widen columns and axes; from here on it is steady
        taken = line.take(10.0)
        project.run("stop", "--now")
    assert re.search(rb"0\.\d", taken), "nothing came: the sweep was not live"
    assert len(taken) / 10 <= most


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
