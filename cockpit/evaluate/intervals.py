"""Intervals for proportions and for what is made of them."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.evaluate.answers import Floats

Interval = tuple[float, float]


def normal_quantile(confidence: float) -> float:
    """How many standard errors a two-sided interval of this confidence reaches to each side."""
    return NormalDist().inv_cdf((1 + confidence) / 2)


def student_quantile(confidence: float, freedom: Floats | float) -> Floats:
    """The same where the standard error is itself estimated, with so many degrees of freedom.

    Student, Biometrika 6 (1908) 1.
    """
    from scipy.special import stdtrit

    return np.asarray(stdtrit(freedom, (1 + confidence) / 2))


def student_tail(errors: Floats | float, freedom: Floats | float) -> Floats:
    """The two-sided p-value of being so many standard errors from 0, estimated ones."""
    from scipy.special import stdtr

    return np.asarray(2 * stdtr(freedom, -np.abs(errors)))


def wilson(hits: float, rows: float, z: float) -> Interval:
    """Of a proportion. Wilson, JASA 22 (1927) 209; `z`: how many standard errors it reaches."""
    share, z2 = hits / rows, z * z
    middle = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    reach = z / (1 + z2 / rows) * math.sqrt(share * (1 - share) / rows + z2 / (4 * rows * rows))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def mean_of_proportions(parts: Sequence[tuple[float, float]], z: float) -> Interval:
    """Of the mean of independent proportions, each given as hits and rows.

    MOVER: each proportion's distance from its Wilson bound, put together as standard errors are (Zou and
    Donner, Statistics in Medicine 27 (2008) 1693).
    """
    below = above = value = 0.0
    for hits, rows in parts:
        low, high = wilson(hits, rows, z)
        share = hits / rows
        value += share / len(parts)
        below += ((share - low) / len(parts)) ** 2
        above += ((high - share) / len(parts)) ** 2
    return value - math.sqrt(below), value + math.sqrt(above)


def difference_of_proportions(
    first: tuple[float, float], second: tuple[float, float], z: float
) -> Interval:
    """Of the first proportion less the second, of other rows; each given as hits and rows.

    Newcombe's hybrid score interval, Statistics in Medicine 17 (1998) 873, method 10.
    """
    (low, high), (less, more) = wilson(*first, z), wilson(*second, z)
    a, b = first[0] / first[1], second[0] / second[1]
    return a - b - math.hypot(a - low, more - b), a - b + math.hypot(high - a, b - less)


def logit(value: float, error: float, z: float) -> Interval:
    """Of a value between 0 and 1 whose logit has this standard error."""
    at = math.log(value / (1 - value))
    return 1 / (1 + math.exp(-(at - z * error))), 1 / (1 + math.exp(-(at + z * error)))
