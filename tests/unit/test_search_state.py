"""Killed at any step of an ask, a search goes on with the very suggestions it would have made."""

from __future__ import annotations

import contextlib
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from optuna.trial import TrialState

from cockpit.sweep import snapshot
from cockpit.sweep.earlier import Earlier
from cockpit.sweep.search import Search
from cockpit.sweep.spec import load_specs
from storage.layout import Layout
from storage.optuna import RunStorage
from storage.spool import SpoolWriter

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.sweep.spec import Spec

SPEC = """
[sweep]
name = "s"
{more}
sampler = {sampler}
pruner = {pruner}
baseline = false
[run]
function = "train.py:train"
[params]
x = {{ type = "float", low = 0.0, high = 1.0 }}
n = {{ type = "int", low = 1, high = 9 }}
"""


class Killed(Exception):
    """What happened after this did not."""


def kill(*_: object, **__: object) -> Any:
    raise Killed


SEED = "seed = 3"
TWO = 'metric = ["a", "b"]\ndirection = ["maximize", "minimize"]'


def load(folder: Path, sampler: str = '"tpe"', pruner: str = '"none"', more: str = SEED) -> Spec:
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text("def train(trial): ...")
    path = folder / "sweep.toml"
    path.write_text(SPEC.format(sampler=sampler, pruner=pruner, more=more))
    (spec,) = load_specs(path)
    return spec


class Life:
    """A driver's search, from when it begins to when it is killed."""

    def __init__(self, folder: Path, spec: Spec, again: bool = False) -> None:
        layout = Layout(folder / ".cockpit")
        layout.create()
        self.spool = SpoolWriter(layout)
        self.storage = RunStorage(layout.root, self.spool)
        self.search = Search("s", spec, layout, self.storage, self.spool, again)
        self.why: str | None = None
        if again:
            _, self.why = self.search.go_on(Earlier())
        else:
            self.search.begin()

    def trial(self, steps: int = 0) -> dict[str, Any]:
        """Ask for one, and tell it."""
        trial = self.search.ask()
        for step in range(steps):
            trial.report(0.1 * step, step)
            trial.should_prune()
        params = dict(trial.params)
        values = (params["x"] - params["n"], params["x"])
        trial._study.tell(trial._trial, values[: len(trial._study.directions)])
        return params

    def ends(self) -> None:
        self.search.close()
        self.spool.close()


@pytest.mark.parametrize("sampler", ["tpe", "qmc", "nsgaii", "random"])
@pytest.mark.parametrize("when", ["sampling", "keeping", "kept"])
def test_a_kill_within_an_ask_leaves_nothing_of_it(
    tmp_path: Path, sampler: str, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = load(tmp_path / "whole", f'"{sampler}"')
    straight = Life(tmp_path / "whole", spec)
    whole = [straight.trial() for _ in range(16)]
    straight.ends()
    life = Life(tmp_path / "cut", load(tmp_path / "cut", f'"{sampler}"'))
    seen = [life.trial() for _ in range(12)]
    for _ in range(2):  # a kill may hit the very first ask of who goes on, too
        place, name = {
            "sampling": (life.storage, "set_trial_param"),
            "keeping": (snapshot.Keeper, "keep"),
            "kept": (life.spool, "append"),
        }[when]
        with monkeypatch.context() as patch:
            patch.setattr(place, name, kill)
            with pytest.raises(Killed):
                life.search.ask()
        life.ends()
        life = Life(tmp_path / "cut", spec, again=True)
        assert life.why is None
    seen += [life.trial() for _ in range(4)]
    life.ends()
    assert seen == whole


@pytest.mark.parametrize("begun", [True, False])
def test_a_kill_before_the_first_ask_leaves_the_beginning(
    tmp_path: Path, begun: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_baseline(folder: Path) -> Spec:
        load(folder)
        path = folder / "sweep.toml"
        path.write_text(path.read_text().replace("baseline = false", "baseline = true"))
        return load_specs(path)[0]

    straight = Life(tmp_path / "whole", with_baseline(tmp_path / "whole"))
    whole = [straight.trial() for _ in range(12)]
    straight.ends()
    spec = with_baseline(tmp_path / "cut")
    with monkeypatch.context() as patch:
        if not begun:
            patch.setattr(Search, "enqueue", kill)
        with contextlib.suppress(Killed):
            Life(tmp_path / "cut", spec).ends()
    again = Life(tmp_path / "cut", spec, again=True)
    assert again.why is None
    assert [again.trial() for _ in range(12)] == whole
    again.ends()


def test_what_a_pruner_settled_on_is_kept(tmp_path: Path) -> None:
    spec = load(tmp_path, pruner='"hyperband"')
    life = Life(tmp_path, spec)
    for steps in (4, 4, 40):  # it takes the longest of those before its first look for all there is
        life.trial(steps)
    trial = life.search.ask()
    settled = pickle.dumps(life.search.study.pruner)
    life.ends()
    again = Life(tmp_path, spec, again=True)
    assert again.why is None
    again.search.study.pruner.prune(again.search.study, again.search.trials()[trial._trial.number])
    assert pickle.dumps(again.search.study.pruner) == settled
    again.ends()


GROUPED = '{ name = "tpe", multivariate = true, group = true }'
GENETIC = '{ name = "nsgaii", population_size = 4, crossover = "undx", mutation = "polynomial" }'


@pytest.mark.parametrize(
    "sampler, more",
    [
        ('"tpe"', ""),
        ('"tpe"', TWO),
        (GROUPED, SEED),
        ('{ name = "gp", n_startup_trials = 10 }', SEED),
        ('{ name = "gp", n_startup_trials = 10 }', TWO),
        ('{ name = "cmaes", with_margin = true }', SEED),
        (GENETIC, SEED),
        ('{ name = "nsgaii", population_size = 4, crossover = "sbx" }', TWO),
        ('{ name = "nsgaiii", population_size = 4 }', TWO),
        ('{ name = "qmc", qmc_type = "halton", scramble = true }', ""),
        ('"random"', ""),
    ],
)
def test_the_state_of_every_sampler_is_taken_up(tmp_path: Path, sampler: str, more: str) -> None:
    spec = load(tmp_path, sampler, more=more)
    life = Life(tmp_path, spec)
    for _ in range(12):
        life.trial()
    life.ends()
    again = Life(tmp_path, spec, again=True)
    assert again.why is None
    again.ends()


def test_another_pruner_is_said(tmp_path: Path) -> None:
    life = Life(tmp_path, load(tmp_path))
    life.trial()
    life.ends()
    again = Life(tmp_path, load(tmp_path, pruner='"hyperband"'), again=True)
    assert again.why == "the pruner changed since"
    again.ends()


def test_a_trial_without_all_its_params_is_given_the_rest(tmp_path: Path) -> None:
    spec = load(tmp_path)
    life = Life(tmp_path, spec)
    life.trial()
    half = life.search.study.ask()  # as in a sweep whose search space has grown since
    half._suggest("x", life.search.declared["x"])
    life.search.study.tell(half, state=TrialState.FAIL)
    life.ends()
    again = Life(tmp_path, spec, again=True)
    (trial,), _ = again.search.go_on(Earlier(broken_off=[(half.number, 0)]))
    assert dict(trial.params) == {"x": half.params["x"], "n": trial.params["n"]}
    again.ends()
