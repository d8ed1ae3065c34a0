"""What the spec names is what Optuna gets."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING

import optuna
import pytest

from cockpit.sweep.space import (
    _PRUNERS,
    _SAMPLERS,
    distributions,
    is_exhausted,
    make_pruner,
    make_sampler,
)
from cockpit.sweep.spec import SpecInvalid, load_spec
from cockpit.sweep.spec.search import PRUNERS, SAMPLERS
from cockpit.sweep.spec.table import keys, tag

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.sweep.spec import Spec
    from cockpit.sweep.spec.table import Table

OPTIONS = {"percentile": "percentile = 30.0", "patient": "patience = 2", "threshold": "lower = 0.0"}


def spec_of(folder: Path, text: str) -> Spec:
    (folder / "train.py").write_text("def train(trial): ...\n")
    (folder / "sweep.toml").write_text(f'[run]\nfunction = "train.py:train"\n{text}')
    return load_spec(folder / "sweep.toml")


def setting(key: str, name: str) -> str:
    options = f", {OPTIONS[name]}" if name in OPTIONS else ""
    return f'[sweep]\nseed = 3\n{key} = {{ name = "{name}"{options} }}\n'


@pytest.mark.parametrize("model", SAMPLERS, ids=tag)
def test_every_sampler_can_be_had_by_name(
    tmp_path: Path, model: type[Table], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    params = '[params]\nx = { type = "int", low = 1, high = 3 }'
    sampler = make_sampler(spec_of(tmp_path, setting("sampler", tag(model)) + params))
    assert isinstance(sampler, optuna.samplers.BaseSampler)


@pytest.mark.parametrize("model", PRUNERS, ids=tag)
def test_every_pruner_can_be_had_by_name(tmp_path: Path, model: type[Table]) -> None:
    pruner = make_pruner(spec_of(tmp_path, setting("pruner", tag(model))))
    assert isinstance(pruner, optuna.pruners.BasePruner)


@pytest.mark.parametrize("model", SAMPLERS + PRUNERS, ids=tag)
def test_options_and_defaults_are_optunas_own(model: type[Table]) -> None:
    made = (_SAMPLERS | _PRUNERS)[tag(model)]
    real = inspect.signature(made).parameters
    renamed = {"wrapped": "wrapped_pruner"}
    for name in set(keys(model)) - {"name"}:
        ours, theirs = model.model_fields[name], real[renamed.get(name, name)]
        if ours.is_required():
            assert theirs.default is theirs.empty
        elif name != "wrapped":
            assert ours.default == theirs.default


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
