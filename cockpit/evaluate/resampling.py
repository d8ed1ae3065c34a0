"""The paired bootstrap: rows drawn again with their pairs, by a seed that follows from the rows themselves.

Efron and Tibshirani, An Introduction to the Bootstrap, 1993: percentile intervals, 13.3. All runs share the draws, so
that a difference is always of the same rows, and the seed comes from what is right on those rows, so that two looks
show the same figures.
"""

from __future__ import annotations

import hashlib
import math
from typing import TYPE_CHECKING

import numpy as np

from cockpit.evaluate.intervals import student_quantile, student_tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cockpit.evaluate.answers import Array, Floats

RESAMPLES = 2_000
"""Draws where nobody says how many: the ends of a 95 % interval are then off by about 6 % of a standard error."""
_AT_ONCE, _MOST = 4_000_000, 100
"""Numbers held at once, and draws between two looks at whether to go on."""


class Cancelled(Exception):
    """Nobody wants to know any more."""


def seed_of(y_true: Array) -> int:
    """A seed that follows from what is right on the rows drawn from."""
    content = np.ascontiguousarray(y_true)
    digest = hashlib.blake2b(content.tobytes(), digest_size=8, person=b"draws")
    return int.from_bytes(digest.digest(), "little")


def go_on(draws: int) -> None:
    """For who waits until it is done."""


def bootstrap(
    statistics: Sequence[Callable[[Floats], Floats]],
    rows: int,
    resamples: int,
    seed: int,
    told: Callable[[int], None] = go_on,
) -> list[Floats]:
    """What each statistic is worth on each draw, (draws,) or (draws, several), all of them on the same draws.

    A statistic is given how often each row counts: (some draws, rows). `told` hears how many draws were made
    since it was called last; what it raises ends the work.
    """
    found: list[list[Floats]] = [[] for _ in statistics]
    for times in _draws(rows, resamples, seed):
        for statistic, values in zip(statistics, found, strict=True):
            values.append(statistic(times))
        told(len(times))
    return [np.concatenate(values) for values in found]


def percentile(
    drawn: Floats, confidence: float, rows: int, p_at_once: float | None
) -> tuple[float, float, float] | None:
    """The interval and the two-sided p-value of drawn differences; None where too few have a value, or all are alike.

    Draws of few `rows` lie too near together. The shares at which the interval ends are those where a normal
    distribution that much narrower has Student's quantiles (Hesterberg, The American Statistician 69 (2015) 371,
    the expanded percentile interval); the p-value is read the same way.
    Where no draw lies on the other side of 0 the p-value is below what so many draws can tell: then it is the
    one that was there at once, if that is less.
    """
    of = len(drawn)
    drawn = drawn[np.isfinite(drawn)]
    if len(drawn) < max(1, of / 2) or drawn.min() == drawn.max():
        return None
    from scipy.special import ndtr, ndtri

    narrow = math.sqrt((rows - 1) / rows)
    share = float(ndtr(-student_quantile(confidence, rows - 1) / narrow))
    low, high = np.quantile(drawn, [share, 1 - share])
    beyond = int(min(np.count_nonzero(drawn <= 0), np.count_nonzero(drawn >= 0)))
    p = min(1.0, 2 * (beyond + 1) / (len(drawn) + 1))
    p = float(student_tail(ndtri(p / 2) * narrow, rows - 1))
    if not beyond and p_at_once is not None:
        p = min(p, p_at_once)
    return float(low), float(high), p


def _draws(rows: int, resamples: int, seed: int) -> Iterator[Floats]:
    rng, most = np.random.default_rng(seed), max(1, min(_MOST, _AT_ONCE // max(1, rows)))
    for start in range(0, resamples, most):
        some = min(most, resamples - start)
        places = rng.integers(0, rows, (some, rows))
        places += np.arange(some)[:, None] * rows
        times = np.bincount(places.ravel(), minlength=some * rows)
        yield times.reshape(some, rows).astype(np.float64)
