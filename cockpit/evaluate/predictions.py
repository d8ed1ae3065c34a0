"""What runs predicted: laid beside the right answers of an evaluation set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cockpit.evaluate.answers import Answers
from cockpit.evaluate.prediction_files import SCORE, BadPredictions
from cockpit.evaluate.truth import Truth, word

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["BadPredictions", "Loaded", "load"]

_CODES = {"0": 0, "1": 1, "false": 0, "true": 1}


@dataclass(frozen=True, slots=True, eq=False)
class Loaded:
    """A run's answers, in the order of the evaluation set's rows."""

    answers: Answers
    notes: tuple[str, ...] = ()
    """What was derived, in words: nobody should have to guess."""


def load(found: pl.DataFrame, frame: pl.DataFrame, key: Sequence[str], truth: Truth) -> Loaded:
    """Lay a run's predictions `found` beside the evaluation set `frame`: by key, or by place.

    Every row needs an answer. Raises `BadPredictions`.
    """
    if key and set(key) <= set(found.columns):
        found = found[_places(found, frame, key, truth.set)]
    elif found.height != frame.height:
        raise BadPredictions(
            f"there are {found.height:,} predictions for the {frame.height:,} rows of {truth.set}"
        )
    match truth.task:
        case "binary":
            return _binary(found, truth)
        case "multiclass":
            return _multiclass(found, truth)
        case _:
            return _amounts(found, truth)


def _places(found: pl.DataFrame, frame: pl.DataFrame, key: Sequence[str], name: str) -> pl.Series:
    """For each row of the set, which prediction is its own."""
    asked = frame.select(_as_key(frame[column], frame[column].dtype, name) for column in key)
    given = found.select(_as_key(found[column], frame[column].dtype, name) for column in key)
    asked, given = asked.with_row_index("\0row"), given.with_row_index("\0answer")
    for table, what in ((asked, name), (given, "the predictions")):
        if twice := _example(table.filter(table.select(key).is_duplicated()), key):
            count, example = twice
            raise BadPredictions(
                f"{what}: {count:,} rows share their key with another, as {example}"
            )
    if unknown := _example(given.join(asked, on=list(key), how="anti"), key):
        count, example = unknown
        raise BadPredictions(
            f"{count:,} predictions are for rows that {name} has not, as {example}"
        )
    both = asked.join(given, on=list(key), how="left").sort("\0row")
    if missing := _example(both.filter(pl.col("\0answer").is_null()), key):
        count, example = missing
        raise BadPredictions(f"{count:,} rows of {name} have no prediction, as {example}")
    return both["\0answer"]


def _as_key(values: pl.Series, kind: pl.DataType, name: str) -> pl.Series:
    if isinstance(kind, pl.Categorical | pl.Enum):
        kind = pl.String()
    try:
        if values.dtype == pl.String and kind == pl.Date:
            return values.str.to_date()
        if values.dtype == pl.String and isinstance(kind, pl.Datetime):
            return values.str.to_datetime(time_unit=kind.time_unit, time_zone=kind.time_zone)
        return values.cast(kind)
    except pl.exceptions.PolarsError:
        raise BadPredictions(
            f"the key {values.name!r} of the predictions is {values.dtype}, that of {name} is {kind}"
        ) from None


def _example(rows: pl.DataFrame, key: Sequence[str]) -> tuple[int, str] | None:
    if rows.is_empty():
        return None
    return rows.height, ", ".join(f"{column} = {rows[column][0]!r}" for column in key)


def _binary(found: pl.DataFrame, truth: Truth) -> Loaded:
    notes: list[str] = []
    y_score = _positive_score(found, truth)
    y_pred = None
    if "y_pred" in found.columns:
        one = word(truth.classes[1])
        codes = {w: int(w == one) for w in (*truth.words, *_by_class(found, truth))}
        y_pred = _labels(found["y_pred"], truth, codes)
    elif y_score is not None:
        sound = bool(np.isfinite(y_score).all())
        if sound and bool(((y_score >= 0) & (y_score <= 1)).all()):
            y_pred = (y_score >= 0.5).astype(np.int64)
            notes.append("y_pred is y_score >= 0.5: the run gave scores alone")
        else:
            why = "are no probabilities" if sound else "are missing in places"
            notes.append(f"no y_pred: the run gave scores alone, and they {why}")
    return Loaded(Answers("binary", truth.y_true, y_pred, y_score, truth.classes), tuple(notes))


def _positive_score(found: pl.DataFrame, truth: Truth) -> Any:
    """(rows,): the score of the positive label; None where there are no scores."""
    if "y_score" in found.columns:
        return _numbers(found["y_score"])
    by_class = _by_class(found, truth)
    if not by_class:
        return None
    wanted = word(truth.classes[1])
    if _may_be_coded(truth) and wanted not in by_class and set(by_class) <= set(_CODES):
        by_class = {wanted if _CODES[each] else "": name for each, name in by_class.items()}
    if wanted not in by_class:
        raise BadPredictions(
            f"y_score has columns for {', '.join(map(repr, by_class))}, and none for "
            f"{truth.classes[1]!r}, the positive label of {truth.target} in {truth.set}"
        )
    return _numbers(found[by_class[wanted]])


def _multiclass(found: pl.DataFrame, truth: Truth) -> Loaded:
    notes: tuple[str, ...] = ()
    if "y_score" in found.columns:
        raise BadPredictions(
            f"{truth.target} of {truth.set} has {len(truth.classes)} labels, so y_score needs a column each: "
            "log_predictions(…, classes=model.classes_), or columns y_score.LABEL of a file"
        )
    by_class = _by_class(found, truth)
    extra = [name for name in by_class if name not in truth.words]
    classes = (*truth.classes, *extra)
    codes = {each: place for place, each in enumerate((*truth.words, *extra))}
    y_pred, y_score = None, None
    if by_class:
        if missing := [each for each in codes if each not in by_class]:
            raise BadPredictions(
                f"y_score has no column for {missing[0]!r}, a label of {truth.set}"
            )
        y_score = np.column_stack([_numbers(found[by_class[each]]) for each in codes])
    if "y_pred" in found.columns:
        y_pred = _labels(found["y_pred"], truth, codes)
    elif y_score is not None and np.isfinite(y_score).all():
        y_pred = y_score.argmax(axis=1)
        notes = ("y_pred is the label of the highest y_score: the run gave scores alone",)
    return Loaded(Answers("multiclass", truth.y_true, y_pred, y_score, classes), notes)


def _amounts(found: pl.DataFrame, truth: Truth) -> Loaded:
    if any(map(_is_score, found.columns)):
        raise BadPredictions(
            f"{truth.target} of {truth.set} is an amount, and y_score has a column a label"
        )
    if "y_pred" in found.columns:
        y_pred = _numbers(found["y_pred"])
        return Loaded(Answers("regression", truth.y_true, y_pred))
    note = f"judged as a ranking by {truth.target}: the run gave scores alone"
    return Loaded(Answers("ranking", truth.y_true, None, _numbers(found["y_score"])), (note,))


def _may_be_coded(truth: Truth) -> bool:
    """Whether 0 and 1 can mean nothing but the other label and the positive one."""
    return truth.task == "binary" and not truth.numeric and not {"0", "1"} & set(truth.words)


def _is_score(name: str) -> bool:
    return name.startswith(SCORE)


def _by_class(found: pl.DataFrame, truth: Truth) -> dict[str, str]:
    """The columns of scores by their labels."""
    return {
        _word(name.removeprefix(SCORE), truth): name for name in found.columns if _is_score(name)
    }


def _word(label: object, truth: Truth) -> str:
    """A label as text; of a target that is 0 or 1, true is 1."""
    text = word(label)
    if text in ("true", "false") and truth.numeric and set(truth.words) <= {"0", "1"}:
        return str(_CODES[text])
    return text


def _labels(given: pl.Series, truth: Truth, codes: Mapping[str, int]) -> Any:
    """(rows,): the code of each label, NaN for those that are missing."""
    labels = given.unique().to_list()
    words = {label: _word(label, truth) for label in labels if label is not None and label == label}
    known = {**_CODES, **codes} if _may_be_coded(truth) else codes
    for label, name in words.items():
        if name not in known:
            advice = "; scores belong in y_score" if isinstance(label, float) else ""
            raise BadPredictions(
                f"y_pred has {label!r}, which {truth.target} of {truth.set} never is "
                f"(it is {truth.described()}){advice}"
            )
    told = {label: known[name] for label, name in words.items()}
    if len(words) == len(labels):
        found = given.replace_strict(list(told), list(told.values()), return_dtype=pl.Int64)
        return found.to_numpy()
    found = given.replace_strict(
        list(told), list(told.values()), default=None, return_dtype=pl.Float64
    )
    return found.fill_null(float("nan")).to_numpy()


def _numbers(values: pl.Series) -> Any:
    """(rows,) as floats, NaN for those that are missing."""
    try:
        return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()
    except pl.exceptions.PolarsError:
        example = next(v for v in values if not isinstance(v, int | float) and v is not None)
        raise BadPredictions(f"{values.name} has {example!r}, which is no number") from None
