"""The driver: asks for a trial, places it, answers it, settles it; and never opens DuckDB.

Each way a sweep can end has one settled outcome:

    all trials told       complete; its time or its patience used up is the reason then, where it was that
    Ctrl-C once, `stop`   no further trial is asked for, those that run come to their end; stopped
    Ctrl-C twice, SIGTERM, `stop --now`   the running trials are ended and settled as stopped; stopped
    hang-up               nothing: the sweep goes on
    kill -9 of a worker   its trial runs again as a new attempt, at last it is lost (failed, where its own
                          code did it); goes on
    kill -9 of the driver the guard ends the workers; whoever looks next settles what ran as lost
    spool cannot be written   the workers are ended, nothing more is asked for; SweepFailed
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import warnings
from collections import deque
from typing import TYPE_CHECKING, Any

import optuna

from cockpit.models.safety import sealed
from cockpit.sweep.control import Inbox
from cockpit.sweep.desk import Desk
from cockpit.sweep.earlier import STOPPED, Earlier, baseline_then, is_broken_off
from cockpit.sweep.executors import seam
from cockpit.sweep.listener import Listener, Summary
from cockpit.sweep.order import TELL, Script
from cockpit.sweep.predicted import Answered
from cockpit.sweep.provenance import collect, datasets, digest
from cockpit.sweep.provenance.git import not_kept
from cockpit.sweep.search import SamplerFailed, Search
from cockpit.sweep.signals import Interrupts, Wish
from cockpit.sweep.space import baseline_point
from cockpit.sweep.standing import Standing
from cockpit.sweep.trials import BaselineRun, Live, StudyTrial
from storage.errors import UserError
from storage.events import ProvenanceSeen, RunChanged, SweepChanged
from storage.optuna import RunStorage
from storage.spool import SpoolError, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from cockpit.sweep.executors.seam import Executor
    from cockpit.sweep.predicted import Marks
    from cockpit.sweep.provenance import Provenance
    from cockpit.sweep.spec import Spec
    from storage.datasets import Version
    from storage.layout import Layout
    from storage.runs import Run

SYNC_SECONDS = 1.0


class SweepFailed(UserError):
    """The sweep itself had to end; the message is a sentence for the user."""


class Driver:
    """Runs one sweep from its first trial to its last. Used once."""

    def __init__(
        self,
        spec: Spec,
        layout: Layout,
        executor: Executor,
        listener: Listener,
        interrupts: Interrupts,
        evaluations: Sequence[Version] = (),
    ) -> None:
        """`evaluations` are the evaluation sets that the runs may answer."""
        self._spec = spec
        self._layout = layout
        self._executor = executor
        self._listener = listener
        self._interrupts = interrupts
        self._spool = SpoolWriter(layout)
        self._storage = RunStorage(layout.root, self._spool)
        self._name = ""
        self._running: dict[str, Live] = {}
        self._next: deque[Live] = deque()
        """To be placed before any new trial is asked for."""
        self._deferred: list[seam.Event] = []
        """What came before its turn, in a replay."""
        self._standing = Standing(spec)
        self._provenance = ""
        seed = spec.sweep.seed
        self._seed = {} if seed is None else {"COCKPIT_SEED": str(seed)}
        self._answered = Answered(layout, evaluations)
        self._left: dict[str, Marks] = {}
        """Of a command that runs again: the predictions that its earlier attempts left behind."""
        self._cancelled = False
        self._synced = time.monotonic()

    def run(
        self,
        name: str,
        environment: Mapping[str, Any],
        earlier: Earlier | None = None,
        script: Script | None = None,
    ) -> Summary:
        """Run the sweep `name`; with `earlier`, go on with it; with a `script`, take its turns anew.

        `environment` is what `Ready` tells of the worker's interpreter.

        Raises `SweepFailed` where the spool can no longer be written.
        """
        began = time.monotonic()
        self._name = name
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Optuna's advice to programmers, not to our users
            optuna.logging.set_verbosity(optuna.logging.ERROR)
            try:
                provenance = collect(self._spec, environment, layout=self._layout)
                goes_on = earlier is not None
                self._search = Search(
                    name, self._spec, self._layout, self._storage, self._spool, goes_on, script
                )
                inbox = Inbox(self._layout.control(self._search.key))  # before anybody knows of it
                self._announce(provenance)
                self._tell_start(provenance, earlier, script)
                self._begin(earlier)
                with contextlib.closing(self._search):
                    self._loop(inbox)
                    state, reason = self._conclude()
            except SamplerFailed as error:
                self._change(state="stopped", reason=error.why, ended=time.time())
                raise
            except SpoolError as error:
                raise SweepFailed(
                    f"{error.strerror}; the sweep {name} has ended. Nothing told is lost"
                ) from error
            finally:
                self._spool.close()
        seconds = time.monotonic() - began
        differences = None if script is None else script.differences
        return Summary(
            sweep=self._search.key,
            name=name,
            state=state,
            reason=reason,
            counts=self._standing.counts,
            any_complete=self._standing.any_complete,
            best=self._standing.best,
            baseline=self._standing.baseline,
            seconds=seconds,
            differences=differences,
        )

    def _announce(self, provenance: Provenance) -> None:
        spec = self._spec
        self._provenance = digest(provenance)
        self._spool.append(
            ProvenanceSeen(self._provenance, provenance.to_json()), *datasets(provenance, spec.kept)
        )
        self._change(
            state="running",
            reason=None,
            trials=self._search.budget.trials,
            workers=spec.executor.workers,
            sampler=spec.sweep.sampler.name,
            pruner=spec.sweep.pruner_name,
            seed=spec.sweep.seed,
            driver={"pid": os.getpid(), "host": socket.gethostname()},
            provenance=self._provenance,
            ended=None,
        )

    def _tell_start(
        self, provenance: Provenance, earlier: Earlier | None, script: Script | None
    ) -> None:
        """Say to whoever looks on what begins, and what will not be as they might think."""
        budget, workers = self._search.budget, self._spec.executor.workers
        broken_off = len(earlier.broken_off) if earlier else 0
        self._listener.started(self._name, budget.trials, workers, budget.asked - broken_off)
        if (why := not_kept(provenance.git)) is not None:
            self._listener.notice(why)
        if script is not None and (count := len(script.ended)):
            self._listener.notice(
                f"stopped, lost or pruned by hand then, so told again and not run: {count} of {script.asks}"
            )

    def _change(self, **fields: Any) -> None:
        self._spool.append(SweepChanged(self._search.id, fields))

    def _begin(self, earlier: Earlier | None) -> None:
        if earlier is None:
            self._search.begin()
        if self._spec.baseline_kind == "function":
            self._begin_baseline(earlier.baseline if earlier else None)
        if earlier is not None:
            self._go_on(earlier)

    def _begin_baseline(self, before: Run | None) -> None:
        if before is None or (before.number is None and is_broken_off(before)):
            search, point = self._search, baseline_point(self._spec)
            self._next.append(
                BaselineRun(search.id, self._name, self._spec, self._spool, point, before)
            )
        elif before.number is None and before.state == "complete":
            self._standing.baseline = baseline_then(before, self._spec)

    def _go_on(self, earlier: Earlier) -> None:
        again, why = self._search.go_on(earlier)
        for trial in again:
            self._introduce(trial)
        self._next += again
        budget = self._search.budget
        for told in earlier.told(self._search.trials(), self._spec):
            budget.settled(improved=told is not None and self._standing.take(told))
        if earlier.complete:
            budget.renew()
        if why is not None:
            self._listener.notice(
                f"from here on the suggestions are not those of an uninterrupted sweep: {why}"
            )

    def _loop(self, inbox: Inbox) -> None:
        search, change = self._search, self._change
        desk = Desk(search, self._executor, self._interrupts, self._running, change, self._spec)
        while True:
            inbox.obey(desk.do)
            skipped = self._place_all(desk.paused)
            if (why := self._search.trouble()) is not None:
                self._listener.notice(f"{why}; a later --resume will not be exact")
            waits = desk.paused and self._interrupts.wish is Wish.GO_ON
            if not (skipped or waits or self._running):
                break
            if self._interrupts.wish is Wish.STOP:
                self._cancel_all()
            for event in self._executor.poll(0.0 if skipped else 0.2):
                self._take(event)
            self._take_deferred()
            self._listener.tick(
                len(self._running), self._interrupts.wish, self._search.budget.trials
            )
            if time.monotonic() - self._synced > SYNC_SECONDS:
                self._spool.sync()
                self._synced = time.monotonic()
        inbox.close()

    def _place_all(self, paused: bool) -> bool:
        """Place what there is room for; True where a trial was skipped, and others have a say before the next."""
        while self._interrupts.wish is Wish.GO_ON and not paused and self._executor.free() > 0:
            if self._next:
                self._place(self._next.popleft())
            elif not self._search.may_ask():
                break
            elif not self._place_new(self._search.ask()):
                return True
        return False

    def _introduce(self, trial: StudyTrial) -> None:
        """Say under what circumstances a trial runs."""
        change: dict[str, Any] = {"provenance": self._provenance}
        if trial.baseline:
            change["baseline"] = True
        self._spool.append(RunChanged(trial.id, change))

    def _place_new(self, trial: StudyTrial) -> bool:
        """False where it was skipped."""
        self._introduce(trial)
        if told := list(self._search.retold(trial)):
            self._running[trial.key] = trial
            for event in told:
                self._take(event)
            return True
        same = self._standing.same(trial.params)
        if same is None:
            self._place(trial)
            return True
        reason = f"the same params as #{same.number}: not run again"
        self._settle(trial, seam.Outcome("complete", dict(same.metrics), reason))
        return False

    def _place(self, live: Live) -> None:
        self._running[live.key] = live
        if live.attempt:
            self._answered.forget_model(live.key)
        if live.attempt and self._spec.run.command:
            self._left[live.key] = self._answered.marks(live.key)
        limits = self._spec.limits
        number = "baseline" if live.number is None else str(live.number)
        self._executor.submit(
            seam.Task(
                run=live.key,
                number=live.number or 0,
                attempt=live.attempt,
                params=dict(live.params),
                log=self._layout.log(live.key),
                folder=self._layout.artifacts(live.key),
                timeout=limits.timeout,
                memory=limits.memory,
                environment={
                    "COCKPIT_RUN": live.key,
                    "COCKPIT_SWEEP": self._name,
                    "COCKPIT_TRIAL": number,
                    "COCKPIT_DATA": json.dumps(
                        {name: str(path) for name, path in self._spec.data.items()}
                    ),
                    **self._answered.environment(live.key),
                    **self._seed,
                },
                baseline=isinstance(live, BaselineRun),
            )
        )

    def _cancel_all(self) -> None:
        if not self._cancelled:
            self._cancelled = True
            for run in self._running:
                self._executor.cancel(run, STOPPED, grace=self._spec.executor.grace)

    def _take(self, event: seam.Event) -> None:
        """Handle an event now, or when its turn comes."""
        if self._is_due(event):
            self._handle(event)
            self._take_deferred()
        else:
            self._deferred.append(event)

    def _take_deferred(self) -> None:
        while due := next(filter(self._is_due, self._deferred), None):
            self._deferred.remove(due)
            self._handle(due)

    def _is_due(self, event: seam.Event) -> bool:
        if self._interrupts.wish is not Wish.GO_ON:
            return True
        match event:
            case seam.Finished(run=run):
                what = TELL
            case seam.Suggest(run=run, name=what):
                pass
            case _:
                return True
        number = self._running[run].number
        return number is None or self._search.order.is_due(number, what)

    def _handle(self, event: seam.Event) -> None:
        if isinstance(event, seam.Ready | seam.Started):
            return
        live = self._running[event.run]
        match event:
            case seam.Report():
                live.report(event.value, event.step)
            case seam.Logged():
                self._log(live, event)
            case seam.Sampled():
                live.sample(event)
            case seam.AskPrune():
                self._answer(event, lambda: seam.Prune(live.should_prune()))
            case seam.Suggest():
                self._answer(event, lambda: seam.Value(self._suggest(live, event)))
            case seam.Attr():
                live.set_attr(event.key, event.value)
            case seam.Constraint():
                live.set_constraint(event.key, event.value)
            case seam.Predicted():
                self._spool.append(self._answered.told(live.key, event))
            case seam.Finished():
                self._finish(live, event.outcome)

    def _log(self, live: Live, event: seam.Logged) -> None:
        live.log(event.metrics, event.step)
        # A command cannot ask whether to go on, so it is told.
        asks = self._spec.run.command is None or len(self._spec.sweep.metrics) > 1
        if not asks and self._spec.sweep.metrics[0] in event.metrics and live.should_prune():
            reason = f"pruned at step {event.step}"
            self._executor.cancel(live.key, reason, "pruned", self._spec.executor.grace)

    def _suggest(self, live: Live, event: seam.Suggest) -> Any:
        if isinstance(live, StudyTrial):
            return self._search.suggest(live, event)
        return live.suggest(event)

    def _answer(
        self, event: seam.AskPrune | seam.Suggest, find: Callable[[], seam.Value | seam.Prune]
    ) -> None:
        """Answer a trial; what Optuna refuses is raised where the user asked for it."""
        reply: seam.Reply
        try:
            reply = find()
        except (ArithmeticError, ValueError, TypeError, NotImplementedError) as error:
            reply = seam.Refused(type(error).__name__, str(error))
        self._executor.answer(event.run, event.attempt, reply)

    def _finish(self, live: Live, outcome: seam.Outcome) -> None:
        del self._running[live.key]
        may_run_again = isinstance(live, StudyTrial) and live.attempt < self._spec.executor.retries
        if outcome.state == "lost" and may_run_again and self._interrupts.wish is Wish.GO_ON:
            assert isinstance(live, StudyTrial)
            self._listener.notice(f"#{live.number} runs again: {outcome.reason}")
            live.restart()
            self._next.append(live)
            return
        if self._spec.run.command:
            self._take_predictions(live)
        self._settle(live, outcome)

    def _take_predictions(self, live: Live) -> None:
        seen, problems = self._answered.handed_in(live.key, self._left.pop(live.key, None))
        self._spool.append(*seen)
        for problem in problems:
            which = "the baseline" if live.number is None else f"#{live.number}"
            self._listener.notice(f"{which}: {problem}")

    def _settle(self, live: Live, outcome: seam.Outcome) -> None:
        if outcome.state == "complete":
            self._spool.append(*sealed(self._layout.bundle(live.key), live.id))
        settled, standing = (
            self._search.settle(live, outcome, self._layout.log(live.key)),
            self._standing,
        )
        standing.count(settled)
        if settled.number is not None:
            self._search.budget.settled(improved=standing.take(settled))
            if isinstance(self._search.order, Script):
                self._search.order.compare(self._search.trials()[settled.number])
            if settled.state == "complete" and settled.unasked:
                names = ", ".join(settled.unasked)
                self._listener.notice(
                    f"#{settled.number} was to try a value of {names}, for which its code did not ask"
                )
        elif settled.state == "complete":
            standing.baseline = settled
        self._listener.settled(settled, standing.best)

    def _conclude(self) -> tuple[str, str | None]:
        budget, wish = self._search.budget, self._interrupts.wish
        for live in self._next:
            outcome = seam.Outcome("cancelled", reason=STOPPED)
            self._settle(live, outcome)
        cut = self._standing.counts.get("stopped", 0) or budget.left
        state, reason = "complete", budget.spent() if budget.left else None
        if wish is not Wish.GO_ON and cut:
            state, reason = "stopped", "stopped by the user"
        self._change(state=state, reason=reason, ended=time.time())
        return state, reason
