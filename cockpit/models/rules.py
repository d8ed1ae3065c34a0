"""Rules that go before a model's own answer: `when age < 18 then 0`, the first that holds.

They belong to a version, and this is the one place where they are carried out: for rows that are predicted, and
for the answers by which the version is judged. A condition sees the columns of the row, `y_pred` (of two classes
0 or 1, of several the label as text) and `y_score`; never the right answer. A class that is answered by a rule is
given the score 1, the others 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cockpit.evaluate.answered import with_answers
from cockpit.evaluate.answers import Answers
from cockpit.evaluate.prediction_files import SCORE
from cockpit.evaluate.truth import word
from storage.errors import UserError
from storage.expressions.fallbacks import Fallback, parse_fallback
from storage.expressions.terms import FilterError
from storage.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.evaluate.answers import Array, Ints, Task, Truths

_CODES = {"0": 0, "1": 1, "false": 0, "true": 1}


class BadRule(UserError):
    """A rule that does not fit the model or its rows; the message is a sentence for the user."""


def apply_rules(
    rules: Sequence[str],
    frame: pl.DataFrame,
    predictions: pl.DataFrame,
    task: Task,
    classes: Sequence[Any] = (),
) -> pl.DataFrame:
    """Put what the rules say into the predictions of the rows of `frame`; what no rule speaks of stays as it is.

    `predictions` has the rows of `frame` and `y_pred` (labels, or 0 and 1 of two classes), `y_score`, or a column
    `y_score.LABEL` a class. `classes` of two: the other one and the positive one. Raises `BadRule`.
    """
    if not rules or predictions.is_empty():
        return predictions
    labels = [word(label) for label in classes]
    scores = [name for name in (f"{SCORE}{label}" for label in labels) if name in predictions]
    given = Answers(
        task,
        np.zeros(predictions.height),
        _codes(predictions, task, labels),
        _scores(predictions, task, scores),
        tuple(classes),
    )
    which, parsed = _held(rules, frame, given)
    held = which >= 0
    if not held.any():
        return predictions
    told = _told(parsed, which, given)
    columns = []
    if told.y_pred is not None:
        columns.append(_labelled(predictions["y_pred"], told.y_pred, held, task, classes))
    if told.y_score is not None and "y_score" in predictions.columns:
        columns.append(pl.Series("y_score", told.y_score))
    elif told.y_score is not None and told.y_score.ndim == 2:
        columns += [pl.Series(name, told.y_score[:, i]) for i, name in enumerate(scores)]
    elif told.y_score is not None:
        both = (1 - told.y_score, told.y_score)
        columns += [pl.Series(name, one) for name, one in zip(scores, both, strict=True)]
    return predictions.with_columns(columns)


def ruled(rules: Sequence[str], frame: pl.DataFrame, answers: Answers) -> Answers:
    """The answers of a model to the rows of `frame`, its rules gone before them. Raises `BadRule`."""
    if not rules:
        return answers
    which, parsed = _held(rules, frame, answers)
    return _told(parsed, which, answers) if (which >= 0).any() else answers


def _held(
    rules: Sequence[str], frame: pl.DataFrame, answers: Answers
) -> tuple[Ints, Sequence[Fallback]]:
    """(rows,): which rule answers each row, -1 where none does; and the rules, taken apart."""
    parsed: list[Fallback] = []
    try:
        parsed += (parse_fallback(text) for text in rules)
        for rule in parsed:  # also those that hold for no row here
            answer_of(rule, answers.task, answers.classes)
        with Frames(with_answers(frame, answers).drop("y_true")) as frames:
            masks = frames.masks([rule.condition for rule in parsed])
    except FilterError as error:
        text = rules[error.which if error.which is not None else min(len(parsed), len(rules) - 1)]
        raise BadRule(f"the rule {text!r} cannot be carried out: {error.sentence}") from None
    which = np.full(frame.height, -1, dtype=np.intp)
    for place in reversed(range(len(parsed))):
        which[masks[str(place)].to_numpy()] = place
    return which, parsed


def _told(rules: Sequence[Fallback], which: Ints, answers: Answers) -> Answers:
    amounts = answers.task in ("regression", "ranking")
    y_pred = None if answers.y_pred is None else answers.y_pred.copy()
    if y_pred is not None and amounts:
        y_pred = y_pred.astype(np.float64)
    y_score = None if answers.y_score is None else answers.y_score.astype(np.float64)
    for place, rule in enumerate(rules):
        rows = which == place
        answer = answer_of(rule, answers.task, answers.classes)
        if y_pred is not None:
            y_pred[rows] = answer
        if y_score is not None and y_score.ndim == 2:
            y_score[rows] = np.arange(y_score.shape[1]) == answer
        elif y_score is not None:
            y_score[rows] = answer
    return Answers(answers.task, answers.y_true, y_pred, y_score, answers.classes)


def answer_of(rule: Fallback, task: str, classes: Sequence[Any]) -> float:
    """An amount, or the place among the classes (of two: the other one, the positive one) of what a rule answers.

    Raises `BadRule`.
    """
    if task in ("regression", "ranking"):
        if isinstance(rule.value, str):
            raise BadRule(f"the rule {rule.text!r} answers a text; the model answers amounts")
        return float(rule.value)
    labels = [word(label) for label in classes]
    wanted = word(rule.value)
    if wanted in labels:
        return labels.index(wanted)
    if task == "binary" and wanted in _CODES:
        return _CODES[wanted]
    known = ", ".join(map(repr, classes))
    raise BadRule(f"the rule {rule.text!r} answers {rule.value!r}; the classes are {known}")


def _codes(predictions: pl.DataFrame, task: Task, labels: list[str]) -> Array | None:
    if "y_pred" not in predictions.columns:
        return None
    given = predictions["y_pred"]
    if task not in ("binary", "multiclass"):
        return given.cast(pl.Float64).to_numpy()
    codes = {**(_CODES if task == "binary" else {}), **{w: i for i, w in enumerate(labels)}}
    told: dict[Any, int] = {}
    for label in given.unique():
        if word(label) not in codes:
            raise BadRule(f"y_pred has {label!r}; the classes are {', '.join(map(repr, labels))}")
        told[label] = codes[word(label)]
    return given.replace_strict(list(told), list(told.values()), return_dtype=pl.Int64).to_numpy()


def _scores(predictions: pl.DataFrame, task: Task, scores: list[str]) -> Array | None:
    if "y_score" in predictions.columns:
        return predictions["y_score"].cast(pl.Float64).to_numpy()
    if not scores:
        return None
    if task == "binary":
        return predictions[scores[-1]].cast(pl.Float64).to_numpy()
    return predictions.select(pl.col(scores).cast(pl.Float64)).to_numpy()


def _labelled(
    given: pl.Series, told: Array, held: Truths, task: Task, classes: Sequence[Any]
) -> pl.Series:
    """The predictions as they were, and the labels that rules answer, in the same type."""
    if task in ("regression", "ranking"):
        answered = pl.Series("y_pred", told)
    else:
        answered = pl.Series("y_pred", told.astype(np.int64))
        words = pl.Series([word(label) for label in classes], dtype=pl.String)
        if given.dtype != pl.Boolean and {word(value) for value in given.unique()} <= set(words):
            answered = words.gather(answered).alias("y_pred")
    return given.zip_with(pl.Series(~held), answered.cast(given.dtype))
