"""A spec file: what it says is what is run, and what is wrong with it is said."""

from __future__ import annotations

import math
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from cockpit.sweep.spec import (
    SpecError,
    SpecInvalid,
    SpecMissing,
    load_spec,
    load_specs,
    spec_from_function,
    spec_from_stored,
)
from cockpit.sweep.spec.limit import Limit
from cockpit.sweep.spec.params import FloatParam, IntParam

if TYPE_CHECKING:
    from pathlib import Path

FULL = """\
[sweep]
name = "income"
metric = "auc"
direction = "maximize"
trials = 12
sampler = { name = "tpe", n_startup_trials = 4 }
pruner = { name = "percentile", percentile = 25.0 }
seed = 7
time = "2h"
patience = 40
duplicates = "skip"
constraints = ["latency ms <= 20", "auc>=0.5"]
[run]
function = "train.py:train"
baseline = "train.py:simple"
[params]
lr = { type = "float", low = 1e-3, high = 0.3, log = true }
depth = { type = "int", low = 2, high = 12, step = 5, default = 7 }
loss = { type = "categorical", choices = ["a", 2, true] }
[params.amp]
type = "bool"
[data]
train = "rows.csv"
[limits]
timeout = "1h30m"
memory = "4GB"
threads = 3
[executor]
workers = 2
isolation = "warm"
recycle = 100
recycle_memory = "512MiB"
retries = 2
grace = "10s"
[[enqueue]]
depth = 12
lr = 0.25
[[enqueue]]
loss = 2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("def train(trial): ...\n\n\ndef simple(trial): ...\n")
    (tmp_path / "rows.csv").write_text("x\n1\n")
    return tmp_path


def written(folder: Path, text: str, name: str = "sweep.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def complaints(folder: Path, text: str) -> list[str]:
    """The lines of the error, without the folder's name."""
    with pytest.raises(SpecError) as caught:
        load_spec(written(folder, text))
    return [line.replace(f"{folder}/", "") for line in str(caught.value).split("\n")]


def test_every_key_of_the_file_arrives(folder: Path) -> None:
    spec = load_spec(written(folder, FULL))
    assert (spec.sweep.name, spec.sweep.trials, spec.sweep.seed) == ("income", 12, 7)
    assert (spec.sweep.metrics, spec.sweep.directions) == (("auc",), ("maximize",))
    assert spec.sweep.sampler.given() == {"n_startup_trials": 4}
    assert spec.sweep.pruner_name == "percentile"
    assert (spec.run.place, spec.run.name) == ("train.py", "train")
    assert list(spec.params) == ["lr", "depth", "loss", "amp"]
    assert spec.params["lr"] == FloatParam(type="float", low=1e-3, high=0.3, log=True)
    assert spec.params["depth"] == IntParam(type="int", low=2, high=12, step=5, default=7)
    assert spec.data == {"train": folder / "rows.csv"}
    assert (spec.sweep.time, spec.sweep.patience, spec.sweep.duplicates) == (7200.0, 40, "skip")
    assert spec.sweep.constraints == (Limit("latency ms", "<=", 20), Limit("auc", ">=", 0.5))
    assert (spec.run.baseline, spec.baseline_kind) == ("train.py:simple", "function")
    assert spec.enqueue == ({"depth": 12, "lr": 0.25}, {"loss": 2})
    limits, executor = spec.limits, spec.executor
    assert (limits.timeout, limits.memory, limits.threads) == (5400.0, 4 * 10**9, 3)
    assert (executor.workers, executor.isolation, executor.recycle) == (2, "warm", 100)
    assert (executor.recycle_memory, executor.retries, executor.grace) == (512 * 2**20, 2, 10.0)
    assert (spec.text, spec.folder) == (FULL, folder)


def test_only_the_function_is_needed(folder: Path) -> None:
    spec = load_spec(written(folder, '[run]\nfunction = "train.py:train"', "first.toml"))
    assert spec.sweep.name == "first"
    assert (spec.sweep.metrics, spec.sweep.directions) == (("value",), ("minimize",))
    assert (spec.sweep.sampler.name, spec.sweep.pruner_name) == ("tpe", "median")
    assert (spec.sweep.trials, spec.executor.workers, spec.limits.timeout) == (30, 1, None)
    assert str(spec.python) == sys.executable
    assert (spec.sweep.time, spec.sweep.patience, spec.sweep.duplicates) == (None, None, "run")
    assert (spec.sweep.constraints, spec.enqueue, spec.cell) == ((), (), None)
    assert (spec.limits.memory, spec.limits.threads) == (None, None)
    assert (spec.executor.isolation, spec.executor.recycle, spec.executor.retries) == (
        "warm", None, 1,
    )  # fmt: skip
    assert (spec.executor.recycle_memory, spec.executor.grace) == (None, 5.0)


