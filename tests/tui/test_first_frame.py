"""What has to be there before anything is painted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROGRAM = """
import asyncio, sys
from pathlib import Path
from cockpit.tui.app import CockpitApp
from cockpit.tui.source import StoreSource
from storage.layout import Layout

seen = []

display = CockpitApp._display

def watched(self, *what):
    if not seen:
        seen.append([n for n in ("duckdb", "polars", "optuna", "plotext") if n in sys.modules])
        seen.append(self.screen._compositor.render_strips()[0].text.split())
    display(self, *what)

CockpitApp._display = watched

async def main():
    source = StoreSource(Layout(Path(sys.argv[1]) / ".cockpit"))
    async with CockpitApp(source).run_test():
        pass

asyncio.run(main())
print(seen[0], *seen[1])
"""


def test_the_first_frame_says_where_one_is_and_needs_no_heavy_library(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.stdout.strip() == f"[] cockpit · {tmp_path.name} · Runs", ended.stderr
    assert not list(tmp_path.iterdir()), "looking must not make a store"
