"""Slices × runs as they are shown: which lines, in which order, and what there is to say in each. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

from cockpit import format as fmt
from cockpit.gain import figure

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from cockpit.evaluate.metrics import Figure
    from cockpit.evaluate.search import WeakSlice
    from cockpit.evaluate.significance import Difference
    from cockpit.evaluate.slices import Cell, SliceRow
    from cockpit.tui.judged import Judged

Order = Literal["worst", "value", "rows", "file"]
ORDERS: dict[Order, str] = {
    "worst": "worst first",
    "value": "lowest first",
    "rows": "most rows first",
    "file": "as in cockpit.toml",
}
VERDICTS = {
    "better": ("▲", "better", "complete"),
    "worse": ("▼", "worse", "failed"),
    "equivalent": ("≈", "the same", "quiet"),
    "unclear": ("~", "unclear", "faint"),
    "not judged": (fmt.MISSING, "few rows", "faint"),
}
"""Glyph, word and tone of what a difference is."""
CONFIRMED = {
    True: ("✓", "confirmed", "complete"),
    False: ("?", "not confirmed", "quiet"),
    None: ("", "", ""),
}


@dataclass(frozen=True, slots=True)
class Found:
    """Weak slices that were looked for in this visit, and how."""

    run: str
    """The name of the run they are weak slices of."""
    set: str
    loss: str
    searched: int
    rows: int
    slices: tuple[WeakSlice, ...]
    """Variants among them."""
    capped: tuple[tuple[str, str], ...] = ()
    complete: bool = True
    everything: bool = False
    """Whether variants of better slices are shown, too."""

    @property
    def variants(self) -> int:
        """How many of the slices repeat a better one."""
        return sum(one.variant_of is not None for one in self.slices)

    @property
    def shown(self) -> tuple[WeakSlice, ...]:
        """Those that are in the table."""
        return tuple(one for one in self.slices if self.everything or one.variant_of is None)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line: a slice, or the title of those that follow."""

    row: SliceRow | None
    title: str = ""
    more: str = ""
    """What the title says further, where there is room."""
    weak: WeakSlice | None = None
    kept: bool = True
    """Whether it is in cockpit.toml, or all rows; else it is there for this visit."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What there is to say of a run on a slice."""

    value: str = ""
    reason: str = ""
    """Why there is no value."""
    difference: str = ""
    interval: str = ""
    verdict: str = ""
    share: float | None = None
    """Where the value lies between the lowest and the highest shown."""
    poor: bool = False
    """Whether it is among the worst third of that."""


@dataclass(frozen=True, eq=False)
class Book:
    """A table of slices as it is shown."""

    judged: Judged
    found: Found | None
    entries: tuple[Entry, ...]

    @property
    def runs(self) -> tuple[str, ...]:
        return self.judged.table.runs if self.judged.table else ()

    @property
    def base(self) -> str | None:
        return self.judged.table.base if self.judged.table else None

    @cached_property
    def places(self) -> tuple[int, ...]:
        """The entries that the cursor can be on."""
        return tuple(place for place, entry in enumerate(self.entries) if entry.row)

    @cached_property
    def places_after_point(self) -> int | None:
        """Of differences, so that they stand one under the other; None where the values are too large for it."""
        rows = [entry.row for entry in self.entries if entry.row]
        return after_point(max((abs(v) for row in rows for v in self._values(row)), default=1.0))

    @cached_property
    def texts(self) -> Mapping[tuple[str, str], Texts]:
        """By slice and run."""
        rows = [entry.row for entry in self.entries if entry.row]
        values = [v for row in rows if not self.few(row) for v in self._values(row)]
        low, high = min(values, default=0.0), max(values, default=0.0)
        return {
            (row.name, run): self._texts(row.cells[run], low, high)
            for row in rows
            for run in self.runs
        }

    def few(self, row: SliceRow) -> bool:
        """Whether the slice has too few rows to be judged."""
        return self.judged.table is not None and row.n < self.judged.table.fewest

    def heading(self, place: int) -> str:
        """A run's name."""
        return fmt.plain(self.judged.names.get(self.runs[place], self.runs[place]))

    def _values(self, row: SliceRow) -> Iterable[float]:
        for cell in row.cells.values():
            value = cell.figures[self.judged.metric].value
            if value is not None:
                yield value

    def _texts(self, cell: Cell, low: float, high: float) -> Texts:
        metric = self.judged.metric
        found, apart = cell.figures[metric], cell.differences.get(metric)
        if found.value is None:
            return Texts(reason=fmt.plain(found.reason or fmt.MISSING))
        share = (found.value - low) / (high - low) if high > low else 1.0
        good = share if self.judged.direction == "maximize" else 1 - share
        difference, interval = _difference(found, apart, self.places_after_point)
        return Texts(
            value=fmt.number(found.value, keep_zeros=True),
            difference=difference,
            interval=interval,
            verdict=apart.verdict if apart and apart.value is not None else "",
            share=min(1.0, max(0.0, share)),
            poor=high > low and good < 1 / 3,
        )


