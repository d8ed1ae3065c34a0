"""Smooths a curve, saying how. Pure."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

FACTORS = (0.0, 0.3, 0.6, 0.8, 0.9, 0.95, 0.98, 0.99)
"""What the keys step through."""


def ema(values: Sequence[float], factor: float) -> list[float]:
    """Exponential moving average with the bias of its start taken out; as long as `values`.

    m(t) = factor · m(t-1) + (1 - factor) · x(t), m(0) = 0, shown is m(t) / (1 - factor^t): the bias
    correction of Kingma and Ba, Adam (2015), section 3; TensorBoard smooths by the same. `factor` is at
    least 0 (changes nothing) and below 1. What is not finite stays as it is and is not averaged in.
    """
    if not 0 <= factor < 1:
        raise ValueError(f"a smoothing factor is at least 0 and below 1, not {factor}")
    if factor == 0:
        return list(values)
    average, weight = 0.0, 0.0
    smooth: list[float] = []
    for value in values:
        if not isfinite(value):
            smooth.append(value)
            continue
        average = factor * average + (1 - factor) * value
        # The same recursion over ones: 1 - factor^t without its rounding where factor is near 1.
        weight = factor * weight + (1 - factor)
        smooth.append(average / weight)
    return smooth


def stepped(factor: float, way: int) -> float:
    """The next factor up (`way` 1) or down (-1)."""
    if way > 0:
        return next((one for one in FACTORS if one > factor), FACTORS[-1])
    return next((one for one in reversed(FACTORS) if one < factor), FACTORS[0])
