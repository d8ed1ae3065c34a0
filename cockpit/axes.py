"""What an axis covers, where its ticks stand and what they say. Pure."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from datetime import datetime
from statistics import quantiles
from typing import TYPE_CHECKING

from cockpit import format as fmt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
ROUND_TIMES = (
    *(1.0, 2.0, 5.0, 10.0, 15.0, 30.0),
    *(MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(HOUR * n for n in (1, 2, 3, 6, 12)),
    *(DAY * n for n in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)),
)
"""Seconds that people take for round."""
LARGEST = sys.float_info.max
FAR = 1e12
"""Cells: further out a place need not be told."""
SPREAD = 4
"""A value further from the best than so many times the better half's spread is out of the picture."""
ENOUGH = 8
"""Values from which on the spread says something."""


@dataclass(frozen=True, slots=True)
class Span:
    """What an axis covers."""

    low: float
    high: float
    log: bool = False
    """Equal lengths are equal factors; `low` is above 0 then."""

    def along(self, value: float) -> float:
        """The value as it is drawn: its power of ten on a log axis."""
        return math.log10(value) if self.log else value

    @property
    def ends(self) -> tuple[float, float]:
        """Both ends as they are drawn."""
        return self.along(self.low), self.along(self.high)

    def part(self, value: float) -> float:
        """How far along the axis a value stands: 0 at `low`, 1 at `high`."""
        low, high = self.ends
        return (self.along(value) - low) / (high - low)

    def place(self, value: float, cells: int) -> int:
        """The cell of a value, the first one 0."""
        return round(self.part(value) * (cells - 1))

    def places(self, values: Sequence[float], cells: int) -> list[int]:
        """`place` of many values, those far outside not quite as far outside as they are."""
        low, high = self.ends
        scale = (cells - 1) / (high - low)
        drawn = [math.log10(value) for value in values] if self.log else values
        return [round(max(-FAR, min(FAR, (value - low) * scale))) for value in drawn]

    def at(self, part: float) -> float:
        """The value so far along the axis; the inverse of `part`."""
        low, high = self.ends
        value = low + part * (high - low)
        return float(10.0**value) if self.log else value

    def holds(self, value: float) -> bool:
        """Whether the value lies within."""
        return self.low <= value <= self.high


def span(values: Sequence[float], log: bool = False) -> Span | None:
    """Smallest and largest finite value (above 0 on a log axis), parted where they are the same."""
    finite = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    if not finite:
        return None
    low, high = min(finite), max(finite)
    if log:
        # Parted by a factor that a float can tell, and kept clear of the last powers of ten.
        low, high = max(low, 1e-300), min(max(high, 1e-300), 1e300)
        low = min(low, high)
        return Span(low, high, True) if high / low > 1 + 1e-9 else Span(low / 2, high * 2, True)
    if high - low <= 1e-12 * max(abs(low), abs(high), 1e-300):
        room = abs(low) * 0.05 or 0.5
        low, high = max(low - room, -LARGEST), min(high + room, LARGEST)
    return Span(low, high) if math.isfinite(high - low) else Span(low / 2, high / 2)


def edge_of(values: Sequence[float], maximize: bool) -> float | None:
    """The worst value still worth a place, or none where all are."""
    if len(values) < ENOUGH:
        return None
    ranked = sorted(values, reverse=maximize)
    best, middle, worst = ranked[0], quantiles(ranked, n=2)[0], ranked[-1]
    edge = best + SPREAD * (middle - best)
    beyond = worst < edge if maximize else worst > edge
    return edge if beyond and middle != best else None


def ticks(low: float, high: float, most: int, whole: bool = False) -> list[float]:
    """At most `most` round values within the span, evenly spaced by 1, 2 or 5 times a power of ten."""
    if most < 1 or not high > low:
        return []
    power = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 5, 10, 20, 50):
        step = power * factor
        if whole and step < 1:
            continue
        found = _multiples(step, low, high, most)
        if found is not None:
            return found
    return []


def _multiples(step: float, low: float, high: float, most: int) -> list[float] | None:
    """The multiples of `step` within the span, or None where they are too many."""
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    if last - first >= most:
        return None
    room = (high - low) * 1e-6
    found = (index * step for index in range(first, last + 1))
    return [value for value in found if low - room <= value <= high + room]


