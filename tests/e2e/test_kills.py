"""kill -9 of anything at any moment: what was acknowledged is there, once, and the store opens.

`KILLS=200 KILL_SEED=7 pytest tests/e2e/test_kills.py -s` for more of them than CI has time for.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from storage.layout import Layout
from storage.store import Store
from tests.e2e.conftest import clean, eventually
from tests.e2e.players import PATIENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[2]
KILLS = int(os.environ.get("KILLS", "20"))
CAST = ("writer", "writer", "writer", "drainer", "drainer", "reader")


@dataclass
class Player:
    """One process, and what it said."""

    role: str
    process: subprocess.Popen[bytes]
    said: Path

    def words(self) -> list[str]:
        """Whole lines only: a kill may tear the last one."""
        return self.said.read_text().split("\n")[:-1]

    def is_in_or_out(self) -> bool:
        """Whether it has come as far as its first word, or ended before."""
        return bool(self.words()) or self.process.poll() is not None

    def kill(self) -> None:
        code = self.process.poll()
        assert code is None, (
            f"the {self.role} ended by itself with {code}: "
            f"{self.said.with_suffix('.err').read_text()}"
        )
        self.process.kill()
        self.process.wait()


@dataclass
class Stage:
    """A store and those who play on it."""

    layout: Layout
    folder: Path
    rng: random.Random
    playing: list[Player] = field(default_factory=list)
    gone: list[Player] = field(default_factory=list)

    def start(self, role: str) -> None:
        said = self.folder / f"{len(self.playing) + len(self.gone)}-{role}.out"
        command = [sys.executable, "-m", "tests.e2e.players", role, str(self.layout.root)]
        with said.open("wb") as out, said.with_suffix(".err").open("wb") as err:
            process = subprocess.Popen(
                [*command, str(self.rng.randrange(2**32))],
                cwd=TOP,
                env=clean(),
                stdout=out,
                stderr=err,
            )
        self.playing.append(Player(role, process, said))

    def kill(self, player: Player) -> None:
        player.kill()
        self.playing.remove(player)
        self.gone.append(player)

    def acknowledged(self) -> dict[int, int]:
        """Steps by run, as the writers were told."""
        writers = [p for p in (*self.playing, *self.gone) if p.role == "writer"]
        return {
            int(run): int(steps)
            for writer in writers
            for run, steps in map(str.split, writer.words())
        }


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    seed = int(os.environ.get("KILL_SEED", random.randrange(10_000)))
    print(f"\nKILL_SEED={seed}")  # noqa: T201 - to be able to see the same once more
    layout = Layout(tmp_path / ".cockpit")
    layout.create()
    stage = Stage(layout, tmp_path, random.Random(seed))
    yield stage
    for player in stage.playing:
        player.process.kill()
        player.process.wait()


def losses(stage: Stage) -> tuple[int, int]:
    """Acknowledged points that are not in the tables, and points that are there more than once."""
    with Store(stage.layout).session(PATIENCE) as session:
        rows = session.rows(
            "select id, count(m.step), count(distinct m.step), coalesce(max(m.step) + 1, 0),"
            " coalesce(any_value(runs.metrics['steps']), 0)"
            " from runs left join metrics m on m.run = id and m.name = 'loss' group by id"
        )
        broken = session.rows("select count(*) from quarantine")[0][0]
    told = stage.acknowledged()
    found = {run: distinct for run, _, distinct, _, _ in rows}
    lost = sum(max(0, steps - found.get(run, 0)) for run, steps in told.items())
    doubled = sum(count - distinct for _, count, distinct, _, _ in rows)
    assert told.keys() <= found.keys()
    assert all(distinct == end for _, _, distinct, end, _ in rows), "a hole inside a run"
    assert all(told.get(run, 0) <= steps <= found[run] for run, _, _, _, steps in rows)
    assert broken == 0, "a torn line was taken for a whole one"
    return lost, doubled


def test_kill_9_of_anybody_at_any_moment_loses_nothing_and_doubles_nothing(stage: Stage) -> None:
    for role in CAST:
        stage.start(role)
    killed: Counter[str] = Counter()
    for _ in range(KILLS):
        player = stage.rng.choice(stage.playing)
        eventually(player.is_in_or_out)
        time.sleep(stage.rng.random() * 0.2)  # the random moment
        stage.kill(player)
        killed[player.role] += 1
        with Store(stage.layout).session(PATIENCE):
            pass
        stage.start(player.role)
    for player in tuple(stage.playing):
        stage.kill(player)
    lost, doubled = losses(stage)
    steps = sum(stage.acknowledged().values())
    torn = sum(not whole(file) for file in stage.layout.spool.rglob("*.ndjson"))
    figures = f"{steps:,} acknowledged points, {lost} lost, {doubled} doubled, {torn} torn lines"
    print(f"{dict(killed)}: {figures}")  # noqa: T201 - the figures of a run by hand
    assert (lost, doubled) == (0, 0)
    with Store(stage.layout).session(PATIENCE) as session:
        assert session.rows("select distinct state from runs") == [("lost",)]


def whole(file: Path) -> bool:
    data = file.read_bytes()
    return not data or data.endswith(b"\n")


def test_two_readers_that_drain_at_once_take_every_event_in_once(stage: Stage) -> None:
    for role in ("writer", "drainer", "reader"):
        stage.start(role)
    writer, *drainers = stage.playing
    eventually(lambda: all(len(player.words()) >= 5 for player in drainers))
    stage.kill(writer)
    heard = [len(player.words()) for player in drainers]
    eventually(lambda: all(len(p.words()) > n for p, n in zip(drainers, heard, strict=True)))
    for player in drainers:
        stage.kill(player)
    assert losses(stage) == (0, 0)
    assert sum(stage.acknowledged().values()) > 0
