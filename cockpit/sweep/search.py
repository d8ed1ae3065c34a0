"""The study's side of a sweep: what to try next, and where the sampler stands."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

from cockpit.sweep import snapshot
from cockpit.sweep.budget import Budget
from cockpit.sweep.order import ASK, ASKED, AsItComes, Script, next_turn
from cockpit.sweep.retold import retold
from cockpit.sweep.space import (
    baseline_point,
    distributions,
    is_exhausted,
    look_back,
    make_pruner,
    make_sampler,
)
from cockpit.sweep.trials import BASELINE, StudyTrial
from cockpit.sweep.tried import Tried
from storage.errors import UserError
from storage.fold import METRIC_NAMES
from storage.ids import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from cockpit.sweep.earlier import Earlier
    from cockpit.sweep.executors.seam import Event, Outcome, Suggest
    from cockpit.sweep.snapshot import Relative
    from cockpit.sweep.spec import Spec
    from cockpit.sweep.trials import Live, Settled
    from storage.layout import Layout
    from storage.optuna import RunStorage
    from storage.spool import SpoolWriter


_REFUSED = (ArithmeticError, AssertionError, LookupError, RuntimeError, TypeError, ValueError)
"""What a sampler raises that cannot make sense of what it was told."""


_MAY_RUN_AGAIN = ("lost", "stopped")
"""Ends of a trial that another driver may take up; what was drawn for it must not be lost."""


class SamplerFailed(UserError):
    """The sampler has no next trial to suggest; the message is a sentence for the user."""

    def __init__(self, why: str, more: str) -> None:
        super().__init__(f"{why}; {more}")
        self.why = why


class Search:
    """A study, its sampler, and the order of their turns."""

    def __init__(
        self,
        name: str,
        spec: Spec,
        layout: Layout,
        storage: RunStorage,
        spool: SpoolWriter,
        goes_on: bool,
        script: Script | None = None,
    ) -> None:
        """With `goes_on` the study is there already; a `script` is a replay's."""
        self._spec, self._storage, self._spool = spec, storage, spool
        self.declared = distributions(spec)
        self.order: AsItComes | Script = script or AsItComes()
        self.study = optuna.create_study(
            storage=storage,
            study_name=name,
            sampler=make_sampler(spec),
            pruner=make_pruner(spec),
            directions=list(spec.sweep.directions),
            load_if_exists=goes_on,
        )
        self.id = self.study._study_id
        self.key = to_text(self.id)
        self._files = layout.sampler(self.key)
        self._going_on: Path | None = None
        self._keeper: snapshot.Keeper | None = None
        self._unkept: str | None = None
        self._told = False
        self._stand = snapshot.stand(spec, self.declared)
        self._asked = self._drawn = 0
        self._tried = Tried(self.declared)
        self._pruner = b""
        self._live: dict[int, StudyTrial] = {}
        """Trials whose code names its params as it goes."""
        sweep = spec.sweep
        if script is not None:
            storage.pose_as(self.id, script.name)
            sweep = sweep.model_copy(update={"trials": script.asks, "time": None, "patience": None})
        self.budget = Budget(sweep, self._count())

    def begin(self) -> None:
        """Put the baseline's point in line, then those that the spec names; the store has all of it or nothing."""
        names = list(self._spec.sweep.metrics)
        with self._storage.at_once():
            self._storage.set_study_system_attr(self.id, METRIC_NAMES, names)
            if isinstance(self.order, Script):
                return  # it knows what stood in line
            if self._spec.baseline_kind == "point":
                self.enqueue(baseline_point(self._spec), baseline=True)
            for point in self._spec.enqueue:
                self.enqueue(point)

    def go_on(self, earlier: Earlier) -> tuple[list[StudyTrial], str | None]:
        """Take the sampler's state up again, and the trials that were broken off.

        Returns those trials, and why the suggestions from here on are not those of an uninterrupted
        sweep, or None where they are.
        """
        attributes = self._storage.get_study_system_attrs(self.id)
        if not self.trials() and METRIC_NAMES not in attributes:
            self.begin()  # before the driver of then could
        trials = self.trials()
        self._asked = sum(ASKED in trial.system_attrs for trial in trials)
        self._drawn = sum(len(trial.params) for trial in trials)
        self.order = AsItComes(next_turn(trials))
        relative, why = self._take_up(len(trials))
        again = []
        for number, attempt in earlier.broken_off:
            trial = optuna.Trial(self.study, trials[number]._trial_id)
            again.append(self._trial(trial, attempt))
            if number in relative:
                trial._relative_params, trial.relative_search_space = relative[number]
            again[-1].restart()
            self._complete(again[-1])
        look_back(self.study)
        return again, why

    def _take_up(self, trials: int) -> tuple[Mapping[int, Relative], str | None]:
        """Go on with the state that was kept, else with a sampler of another seed, and why."""
        moment = snapshot.Moment(self._asked, self._drawn)
        if moment == snapshot.Moment(0, 0):
            return {}, None  # it was asked for nothing yet
        try:
            state, self._going_on = snapshot.load(self._files, self._stand, moment)
        except snapshot.Unusable as error:
            self.study.sampler = make_sampler(_reseeded(self._spec, trials))
            return {}, str(error)
        self.study.sampler, self.study.pruner = state.sampler, state.pruner
        return state.relative, None

    def _complete(self, trial: StudyTrial) -> None:
        """Draw what a trial of an earlier driver lacks: the spec may declare more params now."""
        with self._storage.at_once():
            before = len(trial.params)
            trial.draw(self.declared)
            self._count_params(len(trial.params) - before)

    def trials(self) -> list[FrozenTrial]:
        """All of them, by number; not to be changed."""
        return self.study.get_trials(deepcopy=False)

    def may_ask(self) -> bool:
        """Whether there is something left to try."""
        replays = isinstance(self.order, Script)  # it asks as often as it did then
        self.budget.nothing_left(
            not replays and (is_exhausted(self.study.sampler) or self._all_told())
        )
        return self.budget.left > 0 and self.budget.spent() is None and self.order.may_ask()

    def _all_told(self) -> bool:
        """Whether every further trial would be a duplicate that is skipped."""
        return self._spec.sweep.duplicates == "skip" and self._tried.all_of(self.trials())

    def ask(self) -> StudyTrial:
        """The next trial to run; the store has it whole or not at all."""
        with self._storage.at_once():
            if isinstance(self.order, Script) and (then := self.order.in_line()) is not None:
                self.enqueue(then["fixed_params"], baseline=BASELINE in then)
            trial = self._suggested()
            turn = self.order.take(trial.number, ASK)
            self._storage.set_trial_system_attr(trial._trial_id, ASKED, turn)
            self.budget.ask()
            self._asked += 1
            self._drawn += len(trial.params)
            live = self._trial(trial)
            self._keep()
        return live

    def _suggested(self) -> optuna.Trial:
        try:
            return self.study.ask(fixed_distributions=self.declared)
        except _REFUSED as error:
            sampler, name = self._spec.sweep.sampler.name, self.study.study_name
            raise SamplerFailed(
                f"the sampler {sampler} cannot suggest a trial ({str(error).rstrip('.')})",
                f"the sweep {name} has ended. Nothing told is lost; it goes on with another sampler:"
                f" cockpit sweep --resume {name} --set sweep.sampler=…",
            ) from error

    def retold(self, trial: StudyTrial) -> Iterable[Event]:
        """What is to be heard of a trial that a replay does not run again; nothing of all others."""
        order, number = self.order, trial.number
        if number is None or not isinstance(order, Script) or number not in order.ended:
            return ()
        return retold(trial, order.trials[number], order.ended[number])

    def suggest(self, trial: StudyTrial, event: Suggest) -> Any:
        """A param's value for a trial whose code asks for it; raises what Optuna refuses it with."""
        with self._storage.at_once():
            before = len(trial.params)
            value = trial.suggest(event)
            self._count_params(len(trial.params) - before)
        return value

    def settle(self, trial: Live, outcome: Outcome, log: Path) -> Settled:
        """Tell Optuna what became of a trial, and the store in the same breath."""
        with self._storage.at_once():
            if self._pruner != (now := pickle.dumps(self.study.pruner)):
                self._pruner = now
                self._keep()
            settled = trial.settle(outcome, log)
        if settled.number is not None and settled.state not in _MAY_RUN_AGAIN:
            self._live.pop(settled.number, None)
        return settled

    def enqueue(self, params: Mapping[str, Any], baseline: bool = False) -> None:
        """Put a point in line; params that it leaves out are the sampler's."""
        fixed = {name: _as_drawn(self.declared.get(name), value) for name, value in params.items()}
        attributes = {"fixed_params": fixed} | ({BASELINE: True} if baseline else {})
        waiting = optuna.trial.create_trial(state=TrialState.WAITING, system_attrs=attributes)
        self.study.add_trial(waiting)

    @property
    def in_line(self) -> int:
        """Points that wait for their turn."""
        return len(self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,)))

    def _count_params(self, drawn: int) -> None:
        if drawn:
            self._drawn += drawn
            self._keep()

    def _keep(self) -> None:
        """Write down where the sampler stands, before the store hears what it was asked last."""
        if self._unkept is not None:
            return
        relative = {
            number: drawn
            for number, trial in self._live.items()
            if (drawn := trial.relative) is not None
        }
        state = snapshot.State(self.study.sampler, self.study.pruner, relative)
        try:
            self._keeper = self._keeper or snapshot.Keeper(self._files, self._stand, self._going_on)
            self._keeper.keep(state, snapshot.Moment(self._asked, self._drawn))
        except OSError as error:
            self._unkept = f"the sampler's state cannot be kept: {error.strerror}"

    def trouble(self) -> str | None:
        """Why the sampler's state cannot be kept, once."""
        if self._unkept is None or self._told:
            return None
        self._told = True
        return self._unkept

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.close()

    def _count(self) -> int:
        return sum(trial.state != TrialState.WAITING for trial in self.trials())

    def _trial(self, trial: optuna.Trial, attempt: int = 0) -> StudyTrial:
        live = StudyTrial(self.study, trial, self._spec, self._spool, self.order, attempt)
        if not self.declared:
            self._live[trial.number] = live
        return live


def _as_drawn(distribution: BaseDistribution | None, value: Any) -> Any:
    """A value as a sampler would give it: 1.0 where somebody wrote 1, and the store has 1.0."""
    if distribution is None:
        return value
    return distribution.to_external_repr(distribution.to_internal_repr(value))


def _reseeded(spec: Spec, told: int) -> Spec:
    """A sampler that starts again with the same seed would suggest its first points once more."""
    if spec.sweep.seed is None or told == 0:
        return spec
    seed = (spec.sweep.seed + told) % 2**32
    return replace(spec, sweep=spec.sweep.model_copy(update={"seed": seed}))
