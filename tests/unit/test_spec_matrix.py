"""[[matrix]]: several sweeps from one file, each checked as if it were alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cockpit.sweep.spec import SpecError, SpecInvalid, load_spec, load_specs, spec_from_stored
from cockpit.sweep.spec.params import FloatParam

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.sweep.spec import Spec

BASE = """\
[sweep]
name = "income"
sampler = { name = "tpe", n_startup_trials = 4 }
[params]
depth = { type = "int", low = 2, high = 10 }
"""
RUN = '[run]\nfunction = "train.py:forest"\n'
MATRIX = """\
[[matrix]]
adult = { data = { train = "adult.csv" } }
census = { data = { train = "census.csv" } }
[[matrix]]
forest = { run = { function = "train.py:forest" } }
[matrix.boosting]
run.function = "train.py:boosting"
params.depth.high = 4
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("def forest(trial): ...\ndef boosting(trial): ...\n")
    for name in ("adult.csv", "census.csv"):
        (tmp_path / name).write_text("x\n1\n")
    return tmp_path


def loaded(folder: Path, text: str, **given: Any) -> tuple[Spec, ...]:
    (folder / "sweep.toml").write_text(text)
    return load_specs(folder / "sweep.toml", **given)


def complaints(folder: Path, text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        loaded(folder, text)
    return [line.replace(f"{folder}/", "") for line in str(caught.value).split("\n")]


def test_each_combination_is_a_sweep_of_its_own(folder: Path) -> None:
    specs = loaded(folder, BASE + MATRIX)
    assert [spec.sweep.name for spec in specs] == [
        "income-adult-forest", "income-adult-boosting",
        "income-census-forest", "income-census-boosting",
    ]  # fmt: skip
    assert [spec.cell for spec in specs][:2] == ["adult-forest", "adult-boosting"]
    assert [spec.run.name for spec in specs] == ["forest", "boosting"] * 2
    assert [spec.data["train"].name for spec in specs] == ["adult.csv"] * 2 + ["census.csv"] * 2
    assert [spec.params["depth"].model_dump()["high"] for spec in specs] == [10, 4] * 2
    assert {spec.text for spec in specs} == {BASE + MATRIX}


def test_an_option_of_the_command_goes_before_the_matrix(folder: Path) -> None:
    (folder / "sweep.toml").write_text(f"{BASE}[[matrix]]\na.sweep.seed = 1\nb.sweep.seed = 2\n"
                                       '[run]\nfunction = "train.py:forest"')  # fmt: skip
    specs = load_specs(folder / "sweep.toml", name="x", overrides={"sweep.seed": 9})
    assert [(spec.sweep.name, spec.sweep.seed) for spec in specs] == [("x-a", 9), ("x-b", 9)]


def test_another_kind_of_sampler_or_parameter_is_taken_whole(folder: Path) -> None:
    (spec,) = loaded(
        folder,
        f'{BASE}[run]\nfunction = "train.py:forest"\n[[matrix]]\n[matrix.a]\n'
        'sweep.sampler = { name = "random" }\n'
        'params.depth = { type = "float", low = 0.0, high = 1.0 }\n',
    )
    assert spec.sweep.sampler.given() == {}
    assert spec.params["depth"] == FloatParam(type="float", low=0.0, high=1.0)
    assert spec.sweep.name == "income-a"


def test_the_same_kind_of_sampler_keeps_what_is_not_said_again(folder: Path) -> None:
    text = f'{BASE}[run]\nfunction = "train.py:forest"\n[[matrix]]\n'
    (spec,) = loaded(folder, text + "a.sweep.sampler.multivariate = true")
    assert spec.sweep.sampler.given() == {"n_startup_trials": 4, "multivariate": True}


def test_a_cell_that_was_stored_is_found_again(folder: Path) -> None:
    spec = loaded(folder, BASE + MATRIX)[3]
    again = spec_from_stored(spec.text, spec.folder, "sweep.toml", spec.overrides, spec.cell)
    assert (again.sweep, again.run, again.cell) == (spec.sweep, spec.run, "census-boosting")
    with pytest.raises(
        SpecInvalid, match='no sweep called adult-fores; did you mean "adult-forest"'
    ):
        spec_from_stored(spec.text, spec.folder, "sweep.toml", cell="adult-fores")


def test_where_one_sweep_is_asked_for_several_are_refused(folder: Path) -> None:
    loaded(folder, BASE + MATRIX)
    with pytest.raises(SpecInvalid, match=r"line 6: \[\[matrix\]\] makes 4 sweeps of this file"):
        load_spec(folder / "sweep.toml")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("depth.high = 4", "depth.hihg = 4",
         'line 13: [params] depth: hihg is not a known key of int; did you mean "high"?'),
        ("params.depth", "parms.depth",
         'line 13: [[matrix]] boosting: parms is not a known table; did you mean "params"?'),
        ("params.depth.high = 4", "trials = 4",
         "line 13: [[matrix]] boosting: trials is not a known table"),
        ("high = 4", "high = 1", "line 5: [params] depth: low 2 is above high 1 (in adult-boosting"
         " and 1 more)"),
        ("census.csv", "cens.csv",
         'line 8: [data] train = "cens.csv" was not found in FOLDER; did you mean "census.csv"?'),
        ("adult =", '"ad/ult" =', 'line 7: [[matrix]] "ad/ult" is to be part of a sweep\'s name,'
         " which should have no #, / or \\ in it, nor - at its start"),
        ('{ run = { function = "train.py:forest" } }', "3", "line 10: [[matrix]] forest = 3 should"
         ' be as in forest = { run = { function = "train.py:forest" } }'),
        ("[[matrix]]\nadult", "[[matrix]]\n[[matrix]]\nadult",
         "line 6: [[matrix]] has an axis without a value; add one, as in small = { sweep = { … } }"),
    ],
)  # fmt: skip
def test_a_mistake_in_an_override_is_told_once_on_its_own_line(
    folder: Path, old: str, new: str, said: str
) -> None:
    text = BASE + MATRIX
    assert old in text
    (line,) = complaints(folder, text.replace(old, new))
    assert line.startswith(f"sweep.toml {said.replace('FOLDER', str(folder))}")


