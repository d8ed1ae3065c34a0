"""The driver: asks Optuna for a trial, places it, answers it, tells its outcome; and never opens DuckDB.

Each way a sweep can end has one settled outcome:

    all trials told       complete
    Ctrl-C once           no further trial is asked for, those that run come to their end; stopped
    Ctrl-C twice, SIGTERM the running trials are ended and settled as stopped; stopped
    hang-up               nothing: the sweep goes on
    kill -9 of a worker   its trial is settled (lost, or failed where its own code did it); goes on
    kill -9 of the driver the guard ends the workers; whoever looks next settles what ran as lost
    spool cannot be written   the workers are ended, nothing more is asked for; SweepFailed
"""

from __future__ import annotations

import os
import socket
import time
import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import optuna

from cockpit.sweep import executor as seam
from cockpit.sweep.outcome import judge
from cockpit.sweep.provenance import collect, digest
from cockpit.sweep.signals import Interrupts, Wish
from cockpit.sweep.space import distributions, is_exhausted, make_pruner, make_sampler
from storage.errors import UserError
from storage.events import ProvenanceSeen, RunChanged, SweepChanged
from storage.fold import METRIC_NAMES
from storage.ids import to_text
from storage.optuna import RunStorage
from storage.spool import SpoolError, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cockpit.sweep.executor import Executor
    from cockpit.sweep.provenance import Provenance
    from cockpit.sweep.spec import Spec
    from storage.layout import Layout

SYNC_SECONDS = 1.0
_TOLD = {
    "complete": optuna.trial.TrialState.COMPLETE,
    "pruned": optuna.trial.TrialState.PRUNED,
}


class SweepFailed(UserError):
    """The sweep itself had to end; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A trial that has come to its end."""

    run: str
    number: int
    state: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    reason: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Summary:
    """How a sweep went."""

    sweep: str
    name: str
    state: str
    counts: Mapping[str, int]
    best: Settled | None
    seconds: float


class Listener(Protocol):
    """Whoever shows the sweep's progress."""

    def started(self, name: str, trials: int, workers: int) -> None: ...

    def settled(self, trial: Settled, best: Settled | None) -> None: ...

    def tick(self, running: int, wish: Wish) -> None:
        """Comes several times a second."""
        ...


