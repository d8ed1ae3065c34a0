"""Times, medians, and what is printed of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

Task = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of a bench."""

    what: str
    value: float
    unit: str
    goal: float | None = None
    at_least: bool = False
    """The goal is a lower bound, not an upper one."""

    @property
    def verdict(self) -> str:
        if self.goal is None:
            return ""
        hit = self.value >= self.goal if self.at_least else self.value <= self.goal
        sign = "≥" if self.at_least else "≤"
        return f"goal {sign} {show(self.goal, self.unit)}: {'hit' if hit else 'MISSED'}"


def seconds(task: Task) -> float:
    began = time.perf_counter()
    task()
    return time.perf_counter() - began


def median(task: Task, repeats: int) -> float:
    """Seconds of the task in the middle of several repeats."""
    return statistics.median(seconds(task) for _ in range(repeats))


def show(value: float, unit: str) -> str:
    if unit == "s":
        return f"{value:.2f} s" if value >= 1 else f"{value * 1e3:.3g} ms"
    text = f"{value:,.0f}" if value >= 1000 else f"{value:.3g}"
    return f"{text} {unit}".strip()


def report(title: str, figures: Iterable[Figure]) -> bool:
    """Print a bench; ratios are to its first line. Returns whether all goals were hit."""
    print(f"\n{title}", flush=True)
    first: Figure | None = None
    hit = True
    for figure in figures:
        first = first or figure
        ratio = figure.value / first.value if first.value and figure.unit == first.unit else None
        shown = "" if ratio is None else f"{ratio:9.2f} ×"
        line = f"  {figure.what:44} {show(figure.value, figure.unit):>14} {shown:>11}   {figure.verdict}"
        print(line.rstrip(), flush=True)
        hit &= not figure.verdict.endswith("MISSED")
    return hit


def noise() -> Figure:
    """How much the same work differs from one time to the next on this machine, now."""

    def work() -> None:
        sum(i * i for i in range(200_000))

    times = sorted(seconds(work) for _ in range(40))
    return Figure("spread of one fixed task, p90 / p10", times[36] / times[4], "×")
