"""Predictions are laid beside the right answers row by row, or it is said why they cannot be."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cockpit.evaluate.prediction_files import BadPredictions, read
from cockpit.evaluate.predictions import load
from cockpit.evaluate.truth import BadTruth, truth_of

if TYPE_CHECKING:
    from pathlib import Path

RICH = pl.DataFrame({"id": [10, 20, 30], "income": [">50K", "<=50K", ">50K"]})
KINDS = pl.DataFrame({"id": [1, 2, 3, 4], "kind": ["b", "a", "c", "a"]})
TEXTS = pl.DataFrame({"id": [1, 2], "kind": ["1", "2"]})
PRICES = pl.DataFrame({"id": [1, 2], "price": [1.5, 2.5]})


def fit(
    found: dict[str, Any], frame: pl.DataFrame = RICH, positive: Any = ">50K", by: str = "id"
) -> Any:
    target = frame.columns[-1]
    label = {id(RICH): positive, id(TEXTS): "2"}.get(id(frame))
    truth = truth_of("set@v1", frame, target, label)
    return load(pl.DataFrame(found), frame, [by] if by else [], truth)


@pytest.mark.parametrize(
    "given",
    [[">50K", "<=50K", "<=50K"], [1, 0, 0], [True, False, False], [1.0, 0.0, 0.0]],
    ids=["texts", "ints", "booleans", "floats"],
)
def test_a_binary_answer_in_any_form_is_the_same_answer(given: list[Any]) -> None:
    answers = fit({"y_pred": given}).answers
    assert (answers.task, answers.classes) == ("binary", ("<=50K", ">50K"))
    assert answers.y_true.tolist() == [1, 0, 1]
    assert answers.y_pred.tolist() == [1, 0, 0]


def test_true_is_1_where_the_target_is_0_or_1() -> None:
    ones = pl.DataFrame({"id": [1, 2], "y": [0, 1]})
    found = {"y_pred": [True, False], "y_score.True": [0.9, 0.2], "y_score.False": [0.1, 0.8]}
    answers = fit(found, ones).answers
    assert (answers.y_pred.tolist(), answers.y_score.tolist()) == ([1, 0], [0.9, 0.2])


def test_answers_by_key_go_to_their_rows() -> None:
    answers = fit({"id": [30, 10, 20], "y_pred": [0, 1, 0], "y_score": [0.3, 0.1, 0.2]}).answers
    assert answers.y_pred.tolist() == [1, 0, 0]
    assert answers.y_score.tolist() == [0.1, 0.2, 0.3]


@given(st.permutations([10, 20, 30]))
def test_the_order_of_answers_by_key_is_of_no_matter(order: list[int]) -> None:
    answers = fit({"id": order, "y_score": [float(key) for key in order]}).answers
    assert answers.y_score.tolist() == [10.0, 20.0, 30.0]


def test_keys_may_come_as_texts_and_dates() -> None:
    dated = pl.DataFrame({"day": ["2026-01-02", "2026-01-01"], "y": [1, 0]}).with_columns(
        pl.col("day").str.to_date()
    )
    found = {"day": ["2026-01-01", "2026-01-02"], "y_pred": [0, 1]}
    assert fit(found, dated, by="day").answers.y_pred.tolist() == [1, 0]
    assert fit({"id": ["10", "20", "30"], "y_pred": [1, 0, 0]}).answers.y_pred.tolist() == [1, 0, 0]


def test_probabilities_alone_give_labels_and_say_so() -> None:
    loaded = fit({"y_score": [0.5, 0.49, 1.0]})
    assert loaded.answers.y_pred.tolist() == [1, 0, 1]
    assert "y_score >= 0.5" in loaded.notes[0]


@pytest.mark.parametrize(
    ("scores", "why"), [([3.0, -1.0, 0.2], "no probabilities"), ([0.5, None, 0.2], "missing")]
)
def test_scores_that_are_no_probabilities_give_no_labels(scores: list[Any], why: str) -> None:
    loaded = fit({"y_score": scores})
    assert loaded.answers.y_pred is None
    assert why in loaded.notes[0]


def test_the_positive_label_s_column_is_its_score() -> None:
    found = {"y_score.>50K": [0.9, 0.2, 0.7], "y_score.<=50K": [0.1, 0.8, 0.3]}
    assert fit(found).answers.y_score.tolist() == [0.9, 0.2, 0.7]
    coded = {"y_score.0": [0.1, 0.8, 0.3], "y_score.1": [0.9, 0.2, 0.7]}
    assert fit(coded).answers.y_score.tolist() == [0.9, 0.2, 0.7]


def test_several_classes_by_label_and_a_score_each_in_any_order() -> None:
    found = {
        "y_score.c": [0.1, 0.2, 0.6, 0.3],
        "y_score.a": [0.2, 0.7, 0.2, 0.3],
        "y_score.b": [0.7, 0.1, 0.2, 0.4],
    }
    loaded = fit(found, KINDS)
    assert loaded.answers.classes == ("a", "b", "c")
    assert loaded.answers.y_true.tolist() == [1, 0, 2, 0]
    assert loaded.answers.y_score[0].tolist() == [0.2, 0.7, 0.1]
    assert loaded.answers.y_pred.tolist() == [1, 0, 2, 1]
    assert "highest" in loaded.notes[0]


def test_a_class_that_the_model_knows_and_the_set_has_not() -> None:
    found = {f"y_score.{label}": [0.25] * 4 for label in "abcd"} | {"y_pred": ["d", "a", "c", "a"]}
    answers = fit(found, KINDS).answers
    assert answers.classes == ("a", "b", "c", "d")
    assert answers.y_pred.tolist() == [3, 0, 2, 0]


def test_a_missing_label_is_missing() -> None:
    assert np.isnan(fit({"y_pred": [1, None, 0]}).answers.y_pred).tolist() == [False, True, False]


def test_amounts_and_rankings() -> None:
    assert fit({"y_pred": [1, 2]}, PRICES).answers.y_pred.tolist() == [1.0, 2.0]
    ranked = fit({"y_score": [1, 2]}, PRICES)
    assert (ranked.answers.task, ranked.answers.y_pred) == ("ranking", None)
    assert "ranking" in ranked.notes[0]


@pytest.mark.parametrize(
    ("found", "frame", "words"),
    [
        ({"y_pred": [1, 0]}, RICH, "2 predictions for the 3 rows of set@v1"),
        ({"y_pred": ["rich", "<=50K", ">50K"]}, RICH, "y_pred has 'rich', which income of set@v1 never is"),
        ({"y_pred": [0.3, 0.9, 0.1]}, RICH, "scores belong in y_score"),
        ({"y_pred": [2, 0, 1]}, RICH, "y_pred has 2"),
        ({"y_pred": [0, 1]}, TEXTS, "y_pred has 0"),
        ({"y_pred": ["d", "a", "a", "a"]}, KINDS, "(it is 'a', 'b', 'c')"),
        ({"y_pred": [1, 0, 2, 0]}, KINDS, "never is"),
        ({"y_score": [0.1] * 4}, KINDS, "has 3 labels, so y_score needs a column each"),
        ({"y_score.a": [0.1] * 4, "y_score.b": [0.9] * 4}, KINDS, "no column for 'c'"),
        ({"y_score.x": [0.1] * 3, "y_score.y": [0.9] * 3}, RICH, "none for '>50K'"),
        ({"y_pred": ["much", "more"]}, PRICES, "y_pred has 'much', which is no number"),
        ({"y_score.a": [1, 2]}, PRICES, "is an amount"),
        ({"id": [10, 10, 30], "y_pred": [1, 0, 1]}, RICH, "2 rows share their key with another, as id = 10"),
        ({"id": [10, 20, 30, 40], "y_pred": [1, 0, 1, 1]}, RICH, "1 predictions are for rows that set@v1 has not"),
        ({"id": [10, 30], "y_pred": [1, 0]}, RICH, "1 rows of set@v1 have no prediction, as id = 20"),
        ({"id": ["x", "y", "z"], "y_pred": [1, 0, 1]}, RICH, "the key 'id' of the predictions"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(found: dict[str, Any], frame: pl.DataFrame, words: str) -> None:
    with pytest.raises(BadPredictions) as caught:
        fit(found, frame)
    assert words in str(caught.value)


def test_a_set_whose_key_is_not_one_is_said() -> None:
    twice = pl.DataFrame({"id": [1, 1], "y": [0, 1]})
    with pytest.raises(BadPredictions, match="set@v1: 2 rows share their key"):
        fit({"id": [1, 2], "y_pred": [0, 1]}, twice)


@pytest.mark.parametrize(
    ("values", "positive", "task", "classes"),
    [
        ([0, 1, 1], None, "binary", (0, 1)),
        ([0.0, 1.0], None, "binary", (0.0, 1.0)),
        ([False, True], None, "binary", (False, True)),
        (["a", "b"], "b", "binary", ("a", "b")),
        (["a", "b", "c"], "b", "binary", ("other", "b")),
        ([1, 2, 3], None, "multiclass", (1, 2, 3)),
        (list(range(21)), None, "regression", ()),
        ([0.5, 1.0], None, "regression", ()),
    ],
)
def test_the_task_is_that_of_the_target(
    values: list[Any], positive: Any, task: str, classes: tuple[Any, ...]
) -> None:
    found = truth_of("set@v1", pl.DataFrame({"y": values}), "y", positive)
    assert (found.task, found.classes) == (task, classes)


@pytest.mark.parametrize(
    ("values", "target", "positive", "words"),
    [
        (["no", "yes"], "y", None, "say which of them counts as 1, as positive = 'yes'"),
        (["no", "yes"], "y", "maybe", "never 'maybe'"),
        ([1, None], "y", None, "1 rows of set@v1 have no y"),
        ([1.0, float("nan")], "y", None, "1 rows of set@v1 have no y"),
        ([1, 0], "why", None, "no column 'why', which is to be its target"),
        ([1, 0], None, None, "target = \"COLUMN\" in [data.set]"),
        ([], "y", None, "set@v1 has no rows"),
    ],
)  # fmt: skip
def test_a_target_nobody_can_be_judged_by_is_said(
    values: list[Any], target: str | None, positive: Any, words: str
) -> None:
    with pytest.raises(BadTruth) as caught:
        truth_of("set@v1", pl.DataFrame({"y": values}), target, positive)
    assert words in str(caught.value)


def write(path: Path) -> Path:
    frame = pl.DataFrame(
        {"id": ["007", "8"], "y_pred": ["a", "b"], "y_score": [0.25, 1.0], "age": [1, 2]}
    )
    match path.suffix:
        case ".csv":
            frame.write_csv(path)
        case ".parquet":
            frame.write_parquet(path)
        case ".json":
            path.write_text(json.dumps(frame.to_dict(as_series=False)))
        case _:
            frame.write_ndjson(path)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".ndjson", ".jsonl", ".json"])
def test_files_of_commands(suffix: str, tmp_path: Path) -> None:
    found = read(write(tmp_path / f"eval{suffix}"), ["id"])
    assert found.to_dict(as_series=False) == {
        "y_pred": ["a", "b"], "y_score": [0.25, 1.0], "id": ["007", "8"],
    }  # fmt: skip


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".ndjson", ".json", ".answers"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff{", b'{"columns": [{}]}\n', b"[1, 2"])
def test_junk_is_no_file_of_predictions(suffix: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"eval{suffix}"
    path.write_bytes(content)
    with pytest.raises(BadPredictions, match="eval"):
        read(path)
