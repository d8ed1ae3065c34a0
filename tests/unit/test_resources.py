"""Whose processes are whose, what they use, and who killed them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.sweep.executors.gpus import Gpus
from cockpit.sweep.executors.kills import OomKills
from cockpit.sweep.executors.process import ChildProcess
from cockpit.sweep.executors.resources import Process, PsutilTable, Resources, Scanner
from cockpit.sweep.executors.seam import Outcome
from cockpit.sweep.executors.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class FakeTable:
    """A process table written by hand: number → parent, session, beginning."""

    def __init__(self, **processes: tuple[int, int, float]) -> None:
        self.processes = {int(name[1:]): values for name, values in processes.items()}
        self.read: list[int] = []
        self.cpu_seconds: dict[int, float] = {}

    def now(self) -> float:
        return 10.0

    def pids(self) -> list[int]:
        return list(self.processes)

    def process(self, pid: int) -> Process | None:
        self.read.append(pid)
        found = self.processes.get(pid)
        return found and Process(*found, cpu_seconds=self.cpu_seconds.get(pid, 1.0), resident=100)

    def moved(self, pid: int) -> tuple[int, int] | None:
        return None

    def share(self, pid: int) -> int | None:
        return 40


def trees(scanner: Scanner, *leaders: int) -> dict[int, set[int]]:
    return {leader: set(usage.pids) for leader, usage in scanner.scan(leaders).items()}


def test_a_tree_is_a_session_and_all_below() -> None:
    table = FakeTable(
        p1=(0, 1, 0.0),
        p10=(1, 10, 1.0),  # a leader
        p11=(10, 10, 2.0),
        p12=(11, 12, 3.0),  # in a session of its own, below ours
        p13=(1, 10, 4.0),  # in ours, its parent gone
        p20=(1, 20, 1.0),
        p21=(20, 20, 2.0),
        p30=(1, 30, 1.0),  # somebody else's
    )
    scanner = Scanner(table)
    assert trees(scanner, 10, 20) == {10: {10, 11, 12, 13}, 20: {20, 21}}
    assert scanner.scan([10])[10].resident == 400


def test_who_once_belonged_belongs_when_its_parent_has_gone() -> None:
    table = FakeTable(p1=(0, 1, 0.0), p10=(1, 10, 1.0), p11=(10, 10, 2.0), p12=(11, 12, 3.0))
    scanner = Scanner(table)
    trees(scanner, 10)
    del table.processes[11]
    table.processes[12] = (1, 12, 3.0)
    assert trees(scanner, 10) == {10: {10, 12}}
    table.processes[12] = (1, 12, 99.0)  # the number is another's now
    assert trees(scanner, 10) == {10: {10}}


def test_a_table_that_changes_while_it_is_read_ends_the_walk() -> None:
    table = FakeTable(p10=(1, 10, 1.0), p11=(12, 11, 2.0), p12=(11, 11, 2.0))
    assert trees(Scanner(table), 10, 99) == {10: {10}}


def test_strangers_are_not_read_each_time() -> None:
    table = FakeTable(p1=(0, 1, 0.0), p10=(1, 10, 1.0), p30=(1, 30, 1.0))
    scanner = Scanner(table)
    trees(scanner, 10)
    table.read.clear()
    table.processes[11] = (10, 10, 2.0)
    assert trees(scanner, 10) == {10: {10, 11}}
    assert set(table.read) == {10, 11}
    assert trees(scanner, 30) == {30: {30}}  # a stranger that has become a leader


def test_shared_memory_counts_once_where_a_limit_is_held_against_it() -> None:
    scanner = Scanner(FakeTable(p10=(1, 10, 1.0), p11=(10, 10, 2.0)))
    assert scanner.share(scanner.scan([10])[10].pids) == 80


BUSY = """
import os, time
os.fork()
kept = b'x' * 50_000_000
while time.process_time() < 0.1:
    pass  # the system counts in hundredths