def test_a_mistake_of_some_combinations_names_them(folder: Path) -> None:
    (line,) = complaints(folder, f"{BASE}{MATRIX}[[enqueue]]\ndepth = 5\n")
    assert line == (
        "sweep.toml line 15: [[enqueue]] depth = 5 is not within low 2 and high 4"
        " (in adult-boosting and 1 more)"
    )


def test_a_mistake_of_all_is_told_once(folder: Path) -> None:
    text = (BASE + MATRIX).replace("n_startup_trials", "n_startup")
    (line,) = complaints(folder, text)
    assert line.startswith("sweep.toml line 3: [sweep] sampler: n_startup is not a known key")


def test_an_option_in_place_of_a_value_is_not_blamed_on_its_line(folder: Path) -> None:
    (folder / "sweep.toml").write_text(BASE + MATRIX)
    with pytest.raises(SpecInvalid) as caught:
        load_specs(folder / "sweep.toml", overrides={"params.depth.high": 1})
    assert str(caught.value).endswith("sweep.toml line 5: [params] depth: low 2 is above high 1")
    with pytest.raises(SpecInvalid) as caught:
        load_specs(folder / "sweep.toml", overrides={"params.depth.high": "x"})
    assert "sweep.toml: [params] depth: high" in str(caught.value)


def test_sweeps_without_number_or_of_one_name_are_refused(folder: Path) -> None:
    axis = "[[matrix]]\n" + "".join(f"v{n}.sweep.seed = {n}\n" for n in range(32))
    (line,) = complaints(folder, BASE + axis * 2)
    assert (
        line == "sweep.toml line 6: [[matrix]] makes 1,024 sweeps; at most 1,000: leave out values"
    )
    twice = "[[matrix]]\na = {}\na-b = {}\n[[matrix]]\nb-c = {}\nc = {}\n"
    (line,) = complaints(folder, BASE + twice)
    assert "makes two sweeps called a-b-c" in line
    (line,) = complaints(folder, f"{BASE}[matrix]\na = {{}}")
    assert "[matrix] should be written [[matrix]]" in line


NAMES = st.lists(st.from_regex("[a-z]{1,6}", fullmatch=True), min_size=1, max_size=4, unique=True)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(axes=st.lists(NAMES, min_size=1, max_size=3))
def test_the_sweeps_are_the_product_of_the_axes(folder: Path, axes: list[list[str]]) -> None:
    text = f'{BASE}[run]\nfunction = "train.py:forest"\n'
    tables = ("sweep.seed", "executor.workers", "executor.retries")
    for axis, table in zip(axes, tables, strict=False):
        text += "[[matrix]]\n" + "".join(
            f"{name}.{table} = {place + 1}\n" for place, name in enumerate(axis)
        )
    specs = loaded(folder, text)
    expected = [""]
    for axis in axes:
        expected = [f"{before}-{name}" for before in expected for name in axis]
    assert [spec.sweep.name for spec in specs] == [f"income{name}" for name in expected]
    assert (specs[0].sweep.seed, specs[-1].sweep.seed) == (1, len(axes[0]))


def test_a_setting_named_alone_takes_an_option_beside_it(folder: Path) -> None:
    text = """
[sweep]
sampler = "nsgaii"
[[matrix]]
few = { sweep = { sampler = { population_size = 5 } } }
other = { sweep = { sampler = { name = "random" } } }
"""
    few, other = loaded(folder, RUN + text)
    assert few.sweep.sampler.given() == {"population_size": 5}
    assert (few.sweep.sampler.name, other.sweep.sampler.name) == ("nsgaii", "random")


def test_a_dotted_place_finds_a_name_with_a_dot_in_it(folder: Path) -> None:
    text = '[params]\n"model.lr" = { type = "float", low = 0, high = 1 }\n'
    (spec,) = loaded(folder, RUN + text, overrides={"params.model.lr.high": 0.5, "sweep.trials": 3})
    assert (spec.params["model.lr"].high, spec.sweep.trials) == (0.5, 3)  # type: ignore[union-attr]


def test_a_matrix_is_not_set_from_outside(folder: Path) -> None:
    with pytest.raises(SpecInvalid, match=r"\[\[matrix\]\] stands in the file alone"):
        loaded(folder, RUN, overrides={"matrix.small.sweep.trials": 3})


def test_sweeps_that_come_to_one_name_are_refused(folder: Path) -> None:
    text = """
[[matrix]]
a = { sweep = { name = "q-b" } }
b-a = { sweep = { name = "q" } }
"""
    with pytest.raises(SpecInvalid, match="makes two sweeps called q-b-a; give each another"):
        loaded(folder, RUN + text)
