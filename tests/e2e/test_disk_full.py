"""The disk is full in the middle of a line: the sweep says so and ends; with room again it goes on."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import psutil
import pytest

from storage.layout import Layout
from storage.spool import segments
from tests.e2e.conftest import SLOW, Project, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TRIALS = 30
SMALL = 6 << 20
GATED = SLOW.replace(
    "    x =",
    """    while trial.number >= 5 and not os.path.exists("full"):
        time.sleep(0.01)
    x =""",
)
"""The sixth trial and all later ones begin once the disk is full."""


def layout_of(project: Project) -> Layout:
    return Layout(project.folder / ".cockpit")


def spool_bytes(project: Project) -> int:
    return max((size for _, size in segments(layout_of(project))), default=0)


@pytest.fixture
def small_disk(project: Project) -> Iterator[Path]:
    """The project's store on a file system of a few megabytes."""
    folder = layout_of(project).root
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "tmpfs", str(folder)]
    if not sys.platform.startswith("linux") or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def run_until_full(project: Project, fill: Callable[[psutil.Process], None]) -> list[int]:
    """Start a sweep, `fill` the disk when three trials are told; the numbers of all that were told."""
    with project.start("sweep", "sweep.toml", "--json") as driver:
        assert driver.stdout is not None
        assert driver.stderr is not None
        told = [json.loads(driver.stdout.readline()) for _ in range(3)]
        workers = psutil.Process(driver.pid).children(recursive=True)
        fill(psutil.Process(driver.pid))
        project.write("full", "")
        told += [json.loads(line) for line in driver.stdout.read().splitlines()]
        said = driver.stderr.read()
    assert driver.returncode == 2, said
    (line,) = said.splitlines()
    assert "could not write to the spool" in line
    assert "the sweep s has ended" in line
    assert workers
    eventually(lambda: not any(worker.is_running() for worker in workers))
    assert len(told) < TRIALS
    for file in layout_of(project).spool.glob("*.ndjson"):
        assert file.read_bytes().endswith(b"\n"), "a torn line was left behind"
    return [trial["number"] for trial in told]


def write_for_ever(file: Path) -> None:
    with file.open("wb", buffering=0) as stream:
        while True:
            stream.write(b"0" * 4096)


def check_and_resume(project: Project, told: list[int]) -> None:
    states = {run["number"]: run["state"] for run in project.json("runs")}
    assert {states[number] for number in told} == {"complete"}
    assert "running" not in states.values()
    assert [sweep["state"] for sweep in project.json("sweeps")] == ["lost"]
    project.run("sweep", "sweep.toml", "--resume")
    runs = project.json("runs")
    assert {run["state"] for run in runs} == {"complete"}  # what was broken off ran again
    assert Counter(run["number"] for run in runs) == Counter(range(TRIALS))
    assert [sweep["state"] for sweep in project.json("sweeps")] == ["complete"]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
def test_a_file_that_may_not_grow_ends_the_sweep_in_the_middle_of_a_line(project: Project) -> None:
    project.write("train.py", GATED)
    project.spec(trials=TRIALS)

    def fill(driver: psutil.Process) -> None:
        limit = spool_bytes(project) + 2_001
        resource.prlimit(driver.pid, resource.RLIMIT_FSIZE, (limit, limit))

    check_and_resume(project, run_until_full(project, fill))


def test_a_full_disk_ends_the_sweep_and_with_room_again_it_goes_on(
    project: Project, small_disk: Path
) -> None:
    project.write("train.py", GATED)
    project.spec(trials=TRIALS)
    ballast = small_disk / "ballast"

    def fill(_: psutil.Process) -> None:
        with pytest.raises(OSError, match="No space"):
            write_for_ever(ballast)

    told = run_until_full(project, fill)
    full = project.run("runs", code=2)
    assert "full" in full.stderr
    ballast.unlink()
    check_and_resume(project, told)
