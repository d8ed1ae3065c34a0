"""The rows that a run answers worst."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from cockpit.evaluate.answered import ANSWER_COLUMNS, with_answers
from cockpit.evaluate.metrics import losses
from cockpit.evaluate.rows import NoValue
from storage.errors import UserError
from storage.frames import Frames

if TYPE_CHECKING:
    from cockpit.evaluate.answers import Answers, Floats
    from cockpit.evaluate.evaluation import EvaluationSet


class NoLoss(UserError):
    """Nobody can say how badly the rows are answered."""


@dataclass(frozen=True, slots=True, eq=False)
class WorstRows:
    """Rows of an evaluation set, the worst answered first."""

    frame: pl.DataFrame
    """The key, or `row` (its place, from 0) where there is none; `y_true`, `y_pred`, `y_score` as far as they are
    there; `loss`; then the other columns."""
    of: int
    """Rows in the slice."""
    loss: str
    """What is meant by worse, in words."""


def worst_rows(
    on: EvaluationSet, answers: Answers, condition: str | None, count: int | None = None
) -> WorstRows:
    """The rows of a slice (None: all) by loss, `count` of them; a row without a loss comes last.

    Raises `FilterError`, `ExpressionFailed`, `NoLoss`.
    """
    loss = losses_of(answers)
    mask = np.ones(on.frame.height, dtype=bool)
    if condition is not None:
        with Frames(on.frame) as frames:
            mask = frames.masks([condition]).to_series().to_numpy()
    places = np.flatnonzero(mask)
    order = places[np.argsort(-loss[places], kind="stable")][:count]
    whole = with_answers(on.frame, answers)
    told = [name for name in ANSWER_COLUMNS if name in whole.columns]
    rows = whole[pl.Series(order)].with_columns(
        pl.Series("loss", loss[order]), *([] if on.key else [pl.Series("row", order)])
    )
    first = [*(on.key or ["row"]), *told, "loss"]
    rest = [name for name in on.frame.columns if name not in first and name != on.target]
    return WorstRows(rows.select([*first, *rest]), len(places), loss_words(answers))


def losses_of(answers: Answers) -> Floats:
    """(rows,): how badly each row is answered, NaN where nobody can say. Raises `NoLoss`."""
    try:
        return losses(answers)
    except NoValue as why:
        raise NoLoss(f"the rows cannot be judged one by one: {why}") from None


def loss_words(answers: Answers) -> str:
    """What `losses` measures by default."""
    if answers.task == "regression":
        return "squared error"
    if answers.task == "ranking":
        return "share of rows ranked on the wrong side"
    return "log loss" if answers.y_score is not None else "error"
