"""What the running attempts use: one scan of the process table for all of them.

A process belongs to an attempt by its session or by its ancestors. Resident sizes of a tree are added
up, so what forked processes share counts several times in the curve; a limit is held against their
proportional share, where the system tells it.
"""

from __future__ import annotations

import contextlib
import functools
import os
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from cockpit.sweep.executors.gpus import Gpus
from cockpit.sweep.executors.guard import processes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping

_FORGET_SECONDS = 30.0
"""Processes that are nobody's are not read again for so long: a number may come back as another's."""
_MB = 1e6


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the process table."""

    parent: int
    session: int
    began: float
    """With the number it says which process this is; the unit is the system's."""
    cpu_seconds: float
    """With those of its children that ended."""
    resident: int


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process tree uses now (`resident`) and has used since its leader began."""

    cpu_seconds: float = 0.0
    resident: int = 0
    moved: tuple[int, int] | None = (0, 0)
    """Bytes read from disks and written to them; None where the system does not tell."""
    pids: frozenset[int] = frozenset()

    def without(self, other: Usage) -> Usage:
        """What was used beyond what the other had; what is resident stays."""
        moved = None
        if self.moved is not None and other.moved is not None:
            moved = (self.moved[0] - other.moved[0], self.moved[1] - other.moved[1])
        return replace(self, cpu_seconds=self.cpu_seconds - other.cpu_seconds, moved=moved)


class Table(Protocol):
    """The system's process table."""

    def pids(self) -> list[int]: ...

    def now(self) -> float:
        """As `Process.began` counts."""
        ...

    def process(self, pid: int) -> Process | None:
        """None where it has ended, or is dead and waits to be reaped."""
        ...

    def moved(self, pid: int) -> tuple[int, int] | None:
        """Bytes read from disks and written, with those of its children that ended; None: not told."""
        ...

    def share(self, pid: int) -> int | None:
        """Resident bytes, what it shares divided by those that share it; None where it is not told."""
        ...


class LinuxTable:
    """Straight from /proc: two small files a process of ours, one a process that is new."""

    _PAGE = os.sysconf("SC_PAGE_SIZE")
    _TICK = os.sysconf("SC_CLK_TCK")

    def pids(self) -> list[int]:
        return processes()

    def now(self) -> float:
        return float(int(time.clock_gettime(time.CLOCK_BOOTTIME) * self._TICK))

    def process(self, pid: int) -> Process | None:
        data = _content(f"/proc/{pid}/stat")
        fields = data.rpartition(b") ")[2].split()
        if not fields or fields[0] in b"ZX":
            return None
        ticks = sum(int(field) for field in fields[11:15])
        parent, session, began = int(fields[1]), int(fields[3]), float(fields[19])
        return Process(parent, session, began, ticks / self._TICK, int(fields[21]) * self._PAGE)

    def moved(self, pid: int) -> tuple[int, int]:
        lines = dict(line.split(b": ") for line in _content(f"/proc/{pid}/io").splitlines())
        return int(lines.get(b"read_bytes", 0)), int(lines.get(b"write_bytes", 0))

    def share(self, pid: int) -> int | None:
        for line in _content(f"/proc/{pid}/smaps_rollup").splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
        return None


class PsutilTable:
    """Where there is no /proc."""

    def pids(self) -> list[int]:
        import psutil

        return psutil.pids()

    def now(self) -> float:
        return time.time()

    def process(self, pid: int) -> Process | None:
        import psutil

        try:
            process = psutil.Process(pid)
            with process.oneshot():
                began, times, memory = (
                    process.create_time(),
                    process.cpu_times(),
                    process.memory_info(),
                )
                cpu = times.user + times.system + times.children_user + times.children_system
                return Process(process.ppid(), os.getsid(pid), began, cpu, memory.rss)
        except (psutil.Error, OSError):  # ended, or another user's
            return None

    def moved(self, pid: int) -> tuple[int, int] | None:
        return None

    def share(self, pid: int) -> int | None:
        return None


class Scanner:
    """Finds process trees in one pass, and remembers who belongs to whom."""

    def __init__(self, table: Table | None = None) -> None:
        self._table = table or (LinuxTable() if sys.platform == "linux" else PsutilTable())
        self._owners: dict[int, tuple[float, int]] = {}
        self._strangers: set[int] = set()
        self._forget_at = 0.0

    def scan(self, leaders: Collection[int], moved: bool = True) -> dict[int, Usage]:
        """What each leader's tree uses; one that has ended is left out. Without `moved` it is cheaper."""
        found = self._living(leaders)
        self._owners = {
            pid: (found[pid].began, owner) for pid, owner in _owned(found, leaders, self._owners)
        }
        self._strangers |= found.keys() - self._owners.keys()
        trees: dict[int, list[int]] = {}
        for pid, (_, owner) in self._owners.items():
            trees.setdefault(owner, []).append(pid)
        return {leader: self._usage(pids, found, moved) for leader, pids in trees.items()}

    def now(self) -> float:
        """As the process table counts."""
        return self._table.now()

    def single(self, pid: int) -> Usage:
        """What one process uses, without those below it that live."""
        process = self._table.process(pid)
        return self._usage([pid], {pid: process}) if process else Usage()

    def older(self, pids: Iterable[int], moment: float) -> Usage | None:
        """What those of them use that were there before; None where there are none."""
        read = ((pid, self._table.process(pid)) for pid in pids)
        found = {pid: process for pid, process in read if process and process.began < moment}
        return self._usage(list(found), found) if found else None

    def share(self, pids: Iterable[int]) -> int | None:
        """Resident bytes of a tree, shared ones counted once; None where the system does not tell."""
        shares = [self._table.share(pid) for pid in pids]
        known = [share for share in shares if share is not None]
        return sum(known) if known else None

    def _living(self, leaders: Collection[int]) -> dict[int, Process]:
        now = time.monotonic()
        if now >= self._forget_at:
            self._strangers, self._forget_at = set(), now + _FORGET_SECONDS
        present = set(self._table.pids())
        self._strangers &= present
        self._strangers.difference_update(leaders)
        read = ((pid, self._table.process(pid)) for pid in present - self._strangers)
        return {pid: process for pid, process in read if process}

    def _usage(self, pids: list[int], found: Mapping[int, Process], disks: bool = True) -> Usage:
        asked = pids if disks else ()
        moved = [pair for pid in asked if (pair := self._table.moved(pid)) is not None]
        return Usage(
            sum(found[pid].cpu_seconds for pid in pids),
            sum(found[pid].resident for pid in pids),
            (sum(read for read, _ in moved), sum(wrote for _, wrote in moved)) if moved else None,
            frozenset(pids),
        )