@pytest.mark.parametrize(
    ("keys", "trials"),
    [("", 30), ('time = "1h"', None), ("patience = 9", None), ('time = "1h"\ntrials = 4', 4)],
)
def test_a_budget_of_another_kind_needs_no_trials_beside_it(
    folder: Path, keys: str, trials: int | None
) -> None:
    text = f'[run]\nfunction = "train.py:train"\n[sweep]\n{keys}\n'
    assert load_spec(written(folder, text)).sweep.trials == trials


@pytest.mark.parametrize(
    ("sweep", "run", "kind"),
    [
        ("", "", "point"),
        ("", 'baseline = "train.py:simple"', "function"),
        ("baseline = false", "", "none"),
        ("baseline = false", 'baseline = "train.py:simple"', "none"),
        ('sampler = "grid"', "", "none"),
        ('sampler = "brute_force"', 'baseline = "train.py:simple"', "function"),
    ],
)
def test_what_runs_first_is_the_default_point_a_baseline_or_nothing(
    folder: Path, sweep: str, run: str, kind: str
) -> None:
    text = f'[sweep]\n{sweep}\n[run]\nfunction = "train.py:train"\n{run}\n'
    text += '[params]\nx = { type = "bool" }'
    assert load_spec(written(folder, text)).baseline_kind == kind


def test_a_constraint_says_by_how_much_it_is_broken() -> None:
    most, least = Limit("ms", "<=", 20.0), Limit("auc", ">=", 0.5)
    assert (most.violation({"ms": 15.0}), most.violation({"ms": 22.0})) == (-5.0, 2.0)
    assert (least.violation({"auc": 0.75}), least.violation({"auc": 0.25})) == (-0.25, 0.25)
    assert most.violation({}) == most.violation({"ms": math.nan}) == math.inf
    assert str(most) == "ms <= 20"


def test_several_objectives_are_not_pruned(folder: Path) -> None:
    text = '[sweep]\nmetric = ["auc", "ms"]\ndirection = ["maximize", "minimize"]\n'
    spec = load_spec(written(folder, text + '[run]\nfunction = "train.py:train"'))
    assert spec.sweep.directions == ("maximize", "minimize")
    assert spec.sweep.pruner_name == "none"


@pytest.mark.parametrize(
    ("written_as", "meant"),
    [
        ('"4GB"', 4 * 10**9), ('"512 mb"', 512 * 10**6), ('"1.5GiB"', 3 * 2**29), ('"2G"', 2 * 10**9),
        ("3000000", 3 * 10**6), ('"3000000"', 3 * 10**6), ('"64MiB"', 2**26),
    ],
)  # fmt: skip
def test_a_size_can_be_written_as_people_do(folder: Path, written_as: str, meant: int) -> None:
    text = f'[run]\nfunction = "train.py:train"\n[limits]\nmemory = {written_as}'
    assert load_spec(written(folder, text)).limits.memory == meant


@pytest.mark.parametrize(
    ("written_as", "meant"),
    [('"90s"', 90), ('"10m"', 600), ('"1h30m"', 5400), ('"1.5h"', 5400), ("45", 45), ("0.5", 0.5)],
)
def test_a_time_can_be_written_as_people_do(folder: Path, written_as: str, meant: float) -> None:
    text = f'[run]\nfunction = "train.py:train"\n[limits]\ntimeout = {written_as}'
    assert load_spec(written(folder, text)).limits.timeout == meant


def test_grid_takes_as_many_trials_as_it_has_points(folder: Path) -> None:
    text = '[sweep]\nsampler = "grid"\n[run]\nfunction = "train.py:train"\n[params]\n'
    text += 'a = { type = "int", low = 1, high = 7, step = 3 }\nb = { type = "bool" }\n'
    assert load_spec(written(folder, text)).sweep.trials == 6


def test_interpreter_keeps_its_link(folder: Path) -> None:
    (folder / "bin").mkdir()
    (folder / "bin/python").symlink_to(sys.executable)  # as in a venv: resolved, it would be lost
    text = '[run]\nfunction = "train.py:train"\npython = "bin/python"'
    assert load_spec(written(folder, text)).python == folder / "bin/python"


def test_function_may_be_made_in_any_way_a_module_can(folder: Path) -> None:
    ways = {
        "a": "from os import getcwd as a",
        "b": "b = lambda trial: 1",
        "c": "if True:\n    def c(trial): ...",
        "d": "try:\n    from x import d\nexcept ImportError:\n    d = None",
        "e": "from anything import *",
        "f": "class f: ...",
        "g": "g, other = 1, 2",
        "h": "def __getattr__(name): ...",
    }
    for name, source in ways.items():
        (folder / "train.py").write_text(source)
        text = f'[run]\nfunction = "train.py:{name}"'
        assert load_spec(written(folder, text)).run.name == name