def _difference(found: Figure, apart: Difference | None, digits: int | None) -> tuple[str, str]:
    """Of the base its own interval."""
    if apart is not None:
        text = "" if apart.value is None else signed(apart.value, digits)
        return text, span(apart, digits)
    if found.low is None or found.high is None:
        return "", ""
    low, high = (fmt.number(end, keep_zeros=True) for end in (found.low, found.high))
    return "", f"[{low}, {high}]"


def after_point(largest: float) -> int | None:
    """Places after the decimal point so that a value of this size has four digits; None: it has none."""
    if largest >= 1000 or not math.isfinite(largest):
        return None
    return max(0, 4 - math.ceil(math.log10(largest))) if largest > 0 else 4


def signed(value: float, digits: int | None) -> str:
    """`+0.0121`, with so many places after the point; what is a little above nothing keeps its sign."""
    if digits is None or not math.isfinite(value):
        return figure(value)
    return f"{value:+.{digits}f}" if value else f"±{0:.{digits}f}"


def span(found: Difference, digits: int | None) -> str:
    """`[+0.0011, +0.0039]`."""
    if found.low is None or found.high is None:
        return ""
    return f"[{signed(found.low, digits)}, {signed(found.high, digits)}]"


def book(judged: Judged, found: Found | None, order: Order, run: str | None) -> Book:
    """All rows first, the slices of cockpit.toml and of this visit, then the weak ones that were found.

    `run` is the one that the order goes by.
    """
    table = judged.table
    if table is None:
        return Book(judged, found, ())
    weak = {one.expression: one for one in found.slices} if found else {}
    known = {text: name for name, text in judged.slices.items()}
    kept = [row for row in table.rows[1:] if row.name in judged.slices]
    typed = [row for row in table.rows[1:] if row not in kept and row.expression not in weak]
    searched = [row for row in table.rows[1:] if row not in kept and row.expression in weak]
    entries = [Entry(table.rows[0])]
    own = _ordered([*kept, *typed], judged, order, run)
    entries += [Entry(row, kept=row.name in judged.slices) for row in own]
    if found and found.set == judged.set:
        entries.append(Entry(None, *_searched(found)))
        shown = {one.expression for one in found.shown}
        searched = [row for row in searched if row.expression in shown]
        rows = _ordered(searched, judged, order, run)
        entries += [Entry(row, weak=weak[row.expression or ""], kept=False) for row in rows]
        there = [known[text] for text in weak if text in known]
        if there:
            entries.append(Entry(None, f"found too: {fmt.plain(', '.join(there))}"))
    return Book(judged, found, tuple(entries))


def _searched(found: Found) -> tuple[str, str]:
    what = f"weak slices of {fmt.plain(found.run)} by {found.loss}"
    of = "the worst of" if found.slices else "none among"
    early = "" if found.complete else ", ended early"
    judged = ", found on one half of the rows, judged on the other" if found.slices else ""
    variants = f", {found.variants} variant{'s' * (found.variants != 1)}" * bool(found.variants)
    variants += (" shown (a)" if found.everything else " hidden (a)") * bool(variants)
    return f"{what}: {of} {found.searched:,}{early}{variants}", judged


def _ordered(
    rows: Sequence[SliceRow], judged: Judged, order: Order, run: str | None
) -> list[SliceRow]:
    if order == "file" or run is None:
        return list(rows)
    if order == "rows":
        return sorted(rows, key=lambda row: -row.n)
    sign = 1 if judged.direction == "maximize" or order == "value" else -1
    fewest = judged.table.fewest if judged.table else 0

    def badness(row: SliceRow) -> tuple[bool, float]:
        cell = row.cells[run]
        apart = cell.differences.get(judged.metric) if order == "worst" else None
        value = apart.value if apart else cell.figures[judged.metric].value
        return value is None or row.n < fewest, sign * (value or 0.0)

    return sorted(rows, key=badness)
