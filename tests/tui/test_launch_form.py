"""The form of a spec: what it offers, and what becomes of what is typed."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.sweep.spec.draft import PRUNER_NAMES, SAMPLER_NAMES, drafted, specs_in
from cockpit.tui.launch_form import (
    Row,
    arguments,
    fields_of,
    overrides,
    place_of,
    preview,
    rows,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TRAIN = "def train(trial):\n    return 1.0\n"
SPEC = """
[sweep]
name = "income"
trials = 30
pruner = { name = "median", n_warmup_steps = 30 }

[run]
function = "train.py:train"

[params]
rate = { type = "float", low = 0.005, high = 1.0, log = true }
leaves = { type = "int", low = 3, high = 128 }
loss = { type = "categorical", choices = ["a", "b"], default = "a" }
amp = { type = "bool" }
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    path = tmp_path / "sweep.toml"
    path.write_text(SPEC)
    return path


def form(text: str = SPEC) -> tuple[Row, ...]:
    return rows(tomllib.loads(text), "sweep", SAMPLER_NAMES, PRUNER_NAMES)


def changed(**texts: str) -> Mapping[str, Any]:
    return overrides(form(), {place.replace("__", "."): text for place, text in texts.items()})


def test_the_form_has_what_the_file_has_and_what_holds_without_it() -> None:
    found = {field.place: (field.given, field.otherwise) for field in fields_of(form())}
    assert found == {
        "sweep.name": ("income", "sweep"),
        "sweep.trials": ("30", "30"),
        "executor.workers": ("", "1"),
        "sweep.sampler": ("", "tpe"),
        "sweep.pruner": ("median", "median"),
        "sweep.seed": ("", "another each time"),
        "params.rate.low": ("0.005", ""),
        "params.rate.high": ("1.0", ""),
        "params.leaves.low": ("3", ""),
        "params.leaves.high": ("128", ""),
        "params.loss.choices": ('["a", "b"]', ""),
    }
    notes = {row.label: row.note for row in form()}
    assert notes["rate"] == "float, log"
    assert notes["loss"] == 'categorical, default "a"'
    assert notes["amp"] == "true or false"
    assert notes["pruner"] == "n_warmup_steps = 30"


def test_only_what_was_changed_is_given_beside_the_file() -> None:
    assert changed(sweep__trials="30", sweep__name="", sweep__pruner="median") == {}
    assert changed(sweep__trials=" 40 ", params__rate__low="1e-3", sweep__sampler="random") == {
        "sweep.trials": 40,
        "sweep.sampler": "random",
        "params.rate.low": 0.001,
    }
    assert changed(sweep__name="7") == {"sweep.name": "7"}


def test_the_command_line_says_the_same() -> None:
    words = arguments(
        "my sweep.toml",
        changed(sweep__name="a b", sweep__trials="9", params__loss__choices='["a b", "c"]'),
    )
    setting = 'params.loss.choices=["a b", "c"]'
    assert words == ("my sweep.toml", "--name", "a b", "--trials", "9", "--set", setting)


def test_a_problem_finds_its_field(spec: Path) -> None:
    draft = drafted(spec, changed(params__rate__low="2", sweep__seed="x", sweep__sampler="tpo"))
    places = [place_of(problem.path, form()) for problem in draft.problems]
    assert sorted(map(str, places)) == ["params.rate.low", "sweep.sampler", "sweep.seed"]
    assert place_of(("data", "train"), form()) is None
    assert place_of((), form()) is None


def test_the_preview_is_the_spec_with_what_was_changed(spec: Path) -> None:
    given = changed(params__rate__low="2", sweep__trials="9")
    lines = preview(drafted(spec, given), given)
    found = tomllib.loads("\n".join(line.text for line in lines))
    assert found["params"]["rate"] == {"type": "float", "low": 2, "high": 1.0, "log": True}
    assert [line.text for line in lines if line.changed] == [
        "trials = 9",
        'rate = { type = "float", low = 2, high = 1.0, log = true }',
    ]
    assert [line.text[:4] for line in lines if line.wrong] == ["rate"]


@pytest.mark.parametrize(
    "text",
    [
        "sweep = 3\nparams = []\n",
        '[params]\n"a.b" = { type = "float", low = 0, high = 1 }\nc = 3\nd = { type = 7 }\n',
        '[sweep]\nname = 7\nsampler = 3\npruner = { name = 7 }\nmetric = ["a", "b"]\ntime = "1m"\n',
        "[sweep]\ntrials = 2026-01-02\nseed = nan\n[params]\na = 01:02:03\n",
        "",
    ],
)
def test_a_form_is_made_of_whatever_a_file_holds(text: str) -> None:
    assert [row.label for row in form(text)][:3] == ["name", "trials", "workers"]
    assert overrides(form(text), {}) == {}


def test_specs_are_known_by_their_tables(spec: Path) -> None:
    folder = spec.parent
    (folder / "pyproject.toml").write_text("[tool.x]\na = 1\n")
    (folder / "other.toml").write_text("[run]\ncommand = ['x']\n")
    (folder / "torn.toml").write_text("[sweep\n")
    (folder / "folder.toml").mkdir()
    assert {path.name: about for path, about in specs_in(folder).items()} == {
        "other.toml": "other · x",
        "sweep.toml": "income · 30 trials · train.py:train",
    }
    spec.write_text("[sweep\n")
    assert [path.name for path in specs_in(folder)] == ["other.toml", "sweep.toml"]
    draft = drafted(spec, {})
    assert not draft.tables
    assert draft.problems[0].line == 1


def test_a_draft_that_can_start_says_which_sweeps_it_makes(spec: Path) -> None:
    assert drafted(spec, {}).names == ("income",)
    matrix = "\n[[matrix]]\none = { sweep = { seed = 1 } }\ntwo = { sweep = { seed = 2 } }\n"
    spec.write_text(SPEC + matrix)
    assert drafted(spec, {"sweep.name": "x"}).names == ("x-one", "x-two")
