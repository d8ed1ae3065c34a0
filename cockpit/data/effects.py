"""How far two samples lie apart, as effect sizes, and how far they would by chance alone.

Effect sizes do not grow with the number of rows, as p-values do: of a million rows any difference is
"significant". Each has the value from which it is moderate, and large, by a convention that its docstring
names; and what two samples of one population stay below but once in 100,000 times (`NOISE`), so that few rows
raise no alarm. Counts are one number a bin, of the old rows and of the new.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counts = NDArray[np.int64]
    Values = NDArray[np.float64]

Verdict = Literal["none", "moderate", "large"]

NOISE = 1e-5
"""How often an effect of chance alone is taken for one."""


@dataclass(frozen=True, slots=True)
class Effect:
    """One measure of how far two samples lie apart."""

    name: str
    value: float
    moderate: float
    large: float
    noise: float
    """Chance alone stays below it."""
    p: float | None = None
    """For the record; it judges nothing."""

    @property
    def verdict(self) -> Verdict:
        if self.value < self.moderate or self.value <= self.noise:
            return "none"
        return "large" if self.value >= self.large else "moderate"


def psi(old: Counts, new: Counts) -> Effect:
    """Population stability index: Σ (qᵢ − pᵢ) ln(qᵢ / pᵢ) over the shares of the bins.

    An empty bin counts as half a row. Below 0.1 little, above 0.25 much: Siddiqi, Credit Risk Scorecards
    (2006). Without drift it is about (1/n + 1/m) χ² with bins − 1 degrees of freedom: Yurdakul, Statistical
    Properties of Population Stability Index (2018).
    """
    n, m = int(old.sum()), int(new.sum())
    p, q = np.maximum(old, 0.5) / n, np.maximum(new, 0.5) / m
    value = float(((q - p) * np.log(q / p)).sum())
    return Effect("psi", value, 0.1, 0.25, _psi_noise(len(old), n, m))


def jensen_shannon(old: Counts, new: Counts) -> Effect:
    """Jensen–Shannon distance to base 2, the root of the divergence: 0 the same, 1 nothing in common.

    Endres & Schindelin, A new metric for probability distributions (2003). 0.1 is the limit that evidently
    and NannyML set; 0.2 is about where the PSI has its 0.25, since for small differences the divergence is
    PSI / (8 ln 2).
    """
    n, m = int(old.sum()), int(new.sum())
    p, q = old / n, new / m
    middle = (p + q) / 2
    divergence = (_entropy(p, middle) + _entropy(q, middle)) / 2
    noise = math.sqrt(_psi_noise(len(old), n, m) / (8 * math.log(2)))
    return Effect("js", math.sqrt(max(0.0, divergence)), 0.1, 0.2, noise)


def kolmogorov_smirnov(old: Values, new: Values) -> Effect:
    """The greatest distance between the two distribution functions; both samples sorted, finite or not.

    It is a difference of shares, so a tenth and a fifth of the rows are the limits. Chance alone stays below
    √(−½ ln(α/2) (1/n + 1/m)): Smirnov (1948).
    """
    n, m = len(old), len(new)
    below = np.searchsorted(old, new, side="left") / n
    upto = np.searchsorted(old, new, side="right") / n
    starts = np.flatnonzero(np.append(True, new[1:] != new[:-1]))
    ends = np.append(starts[1:], m)
    # Both functions jump at values of the new sample alone or stand still between: its steps are enough.
    above = (below[starts] - starts / m).max()
    under = (ends / m - upto[starts]).max()
    noise = math.sqrt(-math.log(NOISE / 2) / 2 * (1 / n + 1 / m))
    return Effect("ks", float(max(above, under, 0.0)), 0.1, 0.2, noise)


def cramers_v(old: Counts, new: Counts) -> Effect:
    """Cramér's V of the table of sample × category: √(χ² / rows), with Pearson's χ².

    Cramér, Mathematical Methods of Statistics (1946). 0.1 small, 0.3 medium: Cohen, Statistical Power
    Analysis for the Behavioral Sciences (1988), whose w it is in a table of two rows.
    """
    table = np.stack([old, new]).astype(np.float64)
    table = table[:, table.sum(axis=0) > 0]
    total, freedom = table.sum(), table.shape[1] - 1
    if freedom < 1:
        return Effect("v", 0.0, 0.1, 0.3, 0.0, 1.0)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / total
    chi_squared = float(((table - expected) ** 2 / expected).sum())
    noise = math.sqrt(float(special.chdtri(freedom, NOISE)) / total)
    p = float(special.chdtrc(freedom, chi_squared))
    return Effect("v", math.sqrt(chi_squared / total), 0.1, 0.3, noise, p)


def missing(old: int, of_old: int, new: int, of_new: int) -> Effect:
    """Cohen's h of two shares of missing values: |2 asin √q − 2 asin √p|; 0 to 1 % is 0.2, 0 to 6 % is 0.5.

    0.2 small, 0.5 medium: Cohen (1988), chapter 6.
    """
    h = abs(2 * math.asin(math.sqrt(new / of_new)) - 2 * math.asin(math.sqrt(old / of_old)))
    noise = float(-special.ndtri(NOISE / 2)) * math.sqrt(1 / of_old + 1 / of_new)
    return Effect("missing", h, 0.2, 0.5, noise)


def is_one_sided(count: int, here: int, there: int) -> bool:
    """Whether so many rows of a kind, all of them in the sample of `here` rows, are no chance.

    Were the two samples of one population, each of these rows would be there as likely as their sizes say.
    """
    return count * math.log((here + there) / here) > -math.log(NOISE)


def _psi_noise(bins: int, n: int, m: int) -> float:
    return float(special.chdtri(bins - 1, NOISE)) * (1 / n + 1 / m) if bins > 1 else 0.0


def _entropy(p: Values, middle: Values) -> float:
    there = p > 0
    return float((p[there] * np.log2(p[there] / middle[there])).sum())
