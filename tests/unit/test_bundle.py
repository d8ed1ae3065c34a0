"""A model that was saved answers as it did in the training code, and says what it cannot be asked about."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from cockpit.models.bundle import BadRows, Bundle, BundleError, BundleRefused, load_bundle
from cockpit.models.export import export
from cockpit.models.formats.skops_model import ScikitModel, open_skops
from cockpit.models.predicting import latency, predict_file
from cockpit.sweep.executors import bundles
from tests.unit.saved_models import fitted, people, save

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A model of texts and numbers, in ONNX and skops."""
    folder = tmp_path_factory.mktemp("run") / "model"
    rows = people()
    save(folder, fitted(rows), rows, target="rich")
    return load_bundle(folder)


def test_raw_rows_in_the_same_answers_out(tmp_path: Path) -> None:
    rows, others = people(), people(500, seed=2)
    model = fitted(rows, HistGradientBoostingClassifier(max_iter=20), "passthrough")
    told = save(tmp_path / "model", model, rows, target="rich", positive="no")
    assert (told.formats, told.notes) == (("onnx", "skops"), ())
    bundle = load_bundle(tmp_path / "model")
    others = others.with_columns(born=pl.date(1970, 1, 1))
    found = bundle.predict(others)
    assert told(others)["y_pred"].tolist() == found["y_pred"].to_list()
    others = others.drop("born")
    probabilities = model.predict_proba(others.drop("rich"))
    assert found["y_pred"].to_list() == model.predict(others.drop("rich")).tolist()
    assert np.abs(found["y_score"].to_numpy() - probabilities[:, 0]).max() < 1e-6
    in_training = told(others.drop("rich"))
    assert found["y_score"].to_list() == in_training["y_score"][:, 0].astype(float).tolist()
    bundle.check_example()


def test_what_is_said_of_the_model(saved: Bundle) -> None:
    signature = saved.signature
    assert [(one.name, one.type) for one in signature.columns] == [
        ("age", "int"),
        ("hours", "float"),
        ("job", "text"),
    ]
    assert (signature.task, signature.classes, signature.target) == (
        "binary",
        ("no", "yes"),
        "rich",
    )
    assert "scikit-learn" in signature.packages
    assert len(signature.example["age"]) == 20
    assert saved.size_bytes == sum(
        path.stat().st_size for path in saved.folder.iterdir() if path.name != "manifest.json"
    )


def test_the_two_formats_answer_alike(saved: Bundle, tmp_path: Path) -> None:
    rows = people(50, seed=3)
    model = fitted(people())
    bundles._files._skops(str(tmp_path / "model.skops"), model)
    opened = ScikitModel(
        open_skops((tmp_path / "model.skops").read_bytes()), "polars", {}, ("no", "yes")
    )
    scores = opened.answers(saved.signature.fitted(rows))["y_score"]
    assert np.abs(scores - saved.answers(rows)["y_score"]).max() < 1e-6


def test_amounts_and_several_labels(tmp_path: Path) -> None:
    rows = people()
    numbers = rows.select("age", "hours").to_numpy()
    model = make_pipeline(StandardScaler(), Ridge()).fit(numbers, numbers[:, 0] * 3)
    save(tmp_path / "amounts", model, numbers, columns=["age", "hours"])
    found = load_bundle(tmp_path / "amounts").predict(rows)
    assert found.columns == ["y_pred"]
    assert found["y_pred"].to_list() == pytest.approx(model.predict(numbers).tolist(), rel=1e-6)
    model = make_pipeline(StandardScaler(), LogisticRegression())
    model.fit(rows.select("age", "hours"), rows["job"].to_numpy())
    save(tmp_path / "jobs", model, rows.select("age", "hours"))
    found = load_bundle(tmp_path / "jobs").predict(rows)
    assert found.columns == ["y_pred", "y_score.clerk", "y_score.farmer", "y_score.smith"]
    assert found["y_pred"].to_list() == model.predict(rows.select("age", "hours")).tolist()