print(1, flush=True)
time.sleep(60)
"""


@pytest.fixture
def busy() -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-c", BUSY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
        assert process.stdout is not None
        process.stdout.read(4)  # both are there
        yield process
        os.killpg(process.pid, 9)


@pytest.mark.parametrize(
    "table", [None, PsutilTable()], ids=["this system's own", "psutil's, as elsewhere"]
)
def test_a_real_tree_is_measured(busy: subprocess.Popen[bytes], table: Any) -> None:
    resources = Resources(Scanner(table))
    before = time.monotonic()
    resources.begin(busy.pid, fresh=True)
    resources.scan()
    ((leader, seconds, usage),) = resources.samples()
    assert leader == busy.pid
    assert 0 <= seconds <= time.monotonic() - before
    assert usage["system.memory_mb"] > 100
    assert usage["system.cpu_percent"] > 0
    assert resources.resident(busy.pid) > 100_000_000
    meter = resources.end(busy.pid)
    assert meter is not None
    assert meter.peak > 100_000_000


def test_a_warm_workers_past_is_not_the_attempts(busy: subprocess.Popen[bytes]) -> None:
    resources = Resources()
    resources.begin(busy.pid, fresh=False)
    resources.scan()
    ((_, _, usage),) = resources.samples()
    assert usage.get("system.write_mb", 0) == 0
    meter = resources.end(busy.pid)
    assert meter is not None
    assert meter.base.cpu_seconds > 0


def test_a_pool_that_a_warm_worker_kept_brings_no_past_along() -> None:
    table = FakeTable(p10=(1, 10, 1.0), p11=(10, 10, 2.0))
    table.cpu_seconds = {10: 5.0, 11: 100.0}
    resources = Resources(Scanner(table))
    resources.begin(10, fresh=False)
    table.processes[12] = (10, 10, 11.0)  # this attempt's own
    table.cpu_seconds = {10: 6.0, 11: 100.0, 12: 3.0}
    resources.scan()
    table.cpu_seconds = {10: 6.0, 11: 102.0, 12: 3.0}
    resources.scan()
    meter = resources.end(10)
    assert meter is not None
    assert meter.now.cpu_seconds - meter.base.cpu_seconds == pytest.approx(1 + 2 + 3)
    assert meter.peak == 300
    resources.begin(10, fresh=True)
    resources.scan()
    meter = resources.end(10)
    assert meter is not None
    assert meter.now.cpu_seconds == pytest.approx(6 + 102 + 3)


def test_what_begins_with_an_attempt_is_not_older_than_it() -> None:
    scanner = Scanner()
    moment = scanner.now()
    with subprocess.Popen(["sleep", "60"]) as process:
        found = scanner.older([os.getpid(), process.pid], moment)
        process.kill()
    assert found is not None
    assert found.pids == {os.getpid()}


def test_one_that_has_gone_gives_no_sample() -> None:
    with subprocess.Popen(["true"]) as process:
        process.wait()
    resources = Resources()
    resources.begin(process.pid, fresh=False)
    resources.scan()
    assert list(resources.samples()) == []


class FakeNvml:
    """NVML's functions as far as they are used: two devices, the second keeps no samples."""

    class NVMLError(Exception):
        pass

    class Struct:
        def __init__(self, **fields: Any) -> None:
            self.__dict__.update(fields)

    def __init__(self, broken: bool = False) -> None:
        self.broken = broken
        self.asked_since: list[int] = []

    def nvmlInit(self) -> None:
        if self.broken:
            raise self.NVMLError

    def nvmlDeviceGetCount(self) -> int:
        return 2

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetComputeRunningProcesses(self, device: int) -> list[Any]:
        size = {0: 3_000_000_000, 1: None}[device]
        return [self.Struct(pid=7, usedGpuMemory=size)]

    def nvmlDeviceGetProcessUtilization(self, device: int, since: int) -> list[Any]:
        if device == 1:
            raise self.NVMLError
        self.asked_since.append(since)
        return [self.Struct(pid=7, smUtil=use, timeStamp=1000 + use) for use in (20, 60)]


