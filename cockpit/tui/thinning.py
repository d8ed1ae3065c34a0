"""Leaves out points that no cell of a chart could tell apart, and never a spike. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from itertools import pairwise
from math import isfinite
from operator import le
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.axes import Span


def finite(xs: Sequence[float], ys: Sequence[float]) -> tuple[Sequence[float], Sequence[float]]:
    """The points both of whose coordinates are finite."""
    if all(map(isfinite, xs)) and all(map(isfinite, ys)):
        return xs, ys
    points = [(x, y) for x, y in zip(xs, ys, strict=True) if isfinite(x) and isfinite(y)]
    return [x for x, _ in points], [y for _, y in points]


def is_rising(xs: Sequence[float]) -> bool:
    """Whether no value is below the one before it."""
    return all(map(le, xs, xs[1:]))


def thin(xs: Sequence[float], ys: Sequence[float], buckets: int) -> tuple[list[float], list[float]]:
    """Finite points, of each of `buckets` stretches the lowest and the highest: spikes survive."""
    xs, ys = finite(xs, ys)
    if len(xs) <= 2 * buckets:
        return list(xs), list(ys)
    size = len(xs) / buckets
    return _extremes(xs, ys, [int(bucket * size) for bucket in range(buckets + 1)])


def thin_along(
    xs: Sequence[float], ys: Sequence[float], across: Span, buckets: int
) -> tuple[list[float], list[float]]:
    """As `thin`, for rising `xs` and stretches as long as each other on the axis, be it log or zoomed in.

    Of what lies outside the axis the nearest point on either side stays, so that lines reach the edges.
    """
    start = max(0, bisect_left(xs, across.low) - 1)
    end = min(len(xs), bisect_right(xs, across.high) + 1)
    if end - start <= 2 * buckets:
        return list(xs[start:end]), list(ys[start:end])
    edges = [across.at(bucket / buckets) for bucket in range(1, buckets)]
    inner = [bisect_left(xs, edge, start, end) for edge in edges]
    return _extremes(xs, ys, [start, *sorted(inner), end])


def _extremes(
    xs: Sequence[float], ys: Sequence[float], bounds: Sequence[int]
) -> tuple[list[float], list[float]]:
    kept = {bounds[0], bounds[-1] - 1}
    for start, end in pairwise(bounds):
        if end - start <= 2:
            kept.update(range(start, end))
            continue
        part = ys[start:end]
        kept.add(start + part.index(min(part)))
        kept.add(start + part.index(max(part)))
    order = sorted(kept)
    return [xs[index] for index in order], [ys[index] for index in order]