def test_what_converts_and_answers_otherwise_is_not_kept(tmp_path: Path) -> None:
    """Trees on scaled numbers: scaled in another way, rows between two seen ones fall to the other side."""
    rows = people()
    trees = HistGradientBoostingClassifier(max_iter=20)
    told = save(tmp_path / "model", fitted(rows, trees), rows, target="rich")
    assert told.formats == ("skops",)
    assert "rows differently" in told.notes[0]
    assert "rows between those of the example" in told.notes[0]
    bundle = load_bundle(tmp_path / "model")
    assert bundle.signature.notes == told.notes
    answers = told(rows.drop("rich"))["y_score"][:, 1]
    assert bundle.predict(rows)["y_score"].to_list() == answers.tolist()


def test_what_fails_leaves_the_model_that_was_saved(tmp_path: Path) -> None:
    rows = people()
    model = make_pipeline(FunctionTransformer(), Ridge())
    model.fit(rows.select("age"), rows["age"])
    save(tmp_path / "model", model, rows.select("age"))
    before = load_bundle(tmp_path / "model").digest
    for example, message in (
        (rows.select("age").head(0), "has no rows"),
        (rows.select("hours"), "lack the column 'age'"),
        ({"age": [1]}, "example is a mapping"),
    ):
        with pytest.raises((ValueError, TypeError), match=message):
            save(tmp_path / "model", model, example)
    assert load_bundle(tmp_path / "model").digest == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_pickle_is_loaded_by_those_who_ask_for_it_alone(tmp_path: Path) -> None:
    class Odd:
        def predict(self, rows: Any) -> Any:
            return np.full(len(rows), 7.0)

    globals()["Odd"] = Odd
    Odd.__qualname__ = "Odd"
    with pytest.raises(ValueError, match=r"no format that is safe to load.*unsafe_pickle=True"):
        save(tmp_path / "model", Odd(), people(), target="rich")
    save(tmp_path / "model", Odd(), people(), target="rich", unsafe_pickle=True)
    with pytest.raises(BundleRefused, match="runs any code when it is loaded: --unsafe-pickle"):
        load_bundle(tmp_path / "model").predict(people())
    asked = load_bundle(tmp_path / "model", unsafe_pickle=True)
    assert asked.predict(people(3))["y_pred"].to_list() == [7.0, 7.0, 7.0]


def test_files_of_another_framework_are_carried(tmp_path: Path) -> None:
    weights = tmp_path / "weights.bin"
    weights.write_bytes(b"\x01\x02")
    told = save(tmp_path / "model", None, people(), files={"net/weights.bin": weights})
    assert told.formats == ("files",)
    bundle = load_bundle(tmp_path / "model")
    assert bundle.contents.files["files/net/weights.bin"] == b"\x01\x02"
    with pytest.raises(BundleError, match="another framework"):
        bundle.predict(people())
    for name in ("../out", "/out", "a//b", "."):
        with pytest.raises(ValueError, match="no name of a file"):
            save(tmp_path / "model", None, people(), files={name: weights})
    with pytest.raises(TypeError, match="give an estimator of scikit-learn"):
        save(tmp_path / "model", object(), people())


def test_an_onnx_model_of_ones_own(saved: Bundle, tmp_path: Path) -> None:
    rows = people(30, seed=4)
    path = saved.folder / "model.onnx"
    save(tmp_path / "model", str(path), rows, target="rich", classes=["no", "yes"])
    assert load_bundle(tmp_path / "model").predict(rows).equals(saved.predict(rows))
    with pytest.raises(ValueError, match="of 3 classes it is to give a column each"):
        save(tmp_path / "model", str(path), rows, target="rich", classes=["a", "b", "c"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, r"lack the column 'age', which the model takes \(they have 'ages'\)"),
        ({"age": pl.lit("old")}, r"the column 'age' is String \(as 'old'\); the model takes whole"),
        (
            {"age": pl.lit(1.5)},
            r"the column 'age' is Float64 \(as 1.5\); the model takes whole numbers",
        ),
        ({"hours": pl.lit(None)}, r"'hours' has 5 missing values \(the first in row 1\)"),
        ({"hours": pl.lit(float("nan"))}, r"'hours' has 5 missing values"),
        ({"job": pl.lit(3)}, r"the column 'job' is Int32 \(as 3\); the model takes texts"),
        ({"job": pl.lit(True)}, r"the column 'job' is Boolean"),
    ],
)
def test_rows_that_do_not_fit_are_refused(
    saved: Bundle, change: dict[str, Any], message: str
) -> None:
    rows = people(5)
    rows = rows.with_columns(**change) if change else rows.rename({"age": "ages"})
    with pytest.raises(BadRows, match=message):
        saved.predict(rows)