def test_names_inside_functions_are_not_the_modules(folder: Path) -> None:
    (folder / "train.py").write_text(
        "def other():\n    def train(): ...\nx = [train for train in ()]"
    )
    (line,) = complaints(folder, '[run]\nfunction = "train.py:train"')
    assert line.startswith('sweep.toml line 2: [run] function = "train.py:train": train.py has no')


def test_syntax_of_another_python_is_left_to_it(folder: Path) -> None:
    (folder / "train.py").write_text("def train(trial): return new syntax\n")
    (line,) = complaints(folder, '[run]\nfunction = "train.py:train"')
    assert "train.py line 1 is not Python" in line
    text = f'[run]\nfunction = "train.py:train"\npython = "{sys.executable}"'
    assert load_spec(written(folder, text)).run.name == "train"


def test_sweep_by_function_alone_has_a_spec_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.parent)
    spec = spec_from_function(
        f"{folder.name}/train.py:train", 20, direction="maximize", name='a "b"', workers=3
    )
    assert (spec.folder, spec.path, spec.run.function) == (folder, None, "train.py:train")
    assert (spec.sweep.trials, spec.sweep.directions) == (20, ("maximize",))
    again = load_spec(written(folder, spec.text))
    assert (again.sweep, again.executor) == (spec.sweep, spec.executor)


def test_error_of_the_function_form_names_no_line(folder: Path) -> None:
    with pytest.raises(SpecInvalid) as caught:
        spec_from_function(f"{folder}/train.py:trian")
    assert str(caught.value).endswith('train.py has no trian; did you mean "train"?')
    assert " line " not in str(caught.value)


def test_options_of_the_command_go_before_the_file(folder: Path) -> None:
    spec = load_spec(written(folder, FULL), name="again", trials=3, workers=5)
    assert (spec.sweep.name, spec.sweep.trials, spec.executor.workers) == ("again", 3, 5)
    assert spec.sweep.seed == 7
    bare = load_spec(written(folder, '[run]\nfunction = "train.py:train"'), workers=5)
    assert (bare.executor.workers, bare.sweep.name) == (5, "sweep")
    with pytest.raises(SpecInvalid, match="trials = 0 should be at least 1"):
        load_spec(written(folder, FULL), trials=0)


def test_options_by_place_reach_everything_and_are_kept(folder: Path) -> None:
    overrides = {"sweep.sampler": "random", "params.depth.high": 17, "limits.memory": "8GB"}
    (spec,) = load_specs(written(folder, FULL), trials=60, overrides=overrides)
    assert (spec.sweep.sampler.name, spec.limits.memory) == ("random", 8 * 10**9)
    assert spec.params["depth"] == IntParam(type="int", low=2, high=17, step=5, default=7)
    assert spec.overrides == {"sweep.trials": 60, **overrides}
    with pytest.raises(SpecInvalid) as caught:
        load_specs(written(folder, FULL), overrides={"sweep.trails": 3})
    assert str(caught.value).endswith(
        'sweep.toml: [sweep] trails is not a known key; did you mean "trials"?'
    )


def test_stored_sweep_is_loaded_as_it_was_started(folder: Path) -> None:
    (spec,) = load_specs(written(folder, FULL), trials=60, name="again")
    written(folder, "[changed]\nsince = true\n")
    again = spec_from_stored(spec.text, spec.folder, "sweep.toml", spec.overrides, spec.cell)
    assert again.sweep == spec.sweep
    assert (again.params, again.run, again.data) == (spec.params, spec.run, spec.data)
    assert (again.overrides, again.path) == (spec.overrides, folder / "sweep.toml")
    (folder / "rows.csv").unlink()
    with pytest.raises(SpecInvalid, match=r"then\.toml line 23: \[data\] train .* was not found"):
        spec_from_stored(spec.text, spec.folder, "then.toml")


def test_stored_sweep_of_a_function_is_loaded_too(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    spec = spec_from_function("train.py:train", 20, name="naïve 🚀")
    again = spec_from_stored(spec.text, spec.folder, spec.label)
    assert (again.sweep, again.path) == (spec.sweep, None)


def test_missing_spec_names_those_that_are_there(folder: Path) -> None:
    written(folder, "", "other.toml")
    with pytest.raises(SpecMissing, match=r"no such file; found there: other\.toml"):
        load_spec(folder / "sweep.toml")
    with pytest.raises(SpecMissing, match=r"is a folder; .*found there: other\.toml"):
        load_spec(folder)


def test_spec_is_read_without_optuna() -> None:
    code = "import cockpit.sweep.spec, sys; print({'optuna', 'polars', 'numpy'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
