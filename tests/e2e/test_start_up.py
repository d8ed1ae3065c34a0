"""What cockpit loads before it has to."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("textual", "duckdb", "polars", "optuna", "plotext", "numpy", "pydantic")


def imported_by(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-P", "-X", "importtime", "-m", "cockpit", *arguments],
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}


def test_the_version_and_the_help_load_nothing_heavy() -> None:
    for arguments in (["--version"], ["--help"], ["sweep", "--help"], ["runs", "--help"]):
        assert not imported_by(*arguments) & set(HEAVY), arguments
