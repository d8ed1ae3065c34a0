"""What runs, as the driver has it: a trial of the study, or the baseline that stands beside them.

Both take what their attempt says, keep it in the spool, and are settled once, by `judge`.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState

from cockpit.logs.log_tail import tail
from cockpit.sweep.order import SUGGESTED, TELL, TOLD
from cockpit.sweep.outcome import Verdict, judge
from cockpit.sweep.space import middle
from storage.events import MetricLogged, ParamSet, RunAttr, RunChanged, RunCreated, RunRestarted
from storage.ids import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from optuna.distributions import BaseDistribution

    from cockpit.sweep.executors.seam import Outcome, Sampled, Suggest
    from cockpit.sweep.order import Order
    from cockpit.sweep.snapshot import Relative
    from cockpit.sweep.spec import Spec
    from storage.optuna import RunStorage
    from storage.runs import Run
    from storage.spool import SpoolWriter

BASELINE = "cockpit:baseline"
"""The attribute of the trial that is the sweep's baseline."""
_TOLD = {"complete": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
_KEPT_WHOLE = ("complete", "pruned", "stopped")
"""States whose log speaks for itself; of all others the end of it is kept with the run."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A run that has come to its end."""

    run: str
    number: int | None
    """None for a baseline of a function of its own."""
    state: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    values: tuple[float, ...] | None
    """One an objective; only where it is complete."""
    reason: str | None
    seconds: float
    baseline: bool = False
    feasible: bool = True
    """Whether it keeps to all constraints."""
    unasked: tuple[str, ...] = ()
    """Params that its point in line has a value for, and its code never named."""


class Live(Protocol):
    """A run while it runs."""

    id: int
    key: str
    number: int | None
    attempt: int
    baseline: bool

    @property
    def params(self) -> Mapping[str, Any]: ...

    def report(self, value: float, step: int) -> None: ...
    def log(self, metrics: Mapping[str, float], step: int) -> None: ...
    def sample(self, event: Sampled) -> None: ...
    def should_prune(self) -> bool: ...
    def suggest(self, event: Suggest) -> Any: ...
    def set_attr(self, key: str, value: Any) -> None: ...
    def set_constraint(self, key: str, value: float) -> None: ...
    def settle(self, outcome: Outcome, log: Path) -> Settled: ...


class StudyTrial:
    """A trial of the study."""

    def __init__(
        self,
        study: optuna.Study,
        trial: optuna.Trial,
        spec: Spec,
        spool: SpoolWriter,
        order: Order,
        attempt: int = 0,
    ) -> None:
        self._study, self._trial, self._spec = study, trial, spec
        self._spool, self._order = spool, order
        self._storage: RunStorage = study._storage  # type: ignore[assignment]
        self.id = trial._trial_id
        self.key = to_text(self.id)
        self.number: int | None = trial.number
        self.attempt = attempt
        self.baseline = BASELINE in trial._cached_frozen_trial.system_attrs
        self._suggested: dict[str, int] = dict(
            trial._cached_frozen_trial.system_attrs.get(SUGGESTED, {})
        )
        self._step: int | None = None
        self._logged: dict[str, float] = {}
        """What was logged last, but for the objective."""

    @property
    def params(self) -> Mapping[str, Any]:
        params: dict[str, Any] = self._trial.params
        return params

    def report(self, value: float, step: int) -> None:
        self._step = step
        if len(self._spec.sweep.metrics) == 1:
            self._trial.report(value, step)
        else:  # Optuna refuses reports of several objectives; to show them needs no pruner
            self._storage.set_trial_intermediate_value(self.id, step, value)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        objective = self._spec.sweep.metrics[0]
        if objective in metrics and step >= 0:
            self.report(metrics[objective], step)
        others = {name: value for name, value in metrics.items() if name != objective}
        self._logged |= others
        now = time.time()
        self._spool.append(
            *(MetricLogged(self.id, name, step, now, value) for name, value in others.items())
        )

    def sample(self, event: Sampled) -> None:
        self._spool.append(*_samples(self.id, event))

    def should_prune(self) -> bool:
        if self.baseline:
            return False
        then = self._order.prunes(self._trial.number, self._step)
        return bool(self._trial.should_prune()) if then is None else then

    def suggest(self, event: Suggest) -> Any:
        if event.name not in self._trial.params:
            self._suggested[event.name] = self._order.take(self._trial.number, event.name)
            self._storage.set_trial_system_attr(self.id, SUGGESTED, dict(self._suggested))
            if self.baseline:
                self._trial._fixed_params.setdefault(event.name, middle(_distribution(event)))
        return self._trial._suggest(event.name, _distribution(event))

    def draw(self, declared: Mapping[str, BaseDistribution]) -> None:
        """Have the sampler suggest those of these params that are not there yet."""
        for name, distribution in declared.items():
            self._trial._suggest(name, distribution)

    @property
    def relative(self) -> Relative | None:
        """What the sampler drew beforehand for params that the code has not named yet; None: nothing."""
        space, params = self._trial.relative_search_space, self._trial._relative_params
        return None if space is None or params is None else (params, space)

    def set_attr(self, key: str, value: Any) -> None:
        self._trial.set_user_attr(key, value)

    def set_constraint(self, key: str, value: float) -> None:
        self._trial.set_constraint(key, value)

    def restart(self) -> None:
        """Forget what the attempt so far reported; its params stay."""
        self.attempt += 1
        self._step, self._logged = None, {}
        self._storage.restart(self.id, self.attempt)
        relative = self.relative
        self._trial = optuna.Trial(self._study, self.id)
        if relative is not None:
            self._trial._relative_params, self._trial.relative_search_space = relative

    def settle(self, outcome: Outcome, log: Path) -> Settled:
        """Tell Optuna, and the store in the same event."""
        verdict = self._constrained(_judged(outcome, self._spec))
        verdict = replace(verdict, reason=verdict.reason or outcome.reason)
        trial = self._trial
        turn = self._order.take(trial.number, TELL)
        self._storage.set_trial_system_attr(self.id, TOLD, turn)
        self._storage.describe(self.id, **_details(verdict, outcome, log))
        told = self._study.tell(trial, verdict.values, _TOLD.get(verdict.state, TrialState.FAIL))
        reports = told.intermediate_values
        last = {self._spec.sweep.metrics[0]: reports[max(reports)]} if reports else {}
        return Settled(
            run=self.key,
            number=trial.number,
            state=verdict.state,
            params=told.params,
            metrics={**self._logged, **last, **verdict.metrics},
            values=verdict.values,
            reason=verdict.reason,
            seconds=outcome.seconds,
            baseline=self.baseline,
            feasible=is_feasible(told),
            unasked=tuple(
                name
                for name in told.system_attrs.get("fixed_params", ())
                if name not in told.params
            ),
        )

    def _constrained(self, verdict: Verdict) -> Verdict:
        if verdict.state != "complete":
            return verdict
        known = {**self._logged, **verdict.metrics}
        for limit in self._spec.sweep.constraints:
            if limit.metric not in known:
                verb = "reported" if self._spec.run.command else "returned or logged"
                reason = f"{verb} no {limit.metric!r}, which a constraint is about"
                return Verdict("failed", None, verdict.metrics, reason)
            self._trial.set_constraint(str(limit), limit.violation(known))
        return verdict


class BaselineRun:
    """A baseline of its own function: a run of the sweep, and no trial of the study."""

    def __init__(
        self,
        sweep: int,
        name: str,
        spec: Spec,
        spool: SpoolWriter,
        params: Mapping[str, Any],
        again: Run | None = None,
    ) -> None:
        """`again` is what became of it in an earlier driver's time."""
        self._spec, self._spool = spec, spool
        self.id = spool.new_id() if again is None else from_text(again.id)
        self.key = to_text(self.id)
        self.number: int | None = None
        self.attempt = 0 if again is None else again.attempt + 1
        self.baseline = True
        self._params: dict[str, Any] = dict(params)
        self._last: dict[str, float] = {}
        if again is not None:
            spool.append(RunRestarted(self.id, self.attempt, time.time()))
            return
        spool.append(
            RunCreated(self.id, sweep, None, f"{name}#baseline", "running", time.time()),
            RunChanged(self.id, {"baseline": True}),
            *(ParamSet(self.id, param, value, "") for param, value in params.items()),
        )

    @property
    def params(self) -> Mapping[str, Any]:
        return self._params

    def report(self, value: float, step: int) -> None:
        self.log({self._spec.sweep.metrics[0]: value}, step)

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self._last |= metrics
        now = time.time()
        self._spool.append(
            *(MetricLogged(self.id, name, step, now, value) for name, value in metrics.items())
        )

    def sample(self, event: Sampled) -> None:
        self._spool.append(*_samples(self.id, event))

    def should_prune(self) -> bool:
        return False

    def suggest(self, event: Suggest) -> Any:
        if event.name not in self._params:
            self._params[event.name] = middle(_distribution(event))
            self._spool.append(ParamSet(self.id, event.name, self._params[event.name], ""))
        return self._params[event.name]

    def set_attr(self, key: str, value: Any) -> None:
        self._spool.append(RunAttr(self.id, "user", key, value))

    def set_constraint(self, key: str, value: float) -> None:
        self.set_attr(key, value)

    def settle(self, outcome: Outcome, log: Path) -> Settled:
        verdict = _judged(outcome, self._spec)
        details = {**_details(verdict, outcome, log), "ended": time.time()}
        if verdict.values is not None:
            details["values"] = list(verdict.values)
        self._spool.append(RunChanged(self.id, details))
        return Settled(
            run=self.key,
            number=None,
            state=verdict.state,
            params=self.params,
            metrics={**self._last, **verdict.metrics},
            values=verdict.values,
            reason=verdict.reason,
            seconds=outcome.seconds,
            baseline=True,
        )


def is_feasible(trial: optuna.trial.FrozenTrial) -> bool:
    """Whether a trial keeps to all constraints that it knows of."""
    return all(violation <= 0 for violation in trial.constraints.values())


def _judged(outcome: Outcome, spec: Spec) -> Verdict:
    return judge(outcome, spec.sweep.metrics, "reported" if spec.run.command else "returned")


def _details(verdict: Verdict, outcome: Outcome, log: Path) -> dict[str, Any]:
    """What the store is to know of an end besides Optuna's part."""
    details: dict[str, Any] = {
        "state": verdict.state,
        "reason": verdict.reason,
        "metrics": dict(verdict.metrics),
        "resources": {"cpu_seconds": outcome.cpu_seconds, "max_rss": outcome.max_rss},
    }
    if verdict.state not in _KEPT_WHOLE:
        details["log"] = tail(log)
    return details


def _samples(run: int, event: Sampled) -> list[MetricLogged]:
    now = time.time()
    return [
        MetricLogged(run, name, event.seconds, now, value) for name, value in event.usage.items()
    ]


def _distribution(event: Suggest) -> BaseDistribution:
    options = dict(event.options)
    if event.kind == "categorical":
        return CategoricalDistribution(options["choices"])
    if event.kind == "int":
        return IntDistribution(**options)
    return FloatDistribution(**options)
