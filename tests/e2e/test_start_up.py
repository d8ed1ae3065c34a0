"""What cockpit loads before it has to."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from storage.layout import Layout
from storage.spool import SpoolWriter
from tests.unit.many_runs import make_rows, write_rows

if TYPE_CHECKING:
    import pytest

    from tests.e2e.conftest import Project

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


def test_a_look_that_finds_nothing_new_does_without_polars(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SpoolWriter(Layout(project.folder / ".cockpit"))
    write_rows(writer, make_rows(3))
    writer.close()
    project.run("runs")  # folds them in
    monkeypatch.chdir(project.folder)
    for arguments in (["runs"], ["sweeps"], ["show", "@latest"]):
        loaded = imported_by(*arguments)
        assert "duckdb" in loaded
        assert not loaded & {"polars", "numpy", "textual"}, arguments