def test_rows_of_kindred_types_and_more_columns_fit(saved: Bundle) -> None:
    rows = people(50)
    other = rows.select(
        pl.col("job").cast(pl.Categorical),
        pl.col("hours"),
        pl.col("age").cast(pl.Float32),
        more=pl.lit(1),
    )
    assert saved.predict(other).equals(saved.predict(rows))


def test_missing_values_go_where_the_example_had_some(tmp_path: Path) -> None:
    rows = people(400).with_columns(
        hours=pl.when(pl.col("age") > 30).then("hours"), job=pl.when(pl.col("age") < 70).then("job")
    )
    model = HistGradientBoostingClassifier(max_iter=5, categorical_features="from_dtype")
    given = rows.with_columns(pl.col("job").cast(pl.Categorical)).drop("rich")
    model.fit(given, rows["rich"].to_numpy())
    save(tmp_path / "model", model, given)
    found = load_bundle(tmp_path / "model").predict(rows)
    assert found["y_score"].to_list() == model.predict_proba(given)[:, 1].tolist()


def test_a_converted_model_is_tried_on_the_evaluation_set_too(tmp_path: Path) -> None:
    rows, asked = people(60), people(5000, seed=8)
    asked.write_parquet(tmp_path / "eval.parquet")
    asked.write_csv(tmp_path / "eval.csv")
    asked.drop("job").write_parquet(tmp_path / "other.parquet")
    samples = {name: str(tmp_path / name) for name in ("eval.parquet", "eval.csv")}
    for shown in (rows, pd.DataFrame(rows.to_dict(as_series=False))):
        save(tmp_path / "model", fitted(rows), shown, target="rich", samples=samples)
        compared = load_bundle(tmp_path / "model").signature.compared
        assert [one.partition(" ")[2] for one in compared[-2:]] == [
            "rows of eval.parquet",
            "rows of eval.csv",
        ]
        assert compared[0] == "60 rows of the example"
        assert compared[-1].startswith("2,000 rows")
    samples = {"other": str(tmp_path / "other.parquet")}
    saved = save(tmp_path / "model", fitted(rows), rows, target="rich", samples=samples)
    assert saved.formats == ("onnx", "skops")
    assert saved.notes[0].startswith("not compared on other: ColumnNotFoundError")


class OtherElsewhere(LogisticRegression):  # type: ignore[misc]
    """Not what it is converted to, where the last column but one is far out."""

    def predict_proba(self, rows: Any) -> Any:
        found = super().predict_proba(rows)
        found[rows[:, -2] > 3] = 0.5
        return found


def test_what_shows_on_the_evaluation_set_alone_is_seen(tmp_path: Path) -> None:
    """The example is not all that a model is asked about."""
    rows = people(60)
    model = fitted(rows)
    model.steps[-1][1].__class__ = OtherElsewhere
    rows.with_columns(age=pl.lit(500)).write_parquet(tmp_path / "far.parquet")
    from skl2onnx import update_registered_converter
    from skl2onnx.operator_converters.linear_classifier import convert_sklearn_linear_classifier
    from skl2onnx.shape_calculators.linear_classifier import (
        calculate_linear_classifier_output_shapes as shapes,
    )

    update_registered_converter(
        OtherElsewhere,
        "OtherElsewhere",
        shapes,
        convert_sklearn_linear_classifier,
        options={
            "zipmap": [True, False],
            "nocl": [True, False],
            "raw_scores": [True, False],
            "output_class_labels": [False, True],
        },
    )
    near = save(tmp_path / "model", model, rows, target="rich", unsafe_pickle=True)
    assert near.formats[0] == "onnx", "its example shows nothing of it"
    samples = {"far": str(tmp_path / "far.parquet")}
    seen = save(tmp_path / "model", model, rows, target="rich", unsafe_pickle=True, samples=samples)
    assert "onnx" not in seen.formats
    assert "rows differently" in seen.notes[0]
    assert "(rows of far)" in seen.notes[0]


