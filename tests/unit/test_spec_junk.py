"""Whatever stands in a spec, the answer is a sweep or sentences; never a traceback."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cockpit.sweep.spec import SpecError, load_specs
from cockpit.sweep.spec.check import KNOWN
from cockpit.sweep.spec.params import PARAMS
from cockpit.sweep.spec.search import CROSSOVERS, MUTATIONS, PRUNERS, SAMPLERS
from cockpit.sweep.spec.table import Table, keys, tag
from cockpit.sweep.spec.tables import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.sweep.spec import Problem, Spec

SETTINGS = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=150,
)
PARTS = (*PARAMS, *SAMPLERS, *PRUNERS, *CROSSOVERS, *MUTATIONS)
WORDS = st.sampled_from(
    sorted({key for model in PARTS for key in keys(model)} | set(map(tag, PARTS)))
)
LIKELY = st.sampled_from(
    [
        "train.py:train", "train.py", "rows.csv", "python", "{x}", "{flag:x}", "--x={x}", "{", "}",
        "{params}", "{data:x}", "10m", "4GB", "x <= 1", "y >= -1e9", "(?P<x>.)", "(", "~nobody/x",
        "\0", "/", "..", "", "maximize", "warm", "process", "skip",
    ]
)  # fmt: skip
KEY = st.one_of(WORDS, st.sampled_from(["x", "y", "a-b", "a/b", "", "\x1b"]), st.text(max_size=3))
LEAF = st.one_of(
    LIKELY, WORDS, st.integers(-2, 9), st.booleans(), st.floats(), st.integers(), st.text(max_size=4)
)  # fmt: skip
VALUE = st.recursive(
    LEAF,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEY, inner, max_size=4),
    max_leaves=8,
)


def table(name: str) -> st.SearchStrategy[Any]:
    model = TABLES.get(name)
    known = keys(model) if model and issubclass(model, Table) else ()
    key = st.sampled_from(known) | KEY if known else KEY
    return st.dictionaries(key, VALUE, max_size=5)


ONE = {name: table(name) for name in KNOWN}
DOCUMENT = st.fixed_dictionaries(
    {"run": st.just({"function": "train.py:train"}) | ONE["run"]},
    optional={
        name: each | st.lists(each, max_size=3) | VALUE
        for name, each in ONE.items()
        if name not in ("run", "matrix")
    }
    | {
        "matrix": st.lists(
            st.dictionaries(KEY, st.fixed_dictionaries({}, optional=ONE) | VALUE, max_size=2),
            max_size=3,
        ),
        "else": VALUE,
    },
)


def toml(value: Any) -> str:
    """Any value on one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{text(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, str):
        return text(value)
    return repr(value).lower()


def text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("def train(trial): ...\n")
    (tmp_path / "rows.csv").write_text("x\n")
    return tmp_path


def answered(folder: Path, document: dict[str, Any]) -> None:
    """Load the document, and see that it comes to sweeps or to sentences."""
    lines = "\n".join(f"{text(name)} = {toml(value)}" for name, value in document.items())
    (folder / "sweep.toml").write_text(lines, encoding="utf-8", newline="")
    specs: tuple[Spec, ...] = ()
    problems: tuple[Problem, ...] = ()
    try:
        specs = load_specs(folder / "sweep.toml")
    except SpecError as error:
        problems = error.problems
    assert bool(specs) is not bool(problems)
    assert all(str(problem).isprintable() and problem.text.strip() for problem in problems)
    assert len({spec.sweep.name for spec in specs}) == len(specs)


@SETTINGS
@given(document=DOCUMENT)
@example(document={"run": {"command": ["~nobody/x", "{data:x}"]}, "data": {"x": "~nobody/y"}})
@example(document={"run": {"command": ["a" * 5000]}, "data": {"x": "a" * 5000}})
@example(document={"run": {"command": ["\0"]}})
@example(document={"run": {"function": "a\0.py:train", "python": "\0/\0"}, "data": {"x": "\0"}})
@example(document={"run": {"function": "train.py:train"}, "sweep": {"time": "9" * 400 + "h"}})
@example(document={"run": {"function": "train.py:train"}, "limits": {"memory": "9" * 400 + "TB"}})
@example(document={"run": {"function": "train.py:train"}, "limits": {"memory": 10**400}})
def test_no_spec_makes_a_traceback(folder: Path, document: dict[str, Any]) -> None:
    answered(folder, document)


FULL: dict[str, Any] = {
    "sweep": {
        "name": "a", "metric": "auc", "direction": "maximize", "trials": 9, "time": "2h",
        "patience": 3, "duplicates": "skip", "baseline": True, "constraints": ["ms <= 20"],
        "sampler": {"name": "nsgaii", "crossover": "sbx", "mutation": {"name": "polynomial"}},
        "pruner": {"name": "patient", "patience": 2, "wrapped": {"name": "median"}}, "seed": 1,
    },
    "run": {
        "command": ["python", "train.py", "--x={x}", "{flag:y}", "{data:z}"],
        "baseline": ["python", "train.py"], "params_file": True,
    },
    "params": {
        "x": {"type": "float", "low": 0.0, "high": 1.0, "step": 0.5, "default": 0.5},
        "y": {"type": "bool", "default": True},
        "i": {"type": "int", "low": 1, "high": 8, "log": True, "default": 2},
        "c": {"type": "categorical", "choices": ["a", 1], "default": "a"},
    },
    "metrics": {"json": True, "file": "m.jsonl", "patterns": ["(?P<auc>.)"]},
    "data": {"z": "rows.csv"},
    "limits": {"timeout": "1h", "memory": "1GB", "threads": 1},
    "executor": {"workers": 2, "isolation": "process", "retries": 0, "grace": "1s"},
    "enqueue": [{"x": 0.5, "c": 1}, {"y": False}],
    "matrix": [{"b": {"sweep": {"seed": 2}}, "d": {"params": {"i": {"high": 9}}}}],
}  # fmt: skip


def places(value: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value)
    found = [((*here, name), item) for name, item in inner]
    deeper = [places(item, path) for path, item in found if isinstance(item, dict | list)]
    return [path for path, _ in found] + [path for each in deeper for path in each]


@SETTINGS
@given(where=st.sampled_from(places(FULL)), instead=VALUE)
@example(where=("sweep", "seed"), instead=1)
def test_one_value_gone_wrong_makes_no_traceback(
    folder: Path, where: tuple[Any, ...], instead: Any
) -> None:
    document = copy.deepcopy(FULL)
    part: Any = document
    for name in where[:-1]:
        part = part[name]
    part[where[-1]] = instead
    answered(folder, document)


DEEP = "a." * 3000 + "a"


@pytest.mark.parametrize(
    "lines",
    [
        f"[sweep.sampler.{DEEP}]",
        f"[matrix.{DEEP}]",
        f"[[matrix]]\nx.{DEEP} = 1",
        f"[[enqueue]]\nx.{DEEP} = 1",
        "[sweep]\nseed = " + "[" * 200 + "]" * 200,
    ],
    ids=range(5),
)
def test_a_nesting_without_end_is_told(folder: Path, lines: str) -> None:
    (folder / "sweep.toml").write_text(f'[run]\nfunction = "train.py:train"\n{lines}\n')
    with pytest.raises(SpecError, match=r"cannot be read as TOML: .*deep"):
        load_specs(folder / "sweep.toml")
