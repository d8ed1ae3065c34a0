"""What a report's charts show, before they are drawn as SVG (`svg`) or as text (`text_plot`). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from cockpit.axes import Span, span

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Kind = Literal["line", "dots", "faint"]


@dataclass(frozen=True, slots=True)
class Series:
    """Points in the order of x, finite ones only."""

    name: str
    """For the legend; empty: it needs none."""
    xs: tuple[float, ...]
    ys: tuple[float, ...]
    """As long as `xs`."""
    kind: Kind = "line"
    """`line`, or single points: `dots`, and `faint` ones behind all else."""


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves and points."""

    name: str
    """Letters, figures and dashes: a part of its file's name."""
    title: str
    about: str
    """What it says, for those who cannot see it."""
    x_title: str
    y_title: str
    series: tuple[Series, ...]
    rules: tuple[tuple[float, str], ...] = ()
    """Levels to measure the rest by, with their labels."""
    low: float | None = None
    """Points below are left out, so that one bad start does not flatten the rest."""
    high: float | None = None
    whole: bool = True
    """The x values count something: ticks at whole numbers only."""
    note: str = ""
    """What its points are."""

    @property
    def lines(self) -> tuple[Series, ...]:
        return tuple(one for one in self.series if one.kind == "line")

    def spans(self) -> tuple[Span, Span] | None:
        """What the axes cover; None where there is no point."""
        points = [point for one in self.series for point in self.shown(one)]
        across = span([x for x, _ in points])
        up = span([y for _, y in points] + [y for y, _ in self.rules if points and self.holds(y)])
        return (across, up) if across and up else None

    def shown(self, one: Series) -> list[tuple[float, float]]:
        """A series' points that are in the picture."""
        return [(x, y) for x, y in zip(one.xs, one.ys, strict=True) if self.holds(y)]

    def holds(self, y: float) -> bool:
        """Whether a value is in the picture."""
        return (self.low is None or y >= self.low) and (self.high is None or y <= self.high)


@dataclass(frozen=True, slots=True)
class Bars:
    """A bar a name, the longest first."""

    name: str
    title: str
    about: str
    bars: tuple[tuple[str, float], ...]
    """None below 0."""


Picture = Chart | Bars


def stairs(
    points: Sequence[tuple[float, float]], last: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """The corners of a staircase through `points`, its last step as long as to `last`: all x, all y."""
    corners: list[tuple[float, float]] = []
    for x, y in points:
        if corners:
            corners.append((x, corners[-1][1]))
        corners.append((x, y))
    if corners and last > corners[-1][0]:
        corners.append((last, corners[-1][1]))
    return tuple(x for x, _ in corners), tuple(y for _, y in corners)


def spread(places: Iterable[float], gap: float, low: float, high: float) -> list[float]:
    """Places moved apart, as little as it takes, to be `gap` from each other; in their order.

    Where there is no room for that between `low` and `high` they are as far apart as they can be.
    """
    given = list(places)
    order = sorted(range(len(given)), key=lambda place: given[place])
    gap = min(gap, (high - low) / max(1, len(given) - 1))
    found = [0.0] * len(given)
    floor = low
    for place in order:
        found[place] = floor = max(given[place], floor)
        floor += gap
    ceiling = high
    for place in reversed(order):
        found[place] = ceiling = min(found[place], ceiling)
        ceiling -= gap
    return found
