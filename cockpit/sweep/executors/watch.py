"""Watches what the running attempts use: samples for the store, limits held, and why a kill came."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cockpit.sweep.executors.kills import OomKills
from cockpit.sweep.executors.process import NEVER, ChildProcess, Stop
from cockpit.sweep.executors.resources import Resources
from cockpit.sweep.executors.seam import SAMPLE_SECONDS, Outcome, Sampled

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT_SECONDS = 0.5
"""Between two scans where a run's memory is limited: it may grow by a lot in two seconds."""


class Watch:
    """One clock and one scan for all attempts. Nothing is done while none runs."""

    def __init__(self, resources: Resources | None = None, kills: OomKills | None = None) -> None:
        self._resources, self._kills = resources or Resources(), kills or OomKills()
        self._running: dict[int, ChildProcess] = {}
        self._sample_at = NEVER
        self.due = NEVER
        """When `look` is to be called (monotonic seconds)."""

    def begin(self, process: ChildProcess, fresh: bool) -> None:
        """An attempt begins in the process; `fresh` where the process begins with it."""
        self._resources.begin(process.pid, fresh)
        self._running[process.pid] = process
        if self._sample_at == NEVER:
            self._kills.look()
            self._sample_at = process.began + SAMPLE_SECONDS
        self._set_clock(process.began)

    def look(self, now: float) -> Iterator[Sampled | tuple[ChildProcess, Stop]]:
        """Samples, and the processes that are over their limit with what to stop them for."""
        self._resources.scan(moved=now >= self._sample_at)
        yield from self._excesses()
        if now >= self._sample_at:
            self._kills.look()
            for leader, seconds, usage in self._resources.samples():
                task = self._running[leader].task
                if task is not None:
                    yield Sampled(task.run, task.attempt, seconds, usage)
            self._sample_at = now + SAMPLE_SECONDS
        self._set_clock(now)

    def settle(self, process: ChildProcess, outcome: Outcome, died: bool) -> Outcome:
        """Completes an outcome by what was seen; `died` where it is that of a process, not a trial."""
        self._running.pop(process.pid, None)
        meter = self._resources.end(process.pid)
        if not self._running:
            self._sample_at = self.due = NEVER
        if meter is None:
            return outcome
        cpu = outcome.cpu_seconds or 0.0
        if died:  # it was counted from the process's first moment
            cpu -= meter.base.cpu_seconds
        cpu = max(cpu, meter.now.cpu_seconds - meter.base.cpu_seconds)
        peak = max(meter.peak, outcome.max_rss or 0) or None
        outcome = replace(outcome, cpu_seconds=cpu, max_rss=peak)
        return self._explain(outcome) if outcome.state == "lost" else outcome

    def size(self, process: ChildProcess) -> int:
        """Resident bytes of the process alone, now."""
        return self._resources.size(process.pid)

    def _explain(self, outcome: Outcome) -> Outcome:
        grew = self._kills.grew()
        if grew is None:
            return replace(outcome, reason=f"{outcome.reason}; the system may be out of memory")
        if not grew:
            return outcome
        had = f", which had used {_size(outcome.max_rss)}" if outcome.max_rss else ""
        reason = f"the system ran out of memory and killed the run's process{had}"
        return replace(outcome, state="oom", reason=reason)

    def _excesses(self) -> Iterator[tuple[ChildProcess, Stop]]:
        for process in self._running.values():
            limit = process.task and process.task.memory
            if not limit or self._resources.resident(process.pid) <= limit:
                continue
            used = self._resources.share(process.pid) or self._resources.resident(process.pid)
            if used > limit:
                reason = f"used {_size(used)} of memory, more than its limit of {_size(limit)}"
                yield process, Stop("oom", reason, 0.0)

    def _set_clock(self, now: float) -> None:
        limited = any(each.task and each.task.memory for each in self._running.values())
        self.due = min(self._sample_at, now + LIMIT_SECONDS if limited else NEVER)


def _size(count: int) -> str:
    """As it is written in a spec: `4GB`, `512MB`."""
    unit, name = (1e9, "GB") if count >= 1e9 else (1e6, "MB")
    return f"{count / unit:.3g}{name}"
