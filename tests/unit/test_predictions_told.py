"""`trial.log_predictions`: what a training function hands over arrives whole, or its mistake is said at its line."""

from __future__ import annotations

import contextlib
import json
import math
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.evaluate.prediction_files import read
from cockpit.sweep.executors import worker
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.seam import Attr, Finished, Outcome, Predicted, Task
from cockpit.sweep.executors.work import Function

PATIENCE = 60.0
KNOWN = {"eval": {"rows": 3, "key": []}, "by key": {"rows": 9, "key": ["id"]}}


def told(name: str = "eval", **given: Any) -> dict[str, list[Any]]:
    parts = {"y_pred": None, "y_score": None, "key": None, "classes": None} | given
    return worker.predictions(KNOWN, name, **parts)


def kept(folder: Path, columns: dict[str, list[Any]], key: tuple[str, ...] = ()) -> pl.DataFrame:
    said = worker.keep_predictions(str(folder), "eval", columns)
    assert [path.name for path in folder.iterdir()] == [said["file"]]
    return read(folder / said["file"], key)


class PandasFrame:
    """As much of a frame of pandas as counts here: the tests do not install it."""

    ndim = 2

    def __init__(self, rows: list[list[float]]) -> None:
        self._rows = np.array(rows)
        self.shape = self._rows.shape
        self.iloc = self

    def __getitem__(self, place: tuple[slice, int]) -> Any:
        return self._rows[place]


@pytest.mark.parametrize(
    "values",
    [
        [1, 0, 1],
        (1, 0, 1),
        np.array([1, 0, 1]),
        np.array([[1], [0], [1]], dtype=np.int8),
        list(np.array([1, 0, 1])),
        pl.Series([1, 0, 1]),
        range(-1, 2),
    ],
    ids=["list", "tuple", "array", "one column", "scalars", "polars", "range"],
)
def test_labels_come_as_what_libraries_make(values: Any, tmp_path: Path) -> None:
    found = kept(tmp_path, told(y_pred=values))
    assert found["y_pred"].to_list() == [int(value) for value in np.ravel(list(values))]


