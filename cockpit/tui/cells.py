"""What stands in a cell of a table of runs. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui.sparks import spark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from cockpit.tui.columns import Column
    from storage.runs import Run, RunsPage
    from storage.sparks import Spark


@dataclass(frozen=True, slots=True)
class Cell:
    """Text of exactly the column's width, and its tone."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True)
class Around:
    """What a cell says besides its run's own values."""

    page: RunsPage
    now: datetime
    elapsed: float = 0.0
    """Seconds since the page was read."""
    trials: bool = False
    """Whether all are of one sweep."""
    sparks: Mapping[tuple[str, str], Spark] = field(default_factory=dict)
    """By run's id and metric."""
    longest: Mapping[str | None, int] = field(default_factory=dict)
    """By sweep the last step of its longest run."""


def cell(run: Run, column: Column, around: Around) -> Cell:
    """What stands in a column for a run."""
    dim = "quiet" if run.state in ("pruned", "waiting") else ""
    match column.key:
        case "metric":
            return _metric(run, column, around.page, dim)
        case "param":
            return _param(run, column, dim)
        case "curve":
            found = around.sparks.get((run.id, column.name))
            text = spark(found, column.width, around.longest.get(run.sweep, 0)) if found else ""
            return Cell(fmt.fit(text, column.width), "faint" if dim else "quiet")
        case "reason":
            blamed = run.state in ("failed", "timeout", "oom")
            tone = fmt.look(run.state).tone if blamed else "quiet"
            return Cell(fmt.fit(fmt.plain(run.reason or ""), column.width), tone)
        case "name":
            text, tone = shown_name(run, around.trials), dim
        case "state":
            look = fmt.look(run.state)
            text = look.glyph if column.width == 1 else f"{look.glyph} {look.word}"
            tone = look.tone
        case _:
            text, tone = _field(run, column.key, around), "quiet"
    return Cell(fmt.fit(text, column.width, right=column.numeric), tone)


def _field(run: Run, key: str, around: Around) -> str:
    match key:
        case "seconds":
            more = around.elapsed if run.state == "running" else 0.0
            return fmt.duration(None if run.seconds is None else run.seconds + more)
        case "age":
            return fmt.age(run.started, around.now)
        case "tags":
            return fmt.plain(" ".join(run.tags))
        case "attempt":
            return str(run.attempt + 1)
        case "step" | "number" | "sweep" | "note" | "id":
            raw = getattr(run, key)
            return fmt.MISSING if raw is None else fmt.plain(str(raw))
    raise AssertionError(f"no field is called {key}")


def shown_name(run: Run, trial: bool) -> str:
    """`#17` among the trials of one sweep, else the whole name; `◇` after it is the baseline's mark."""
    if trial and run.number is not None:
        name = f"#{run.number}"
    else:
        name = "base" if trial and run.baseline else fmt.plain(run.name)
    return f"{name} {fmt.BASELINE}" if run.baseline else name


def _metric(run: Run, column: Column, page: RunsPage, dim: str) -> Cell:
    value = run.metrics.get(column.name)
    if value is None:
        return Cell(_decimal(fmt.MISSING, column), "faint")
    text = fmt.number(value, keep_zeros=True)
    if page.best.get(column.name) == run.id:
        return Cell(_decimal(f"{text}▲", column), "bold")
    return Cell(_decimal(text, column), dim)


def _param(run: Run, column: Column, dim: str) -> Cell:
    if column.name not in run.params:
        text = fmt.MISSING
        shown = _decimal(text, column) if column.numeric else fmt.fit(text, column.width)
        return Cell(shown, "faint")
    text = fmt.value(run.params[column.name])
    return Cell(_decimal(text, column) if column.numeric else fmt.fit(text, column.width), dim)


def _decimal(text: str, column: Column) -> str:
    aligned = fmt.align([text], column.head, column.tail)[0]
    return fmt.fit(aligned, column.width, right=True)