def log_ticks(low: float, high: float, most: int) -> list[float]:
    """At most `most` values of a log axis: powers of ten, with 2 and 5 times them where there is room.

    Within less than such a step the values are as on a plain axis.
    """
    if most < 1 or not 0 < low < high:
        return []
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [f * 10.0**power for power in range(first, last + 1) for f in factors]
        found = [value for value in found if low * (1 - 1e-9) <= value <= high * (1 + 1e-9)]
        if len(found) < 2:
            return ticks(low, high, most)
        if len(found) <= most:
            return found
    every = math.ceil(len(found) / most)
    return [value for value in found if round(math.log10(value)) % every == 0][:most]


def time_ticks(low: float, high: float, most: int, shift: float = 0.0) -> list[float]:
    """At most `most` times that people take for round; `shift` seconds east of UTC is where midnight is."""
    if most < 1 or not high > low:
        return []
    if high - low < 2:
        return ticks(low, high, most)
    for step in ROUND_TIMES:
        found = _multiples(step, low + shift, high + shift, most)
        if found is not None:
            return [value - shift for value in found]
    return ticks(low, high, most)


def tick_labels(values: Sequence[float]) -> list[str]:
    """Labels with as many decimals as the step needs: `0.05`, `10`, `1k`."""
    if len(values) < 2:
        return [fmt.number(float(f"{value:.6g}")) for value in values]
    step, largest = abs(values[1] - values[0]), max(abs(value) for value in values)
    if largest >= 1e6 or largest < 1e-3:
        return [_short(value, ".3g") for value in values]
    if largest >= 1000 and step >= 100:
        return [f"{value / 1000:g}k" if abs(value) >= 1000 else f"{value:g}" for value in values]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [f"{value:.{decimals}f}" for value in values]


def log_labels(values: Sequence[float]) -> list[str]:
    """`1e-4`, `0.01`, `50`, `2k`: each by itself, as a log axis has no one step."""
    if all(math.isclose(float(f"{value:.0e}"), value) for value in values):
        return [_log_label(value) for value in values]
    return tick_labels(values)


def _log_label(value: float) -> str:
    if 1000 <= value < 1e6:
        return f"{value / 1000:.6g}k"
    return f"{value:.6g}" if 1e-3 <= value < 1000 else _short(value, ".0e")


def _short(value: float, form: str) -> str:
    text = f"{value:{form}}"
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else text


def duration_labels(values: Sequence[float]) -> list[str]:
    """`0`, `30s`, `2m`, `1h 30m`, `3d`: the units the step needs."""
    fine = len(values) > 1 and abs(values[1] - values[0]) < 1
    return [f"{value:.3g}s" if fine and value else _duration(value) for value in values]


def _duration(seconds: float) -> str:
    rest = round(abs(seconds))
    parts = []
    for unit, length in (("d", DAY), ("h", HOUR), ("m", MINUTE), ("s", 1.0)):
        whole, rest = divmod(rest, int(length))
        if whole:
            parts.append(f"{whole}{unit}")
    return "-" * (seconds < 0) + " ".join(parts[:2]) or "0"


def clock_labels(values: Sequence[float]) -> list[str]:
    """`14:05`, `14:05:30` or `14 Mar`, in local time; `values` are seconds since 1970."""
    step = values[1] - values[0] if len(values) > 1 else HOUR
    form = "%H:%M:%S" if step < MINUTE else "%H:%M" if step < DAY else "%d %b"
    return [local(value).strftime(form) for value in values]


def local(seconds: float) -> datetime:
    """Seconds since 1970 in the time zone of this machine, held to the years a clock knows."""
    return datetime.fromtimestamp(min(max(seconds, 0.0), 2.5e11)).astimezone()


def _shift(low: float) -> float:
    offset = local(low).utcoffset()
    return offset.total_seconds() if offset else 0.0


def marks(
    covered: Span, most: int, kind: str = "number", whole: bool = False
) -> list[tuple[float, str]]:
    """(value, label) of at most `most` ticks; `kind` is `number`, `duration` or `clock` (seconds)."""
    low, high = covered.low, covered.high
    label: Callable[[Sequence[float]], list[str]] = tick_labels
    if covered.log:
        values, label = log_ticks(low, high, most), log_labels
    elif kind == "duration":
        values, label = time_ticks(low, high, most), duration_labels
    elif kind == "clock":
        values, label = time_ticks(low, high, most, _shift(low)), clock_labels
    else:
        values = ticks(low, high, most, whole)
    return list(zip(values, label(values), strict=True))
