"""Some rows of a run's answers, with what several metrics need of them: a confusion, an order by score.

What is computed row by row, and the sorting, is done once for all rows; a slice takes its share of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cockpit.evaluate.answers import Answers, Array, Floats, Ints, Truths


class NoValue(Exception):
    """A metric has no value for these rows; the message is the reason, in six words at most."""


@dataclass(frozen=True)
class Ranked:
    """Rows of two kinds in the order of their scores, the lowest first."""

    positive: Truths
    score: Floats
    place: Ints
    """Where each stands among all rows."""

    @cached_property
    def ends(self) -> Ints:
        """The last of each group of equal scores."""
        return np.append(np.flatnonzero(self.score[1:] != self.score[:-1]), len(self.score) - 1)

    @cached_property
    def beaten(self) -> Floats:
        """The share of the rows of the other kind that each is on the right side of, a tie counting half."""
        negatives, n = np.cumsum(~self.positive), len(self.positive)
        wrong, up_to = negatives.astype(np.float64), np.arange(1.0, n + 1)
        if len(self.ends) < n:  # of equal scores, half count as lower
            sizes, among = np.diff(self.ends, prepend=-1), negatives[self.ends]
            wrong = np.repeat((among + np.concatenate(([0], among[:-1]))) / 2, sizes)
            up_to = np.repeat(self.ends + 1 - sizes / 2, sizes)
        count = int(negatives[-1])
        right = (n - count) - (up_to - wrong)
        return np.where(self.positive, wrong / count, right / (n - count))


class Rows:
    """All rows of some answers, or a choice of them."""

    def __init__(
        self, answers: Answers, whole: Rows | None = None, times: Truths | Ints | None = None
    ) -> None:
        """`times` (rows,): which of the rows of `whole` are meant, or how often each counts."""
        self._answers, self._whole, self._times = answers, whole, times
        self._kept: dict[Callable[[Answers], Array], Array] = {}
        self._orders: dict[int, Ranked] = {}
        self.task, self.classes = answers.task, len(answers.classes)

    def where(self, times: Truths | Ints) -> Rows:
        """Those of all rows that are meant, or each of them so many times; of a choice there is no further one."""
        assert self._whole is None
        return Rows(self._answers, self, times)

    @cached_property
    def places(self) -> Ints:
        """Where the rows stand among all rows."""
        return _repeated(np.arange(len(self._answers)), self._times)

    def __len__(self) -> int:
        return len(self._answers) if self._times is None else len(self.places)

    def each(self, function: Callable[[Answers], Array]) -> Array:
        """What a row-by-row function gives for these rows."""
        if function not in self._kept:
            if self._whole is None:
                self._kept[function] = function(self._answers)
            else:
                self._kept[function] = self._whole.each(function)[self.places]
        return self._kept[function]

    @cached_property
    def truth(self) -> Ints:
        """The right class of each row, by number; raises `NoValue` where there is none."""
        return self._codes(_truth, "a label is missing", "a label is unknown")

    @cached_property
    def predicted(self) -> Ints:
        """The class predicted for each row, by number; raises `NoValue` where there is none."""
        return self._codes(_prediction, "a prediction is missing", "a prediction is unknown")

    def _codes(self, of: Callable[[Answers], Array], missing: str, unknown: str) -> Ints:
        labels = self.each(of)
        if labels.dtype.kind == "f" and np.isnan(labels).any():
            raise NoValue(missing)
        codes = labels.astype(np.intp, copy=False)
        classes = 2 if self.task == "binary" else self.classes
        if len(codes) and not (codes.min() >= 0 and codes.max() < classes):
            raise NoValue(unknown)
        if labels.dtype.kind == "f" and (codes != labels).any():
            raise NoValue(unknown)
        return codes

    @cached_property
    def confusion(self) -> Ints:
        """(classes, classes): how many rows of the class of the line were said to be of the column's."""
        size = 2 if self.task == "binary" else self.classes
        cells = np.bincount(self.truth * size + self.predicted, minlength=size * size)
        return cells.reshape(size, size)

    def problems(self) -> Iterator[Ranked]:
        """The ways to rank the rows: one, or for several classes each against the rest.

        A class that no row is of, or every row, is left out; raises `NoValue` where nothing is left.
        """
        some = False
        self._check_truth()
        for kind in range(self.classes) if self.task == "multiclass" else (1,):
            ranked = self._ranked(kind)
            if len(ranked.score) and np.isnan(ranked.score[-1]):
                raise NoValue("a score is missing")
            if 0 < np.count_nonzero(ranked.positive) < len(ranked.positive):
                some = True
                yield ranked
        if not some:
            raise NoValue(
                "none is relevant, or all are" if self.task == "ranking" else "one class only"
            )

    def _check_truth(self) -> None:
        if self.task != "ranking":
            _ = self.truth
        elif np.isnan(self.each(_truth).astype(np.float64)).any():
            raise NoValue("a label is missing")

    def in_order(self, ranked: Ranked, values: Floats) -> Floats:
        """What stands in the order of the scores, put in the order of the rows."""
        place = np.empty(len(self._answers), dtype=np.intp)
        place[self.places] = np.arange(len(self))
        put = np.empty(len(self))
        put[place[ranked.place]] = values
        return put

    def _ranked(self, kind: int) -> Ranked:
        if kind not in self._orders:
            self._orders[kind] = self._sorted(kind) if self._whole is None else self._share(kind)
        return self._orders[kind]

    def _sorted(self, kind: int) -> Ranked:
        scores = self.each(scores_of)
        scores = scores if scores.ndim == 1 else scores[:, kind]
        order = np.argsort(scores, kind="stable")
        truth = self.each(_truth)
        positive = np.asarray(truth > 0 if self.task == "ranking" else truth == kind)
        return Ranked(positive[order], scores[order], order)

    def _share(self, kind: int) -> Ranked:
        assert self._whole is not None
        assert self._times is not None
        whole = self._whole._ranked(kind)
        chosen = _repeated(np.arange(len(whole.place)), self._times[whole.place])
        return Ranked(whole.positive[chosen], whole.score[chosen], whole.place[chosen])


def _repeated(values: Ints, times: Truths | Ints | None) -> Ints:
    if times is None:
        return values
    return np.flatnonzero(times) if times.dtype == np.bool_ else np.repeat(values, times)


def _truth(answers: Answers) -> Array:
    return answers.y_true


def _prediction(answers: Answers) -> Array:
    assert answers.y_pred is not None
    return answers.y_pred


def scores_of(answers: Answers) -> Floats:
    """The scores, which must be there, as floats."""
    assert answers.y_score is not None
    return answers.y_score.astype(np.float64, copy=False)
