"""A spec's search, made of Optuna's parts: distributions, sampler, pruner."""

from __future__ import annotations

import contextlib
import math
import warnings
from decimal import Decimal
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import nsgaii

from cockpit.sweep.spec.params import BoolParam, CategoricalParam, FloatParam, Param, grid
from cockpit.sweep.spec.search import Median, NoPruner, Patient, Setting

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from optuna.pruners import BasePruner
    from optuna.samplers import BaseSampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial, TrialState

    from cockpit.sweep.spec import Spec


Part = TypeVar("Part")

_HEAVY = {"scipy": "scipy.stats"}
"""What of a package takes long to import, where that is not all of it."""

_GRID_ID = "grid_id"
"""Optuna's attribute of a trial that is a point of the grid."""


class _Ending(optuna.samplers.BaseSampler):
    """Notes that nothing is left to try, where Optuna would stop a loop that it does not run."""

    exhausted = False

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        try:
            super().after_trial(study, trial, state, values)
        except RuntimeError:  # from Study.stop, which is for Study.optimize alone
            self.exhausted = True

    def look_back(self, study: Study) -> None:
        """Note it in a sweep that goes on, whose last trial was told to another sampler."""
        finished = [
            trial for trial in study.get_trials(deepcopy=False) if trial.state.is_finished()
        ]
        if finished:
            self.after_trial(study, finished[-1], finished[-1].state, finished[-1].values)


class GridSearch(_Ending, optuna.samplers.GridSampler):
    """Every point of the grid, once; what somebody puts in line comes between and is none of them."""

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        super().before_trial(study, trial)
        # Before that they cannot all have been given out.
        if trial.number + 1 >= self._n_min_trials:
            trials = study._storage.get_all_trials(study._study_id, deepcopy=False)
            given = {
                each.system_attrs[_GRID_ID]
                for each in trials
                if _GRID_ID in each.system_attrs
                and self._same_search_space(each.system_attrs["search_space"])
            }
            self.exhausted = len(given) == self._n_min_trials

    def sample_independent(
        self,
        study: Study,
        trial: FrozenTrial,
        param_name: str,
        param_distribution: BaseDistribution,
    ) -> Any:
        if _GRID_ID in trial.system_attrs:
            return super().sample_independent(study, trial, param_name, param_distribution)
        values = self._search_space[param_name]
        return values[self._rng.rng.choice(len(values))]

    def after_trial(
        self,
        study: Study,
        trial: FrozenTrial,
        state: TrialState,
        values: Sequence[float] | None,
    ) -> None:
        if _GRID_ID in trial.system_attrs:
            super().after_trial(study, trial, state, values)


class BruteForce(_Ending, optuna.samplers.BruteForceSampler):
    """Every point there is, found while going."""


_SAMPLERS: dict[str, Callable[..., BaseSampler]] = {
    "tpe": optuna.samplers.TPESampler,
    "random": optuna.samplers.RandomSampler,
    "gp": optuna.samplers.GPSampler,
    "cmaes": optuna.samplers.CmaEsSampler,
    "nsgaii": optuna.samplers.NSGAIISampler,
    "nsgaiii": optuna.samplers.NSGAIIISampler,
    "qmc": optuna.samplers.QMCSampler,
    "grid": GridSearch,
    "brute_force": BruteForce,
}
_PRUNERS: dict[str, Callable[..., BasePruner]] = {
    "median": optuna.pruners.MedianPruner,
    "percentile": optuna.pruners.PercentilePruner,
    "hyperband": optuna.pruners.HyperbandPruner,
    "successive_halving": optuna.pruners.SuccessiveHalvingPruner,
    "patient": optuna.pruners.PatientPruner,
    "threshold": optuna.pruners.ThresholdPruner,
    "wilcoxon": optuna.pruners.WilcoxonPruner,
    "none": optuna.pruners.NopPruner,
}
_CROSSOVERS: dict[str, Callable[..., nsgaii.BaseCrossover]] = {
    "uniform": nsgaii.UniformCrossover,
    "blxalpha": nsgaii.BLXAlphaCrossover,
    "sbx": nsgaii.SBXCrossover,
    "spx": nsgaii.SPXCrossover,
    "undx": nsgaii.UNDXCrossover,
    "vsbx": nsgaii.VSBXCrossover,
}
_MUTATIONS: dict[str, Callable[..., nsgaii.BaseMutation]] = {
    "polynomial": nsgaii.PolynomialMutation,
}


