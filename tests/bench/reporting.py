"""What a report of a large sweep takes: the command from its start to its end, and the file with its pictures."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

from storage.store import Store
from tests.bench.measure import Figure, median
from tests.bench.stores import empty
from tests.unit.test_report_subjects import tell_sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.layout import Layout

POINTS = 30
LIMIT = 2.0
"""Seconds, of 1,000 trials."""


def reports() -> Iterator[Figure]:
    """cockpit report sweep on 1,000 and 10,000 trials of 30 points each, with its SVG files"""
    for trials, limit in ((1_000, LIMIT), (10_000, None)):
        layout = empty(f"report-{trials}")
        layout.create()
        tell_sweep(layout, "large", trials, POINTS)
        with Store(layout).session(60):
            pass  # fold it in
        out = layout.project / "report.md"
        yield Figure(f"{trials:,} trials", median(partial(_written, layout, out), 7), "s", limit)
        files = [out, *sorted((out.parent / "report_files").iterdir())]
        yield Figure("  its files", sum(one.stat().st_size for one in files) / 1024, "KB")


def _written(layout: Layout, out: Path) -> None:
    arguments = ["report", "sweep", "large", "--store", str(layout.root), "-o", str(out)]
    subprocess.run([sys.executable, "-m", "cockpit", *arguments], check=True, capture_output=True)
