"""The rows of an evaluation set with a run's answers beside them, as KPIs and rules see them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from cockpit.evaluate.answers import Answers

ANSWER_COLUMNS = ("y_true", "y_pred", "y_score")


def with_answers(frame: pl.DataFrame, answers: Answers) -> pl.DataFrame:
    """The rows of an evaluation set with `y_true`, and `y_pred` and `y_score` where the run gave them."""
    columns = {"y_true": answers.y_true}
    if answers.y_pred is not None:
        columns["y_pred"] = answers.y_pred
    if answers.y_score is not None and answers.y_score.ndim == 1:
        columns["y_score"] = answers.y_score
    told = [pl.Series(name, values) for name, values in columns.items()]
    if answers.task == "multiclass":
        labels = pl.Series([str(label) for label in answers.classes], dtype=pl.String)
        told = [_names(labels, series) for series in told]
    return frame.drop(name for name in ANSWER_COLUMNS if name in frame.columns).with_columns(told)


def _names(labels: pl.Series, codes: pl.Series) -> pl.Series:
    places = codes.fill_nan(None) if codes.dtype.is_float() else codes
    return labels.gather(places.cast(pl.UInt32)).alias(codes.name)
