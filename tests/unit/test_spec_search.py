"""Every sampler and pruner that a spec may name really searches and really prunes."""

from __future__ import annotations

import copy
import math
import warnings
from typing import TYPE_CHECKING, Any

import optuna
import pytest

from cockpit.sweep.snapshot import Keeper, Moment, State, load, stand
from cockpit.sweep.space import distributions, is_exhausted, make_pruner, make_sampler
from cockpit.sweep.spec import load_spec
from cockpit.sweep.spec.limit import Limit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cockpit.sweep.spec import Spec

SPACE = """\
[params]
x = { type = "float", low = -5.0, high = 5.0 }
n = { type = "int", low = 1, high = 64, log = true }
"""
STEPS = """\
[params]
x = { type = "float", low = -5.0, high = 5.0, step = 2.5 }
n = { type = "int", low = 1, high = 3 }
kind = { type = "categorical", choices = ["a", "b"] }
"""
MIXED = SPACE + 'kind = { type = "categorical", choices = ["a", "b"] }\namp = { type = "bool" }\n'
SAMPLERS = {
    "tpe": '{ name = "tpe", n_startup_trials = 4, multivariate = true, group = true }',
    "random": '"random"',
    "gp": '{ name = "gp", n_startup_trials = 4, deterministic_objective = true }',
    "cmaes": '{ name = "cmaes", popsize = 4 }',
    "cmaes separable": '{ name = "cmaes", use_separable_cma = true }',
    "cmaes with margin": '{ name = "cmaes", with_margin = true }',
    "cmaes adapting": '{ name = "cmaes", lr_adapt = true }',
    "nsgaii": '{ name = "nsgaii", population_size = 5, mutation = "polynomial" }',
    "nsgaiii": '{ name = "nsgaiii", population_size = 5, reference_points = [[1.0]] }',
    "qmc sobol": '{ name = "qmc", scramble = true }',
    "qmc halton": '{ name = "qmc", qmc_type = "halton" }',
    "grid": '"grid"',
    "brute_force": '{ name = "brute_force", avoid_premature_stop = true }',
}
for _name in ("uniform", "blxalpha", "sbx", "spx", "undx", "vsbx"):
    SAMPLERS[f"nsgaii {_name}"] = (
        f'{{ name = "nsgaii", population_size = 5, crossover = "{_name}" }}'
    )
SAMPLERS["nsgaii sbx tuned"] = (
    '{ name = "nsgaii", population_size = 5,'
    ' mutation = { name = "polynomial", eta = 5.0 }, crossover = { name = "sbx", eta = 3.0 } }'
)
EXHAUSTIVE = ("grid", "brute_force")
TRIALS = {"gp": 8}
"""GP takes its time; the others ask for more."""
MANY = 14


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # as the driver has it: Optuna's advice to programmers
        yield
    optuna.logging.set_verbosity(before)


def spec_of(folder: Path, text: str) -> Spec:
    (folder / "train.py").write_text("def train(trial): ...\n")
    (folder / "sweep.toml").write_text(f'[run]\nfunction = "train.py:train"\n{text}')
    return load_spec(folder / "sweep.toml")


def study_of(spec: Spec) -> optuna.Study:
    """Named, for Hyperband deals its brackets by the study's name."""
    return optuna.create_study(
        study_name=spec.sweep.name,
        sampler=make_sampler(spec),
        pruner=make_pruner(spec),
        directions=spec.sweep.directions,
    )


def searched(spec: Spec, trials: int) -> list[dict[str, Any]]:
    """The points that the spec's sampler asks for, of a bowl whose bottom is at x = 1, n = 8."""
    study, space = study_of(spec), distributions(spec)
    points: list[dict[str, Any]] = []
    while len(points) < trials and not is_exhausted(study.sampler):
        trial = study.ask(space)
        points.append(trial.params)
        value = (trial.params["x"] - 1) ** 2 + math.log2(trial.params["n"] / 8) ** 2
        study.tell(trial, [value + place for place, _ in enumerate(study.directions)])
    return points


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_searches_and_its_seed_repeats_it(tmp_path: Path, name: str) -> None:
    space = STEPS if name in EXHAUSTIVE else SPACE if name.startswith("cmaes") else MIXED
    spec = spec_of(tmp_path, f"[sweep]\nseed = 4\nsampler = {SAMPLERS[name]}\n{space}")
    trials = TRIALS.get(name, MANY)
    points = searched(spec, trials)
    assert len(points) == trials
    assert len({tuple(point.values()) for point in points}) > trials // 2
    assert all(list(point) == list(spec.params) for point in points)
    assert searched(spec, trials) == points


@pytest.mark.parametrize("name", ["tpe", "gp", "nsgaii", "nsgaiii", "qmc sobol", "random"])
def test_several_objectives_are_searched(tmp_path: Path, name: str) -> None:
    sampler = SAMPLERS[name].replace("[[1.0]]", "[[1.0, 0.0], [0.0, 1.0]]")
    text = (
        f'[sweep]\nmetric = ["a", "b"]\ndirection = ["minimize", "maximize"]\nsampler = {sampler}'
    )
    trials = TRIALS.get(name, MANY) - 2
    assert len(searched(spec_of(tmp_path, f"{text}\n{SPACE}"), trials)) == trials