def test_gpus_are_told_by_process_and_device() -> None:
    nvml = FakeNvml()
    gpus = Gpus(nvml)
    used = gpus.by_process()
    assert used == {
        7: {
            "system.gpu0_memory_mb": 3000.0,
            "system.gpu0_percent": 40.0,
            "system.gpu1_memory_mb": 0.0,
        }
    }
    gpus.by_process()
    assert nvml.asked_since == [0, 1060]


@pytest.mark.parametrize("nvml", [FakeNvml(broken=True), None])
def test_without_a_gpu_nothing_is_told(nvml: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    if nvml is None:
        monkeypatch.setitem(sys.modules, "pynvml", None)
    assert Gpus(nvml).by_process() == {}


@pytest.fixture
def system(tmp_path: Path) -> Path:
    (tmp_path / "proc" / "self").mkdir(parents=True)
    (tmp_path / "proc" / "vmstat").write_text("nr_free_pages 1\noom_kill 5\n")
    return tmp_path


@pytest.mark.parametrize(
    "group, file, text",
    [
        ("0::/job", "job/memory.events", "low 0\noom 1\noom_kill 1\noom_group_kill 0\n"),
        ("3:cpu:/\n4:memory:/job\n0::/", "memory/job/memory.oom_control", "oom_kill 1\n"),
    ],
)
def test_the_kernels_kills_are_counted_in_our_own_group(
    system: Path, group: str, file: str, text: str
) -> None:
    (system / "proc" / "self" / "cgroup").write_text(group + "\n")
    counter = system / "sys" / file
    counter.parent.mkdir(parents=True)
    counter.write_text(text)
    kills = OomKills(system / "proc", system / "sys")
    (system / "proc" / "vmstat").write_text("oom_kill 6\n")  # somebody else's
    assert kills.grew() is False
    counter.write_text(text.replace("oom_kill 1", "oom_kill 2"))
    assert kills.grew() is True
    kills.look()
    assert kills.grew() is False


def test_without_a_group_the_machines_kills_are_counted(system: Path) -> None:
    (system / "proc" / "self" / "cgroup").write_text("0::/\n")
    kills = OomKills(system / "proc", system / "sys")
    assert kills.grew() is False
    (system / "proc" / "vmstat").write_text("nr_free_pages 1\noom_kill 6\n")
    assert kills.grew() is True


def test_where_nobody_counts_nothing_is_said(tmp_path: Path) -> None:
    assert OomKills(tmp_path, tmp_path).grew() is None


class Counter(OomKills):
    """The kernel's count of kills, or that it keeps none."""

    def __init__(self, grown: bool | None) -> None:
        self.grown = grown

    def look(self) -> None:
        pass

    def grew(self) -> bool | None:
        return self.grown


@pytest.mark.parametrize(
    "grown, state, said",
    [
        (True, "oom", "the system ran out of memory and killed the run's process"),
        (False, "lost", "killed"),
        (None, "lost", "killed; the system may be out of memory"),
    ],
)
def test_a_kill_by_the_kernel_is_told_from_any_other(
    busy: subprocess.Popen[bytes], grown: bool | None, state: str, said: str
) -> None:
    process: Any = ChildProcess(0)
    process.pid = busy.pid
    watch = Watch(kills=Counter(grown))
    watch.begin(process, fresh=True)
    outcome = watch.settle(process, Outcome("lost", reason="killed"), died=True)
    assert (outcome.state, outcome.reason) == (state, said)


def test_nothing_is_due_while_nothing_runs(busy: subprocess.Popen[bytes]) -> None:
    watch = Watch()
    assert watch.due == float("inf")
    process: Any = ChildProcess(0)
    process.pid = busy.pid
    watch.begin(process, fresh=True)
    assert watch.due < float("inf")
    watch.settle(process, Outcome("complete"), died=False)
    assert watch.due == float("inf")
