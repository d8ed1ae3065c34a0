"""The room that the values of a table's columns need, and what all rows have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.cells import cell_len

from cockpit import format as fmt

if TYPE_CHECKING:
    from storage.runs import Run, RunsPage


@dataclass
class Extent:
    """The room the values of one column need."""

    head: int = 0
    tail: int = 0
    text: int = 0
    numeric: bool = True

    def take(self, raw: Any, text: str) -> None:
        self.text = max(self.text, cell_len(text))
        if isinstance(raw, bool) or not isinstance(raw, int | float):
            self.numeric = False
            return
        head, tail = fmt.halves(text)
        self.head, self.tail = max(self.head, head), max(self.tail, tail)


@dataclass
class Measure:
    """What the rows seen so far need. It only grows, so columns do not jump while one scrolls."""

    rows: int = 0
    name: int = 0
    reason: bool = False
    values: dict[str, Any] = field(default_factory=dict)
    varying: set[str] = field(default_factory=set)
    params: dict[str, Extent] = field(default_factory=dict)
    metrics: dict[str, Extent] = field(default_factory=dict)
    longest: dict[str | None, int] = field(default_factory=dict)
    """By sweep the largest last step: what a whole curve is."""

    def take(self, page: RunsPage, names: dict[str, str]) -> None:
        """Take in a page; `names` are the runs' names as shown, by id."""
        for run in page.runs:
            self._take_run(run, page, names[run.id])
        self.rows = max(self.rows, page.total)

    def _take_run(self, run: Run, page: RunsPage, name: str) -> None:
        self.name = max(self.name, cell_len(name))
        self.reason = self.reason or bool(run.reason)
        self.longest[run.sweep] = max(self.longest.get(run.sweep, 0), run.step or 0)
        for key in page.params:
            value = run.params.get(key, _ABSENT)
            if key in self.values and not _same(self.values[key], value):
                self.varying.add(key)
            self.values.setdefault(key, value)
            if value is not _ABSENT:
                self.params.setdefault(key, Extent()).take(value, fmt.value(value))
        for key, metric in run.metrics.items():
            text = fmt.number(metric, keep_zeros=True)
            self.metrics.setdefault(key, Extent()).take(metric, text)

    def constants(self, page: RunsPage) -> tuple[str, ...]:
        """Params with one value in all rows; a lone run has none to compare with."""
        if self.rows < 2:
            return ()
        return tuple(key for key in page.params if key not in self.varying and key in self.params)


_ABSENT = object()


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and (one == other or (one != one and other != other))