@pytest.mark.parametrize(
    "name", [name for name in SAMPLERS if name != "grid" and not name.startswith("nsgaii ")]
)
def test_a_space_that_depends_on_itself_is_searched(tmp_path: Path, name: str) -> None:
    """As in define-by-run, where the code declares one parameter by the value of another."""
    study = study_of(spec_of(tmp_path, f"[sweep]\nseed = 1\nsampler = {SAMPLERS[name]}\n"))
    seen = set()
    for _ in range(MANY):
        trial = study.ask()
        kind = trial.suggest_categorical("kind", ["tree", "line"])
        if kind == "tree":
            value = float(trial.suggest_int("depth", 1, 9))
        else:
            value = trial.suggest_float("slope", 0.0, 1.0, step=0.25)
        seen.add(frozenset(trial.params))
        study.tell(trial, value)
    assert seen == {frozenset({"kind", "depth"}), frozenset({"kind", "slope"})}


@pytest.mark.parametrize("name", ["tpe", "gp", "nsgaii", "nsgaiii"])
def test_constraints_lead_the_search_even_where_a_metric_is_missing(
    tmp_path: Path, name: str
) -> None:
    limit = 'constraints = ["size <= 0"]\n'
    spec = spec_of(tmp_path, f"[sweep]\nseed = 2\n{limit}sampler = {SAMPLERS[name]}\n{SPACE}")
    study, space = study_of(spec), distributions(spec)
    assert spec.sweep.constraints == (Limit("size", "<=", 0),)
    trials = 2 * TRIALS.get(name, MANY)
    for place in range(trials):
        trial = study.ask(space)
        metrics = {} if place == 2 else {"size": trial.params["x"]}
        trial.set_constraint("size <= 0", spec.sweep.constraints[0].violation(metrics))
        study.tell(trial, (trial.params["x"] - 4) ** 2)
    late = [trial.params["x"] for trial in study.get_trials()[trials // 2 :]]
    assert sum(x < 1 for x in late) > len(late) / 2  # it would be 4 without the constraint
    assert study.best_trial.params["x"] <= 0


@pytest.mark.parametrize("seed", ["", "seed = 3\n"])
@pytest.mark.parametrize("name", ["tpe", "random", "cmaes", "nsgaii", "qmc sobol", "grid"])
def test_a_kept_sampler_goes_on_with_the_very_same_points(
    tmp_path: Path, name: str, seed: str
) -> None:
    spec = spec_of(tmp_path, f"[sweep]\n{seed}sampler = {SAMPLERS[name]}\n{STEPS}")
    study, space = study_of(spec), distributions(spec)
    files = tmp_path / "a", tmp_path / "b"
    keeper, moment = Keeper(files, stand(spec, space), None), Moment(6, 18)
    for place in range(6):
        study.tell(study.ask(space), float(place))
    keeper.keep(State(study.sampler, study.pruner, {}), moment)
    keeper.close()
    other = copy.deepcopy(study)
    state, _ = load(files, stand(spec, space), moment)
    other.sampler = state.sampler
    for place in range(6):
        trial, again = study.ask(space), other.ask(space)
        assert trial.params == again.params
        study.tell(trial, float(place))
        other.tell(again, float(place))


PRUNERS = {
    "median": '{ name = "median", n_startup_trials = 2, n_warmup_steps = 1 }',
    "percentile": '{ name = "percentile", percentile = 50.0, n_startup_trials = 2 }',
    "hyperband": '{ name = "hyperband", max_resource = 9 }',
    "successive_halving": '{ name = "successive_halving", min_resource = 1, reduction_factor = 2 }',
    "patient": '{ name = "patient", patience = 1, wrapped = { name = "median", n_startup_trials = 2 } }',
    "patient alone": '{ name = "patient", patience = 1 }',
    "threshold": '{ name = "threshold", upper = 10.5 }',
    "wilcoxon": '{ name = "wilcoxon", p_threshold = 0.2 }',
}  # fmt: skip


def pruned(spec: Spec, curve: Callable[[int, int], float]) -> list[int]:
    """Which of twelve trials the pruner ends; `curve` is of the trial and the step."""
    study, ended = study_of(spec), []
    for number in range(12):
        trial = study.ask()
        for step in range(9):
            trial.report(curve(number, step), step)
            if trial.should_prune():
                ended.append(number)
                break
        state = optuna.trial.TrialState.PRUNED if number in ended[-1:] else None
        study.tell(trial, None if state else curve(number, 8), state)
    return ended


@pytest.mark.parametrize("name", PRUNERS)
def test_every_pruner_ends_what_is_behind(tmp_path: Path, name: str) -> None:
    """The later the trial, the worse; each gets worse with every step."""
    spec = spec_of(tmp_path, f"[sweep]\npruner = {PRUNERS[name]}\n")
    ended = pruned(spec, lambda number, step: number + step / 10)
    assert 11 in ended
    assert len(ended) >= 2


@pytest.mark.parametrize("name", ["none", "median"])
def test_what_leads_is_not_pruned(tmp_path: Path, name: str) -> None:
    spec = spec_of(tmp_path, f'[sweep]\npruner = "{name}"\n')
    assert pruned(spec, lambda number, step: -number - step / 10) == []
    behind = pruned(spec, lambda number, step: number + step / 10)
    assert bool(behind) is (name == "median")
