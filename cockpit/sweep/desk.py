"""Does what other processes ask of a running sweep, and says what it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution

from cockpit.sweep.control import Reply
from cockpit.sweep.retold import BY_HAND
from cockpit.sweep.signals import Wish
from cockpit.sweep.spec.errors import hint
from cockpit.sweep.spec.sweep_table import EXHAUSTIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from optuna.distributions import BaseDistribution

    from cockpit.sweep.control import Request
    from cockpit.sweep.executors.seam import Executor
    from cockpit.sweep.search import Search
    from cockpit.sweep.signals import Interrupts
    from cockpit.sweep.spec import Spec
    from cockpit.sweep.trials import Live

MOST_WORKERS = 1024
_TO_GO_ON = ("pause", "continue", "add", "enqueue")
"""What makes no sense for a sweep that starts no further trial."""


class Desk:
    """Where a sweep's requests are dealt with, between two events of its trials."""

    def __init__(
        self,
        search: Search,
        executor: Executor,
        interrupts: Interrupts,
        running: Mapping[str, Live],
        change: Callable[..., None],
        spec: Spec,
    ) -> None:
        """`change` says fields of the sweep to the store."""
        self._search, self._executor, self._interrupts = search, executor, interrupts
        self._running, self._change, self._spec = running, change, spec
        self.paused = False

    def do(self, request: Request) -> Reply:
        """Do one thing."""
        if request.do in _TO_GO_ON and (why := self._ends()) is not None:
            return Reply(False, f"{why}; nothing was done")
        match request.do:
            case "stop":
                return self._stop(request.now)
            case "pause":
                return self._pause()
            case "continue":
                return self._continue()
            case "add":
                return self._add(request.count)
            case "workers":
                return self._workers(request.count)
            case "kill":
                return self._end(request.run, "killed by the user", "cancelled")
            case "prune":
                return self._end(request.run, BY_HAND, "pruned")
            case "enqueue":
                return self._enqueue(request.params)
        return Reply(False, f"a sweep cannot {request.do}")

    def _ends(self) -> str | None:
        """Why no further trial starts, whatever is asked; None where one may."""
        if self._interrupts.wish is not Wish.GO_ON:
            return "it is being stopped, and no further trial starts"
        why = self._search.budget.over()
        return None if why is None else f"{why}, and no further trial starts"

    def _stop(self, now: bool) -> Reply:
        running = len(self._running)
        if now:
            self._interrupts.wish = Wish.STOP
            return Reply(True, f"stopping now: {_trials(running)} ended")
        self._interrupts.wish = max(self._interrupts.wish, Wish.FINISH)
        return Reply(True, f"no further trial starts; {_trials(running)} still to come to an end")

    def _pause(self) -> Reply:
        if self.paused:
            return Reply(True, "paused already")
        self.paused = True
        self._change(state="paused")
        return Reply(
            True, f"paused: no further trial starts; {_trials(len(self._running))} running"
        )

    def _continue(self) -> Reply:
        if not self.paused:
            return Reply(True, "was not paused")
        self.paused = False
        self._change(state="running")
        return Reply(True, "goes on")

    def _add(self, count: int) -> Reply:
        budget = self._search.budget
        if count < 1:
            return Reply(False, f"{count} trials cannot be added")
        if budget.trials is None:
            return Reply(False, "this sweep has no number of trials; its time or patience ends it")
        budget.add(count)
        self._change(trials=budget.trials)
        return Reply(True, f"{count} more: {budget.trials} trials in all")

    def _workers(self, count: int) -> Reply:
        if not 1 <= count <= MOST_WORKERS:
            return Reply(False, f"{count} workers cannot be; give 1 to {MOST_WORKERS}")
        self._executor.resize(count)
        self._change(workers=count)
        more = len(self._running) - count
        rest = f"; {_trials(more)} more still to come to an end" if more > 0 else ""
        return Reply(True, f"{count} at a time from now on{rest}")

    def _end(self, run: str | None, reason: str, state: Any) -> Reply:
        live = self._running.get(run or "")
        if live is None:
            return Reply(False, "that run is not running")
        self._executor.cancel(live.key, reason, state, self._spec.executor.grace)
        name = "the baseline" if live.number is None else f"#{live.number}"
        return Reply(True, f"{name} is being ended ({reason})")

    def _enqueue(self, params: Mapping[str, Any]) -> Reply:
        declared, sampler = self._search.declared, self._spec.sweep.sampler.name
        if sampler in EXHAUSTIVE:
            return Reply(False, f"the sampler {sampler} tries every point: none is put in line")
        for name, value in params.items():
            if declared and name not in declared:
                return Reply(False, f"there is no param {name!r}{hint(name, declared)}")
            if declared and not _fits(declared[name], value):
                return Reply(False, f"{name} cannot be {value!r}")
        self._search.enqueue(params)
        budget, in_line = self._search.budget, self._search.in_line
        if budget.left < in_line or budget.spent() is not None:
            budget.add(max(0, in_line - int(min(budget.left, in_line))))
            self._change(trials=budget.trials)
        if in_line > 1:
            return Reply(True, f"starts after {in_line - 1} in line before it")
        return Reply(True, "is the next trial to start")


def _fits(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(value, bool) and not isinstance(distribution, CategoricalDistribution):
        return False
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except (ValueError, TypeError):
        return False


def _trials(count: int) -> str:
    return f"{count} trial{'s' * (count != 1)}"
