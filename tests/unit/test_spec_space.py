"""What the spec names is what Optuna gets."""

from __future__ import annotations

import inspect
import threading
from decimal import Decimal
from typing import TYPE_CHECKING

import optuna
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from cockpit.sweep import space
from cockpit.sweep.space import (
    _CROSSOVERS,
    _MUTATIONS,
    _PRUNERS,
    _SAMPLERS,
    baseline_point,
    distributions,
    is_exhausted,
    look_back,
    make_pruner,
    make_sampler,
    middle,
)
from cockpit.sweep.spec import SpecInvalid, load_spec
from cockpit.sweep.spec.params import FloatParam, outside
from cockpit.sweep.spec.search import CROSSOVERS, MUTATIONS, PRUNERS, SAMPLERS
from cockpit.sweep.spec.table import keys, tag

if TYPE_CHECKING:
    from pathlib import Path

    from optuna.distributions import BaseDistribution

    from cockpit.sweep.spec import Spec
    from cockpit.sweep.spec.table import Table

X = '[params]\nx = { type = "int", low = 1, high = 3 }'
OPTIONS = {"percentile": "percentile = 30.0", "patient": "patience = 2", "threshold": "lower = 0.0"}


def spec_of(folder: Path, text: str) -> Spec:
    (folder / "train.py").write_text("def train(trial): ...\n")
    (folder / "sweep.toml").write_text(f'[run]\nfunction = "train.py:train"\n{text}')
    return load_spec(folder / "sweep.toml")


def setting(key: str, name: str) -> str:
    options = f", {OPTIONS[name]}" if name in OPTIONS else ""
    return f'[sweep]\nseed = 3\n{key} = {{ name = "{name}"{options} }}\n'


@pytest.mark.parametrize(
    "sweep, imported",
    [
        ('sampler = "gp"', ["scipy.stats", "torch"]),
        ('sampler = "gp"\ntrials = 10', []),
        ('sampler = { name = "gp", n_startup_trials = 3 }\ntrials = 10', ["scipy.stats", "torch"]),
        ('sampler = "tpe"', []),
    ],
)
def test_what_a_sampler_needs_later_is_imported_ahead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sweep: str, imported: list[str]
) -> None:
    seen: list[str] = []
    monkeypatch.setattr(space, "import_module", seen.append)
    others = set(threading.enumerate())
    space.import_ahead(spec_of(tmp_path, f"[sweep]\n{sweep}\n{X}"))
    for thread in set(threading.enumerate()) - others:
        thread.join()
    assert seen == imported