def test_a_file_in_batches_is_the_file_at_once(saved: Bundle, tmp_path: Path) -> None:
    rows = people(1000, seed=5)
    whole = saved.predict(rows)
    rows.write_csv(tmp_path / "rows.csv")
    done = predict_file(saved, tmp_path / "rows.csv", tmp_path / "out.parquet", batch=64)
    assert (done.rows, done.unused) == (1000, ("rich",))
    found = pl.read_parquet(tmp_path / "out.parquet")
    assert found.select(whole.columns).equals(whole)
    assert found["age"].to_list() == rows["age"].to_list()
    predict_file(saved, tmp_path / "rows.csv", tmp_path / "out.csv", keep=["job"])
    assert pl.read_csv(tmp_path / "out.csv").columns == ["job", "y_pred", "y_score"]
    with pytest.raises(BadRows, match="have a column 'y_pred' already"):
        predict_file(saved, tmp_path / "out.parquet", tmp_path / "again.parquet")


def test_bad_rows_further_down_leave_no_file(saved: Bundle, tmp_path: Path) -> None:
    rows = people(200)
    bad = rows.with_columns(hours=pl.when(pl.int_range(pl.len()) != 150).then("hours"))
    bad.write_parquet(tmp_path / "rows.parquet", row_group_size=50)
    with pytest.raises(BadRows, match="'hours' has 1 missing values"):
        predict_file(saved, tmp_path / "rows.parquet", tmp_path / "out.parquet", batch=50)
    assert [path.name for path in tmp_path.iterdir()] == ["rows.parquet"]


def test_an_export_needs_onnxruntime_and_numpy_alone(saved: Bundle, tmp_path: Path) -> None:
    files = export(saved, tmp_path / "out")
    assert {"loader.py", "model/model.onnx", "model/manifest.json"} <= set(files)
    assert load_bundle(tmp_path / "out" / "model").digest == saved.digest
    rows = people(40, seed=6)
    program = (
        "import sys\n"
        "for name in ('cockpit', 'polars', 'pandas', 'sklearn', 'skl2onnx', 'skops', 'onnx', 'scipy'):\n"
        "    sys.modules[name] = None\n"
        f"sys.path.insert(0, {str(tmp_path / 'out')!r})\n"
        "from loader import load\n"
        f"found = load({str(tmp_path / 'out' / 'model')!r})({rows.to_dict(as_series=False)!r})\n"
        "print([float(score) for score in found['y_score'][:, 1]])\n"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", program],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert eval(done.stdout) == saved.predict(rows)["y_score"].to_list()  # noqa: S307
    with pytest.raises(BundleError, match="is there already"):
        export(saved, tmp_path / "out")


def test_what_is_not_installed_is_named(
    saved: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("skl2onnx", "skops", "onnxruntime"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ValueError, match=r"pip install skl2onnx onnxruntime.*pip install skops"):
        save(tmp_path / "model", fitted(people()), people(), target="rich")
    with pytest.raises(BundleError, match=r"onnxruntime is not installed.*\[models\]"):
        load_bundle(saved.folder).predict(people())


def test_a_row_is_timed(saved: Bundle) -> None:
    found = latency(saved, times=20)
    assert 0 < found.p50_ms <= found.p99_ms


@given(st.text())
def test_texts_are_written_as_toml_reads_them(text: str) -> None:
    written = f"{bundles._toml(text)} = {bundles._toml([text, True, 1, 0.5])}"
    plain = text.encode("utf-8", "replace").decode()
    assert tomllib.loads(written) == {plain: [plain, True, 1, 0.5]}


def test_the_writers_are_read_by_an_old_python() -> None:
    """They run under the user's interpreter, which may be of 2019."""
    for name in ("bundles.py", "model_files.py", "model_rows.py"):
        path = os.path.join(os.path.dirname(bundles.__file__), name)
        with open(path, encoding="utf-8") as file:
            ast.parse(file.read(), feature_version=(3, 8))