def test_tensors(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    scores = torch.tensor([[0.25, 0.75], [0.5, 0.5], [1.0, 0.0]], requires_grad=True)
    found = kept(tmp_path, told(y_pred=scores.argmax(1), y_score=scores, classes=[False, True]))
    assert found.columns == ["y_pred", "y_score.False", "y_score.True"]
    assert found["y_score.True"].to_list() == [0.75, 0.5, 0.0]


@pytest.mark.parametrize("kind", [np.array, list, pl.DataFrame, PandasFrame])
def test_a_score_a_class(kind: Any, tmp_path: Path) -> None:
    rows = [[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]
    scores = kind(rows) if kind is not pl.DataFrame else pl.DataFrame(rows, orient="row")
    found = kept(tmp_path, told(y_score=scores, classes=np.array(["a", "ü"])))
    assert found.to_dict(as_series=False) == {
        "y_score.a": [0.1, 0.2, 0.3],
        "y_score.ü": [0.9, 0.8, 0.7],
    }


@given(
    st.one_of(
        *(
            st.lists(values, min_size=3, max_size=3)
            for values in (
                st.text(),
                st.booleans(),
                st.integers(-(2**63), 2**63 - 1),
                st.floats(),
                st.none() | st.text(min_size=1),
                st.none() | st.floats(),
            )
        )
    )
)
def test_what_is_written_is_what_is_read(values: list[Any]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        found = kept(Path(folder), told(y_pred=values))["y_pred"].to_list()
    if any(isinstance(value, float) for value in values) or values == [None] * 3:
        values = [math.nan if value is None else value for value in values]
        assert np.array_equal(found, values, equal_nan=True)
    else:
        assert found == values


def test_numbers_too_large_for_any_type_are_kept_as_texts(tmp_path: Path) -> None:
    found = kept(tmp_path, told("by key", y_pred=[1, 0], key=[2**64 - 1, 2**64 - 3]), ("id",))
    assert found["id"].to_list() == [str(2**64 - 1), str(2**64 - 3)]


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("eval", {"y_pred": [1, 0]}, "2 predictions for the 3 rows of eval"),
        ("evil", {"y_pred": [1, 0, 1]}, "did you mean 'eval'"),
        ("eval", {}, "neither y_pred nor y_score"),
        ("eval", {"y_pred": [1, 0, 1], "y_score": [0.5]}, "different lengths: y_pred 3, y_score 1"),
        ("eval", {"y_score": [[0.5, 0.5]] * 3}, "say classes="),
        ("eval", {"y_score": [[0.5, 0.5]] * 3, "classes": [1]}, "2 columns, and classes 1"),
        ("eval", {"y_score": [[0.5, 0.5]] * 3, "classes": [1, 1]}, "a label twice"),
        ("eval", {"y_score": [[0.5, 0.5], [1.0]], "classes": [0, 1]}, "between 1 and 2 values"),
        ("eval", {"y_score": ["a", "b", "c"]}, "y_score holds 'a'"),
        ("eval", {"y_pred": "abc"}, "expected a value a row"),
        ("eval", {"y_pred": [[1, 0]] * 3}, "y_pred has 2 columns"),
        ("eval", {"y_pred": np.zeros((3, 1, 1))}, "3 dimensions"),
        ("eval", {"y_pred": [object()] * 3}, "y_pred holds <object"),
        ("eval", {"y_pred": [1, 0, 1], "key": [1, 2, 3]}, "key says which column"),
        ("by key", {"y_pred": [1], "key": {"it": [1]}}, "the set's key is id, not it"),
        ("by key", {"y_pred": [1], "key": [1, 2]}, "y_pred 1, id 2"),
    ],
)
def test_a_mistake_is_said_and_nothing_kept(
    name: str, given: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises((ValueError, TypeError)) as caught:
        kept(tmp_path, told(name, **given))
    assert words in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_without_any_evaluation_set_it_says_how_to_name_one() -> None:
    with pytest.raises(ValueError, match=r"\[data.eval\] with path = .* evaluation = true"):
        worker.predictions({}, "eval", [1], None, None, None)


def run(folder: Path, body: str, python: str = sys.executable) -> tuple[list[Any], Outcome]:
    """Run one trial of a function with this body; what it said."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    (folder / "train.py").write_text(f"def train(trial):\n{lines}\n    return 1.0\n")
    executor = LocalExecutor(Function("train.py:train"), folder, python, 1)
    environment = {
        "COCKPIT_EVALUATIONS": json.dumps(KNOWN),
        "COCKPIT_PREDICTIONS": str(folder / "predictions"),
    }
    log, files = folder / "log.txt", folder / "artifacts"
    events: list[Any] = []
    with contextlib.closing(executor):
        executor.submit(Task("run", 0, 0, {}, log, files, PATIENCE, environment=environment))
        while not any(isinstance(event, Finished) for event in events):
            events += executor.poll(PATIENCE)
    last = next(event for event in events if isinstance(event, Finished))
    return events, last.outcome


def test_a_trial_under_a_bare_interpreter_hands_its_answers_over(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "venv", "--without-pip", str(tmp_path / "venv")]
    subprocess.run(command, check=True, timeout=PATIENCE)
    body = "trial.log_predictions('eval', ['a', 'b', 'a'], [0.5, 1, 0], features=['x', 'y'])"
    events, outcome = run(tmp_path, body, str(tmp_path / "venv/bin/python"))
    assert (outcome.reason, outcome.values) == (None, 1.0)
    said = next(event for event in events if isinstance(event, Predicted))
    assert (said.evaluation, said.rows, said.columns) == ("eval", 3, ["y_pred", "y_score"])
    found = read(tmp_path / "predictions" / said.file)
    assert found.rows() == [("a", 0.5), ("b", 1.0), ("a", 0.0)]
    assert [event.value for event in events if isinstance(event, Attr)] == [["x", "y"]]


def test_a_wrong_length_is_raised_at_the_trial_s_own_line(tmp_path: Path) -> None:
    events, outcome = run(tmp_path, "trial.log_predictions('eval', [1, 0])")
    assert outcome.state == "failed"
    assert "train.py line 2: ValueError: 2 predictions for the 3 rows" in str(outcome.reason)
    assert not [event for event in events if isinstance(event, Predicted)]
    assert not (tmp_path / "predictions").exists()


def test_what_pandas_calls_missing_is_missing(tmp_path: Path) -> None:
    missing = type("NAType", (), {})()
    frame = SimpleNamespace(to_list=lambda: [1, missing, 0])
    found = kept(tmp_path, told(y_pred=frame, y_score=[0.5, missing, 1.0]))
    assert [str(value) for row in found.rows() for value in row] == [
        "1.0",
        "0.5",
        "nan",
        "nan",
        "0.0",
        "1.0",
    ]
