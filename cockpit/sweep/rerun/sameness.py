"""Whether two runs came out the same: their values step by step, and what they ended with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

How = Literal["exact", "close", "different"]

CLOSE = 1e-9
"""Relative: the noise of sums in another order, and no more."""
_WORST: tuple[How, ...] = ("exact", "close", "different")


@dataclass(frozen=True, slots=True)
class Figures:
    """What a run reported."""

    points: Mapping[str, Mapping[int, float]]
    """By metric, its value at each step."""
    final: Mapping[str, float]
    """By metric, the value it ended with."""
    whole: bool
    """Whether it came to its own end: of one that was ended, the steps it had are all there is."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One metric of two runs."""

    metric: str
    how: How
    steps: int
    """At how many steps it was compared."""
    first: int | None
    """The first step that differs, or that only one of them has; None where none does."""
    original: float | None
    """The value it ended with, where that was compared; else at `first`, or at the last step."""
    again: float | None
    off: float
    """The largest difference, relative to the larger of the two; inf where a value is missing."""
    at_end: bool
    """Whether the value it ended with was compared."""


def compare(original: Figures, again: Figures) -> tuple[Compared, ...]:
    """Compare all metrics of the original, and those that only the other has; by name."""
    names = {**original.points, **original.final}
    if original.whole:
        names |= {**again.points, **again.final}
    return tuple(_compared(name, original, again) for name in sorted(names))


def worst(compared: Sequence[Compared]) -> How:
    """How the least alike of them are; `exact` where there are none."""
    return _WORST[max((_WORST.index(each.how) for each in compared), default=0)]


def _compared(name: str, original: Figures, again: Figures) -> Compared:
    mine, other = original.points.get(name, {}), again.points.get(name, {})
    steps = sorted({*mine, *other} if original.whole and mine else mine)
    offs = {step: _off(mine.get(step), other.get(step)) for step in steps}
    first = next((step for step in steps if offs[step]), None)
    ends = original.whole and (name in original.final or name in again.final)
    if ends:
        pair = original.final.get(name), again.final.get(name)
    else:
        shown = steps[-1] if first is None and steps else first
        pair = (None, None) if shown is None else (mine.get(shown), other.get(shown))
    off = max([*offs.values(), _off(*pair) if ends else 0.0])
    how: How = "exact" if off == 0 else "close" if off <= CLOSE else "different"
    return Compared(name, how, len(steps), first, *pair, off, ends)


def _off(one: float | None, other: float | None) -> float:
    """How far apart, relative to the larger; 0 only where they are the same to the last digit."""
    if one is None or other is None:
        return math.inf
    if one == other or (math.isnan(one) and math.isnan(other)):
        return 0.0
    if not (math.isfinite(one) and math.isfinite(other)):
        return math.inf
    largest = max(abs(one), abs(other))
    return abs(one / largest - other / largest)  # neither under- nor overflows
