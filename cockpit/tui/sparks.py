"""The curves in a table: read once for runs that are settled, and drawn in one line of text, ▁▃▅▆▇."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.runs import SETTLED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from cockpit.tui.feed import Look
    from storage.runs import RunsPage
    from storage.sparks import Spark

LEVELS = "▁▂▃▄▅▆▇"
"""Not the full block: the rows of a table would run into one another."""
KEPT = 3_000
"""Curves of settled runs that are not read again."""


def read_sparks(
    look: Look, page: RunsPage, metrics: tuple[str, ...]
) -> Mapping[tuple[str, str], Spark]:
    """The curves of a page's runs, by run's id and metric; each metric in one query."""
    ids = tuple(run.id for run in page.runs)
    found: dict[tuple[str, str], Spark] = {}
    for name in metrics:
        found |= look.once(("sparks", name, ids), lambda name=name: _read(look, page, name))  # type: ignore[misc]
    return found


def _read(look: Look, page: RunsPage, name: str) -> dict[tuple[str, str], Spark]:
    kept: dict[Any, Spark] = look.kept.setdefault(("sparks", name), {})  # type: ignore[assignment]
    known = {
        (run.id, name): kept[run.id, run.attempt]
        for run in page.runs
        if (run.id, run.attempt) in kept
    }
    wanted = {
        run.id: run for run in page.runs if name in run.metrics and (run.id, name) not in known
    }
    fresh = look.source.sparks(tuple(wanted), name) if wanted else {}
    if len(kept) > KEPT:
        kept.clear()
    kept.update(
        {
            (run.id, run.attempt): fresh[run.id]
            for run in wanted.values()
            if run.state in SETTLED and run.id in fresh
        }
    )
    return known | {(run, name): curve for run, curve in fresh.items()}


def spark(found: Spark, width: int, longest: int) -> str:
    """A run's curve, from its own lowest to its own highest; as long as its steps are of the `longest`.

    Of the points that fall into one cell the one is shown that is farthest from the cell before: a spike
    survives.
    """
    if not found.values:
        return ""
    low, high = min(found.values), max(found.values)
    end = max(longest, found.steps[-1])
    cells: dict[int, list[float]] = {}
    for step, value in zip(found.steps, found.values, strict=True):
        place = min(width - 1, int(width * max(0.0, step) / (end + 1)))
        cells.setdefault(place, []).append(value)
    first = min(cells)
    text, before = " " * first, found.values[0]
    for place in range(first, max(cells) + 1):
        before = max(cells.get(place, [before]), key=lambda value: abs(value - before))
        text += LEVELS[_level(before, low, high)]
    return text


def _level(value: float, low: float, high: float) -> int:
    if high <= low:
        return 0
    # In halves: the span of two large numbers may be more than a float can hold.
    share = (value / 2 - low / 2) / (high / 2 - low / 2)
    return round(share * (len(LEVELS) - 1))
