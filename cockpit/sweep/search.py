"""The study's side of a sweep: what to try next, and where the sampler stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import optuna
from optuna.trial import TrialState

from cockpit.sweep import snapshot
from cockpit.sweep.budget import Budget
from cockpit.sweep.order import ASK, ASKED, AsItComes, Script, next_turn
from cockpit.sweep.space import (
    baseline_point,
    distributions,
    is_exhausted,
    make_pruner,
    make_sampler,
)
from cockpit.sweep.trials import BASELINE, StudyTrial
from storage.fold import METRIC_NAMES
from storage.ids import to_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from optuna.trial import FrozenTrial

    from cockpit.sweep.spec import Spec
    from storage.layout import Layout
    from storage.optuna import RunStorage
    from storage.spool import SpoolWriter


@dataclass(frozen=True, slots=True)
class Earlier:
    """What an earlier driver left of a sweep that is to go on."""

    broken_off: Sequence[tuple[int, int]] = ()
    """(trial's number, attempt) of those that ended only because their driver did."""


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
        self._state = layout.sampler(self.key)
        self._keeper: snapshot.Keeper | None = None
        self._keeps_nothing = False
        self._stand = snapshot.stand(spec, self.declared)
        self._asked = self._drawn = 0
        self._moved = False
        sweep = spec.sweep
        if script is not None:
            storage.pose_as(self.id, script.name)
            sweep = sweep.model_copy(update={"trials": script.asks, "time": None, "patience": None})
        self.budget = Budget(sweep, self._count())

    def begin(self) -> None:
        """Put the baseline's point in line, then those that the spec names."""
        names = list(self._spec.sweep.metrics)
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
        trials = self.trials()
        self._asked = sum(ASKED in trial.system_attrs for trial in trials)
        self._drawn = sum(len(trial.params) for trial in trials)
        self.order = AsItComes(next_turn(trials))
        again = []
        for number, attempt in earlier.broken_off:
            trial = optuna.Trial(self.study, trials[number]._trial_id)
            again.append(self._trial(trial, attempt))
            again[-1].restart()
        try:
            sampler, known = snapshot.load(self._state, self._stand)
            if known != (self._asked, self._drawn):
                raise snapshot.Unusable("the driver died before the sampler's state was kept")
            self.study.sampler = sampler
        except snapshot.Unusable as error:
            self.study.sampler = make_sampler(_reseeded(self._spec, len(trials)))
            return again, str(error)
        return again, None

    def trials(self) -> list[FrozenTrial]:
        """All of them, by number; not to be changed."""
        return self.study.get_trials(deepcopy=False)

    def may_ask(self) -> bool:
        """Whether there is something left to try."""
        return (
            self.budget.left > 0
            and self.budget.spent() is None
            and not is_exhausted(self.study.sampler)
            and self.order.may_ask()
        )

    def ask(self) -> StudyTrial:
        """The next trial to run."""
        if isinstance(self.order, Script) and (then := self.order.in_line()) is not None:
            self.enqueue(then["fixed_params"], baseline=BASELINE in then)
        trial = self.study.ask(fixed_distributions=self.declared)
        turn = self.order.take(trial.number, ASK)
        self._storage.set_trial_system_attr(trial._trial_id, ASKED, turn)
        self.budget.ask()
        self._asked += 1
        self._drawn += len(trial.params)
        self._moved = True
        return self._trial(trial)

    def enqueue(self, params: Mapping[str, Any], baseline: bool = False) -> None:
        """Put a point in line; params that it leaves out are the sampler's."""
        attributes = {"fixed_params": dict(params)} | ({BASELINE: True} if baseline else {})
        waiting = optuna.trial.create_trial(state=TrialState.WAITING, system_attrs=attributes)
        self.study.add_trial(waiting)

    def suggested(self, params: int) -> None:
        """A trial was given so many params that it had not: the sampler may stand elsewhere."""
        self._drawn += params
        self._moved = True

    def keep_state(self) -> str | None:
        """Write down where the sampler stands, if it moved since the last time.

        Returns why that cannot be done, the first time it cannot.
        """
        if not self._moved or self._keeps_nothing:
            return None
        self._moved = False
        try:
            self._keeper = self._keeper or snapshot.Keeper(self._state, self._stand)
            self._keeper.keep(self.study.sampler, self._asked, self._drawn)
        except OSError as error:
            self._keeps_nothing = True
            return f"the sampler's state cannot be kept: {error.strerror}"
        return None

    def close(self) -> None:
        if self._keeper is not None:
            self._keeper.close()

    def _count(self) -> int:
        return sum(trial.state != TrialState.WAITING for trial in self.trials())

    def _trial(self, trial: optuna.Trial, attempt: int = 0) -> StudyTrial:
        return StudyTrial(self.study, trial, self._spec, self._spool, self.order, attempt)


def _reseeded(spec: Spec, told: int) -> Spec:
    """A sampler that starts again with the same seed would suggest its first points once more."""
    if spec.sweep.seed is None or told == 0:
        return spec
    seed = (spec.sweep.seed + told) % 2**32
    return replace(spec, sweep=spec.sweep.model_copy(update={"seed": seed}))