@pytest.mark.parametrize("model", SAMPLERS, ids=tag)
def test_every_sampler_can_be_had_by_name(
    tmp_path: Path, model: type[Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    sampler = make_sampler(spec_of(tmp_path, setting("sampler", tag(model)) + X))
    assert isinstance(sampler, optuna.samplers.BaseSampler)


@pytest.mark.parametrize("model", PRUNERS, ids=tag)
def test_every_pruner_can_be_had_by_name(tmp_path: Path, model: type[Table]) -> None:
    pruner = make_pruner(spec_of(tmp_path, setting("pruner", tag(model))))
    assert isinstance(pruner, optuna.pruners.BasePruner)


MADE = _SAMPLERS | _PRUNERS | _CROSSOVERS | _MUTATIONS
RENAMED = {"wrapped": "wrapped_pruner"}
NOT_IN_TOML = {
    "seed", "search_space",  # said elsewhere in the spec
    "independent_sampler", "warn_independent_sampling", "warn_asynchronous_seeding", "source_trials",
    "elite_population_selection_strategy", "child_generation_strategy", "after_trial_strategy",
}  # fmt: skip
DEPRECATED = {
    "consider_prior", "prior_weight", "consider_magic_clip", "consider_endpoints", "gamma", "weights",
    "constraints_func", "x0", "sigma0", "restart_strategy", "inc_popsize",
}  # fmt: skip


@pytest.mark.parametrize("model", SAMPLERS + PRUNERS + CROSSOVERS + MUTATIONS, ids=tag)
def test_options_and_defaults_are_optunas_own(model: type[Table]) -> None:
    made = MADE[tag(model)]
    real = inspect.signature(made.__init__ if tag(model) == "grid" else made).parameters
    for name in set(keys(model)) - {"name"}:
        ours, theirs = model.model_fields[name], real[RENAMED.get(name, name)]
        if ours.is_required():
            assert theirs.default is theirs.empty
        elif name != "wrapped":
            assert ours.default == theirs.default
    said = {RENAMED.get(name, name) for name in keys(model)}
    kinds = {
        each.name
        for each in real.values()
        if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)
    }
    assert kinds - said - {"self"} <= NOT_IN_TOML | DEPRECATED


def test_distributions_are_the_declared_ones(tmp_path: Path) -> None:
    spec = spec_of(
        tmp_path,
        '[params]\nlr = { type = "float", low = 1e-3, high = 1, log = true }\n'
        'drop = { type = "float", low = 0, high = 0.3, step = 0.1 }\n'
        'depth = { type = "int", low = 2, high = 12, step = 5 }\n'
        'loss = { type = "categorical", choices = ["a", 2] }\namp = { type = "bool" }\n',
    )
    assert distributions(spec) == {
        "lr": optuna.distributions.FloatDistribution(1e-3, 1.0, log=True),
        "drop": optuna.distributions.FloatDistribution(0.0, 0.3, step=0.1),
        "depth": optuna.distributions.IntDistribution(2, 12, step=5),
        "loss": optuna.distributions.CategoricalDistribution(("a", 2)),
        "amp": optuna.distributions.CategoricalDistribution((False, True)),
    }


def test_the_baseline_is_the_defaults_and_else_the_middles(tmp_path: Path) -> None:
    spec = spec_of(
        tmp_path,
        '[params]\nlr = { type = "float", low = 1e-4, high = 1, log = true }\n'
        'mix = { type = "float", low = -1, high = 3 }\n'
        'drop = { type = "float", low = 0, high = 0.3, step = 0.1 }\n'
        'depth = { type = "int", low = 2, high = 12, step = 5 }\n'
        'leaves = { type = "int", low = 4, high = 100, log = true }\n'
        'loss = { type = "categorical", choices = ["a", 2] }\namp = { type = "bool" }\n'
        'width = { type = "int", low = 1, high = 9, default = 3 }\n'
        'warm = { type = "bool", default = true }\n'
        'kind = { type = "categorical", choices = ["a", 0], default = 0 }\n',
    )
    point = baseline_point(spec)
    assert point.pop("lr") == pytest.approx(0.01)
    assert point == {
        "mix": 1.0, "drop": 0.1, "depth": 7, "leaves": 20, "loss": "a", "amp": False,
        "width": 3, "warm": True, "kind": 0,
    }  # fmt: skip


COUNT = st.integers(0, 1000)
STEP = st.integers(1, 9)
POSITIVE = st.floats(1e-6, 1e6)
NUMBER = st.floats(-1e9, 1e9).map(lambda number: round(number, 6))
WHOLE = st.integers(-(10**9), 10**9)
DISTRIBUTION = st.one_of(
    st.builds(lambda low, by: FloatDistribution(low, low + abs(by)), NUMBER, NUMBER),
    st.builds(lambda low, by: FloatDistribution(low, low + by, log=True), POSITIVE, POSITIVE),
    st.builds(lambda low, n: FloatDistribution(low, low + n * 0.25, step=0.25), WHOLE, COUNT),
    st.builds(lambda low, by: IntDistribution(low, low + by), WHOLE, COUNT),
    st.builds(
        lambda low, by: IntDistribution(low, low + by, log=True), st.integers(1, 1000), COUNT
    ),
    st.builds(lambda low, n, by: IntDistribution(low, low + n * by, step=by), WHOLE, COUNT, STEP),
    st.builds(CategoricalDistribution, st.lists(WHOLE, min_size=1, max_size=3)),
)


@given(DISTRIBUTION)
def test_the_middle_is_a_value_of_its_range(distribution: BaseDistribution) -> None:
    value = middle(distribution)
    assert distribution._contains(distribution.to_internal_repr(value))
    kind = int if isinstance(distribution, IntDistribution | CategoricalDistribution) else float
    assert type(value) is kind


@given(
    low=st.integers(-9999, 9999).map(lambda n: n / 100),
    steps=COUNT,
    step=st.sampled_from([0.1, 0.25, 0.3, 1.0, 7.0]),
    place=COUNT,
)
def test_a_value_on_a_step_is_one_and_between_two_is_none(
    low: float, steps: int, step: float, place: int
) -> None:
    first, by = Decimal(str(low)), Decimal(str(step))
    high = float(first + by * steps)
    assume(Decimal(str(high)) == first + by * steps)
    param = FloatParam(type="float", low=low, high=high, step=step)
    on = float(first + by * min(place, steps))
    assert outside(param, on) is None
    assert FloatDistribution(low, high, step=step)._contains(on)
    assert outside(param, high + step)
    if steps:
        assert "is not on a step" in str(outside(param, float(first + by / 3)))


def test_the_seed_makes_the_search_repeat(tmp_path: Path) -> None:
    params = '[params]\nx = { type = "float", low = 0, high = 1 }'
    spec = spec_of(tmp_path, f'[sweep]\nseed = 5\nsampler = "random"\n{params}')
    drawn = [
        optuna.create_study(sampler=make_sampler(spec)).ask(distributions(spec)).params
        for _ in range(2)
    ]
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("name", ["grid", "brute_force"])
def test_exhaustive_search_tries_each_point_once_and_says_when_it_is_done(
    tmp_path: Path, name: str
) -> None:
    params = '[params]\nx = { type = "int", low = 1, high = 3 }\ny = { type = "bool" }'
    spec = spec_of(tmp_path, f'[sweep]\nseed = 1\nsampler = "{name}"\n{params}')
    sampler = make_sampler(spec)
    study = optuna.create_study(sampler=sampler)
    seen = []
    while not is_exhausted(sampler):
        trial = study.ask(distributions(spec))
        seen.append(tuple(trial.params.values()))
        study.tell(trial, 0.0)
    assert sorted(seen) == [(x, y) for x in (1, 2, 3) for y in (False, True)]


def nine(folder: Path, sampler: str) -> Spec:
    params = "".join(f'{name} = {{ type = "int", low = 1, high = 3 }}\n' for name in "xy")
    return spec_of(folder, f'[sweep]\nseed = 1\nsampler = "{sampler}"\n[params]\n{params}')


def test_several_at_a_time_try_each_point_of_a_grid_once(tmp_path: Path) -> None:
    spec = nine(tmp_path, "grid")
    study = optuna.create_study(sampler=make_sampler(spec))
    running = []
    while not is_exhausted(study.sampler):
        running.append(study.ask(distributions(spec)))
    assert len({tuple(trial.params.values()) for trial in running}) == len(running) == 9


def test_a_point_put_in_line_is_filled_up_and_none_of_the_grid(tmp_path: Path) -> None:
    spec = nine(tmp_path, "grid")
    study = optuna.create_study(sampler=make_sampler(spec))
    study.enqueue_trial({"x": 2})
    seen = []
    while not is_exhausted(study.sampler):
        trial = study.ask(distributions(spec))
        seen.append(tuple(trial.params.values()))
        study.tell(trial, 0.0)
    assert seen[0][0] == 2
    assert sorted(seen[1:]) == [(x, y) for x in (1, 2, 3) for y in (1, 2, 3)]


@pytest.mark.parametrize("name", ["grid", "brute_force"])
def test_a_search_that_was_done_is_done_when_it_goes_on(tmp_path: Path, name: str) -> None:
    spec = nine(tmp_path, name)
    study = optuna.create_study(sampler=make_sampler(spec))
    for asked in range(9):
        study.tell(study.ask(distributions(spec)), float(asked))
        study.sampler = make_sampler(spec)
        look_back(study)
        assert is_exhausted(study.sampler) == (asked == 8)


def test_patience_is_put_around_another_pruner(tmp_path: Path) -> None:
    text = '[sweep]\npruner = { name = "patient", patience = 3, wrapped = "median" }'
    pruner = make_pruner(spec_of(tmp_path, text))
    assert isinstance(pruner, optuna.pruners.PatientPruner)
    assert isinstance(pruner._wrapped_pruner, optuna.pruners.MedianPruner)


def test_what_optuna_refuses_is_told_with_its_line(tmp_path: Path) -> None:
    spec = spec_of(tmp_path, '[sweep]\nsampler = { name = "random" }')
    error = spec.invalid(("sweep", "sampler"), "[sweep] sampler: no")
    assert isinstance(error, SpecInvalid)
    assert str(error) == f"{tmp_path}/sweep.toml line 4: [sweep] sampler: no"
