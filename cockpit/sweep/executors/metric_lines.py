"""What a program's output says in numbers: lines that are JSON objects, and named groups of patterns.

Pure: bytes go in as they come, points come out, the same wherever the bytes were cut.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

LINE_BYTES = 1 << 16
"""A longer line is passed over."""
PATTERN_TEXT = 1 << 12
"""Characters at the beginning of a line in which patterns are looked for: one may backtrack."""
NAMES = 1000
"""Metrics that a run may have; further names are passed over. Not all that is JSON is a metric."""
INTEGER_BITS = 63
"""A step has no more."""
NOTE = "cockpit"
"""The key under which `cockpit.track` tells what is no metric."""

_AROUND = " \t,;:()[]{}%'\""


class PatternError(ValueError):
    """A regular expression that cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Point:
    """Metrics at one step."""

    metrics: Mapping[str, float]
    step: int


@dataclass(frozen=True, slots=True)
class Note:
    """What `cockpit.track` tells of the run it is in: `params`, `attrs`, `tags`, `note`."""

    content: Mapping[str, Any]


Said = Point | Note


class Tally:
    """The last value of each metric, and the step that is next where a program names none.

    One for all that a run is read from.
    """

    def __init__(self) -> None:
        self.last: dict[str, float] = {}
        self._next: dict[str, int] = {}

    def take(self, metrics: Mapping[str, float], step: int | None) -> Iterator[Point]:
        """Place metrics at their step: the one given, or each at its own next one."""
        by_step: dict[int, dict[str, float]] = {}
        for name, value in metrics.items():
            if name not in self._next and len(self._next) >= NAMES:
                continue
            at = self._next.get(name, 0) if step is None else step
            self._next[name] = at + 1
            self.last[name] = value
            by_step.setdefault(at, {})[name] = value
        return (Point(together, at) for at, together in by_step.items())


class Lines:
    """Whole lines out of a stream's pieces. A carriage return ends one too: progress bars use it."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        *whole, rest = data.replace(b"\r", b"\n").split(b"\n")
        if whole:
            whole[0] = self._rest + whole[0]
            self._rest = b""
        # One byte too many is kept, by which it is known to be too long when its end comes.
        self._rest = (self._rest + rest)[: LINE_BYTES + 1]
        return [line for line in whole if 0 < len(line) <= LINE_BYTES]

    def end(self) -> list[bytes]:
        """The last line, where nothing ended it."""
        return self.feed(b"\n")


class MetricReader:
    """Reads one stream."""

    def __init__(
        self,
        tally: Tally,
        *,
        json: bool = True,
        patterns: Iterable[re.Pattern[str]] = (),
        notes: bool = False,
    ) -> None:
        self._tally = tally
        self._lines = Lines()
        self._json, self._patterns, self._notes = json, tuple(patterns), notes

    def feed(self, data: bytes) -> list[Said]:
        return self._read(self._lines.feed(data))

    def end(self) -> list[Said]:
        """What the last line says, which nothing ended."""
        return self._read(self._lines.end())

    def _read(self, lines: list[bytes]) -> list[Said]:
        if not self._json and not self._patterns:
            return []
        return [said for line in lines for said in self._line(line)]

    def _line(self, line: bytes) -> Iterator[Said]:
        text = line.decode(errors="replace").strip()
        found = parse_object(text) if self._json else None
        if found is not None:
            if self._notes and isinstance(note := found.pop(NOTE, None), dict):
                yield Note(note)
            yield from self._tally.take(*numbers_of(found))
            return
        for pattern in self._patterns:
            if match := pattern.search(text[:PATTERN_TEXT]):
                yield from self._tally.take(*_named(match.groupdict()))


def compile_patterns(patterns: Sequence[str]) -> tuple[re.Pattern[str], ...]:
    """The regular expressions; raises PatternError where one is none, or names no group."""
    return tuple(map(_compile, patterns))


def _compile(text: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise PatternError(f"{text!r} is no regular expression: {error}") from error
    if not pattern.groupindex.keys() - {"step"}:
        raise PatternError(
            f"{text!r} names no metric; a group does that: (?P<auc>\\S+) is the metric auc"
        )
    return pattern


def parse_object(text: str) -> dict[str, Any] | None:
    """The JSON object that a text is as a whole; None where it is something else."""
    if not (text.startswith("{") and text.endswith("}")):
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    assert isinstance(found, dict)
    return found


def numbers_of(found: dict[str, Any]) -> tuple[dict[str, float], int | None]:
    """An object's numbers by name, nested names joined by a dot; and its step.

    The step is `step`, or `epoch` where there is no `step`; a broken epoch (0.25) is a metric.
    """
    key = "step" if "step" in found else "epoch"
    step = _whole(found.get(key))
    if step is not None:
        del found[key]
    try:
        return dict(_flat(found, "")), step
    except RecursionError:
        return {}, step


def _flat(found: Mapping[str, Any], before: str) -> Iterator[tuple[str, float]]:
    for key, value in found.items():
        name = before + key.encode(errors="backslashreplace").decode()
        if isinstance(value, dict):
            yield from _flat(value, name + ".")
        elif name and isinstance(value, int | float) and not isinstance(value, bool):
            yield name, _float(value)


def _float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # JSON's whole numbers have no end; 1e999 is infinite as well
        return math.inf if value > 0 else -math.inf


def _whole(value: Any) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int or value.bit_length() > INTEGER_BITS:
        return None
    return value


def _named(groups: Mapping[str, str | None]) -> tuple[dict[str, float], int | None]:
    found = {name: number for name, text in groups.items() if (number := _number(text)) is not None}
    return found, _whole(found.pop("step", None))


def _number(text: str | None) -> float | None:
    """The number a group caught, with what is often caught along with it taken off: `0.93,` `93%`."""
    try:
        return None if text is None else float(text.strip(_AROUND))
    except ValueError:
        return None