class Driver:
    """Runs one sweep from its first trial to its last. Used once."""

    def __init__(
        self,
        spec: Spec,
        layout: Layout,
        executor: Executor,
        listener: Listener,
        interrupts: Interrupts,
    ) -> None:
        self._spec = spec
        self._layout = layout
        self._executor = executor
        self._listener = listener
        self._interrupts = interrupts
        self._spool = SpoolWriter(layout)
        self._storage = RunStorage(layout.root, self._spool)
        self._running: dict[str, optuna.Trial] = {}
        self._counts: dict[str, int] = {}
        self._best: Settled | None = None
        self._provenance = ""
        self._cancelled = False
        self._synced = time.monotonic()

    def run(self, name: str, environment: Mapping[str, Any], resume: bool = False) -> Summary:
        """Run the sweep `name`; with `resume`, go on with the one of that name.

        `environment` is what `Ready` tells of the worker's interpreter.

        Raises `SweepFailed` where the spool can no longer be written.
        """
        began = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's advice to programmers, not to our users
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            try:
                provenance = collect(self._spec, environment)
                study = self._study(name, resume)
                self._announce(study, provenance)
                self._listener.started(name, self._spec.sweep.trials, self._spec.executor.workers)
                self._loop(study)
                state = self._conclude(study)
            except SpoolError as error:
                raise SweepFailed(
                    f"{error.strerror}; the sweep {name} has ended. Nothing told is lost"
                ) from error
            finally:
                self._spool.close()
        seconds = time.monotonic() - began
        return Summary(to_text(study._study_id), name, state, self._counts, self._best, seconds)

    def _study(self, name: str, resume: bool) -> optuna.Study:
        told = self._told(name) if resume else 0
        spec = self._spec
        study = optuna.create_study(
            storage=self._storage,
            study_name=name,
            sampler=make_sampler(_reseeded(spec, told)),
            pruner=make_pruner(spec),
            directions=list(spec.sweep.directions),
            load_if_exists=resume,
        )
        if not resume:
            names = list(spec.sweep.metrics)
            self._storage.set_study_system_attr(study._study_id, METRIC_NAMES, names)
        self._to_ask = max(0, spec.sweep.trials - told)
        return study

    def _told(self, name: str) -> int:
        earlier = optuna.load_study(study_name=name, storage=self._storage)
        return sum(trial.state.is_finished() for trial in earlier.get_trials(deepcopy=False))

    def _announce(self, study: optuna.Study, provenance: Provenance) -> None:
        spec = self._spec
        self._provenance = digest(provenance)
        changes = {
            "state": "running",
            "reason": None,
            "trials": spec.sweep.trials,
            "workers": spec.executor.workers,
            "sampler": spec.sweep.sampler.name,
            "pruner": spec.sweep.pruner_name,
            "seed": spec.sweep.seed,
            "driver": {"pid": os.getpid(), "host": socket.gethostname()},
            "provenance": self._provenance,
            "ended": None,
        }
        self._spool.append(
            ProvenanceSeen(self._provenance, provenance.to_json()),
            SweepChanged(study._study_id, changes),
        )

    def _loop(self, study: optuna.Study) -> None:
        declared = distributions(self._spec)
        while True:
            while self._may_ask(study):
                self._ask(study, declared)
            if not self._running:
                return
            if self._interrupts.wish is Wish.STOP:
                self._cancel_all()
            for event in self._executor.poll(0.25):
                self._handle(study, event)
            self._listener.tick(len(self._running), self._interrupts.wish)
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self._spool.sync()
                self._synced = time.monotonic()

    def _may_ask(self, study: optuna.Study) -> bool:
        return (
            self._to_ask > 0
            and not is_exhausted(study.sampler)
            and self._interrupts.wish is Wish.GO_ON
            and self._executor.free() > 0
        )

    def _ask(self, study: optuna.Study, declared: dict[str, Any]) -> None:
        trial = study.ask(fixed_distributions=declared)
        self._to_ask -= 1
        key = to_text(trial._trial_id)
        self._spool.append(RunChanged(trial._trial_id, {"provenance": self._provenance}))
        self._running[key] = trial
        self._executor.submit(
            seam.Task(
                run=key,
                number=trial.number,
                attempt=0,
                params=trial.params,
                log=self._layout.log(key),
                timeout=self._spec.limits.timeout,
            )
        )

    def _cancel_all(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            for run in self._running:
                self._executor.cancel(run, "the sweep was stopped")

    def _handle(self, study: optuna.Study, event: seam.Event) -> None:
        if isinstance(event, seam.Ready):
            return
        trial = self._running[event.run]
        match event:
            case seam.Report():
                self._report(trial, event)
            case seam.AskPrune():
                self._answer(event, lambda: seam.Prune(bool(trial.should_prune())))
            case seam.Suggest():
                self._answer(event, lambda: seam.Value(_suggest(trial, event)))
            case seam.Attr():
                trial.set_user_attr(event.key, event.value)
            case seam.Constraint():
                trial.set_constraint(event.key, event.value)
            case seam.Finished():
                self._settle(study, self._running.pop(event.run), event.outcome)

    def _report(self, trial: optuna.Trial, event: seam.Report) -> None:
        if len(self._spec.sweep.metrics) == 1:
            trial.report(event.value, event.step)
        else:  # Optuna refuses reports of several objectives; to show them needs no pruner
            self._storage.set_trial_intermediate_value(trial._trial_id, event.step, event.value)

    def _answer(
        self, event: seam.AskPrune | seam.Suggest, find: Callable[[], seam.Value | seam.Prune]
    ) -> None:
        """Answer a trial; what Optuna refuses is raised where the user asked for it."""
        reply: seam.Reply
        try:
            reply = find()
        except (ValueError, TypeError, NotImplementedError) as error:
            reply = seam.Refused(type(error).__name__, str(error))
        self._executor.answer(event.run, event.attempt, reply)

    def _settle(self, study: optuna.Study, trial: optuna.Trial, outcome: seam.Outcome) -> None:
        verdict = judge(outcome, self._spec.sweep.metrics)
        self._storage.describe(
            trial._trial_id,
            state=verdict.state,
            reason=verdict.reason,
            metrics=dict(verdict.metrics),
            resources={"cpu_seconds": outcome.cpu_seconds, "max_rss": outcome.max_rss},
        )
        state = _TOLD.get(verdict.state, optuna.trial.TrialState.FAIL)
        told = study.tell(trial, verdict.values, state)
        self._counts[verdict.state] = self._counts.get(verdict.state, 0) + 1
        reports = told.intermediate_values
        last = {self._spec.sweep.metrics[0]: reports[max(reports)]} if reports else {}
        settled = Settled(
            run=to_text(trial._trial_id),
            number=trial.number,
            state=verdict.state,
            params=told.params,
            metrics={**last, **verdict.metrics},
            reason=verdict.reason,
            seconds=outcome.seconds,
        )
        self._keep_best(settled)
        self._listener.settled(settled, self._best)

    def _keep_best(self, settled: Settled) -> None:
        if settled.state != "complete" or len(self._spec.sweep.metrics) > 1:
            return
        metric, way = self._spec.sweep.metrics[0], self._spec.sweep.directions[0]
        sign = 1 if way == "maximize" else -1
        if self._best is None or sign * settled.metrics[metric] > sign * self._best.metrics[metric]:
            self._best = settled

    def _conclude(self, study: optuna.Study) -> str:
        stopped = self._interrupts.wish is not Wish.GO_ON and self._to_ask + self._counts.get(
            "stopped", 0
        )
        state = "stopped" if stopped else "complete"
        changes = {
            "state": state,
            "reason": "stopped by the user" if stopped else None,
            "ended": time.time(),
        }
        self._spool.append(SweepChanged(study._study_id, changes))
        return state


def _reseeded(spec: Spec, told: int) -> Spec:
    """A sampler that starts again with the same seed would suggest its first points once more."""
    if spec.sweep.seed is None or told == 0:
        return spec
    seed = (spec.sweep.seed + told) % 2**32
    return replace(spec, sweep=spec.sweep.model_copy(update={"seed": seed}))


def _suggest(trial: optuna.Trial, event: seam.Suggest) -> Any:
    options = dict(event.options)
    if event.kind == "categorical":
        return trial.suggest_categorical(event.name, options["choices"])
    if event.kind == "int":
        return trial.suggest_int(event.name, **options)
    return trial.suggest_float(event.name, **options)
