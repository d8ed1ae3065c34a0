"""Rules that leave with a model mean there what they mean here."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cockpit.models import ruling
from cockpit.models.bundle import BundleError, BundleRefused, load_bundle
from cockpit.models.export import export
from cockpit.models.predicting import predict
from cockpit.models.resolving import resolve
from storage.expressions.comparisons import NotPlain, comparisons
from storage.frames import Frames
from storage.layout import Layout
from tests.unit.saved_models import fitted, people, save

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.models.bundle import Bundle

KINDS = {"age": "number", "job": "text", "full": "number"}
ages = st.one_of(st.none(), st.sampled_from([float("nan"), -1.0, 0.0, 17.0, 18.0, 30.5]))
jobs = st.one_of(st.none(), st.sampled_from(["", "smith", "Smith", "zoë", "no"]))
numbers = st.sampled_from(["0", "18", "-1", "30.5", "1e3"])
texts = st.sampled_from(["''", "'smith'", "'zoë'", "'it''s'"])
signs = st.sampled_from(["=", "!=", "<>", "<", "<=", ">", ">="])
plain = st.one_of(
    st.tuples(st.just("age"), signs, numbers).map(" ".join),
    st.tuples(numbers, signs, st.just("age")).map(" ".join),
    st.tuples(st.just("job"), signs, texts).map(" ".join),
    st.tuples(st.sampled_from(["full = true", "full", "full != false", "full is false"])).map(
        "".join
    ),
    st.tuples(
        st.sampled_from(["age", "job", "full"]), st.sampled_from(["is null", "is not null"])
    ).map(" ".join),
    st.lists(numbers, min_size=1, max_size=3).map(lambda of: f"age in ({', '.join(of)})"),
    st.lists(texts, min_size=1, max_size=3).map(lambda of: f"job not in ({', '.join(of)})"),
    st.tuples(numbers, numbers).map(lambda of: f"age between {of[0]} and {of[1]}"),
    st.tuples(numbers, numbers).map(lambda of: f"age not between {of[0]} and {of[1]}"),
)
conditions = st.recursive(
    plain,
    lambda inner: st.one_of(
        inner.map(lambda one: f"not ({one})"),
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(lambda of: f"({of[0]}) {of[1]} ({of[2]})"),
    ),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=60)
@given(
    conditions, st.lists(st.tuples(ages, jobs, st.sampled_from([True, False, None])), min_size=1)
)
def test_a_condition_holds_for_the_rows_it_holds_for_here(
    text: str, rows: list[tuple[Any, ...]]
) -> None:
    schema = {"age": pl.Float64, "job": pl.String, "full": pl.Boolean}
    frame = pl.DataFrame(rows, schema, orient="row")
    with Frames(frame) as frames:
        right = frames.masks([text])["0"].to_list()
    told = json.loads(json.dumps(comparisons(text)))
    columns = {name: ruling.column(frame[name].to_list(), KINDS[name]) for name in KINDS}
    found = np.broadcast_to(ruling.holds(told, columns), (frame.height,))
    assert found.tolist() == right


@pytest.mark.parametrize("text", ["age + 1 > 3", "job like 's%'", "lower(job) = 'smith'"])
def test_what_is_more_than_comparisons_is_said_to_be(text: str) -> None:
    with pytest.raises(NotPlain):
        comparisons(text)


RULES = (
    "when age < 30 and job in ('smith', 'clerk') then 'no'",
    "when y_pred = 1 and y_score < 0.8 then 'no'",
    "when not hours <= 50 then 'yes'",
)


@pytest.fixture(scope="module", params=["yes", "no"])
def saved(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    folder = tmp_path_factory.mktemp("run") / "model"
    rows = people()
    save(folder, fitted(rows), rows, target="rich", positive=request.param)
    return load_bundle(folder)


def loaded(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The loader of an export."""
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delitem(sys.modules, "cockpit_rules", raising=False)
    spec = importlib.util.spec_from_file_location("exported", folder / "loader.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(str(folder / "model"))


def test_the_loader_answers_as_cockpit_does(
    saved: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = export(saved, tmp_path / "out", rules=RULES)
    assert {"rules.json", "cockpit_rules.py", "loader.py"} <= set(files)
    rows = people(500, seed=3)
    right = predict(saved, rows, RULES)
    assert not right.equals(saved.predict(rows))
    found = loaded(tmp_path / "out", monkeypatch)(rows.drop("rich").to_dict(as_series=False))
    assert found["y_pred"].tolist() == right["y_pred"].to_list()
    place = list(saved.signature.classes).index(saved.signature.positive)
    assert np.abs(found["y_score"][:, place] - right["y_score"].to_numpy()).max() <= 1e-6
    meant = resolve(Layout(tmp_path / ".cockpit"), str(tmp_path / "out"))
    assert meant.rules == RULES
    path = tmp_path / "out" / "rules.json"
    path.write_text(path.read_text("utf-8").replace(saved.digest, "sha256:0"), "utf-8")
    with pytest.raises(BundleRefused, match="are those of another model"):
        resolve(Layout(tmp_path / ".cockpit"), str(tmp_path / "out"))
    path.write_text("[")
    with pytest.raises(BundleRefused, match="cannot be understood"):
        resolve(Layout(tmp_path / ".cockpit"), str(tmp_path / "out"))


def test_amounts_and_several_labels_have_rules_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn.linear_model import LinearRegression, LogisticRegression

    rows = people(300).select("age", "hours")
    amounts = (rows["age"] * 1.5 - rows["hours"]).to_numpy()
    labels = np.where(amounts < 30, "low", np.where(amounts < 60, "middle", "high"))
    several = LogisticRegression(max_iter=2000).fit(rows, labels)
    for name, model, rules in (
        ("amount", LinearRegression().fit(rows, amounts), ("when y_pred < 20 then 0", "when age > 70 then 99.5")),
        ("label", several, ("when y_pred = 'middle' then 'high'", "when age is null or hours < 9 then 'low'")),
    ):  # fmt: skip
        save(tmp_path / name / "model", model, rows)
        bundle = load_bundle(tmp_path / name / "model")
        export(bundle, tmp_path / f"{name}-out", rules=rules)
        right = predict(bundle, rows, rules)
        found = loaded(tmp_path / f"{name}-out", monkeypatch)(rows.to_dict(as_series=False))
        if name == "amount":
            assert np.allclose(found["y_pred"], right["y_pred"].to_numpy(), rtol=1e-6)
            assert (found["y_pred"] == 0).any()
        else:
            assert found["y_pred"].tolist() == right["y_pred"].to_list()
            scores = right.select(f"y_score.{label}" for label in bundle.signature.classes)
            assert np.abs(found["y_score"] - scores.to_numpy()).max() <= 1e-6


def test_a_rule_that_the_loader_cannot_carry_out_stops_the_export(
    saved: Bundle, tmp_path: Path
) -> None:
    with pytest.raises(BundleError, match=r"when lower\(job\).*--without-rules"):
        export(saved, tmp_path / "out", rules=("when lower(job) = 'x' then 'no'",))
    with pytest.raises(BundleError, match="speaks of 'member', which the model does not take"):
        export(saved, tmp_path / "out", rules=("when member = 1 then 'no'",))
    assert not (tmp_path / "out").exists()


def test_it_needs_numpy_and_onnxruntime_alone(saved: Bundle, tmp_path: Path) -> None:
    export(saved, tmp_path / "out", rules=RULES)
    rows = people(40, seed=6)
    program = (
        "import sys\n"
        "for name in ('cockpit', 'storage', 'polars', 'pandas', 'sklearn', 'onnx', 'scipy', 'sqlglot'):\n"
        "    sys.modules[name] = None\n"
        f"sys.path.insert(0, {str(tmp_path / 'out')!r})\n"
        "from loader import load\n"
        f"found = load({str(tmp_path / 'out' / 'model')!r})({rows.to_dict(as_series=False)!r})\n"
        "print(found['y_pred'].tolist())\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert eval(done.stdout) == predict(saved, rows, RULES)["y_pred"].to_list()  # noqa: S307
