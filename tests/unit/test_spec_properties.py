"""Any spec someone may write loads to what it says, and any mistyped key is named."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from cockpit.sweep.space import distributions
from cockpit.sweep.spec import SpecError, load_spec
from cockpit.sweep.spec.errors import distance
from cockpit.sweep.spec.limit import Limit, limits
from cockpit.sweep.spec.params import PARAMS
from cockpit.sweep.spec.table import Table, keys
from cockpit.sweep.spec.tables import TABLES, SweepTable

if TYPE_CHECKING:
    from pathlib import Path

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
NAME = st.from_regex(r"[a-z][a-z0-9_]{0,9}", fullmatch=True)
NUMBER = st.floats(-1e6, 1e6, allow_nan=False)


@st.composite
def float_params(draw: st.DrawFn) -> dict[str, Any]:
    low, high = sorted((draw(NUMBER), draw(NUMBER)))
    log = low > 0 and draw(st.booleans())
    return {"type": "float", "low": low, "high": high} | ({"log": True} if log else {})


@st.composite
def int_params(draw: st.DrawFn) -> dict[str, Any]:
    low, step = draw(st.integers(-1000, 1000)), draw(st.integers(1, 9))
    return {"type": "int", "low": low, "high": low + step * draw(st.integers(0, 50)), "step": step}


CHOICES = st.lists(NAME | st.integers(2, 99), min_size=1, max_size=4, unique=True)
PARAM = st.one_of(
    float_params(),
    int_params(),
    st.fixed_dictionaries({"type": st.just("categorical"), "choices": CHOICES}),
    st.just({"type": "bool"}),
)
SWEEP = st.fixed_dictionaries(
    {},
    optional={
        "name": NAME,
        "metric": NAME,
        "direction": st.sampled_from(["maximize", "minimize"]),
        "trials": st.integers(1, 10_000),
        "sampler": st.sampled_from(["tpe", "random", "nsgaii"]),
        "pruner": st.sampled_from(["median", "none", "hyperband"]),
        "seed": st.integers(0, 2**32 - 1),
        "time": st.integers(1, 10**6),
        "patience": st.integers(1, 10**6),
        "duplicates": st.sampled_from(["run", "skip"]),
        "baseline": st.booleans(),
        "constraints": st.lists(st.builds("{} <= {}".format, NAME, NUMBER), max_size=1),
    },
)
SPEC = st.fixed_dictionaries(
    {
        "sweep": SWEEP,
        "run": st.just({"function": "train.py:train"}),
        "params": st.dictionaries(NAME, PARAM, max_size=5),
        "limits": st.fixed_dictionaries(
            {},
            optional={"timeout": st.integers(1, 10**6), "memory": st.integers(10**6, 10**12)}
            | {"threads": st.integers(1, 64)},
        ),
        "executor": st.fixed_dictionaries(
            {},
            optional={"workers": st.integers(1, 64), "retries": st.integers(0, 9)}
            | {"isolation": st.just("warm"), "recycle": st.integers(1, 99)}
            | {"recycle_memory": st.integers(10**6, 10**12), "grace": st.integers(1, 99)},
        ),
    }
)
KNOWN = {
    key for model in (*TABLES.values(), *PARAMS) if issubclass(model, Table) for key in keys(model)
}
"""Where a mistake makes one key of another, it is another mistake."""


def toml(document: dict[str, dict[str, Any]]) -> str:
    lines: list[str] = []
    for table, pairs in document.items():
        lines.append(f"[{table}]")
        lines += (f"{name} = {value(item)}" for name, item in pairs.items())
    return "\n".join(lines)


def value(item: Any) -> str:
    if isinstance(item, dict):
        return "{ " + ", ".join(f"{k} = {value(v)}" for k, v in item.items()) + " }"
    return repr(item) if isinstance(item, float) else json.dumps(item)


@pytest.fixture
def spec_file(tmp_path: Path) -> Path:
    (tmp_path / "train.py").write_text("def train(trial): ...\n")
    return tmp_path / "sweep.toml"


@SAME_FOLDER
@given(document=SPEC)
def test_a_spec_loads_to_the_values_it_was_written_with(
    spec_file: Path, document: dict[str, Any]
) -> None:
    spec_file.write_text(toml(document))
    spec = load_spec(spec_file)
    sweep = document["sweep"]
    assert spec.sweep.name == sweep.get("name", "sweep")
    assert spec.sweep.metrics == (sweep.get("metric", "value"),)
    assert spec.sweep.trials == sweep.get("trials", None if {"time", "patience"} & {*sweep} else 30)
    assert spec.sweep.constraints == tuple(
        Limit(name, "<=", float(bound))
        for name, _, bound in (each.split() for each in sweep.get("constraints", []))
    )
    assert limits(list(map(str, spec.sweep.constraints))) == spec.sweep.constraints
    for key in ("time", "patience", "duplicates", "baseline"):
        assert getattr(spec.sweep, key) == sweep.get(key, SweepTable.model_fields[key].default)
    for name, table in (("limits", spec.limits), ("executor", spec.executor)):
        assert table.model_dump(exclude_unset=True) == document[name]
    assert spec.sweep.sampler.name == sweep.get("sampler", "tpe")
    assert spec.sweep.pruner_name == sweep.get("pruner", "median")
    assert spec.sweep.seed == sweep.get("seed")
    found = {name: param.model_dump(exclude_unset=True) for name, param in spec.params.items()}
    expected = {
        name: {k: tuple(v) if isinstance(v, list) else v for k, v in param.items()}
        for name, param in document["params"].items()
    }
    assert found == expected
    assert list(distributions(spec)) == list(document["params"])


@st.composite
def mistyped(draw: st.DrawFn, name: str) -> str:
    """The name with one letter left out, added, replaced, or swapped with its neighbour."""
    at = draw(st.integers(0, len(name) - 1))
    letter = draw(st.sampled_from("abcdefghijklmnopqrstuvwxyz"))
    wrong: str = draw(
        st.sampled_from(
            [
                name[:at] + name[at + 1 :],
                name[:at] + letter + name[at:],
                name[:at] + letter + name[at + 1 :],
                name[:at] + name[at : at + 2][::-1] + name[at + 2 :],
            ]
        )
    )
    return wrong


@SAME_FOLDER
@given(data=st.data(), document=SPEC)
def test_any_one_mistyped_key_is_named_with_its_line_and_the_key_meant(
    spec_file: Path, data: st.DataObject, document: dict[str, Any]
) -> None:
    document = json.loads(json.dumps(document))  # its parts may be one object
    places = [(t, k) for t in ("sweep", "run", "limits", "executor") for k in document[t]]
    places += [(p, k) for p in document["params"] for k in document["params"][p]]
    owner, right = data.draw(st.sampled_from(places))
    wrong = data.draw(mistyped(right))
    table = document[owner] if owner in TABLES else document["params"][owner]
    assume(wrong and wrong not in KNOWN)
    renamed = {wrong if name == right else name: item for name, item in table.items()}
    table.clear()
    table.update(renamed)
    text = toml(document)
    spec_file.write_text(text)
    with pytest.raises(SpecError) as caught:
        load_spec(spec_file)
    (problem,) = caught.value.problems
    line = text.split("\n")[(problem.line or 0) - 1]
    assert f"{wrong} = " in line
    assert f"{wrong} is not a known key" in problem.text
    meant = problem.text.rpartition("did you mean ")[2].strip('"?')
    assert meant == right or distance(wrong, meant) <= distance(wrong, right)
