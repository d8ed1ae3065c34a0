"""The right answers of an evaluation set: what kind of question its target is, and which labels it has."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cockpit.sweep.spec.errors import nearest
from storage.errors import UserError

if TYPE_CHECKING:
    from cockpit.evaluate.answers import Array, Task

MOST_CLASSES = 20
"""Whole numbers of more different values than so many are amounts, not labels."""


class BadTruth(UserError):
    """An evaluation set by which nothing can be scored; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """The right answers, as `Answers.y_true` has them."""

    set: str
    """The evaluation set's version: `adult-eval@v4`."""
    target: str
    task: Task
    y_true: Array
    """(rows,): 0 and 1, places in `classes`, or numbers."""
    classes: tuple[Any, ...]
    """The labels of several classes, in order; of two, the other one and the positive one; else empty."""
    words: tuple[str, ...]
    """The labels of the target as texts; empty for numbers."""
    numeric: bool
    """Whether the target is numbers."""

    def described(self) -> str:
        """`'<=50K' or '>50K'`."""
        shown = [repr(word) for word in self.words[:8]]
        more = f" or {len(self.words) - 8:,} others" * (len(self.words) > 8)
        return (" or ".join(shown) if len(shown) < 3 else ", ".join(shown)) + more


def word(label: object) -> str:
    """A label as text, the same whatever it travelled through: true, 1 and 1.0 are `true`, `1`, `1`."""
    if isinstance(label, bool) or (isinstance(label, str) and label in ("True", "False")):
        return str(label).lower()
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label)


def truth_of(name: str, frame: pl.DataFrame, target: str | None, positive: object = None) -> Truth:
    """Read the target of the evaluation set's version `name`.

    Two labels are a binary question, of which `positive` is 1 (without it: true, or 1 of 0 and 1);
    texts and up to 20 different whole numbers are classes; other numbers are amounts. Raises `BadTruth`.
    """
    values = _target(name, frame, target)
    labels = values.unique().sort().to_list()
    numeric = values.dtype.is_numeric()
    words = tuple(map(word, labels))
    of = f"the target {values.name!r} of {name}"
    if positive is None and not _are_classes(values, len(labels)):
        return Truth(name, values.name, "regression", _numbers(values, of), (), (), True)
    if positive is None and len(labels) > 2:
        codes = _codes(values, {label: place for place, label in enumerate(labels)})
        return Truth(name, values.name, "multiclass", codes, tuple(labels), words, numeric)
    one = _positive(of, labels, words, positive)
    codes = _codes(values, {label: int(word(label) == one) for label in labels})
    others = [label for label in labels if word(label) != one]
    classes = (others[0] if len(others) == 1 else "other", _label(labels, one))
    return Truth(name, values.name, "binary", codes, classes, words, numeric)


def _target(name: str, frame: pl.DataFrame, target: str | None) -> pl.Series:
    if target is None:
        raise BadTruth(
            f"{name} has no target: say which column holds the right answers, "
            f'target = "COLUMN" in [data.{name.rpartition("@")[0]}] of cockpit.toml'
        )
    if target not in frame.columns:
        near = nearest(target, frame.columns)
        meant = f"; did you mean {near!r}?" if near else ""
        raise BadTruth(f"{name} has no column {target!r}, which is to be its target{meant}")
    values = frame[target]
    missing = values.null_count()
    if values.dtype.is_float():
        missing += int(values.is_nan().sum())
    if missing or not len(values):
        what = f"{missing:,} rows of {name} have no {target}" if missing else f"{name} has no rows"
        raise BadTruth(f"{what}: without a right answer nothing can be scored")
    return values


def _are_classes(values: pl.Series, different: int) -> bool:
    if not values.dtype.is_numeric():
        return True
    if values.dtype.is_float():
        return different <= 2 and all(value.is_integer() for value in values.unique())
    return different <= MOST_CLASSES


def _positive(of: str, labels: list[Any], words: tuple[str, ...], positive: object) -> str:
    """The text of the label that counts as 1."""
    if positive is not None:
        if word(positive) in words:
            return word(positive)
        raise BadTruth(f"{of} is never {positive!r}, which is to count as 1; it has {labels[:8]}")
    for natural in ({"0", "1"}, {"false", "true"}):
        if set(words) <= natural:
            return max(natural)
    if len(labels) == 1:
        raise BadTruth(f"{of} is always {labels[0]!r}: say what counts as 1, positive = …")
    raise BadTruth(
        f"{of} is {labels[0]!r} or {labels[1]!r}: say which of them counts as 1, "
        f"as positive = {labels[1]!r} in cockpit.toml"
    )


def _label(labels: list[Any], one: str) -> Any:
    return next((label for label in labels if word(label) == one), one)


def _codes(values: pl.Series, codes: dict[Any, int]) -> Array:
    told = values.replace_strict(list(codes), list(codes.values()), return_dtype=pl.Int64)
    return told.to_numpy()


def _numbers(values: pl.Series, of: str) -> Array:
    found = values.cast(pl.Float64).to_numpy()
    if not np.isfinite(found).all():
        raise BadTruth(f"{of} is not finite in some rows")
    return found
