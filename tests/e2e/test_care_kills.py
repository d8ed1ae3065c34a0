"""kill -9 in the middle of a backup, a restore or a compaction leaves the old or the new, never half of it."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from storage.care import back_up
from storage.care.check import check
from storage.layout import Layout
from storage.store import Store
from tests.unit.stories import RUNS, tell

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.e2e
KILLS = int(os.environ.get("KILLS", "6"))
POINTS = 20_000
CARE = """
import pathlib, sys
from storage import care
from storage.layout import Layout
from storage.store import Store
store, file = Store(Layout(pathlib.Path(sys.argv[1]))), pathlib.Path(sys.argv[2])
print(flush=True)
while True:
    {what}
"""
WAYS = {
    "backup": "care.back_up(store, file, force=True)",
    "restore": "care.restore(store, file)",
    "restore from spools": "care.restore(store, None)",
    "compact": "store.layout.database.exists() and care.compact(store)",
}


@pytest.mark.parametrize("what", WAYS)
def test_a_kill_leaves_the_old_or_the_new(tmp_path: Path, what: str) -> None:
    layout = Layout(tmp_path / ".cockpit")
    tell(layout, points=POINTS)
    file = tmp_path / "b.duckdb"
    back_up(Store(layout), file)
    rng = random.Random(3)
    for _ in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", CARE.format(what=WAYS[what]), str(layout.root), str(file)],
            stdout=subprocess.PIPE,
        )
        assert process.stdout is not None
        with process, process.stdout:
            process.stdout.readline()
            time.sleep(rng.random() * 0.4)  # the moment of the kill, not something awaited
            process.kill()
        with Store(layout).session() as session:
            assert session.rows(
                "select (select count(*) from runs), (select count(*) from metrics)"
            ) == [(RUNS, RUNS * POINTS)]
        elsewhere = Layout(tmp_path / "elsewhere" / ".cockpit")
        elsewhere.create()
        with Store(elsewhere).held() as held:
            held.verify(file)
    assert check(Store(layout)).passed
