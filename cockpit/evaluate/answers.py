"""What a model answered on the rows of an evaluation set, beside what is right, as arrays."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Task = Literal["binary", "multiclass", "regression", "ranking"]
Array = NDArray[Any]
Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Truths = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A run's answers, a row a row of the evaluation set; raises `ValueError` where the shapes do not fit.

    - binary: `y_true` and `y_pred` are 0 or 1, `y_score` the score of 1;
    - multiclass: both are places in `classes`, `y_score` has a column a class;
    - regression: both are numbers;
    - ranking: `y_true` is how relevant a row is (relevant: above 0), `y_score` what it is ranked by.
    """

    task: Task
    y_true: Array
    """(rows,)"""
    y_pred: Array | None = None
    """(rows,)"""
    y_score: Array | None = None
    """(rows,), or (rows, classes)"""
    classes: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        rows = (len(self.y_true),)
        wide = (*rows, len(self.classes)) if self.task == "multiclass" else rows
        for name, array, shape in (
            ("y_true", self.y_true, rows),
            ("y_pred", self.y_pred, rows),
            ("y_score", self.y_score, wide),
        ):
            if array is not None and array.shape != shape:
                raise ValueError(f"{name} has the shape {array.shape}, not {shape}")

    def __len__(self) -> int:
        return len(self.y_true)

    def where(self, mask: Truths) -> Answers:
        """The answers of the rows for which `mask` (rows,) is true."""
        rows = np.flatnonzero(mask)
        y_pred = None if self.y_pred is None else self.y_pred[rows]
        y_score = None if self.y_score is None else self.y_score[rows]
        return Answers(self.task, self.y_true[rows], y_pred, y_score, self.classes)