def distributions(spec: Spec) -> dict[str, BaseDistribution]:
    """The declared parameters, in the order of the file; empty where the code defines them itself."""
    return {name: _distribution(param) for name, param in spec.params.items()}


def middle(distribution: BaseDistribution) -> Any:
    """The value in the middle: of a logarithmic range the geometric, of categories the first.

    On the grid where there is a step, the lower one of two.
    """
    if isinstance(distribution, CategoricalDistribution):
        return distribution.choices[0]
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    low, high = distribution.low, distribution.high
    if distribution.log:
        found = math.exp((math.log(low) + math.log(high)) / 2)
        found = min(max(found, low), high)
        return round(found) if isinstance(distribution, IntDistribution) else found
    if isinstance(distribution, IntDistribution):
        return low + (high - low) // distribution.step // 2 * distribution.step
    if distribution.step is None:
        return low / 2 + high / 2
    first, last, by = (Decimal(str(number)) for number in (low, high, distribution.step))
    return float(first + (last - first) // by // 2 * by)


def baseline_point(spec: Spec) -> dict[str, Any]:
    """Each declared parameter's default, or the middle where it has none."""
    return {
        name: middle(_distribution(param)) if param.default is None else param.default
        for name, param in spec.params.items()
    }


def import_ahead(spec: Spec) -> None:
    """Begin to import what the sampler will need, while the first trials run.

    Left to the first that needs it, torch takes seconds in mid-sweep, in which nobody is answered.
    """
    sweep = spec.sweep
    begin_with = getattr(sweep.sampler, "n_startup_trials", 0)
    if sweep.trials is None or sweep.trials > begin_with:
        Thread(target=_import, args=(sweep.sampler.needs,)).start()


def _import(names: Sequence[str]) -> None:
    for name in names:
        with contextlib.suppress(ImportError):  # whoever needs it will say so
            import_module(_HEAVY.get(name, name))


def make_sampler(spec: Spec) -> BaseSampler:
    """The sampler, seeded; raises SpecInvalid where Optuna refuses an option."""
    name = spec.sweep.sampler.name
    options = spec.sweep.sampler.given() | {"seed": spec.sweep.seed}
    if name == "grid":
        options["search_space"] = {name: list(points) for name, points in grid(spec.params).items()}
    for key, parts in (("crossover", _CROSSOVERS), ("mutation", _MUTATIONS)):
        if key in options:
            options[key] = _quietly(parts[options[key].name], options[key].given())
    if "reference_points" in options:
        options["reference_points"] = np.array(options["reference_points"])
    try:
        return _quietly(_SAMPLERS[name], options)
    except ValueError as error:
        raise spec.invalid(("sweep", "sampler"), f"[sweep] sampler: {error}") from None


def make_pruner(spec: Spec) -> BasePruner:
    """The pruner; raises SpecInvalid where Optuna refuses an option."""
    try:
        return _pruner(spec.sweep.pruner or _default_pruner(spec))
    except ValueError as error:
        raise spec.invalid(("sweep", "pruner"), f"[sweep] pruner: {error}") from None


def look_back(study: Study) -> None:
    """Have the sampler of a sweep that goes on know whether there is anything left to try."""
    if isinstance(study.sampler, _Ending):
        study.sampler.look_back(study)


def is_exhausted(sampler: BaseSampler) -> bool:
    """Whether every point has been tried, or is being tried: nothing more need be asked for."""
    return isinstance(sampler, _Ending) and sampler.exhausted


def _distribution(param: Param) -> BaseDistribution:
    if isinstance(param, FloatParam):
        return FloatDistribution(param.low, param.high, log=param.log, step=param.step)
    if isinstance(param, CategoricalParam):
        return CategoricalDistribution(param.choices)
    if isinstance(param, BoolParam):
        return CategoricalDistribution((False, True))
    return IntDistribution(param.low, param.high, log=param.log, step=param.step)


def _default_pruner(spec: Spec) -> Setting:
    return Median() if spec.sweep.pruner_name == "median" else NoPruner(name="none")


def _pruner(setting: Setting) -> BasePruner:
    options = setting.given()
    if isinstance(setting, Patient):
        options["wrapped_pruner"] = _pruner(setting.wrapped) if setting.wrapped else None
        options.pop("wrapped", None)
    return _quietly(_PRUNERS[setting.name], options)


def _quietly(make: Callable[..., Part], options: dict[str, Any]) -> Part:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)  # the user chose it by name
        return make(**options)