@dataclass(slots=True)
class Meter:
    """An attempt's use since it began: a warm worker, and what lives below it, have used things before."""

    began: float
    clock: float
    """The same, as the process table counts."""
    base: Usage
    now: Usage
    sampled: Usage
    sampled_at: float
    inherited: list[Usage] = field(default_factory=list)
    """What older processes below the leader, as those of a pool, had used when the attempt first saw them."""
    peak: int = 0

    def percent(self, now: float) -> float:
        """Of one core, since the last sample; begins the next."""
        seconds = max(now - self.sampled_at, 1e-3)
        used = self.now.cpu_seconds - self.sampled.cpu_seconds
        self.sampled, self.sampled_at = self.now, now
        return 100 * max(0.0, round(used, 6)) / seconds


class Resources:
    """Measures every attempt that runs; one is known by the process it runs in."""

    def __init__(self, scanner: Scanner | None = None, gpus: Gpus | None = None) -> None:
        self._scanner, self._gpus = scanner or Scanner(), gpus or Gpus()
        self._meters: dict[int, Meter] = {}

    def begin(self, leader: int, fresh: bool) -> None:
        """An attempt begins; `fresh` where its process begins with it."""
        now = time.monotonic()
        base = Usage() if fresh else self._scanner.single(leader)
        self._meters[leader] = Meter(now, self._scanner.now(), base, base, base, now)

    def end(self, leader: int) -> Meter | None:
        return self._meters.pop(leader, None)

    def scan(self, moved: bool = True) -> None:
        """One pass for all; `samples` want what was `moved` too."""
        for leader, usage in self._scanner.scan(self._meters.keys(), moved).items():
            meter = self._meters[leader]
            meter.peak = max(meter.peak, usage.resident)
            new = usage.pids - meter.now.pids if meter.base.pids else ()
            if older := self._scanner.older(new, meter.clock):
                meter.inherited.append(older)
            meter.now = functools.reduce(Usage.without, meter.inherited, usage)

    def resident(self, leader: int) -> int:
        """Bytes of the attempt's tree at the last scan."""
        return self._meters[leader].now.resident

    def share(self, leader: int) -> int | None:
        """The same with shared memory counted once, as it is now; None where it is not told."""
        return self._scanner.share(self._meters[leader].now.pids)

    def size(self, pid: int) -> int:
        """Resident bytes of one process, now."""
        return self._scanner.single(pid).resident

    def samples(self) -> Iterator[tuple[int, int, dict[str, float]]]:
        """From the last scan: the leader, the seconds since it began, what `Sampled.usage` holds."""
        now = time.monotonic()
        gpus = self._gpus.by_process() if self._meters else {}
        for leader, meter in self._meters.items():
            if not meter.now.pids:  # gone, or not seen yet
                continue
            usage = {
                "system.cpu_percent": meter.percent(now),
                "system.memory_mb": meter.now.resident / _MB,
                **_moved(meter.now, meter.base),
                **_added(gpus[pid] for pid in meter.now.pids if pid in gpus),
            }
            yield leader, int(now - meter.began), usage


def _owned(
    found: Mapping[int, Process], leaders: Collection[int], known: Mapping[int, tuple[float, int]]
) -> Iterable[tuple[int, int]]:
    """Each process that is some leader's, with that leader."""
    owners: dict[int, int | None] = {leader: leader for leader in leaders if leader in found}
    for pid in found:
        path = []
        at = pid
        while at in found and at not in owners:
            path.append(at)
            owners[at] = None  # should the table run in a circle
            process = found[at]
            began, owner = known.get(at, (None, None))
            if process.session in leaders:
                owners[at] = process.session
            elif began == process.began and owner in leaders:  # its parent has gone
                owners[at] = owner
            else:
                at = process.parent
        owner = owners.get(at)
        for member in path:
            owners[member] = owner if owners[member] is None else owners[member]
    return [(pid, owner) for pid, owner in owners.items() if owner is not None]


def _moved(usage: Usage, base: Usage) -> dict[str, float]:
    if usage.moved is None or base.moved is None:
        return {}
    read, written = (max(0, now - then) for now, then in zip(usage.moved, base.moved, strict=True))
    return {"system.read_mb": read / _MB, "system.write_mb": written / _MB}


def _added(parts: Iterable[Mapping[str, float]]) -> dict[str, float]:
    total: dict[str, float] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0.0) + value
    return total


def _content(path: str) -> bytes:
    """Of a file of /proc; empty where the process has ended or is another user's."""
    with contextlib.suppress(OSError), open(path, "rb", buffering=0) as file:
        return file.read(1 << 16) or b""
    return b""
