"""Charts that are lines of text: how params were chosen, and which of them mattered. Pure."""

from __future__ import annotations

from math import isfinite, nan
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content

from cockpit import format as fmt
from cockpit.axes import span
from cockpit.tui.canvas import glyph_of
from cockpit.tui.charts import is_number, spans_factors
from cockpit.tui.theme import css

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from cockpit.tui.canvas import Glyphs
    from storage.runs import Run

BEST = 10
"""One in so many complete trials counts among the best."""
BLOCKS = " ▏▎▍▌▋▊▉█"
NAME, VALUE = 16, 8
Part = tuple[str, str]
"""Text and its style."""


def param_lines(
    runs: Sequence[Run],
    params: Sequence[str],
    metric: str,
    maximize: bool,
    width: int,
    glyphs: Glyphs = "braille",
) -> Content:
    """Parallel axes, one a line: where the best tenth (•), the best (▲) and the others (·) chose each param.

    An axis on which the bright marks keep together is one that matters. A param that spans factors stands
    on a log axis; of choices each has its count of the best among all. Params that are the
    same everywhere are left out.
    """
    ranked = [r for r in runs if r.state == "complete" and isfinite(r.metrics.get(metric, nan))]
    ranked.sort(key=lambda run: run.metrics[metric], reverse=maximize)
    shown = [name for name in params if len({fmt.value(r.params.get(name)) for r in ranked}) > 1]
    if not shown or width < 40:
        return Content()
    best = -(-len(ranked) // BEST)
    said = f"▲ best   • best {best} of {fmt.count(len(ranked))}   · others"
    parts: list[Part] = [(_glyphs(said, glyphs), css("quiet"))]
    name_width = min(NAME, max(len(fmt.plain(name)) for name in shown))
    for name in shown:
        parts.append((f"\n{fmt.fit(fmt.plain(name), name_width)} ", css("quiet")))
        values = [run.params.get(name) for run in ranked]
        room = width - name_width - 1
        if all(map(is_number, [value for value in values if value is not None])):
            parts += _axis(values, best, room, glyphs)
        else:
            parts += _choices(values, best, room, glyphs)
    return Content.assemble(*parts)


def _axis(values: Sequence[Any], best: int, width: int, glyphs: Glyphs) -> list[Part]:
    """Low end, marks, high end; the best trials come first in `values`."""
    known = [(place, float(value)) for place, value in enumerate(values) if value is not None]
    low, high = min(value for _, value in known), max(value for _, value in known)
    log = spans_factors([value for _, value in known])
    cells = width - 2 * VALUE - 2
    marks = [(" ", "")] * cells
    axis = span([low, high], log)
    assert axis is not None
    for place, value in reversed(known):
        mark = (
            ("▲", "bold accent") if place == 0 else ("•", "accent") if place < best else ("·", "")
        )
        glyph = (glyph_of(mark[0], glyphs), css(mark[1] or "faint"))
        marks[axis.place(value, cells)] = glyph
    ends = [fmt.fit(fmt.number(low), VALUE, right=True), fmt.fit(fmt.number(high), VALUE)]
    return [(f"{ends[0]} ", css("quiet")), *marks, (f" {ends[1]}", css("quiet"))]


def _choices(values: Sequence[Any], best: int, width: int, glyphs: Glyphs) -> list[Part]:
    """Each choice with how many of the best, of all made it; most of the best first."""
    counts: dict[str, list[int]] = {}
    for place, value in enumerate(values):
        count = counts.setdefault(fmt.value(value) if value is not None else fmt.MISSING, [0, 0])
        count[0] += place < best
        count[1] += 1
    first = next(iter(counts))
    parts: list[Part] = [(" " * (VALUE + 1), "")]
    room = width - VALUE - 1
    for name, (good, number) in sorted(counts.items(), key=lambda one: (-one[1][0], one[0])):
        text = f"{'▲ ' if name == first else ''}{fmt.cut(name, 16)} {good}/{number}   "
        if cell_len(text) > room:
            break
        room -= cell_len(text)
        parts.append((_glyphs(text, glyphs), css("accent" if good else "faint")))
    return parts


def importance_bars(
    shares: Sequence[tuple[str, float]] | Mapping[str, float],
    width: int,
    rows: int,
    glyphs: Glyphs = "braille",
) -> Content:
    """A line a param, in the order given: name, bar (as long as there is room for the largest), share.

    What has no row of its own is counted in the last one.
    """
    entries = list(shares.items() if hasattr(shares, "items") else shares)
    if not entries or rows < 1 or width < 14:
        return Content()
    shown = entries if len(entries) <= rows else entries[: max(1, rows - 1)]
    names = [fmt.plain(name) for name, _ in entries]
    name_width = min(max(map(cell_len, names)), max(4, width // 3))
    room = width - name_width - 7
    largest = max((share for _, share in shown), default=0.0) or 1.0
    parts: list[Part] = []
    for name, (_, share) in zip(names, shown, strict=False):
        parts.append((f"{fmt.fit(name, name_width)} ", css("quiet")))
        parts.append((_bar(share / largest, room, glyphs), css("accent")))
        parts.append((f"  {share:.2f}\n", ""))
    if len(shown) < len(entries) and rows > 1:
        rest = sum(share for _, share in entries[len(shown) :])
        parts.append((f"{len(entries) - len(shown)} more  {rest:.2f}", css("faint")))
    return Content.assemble(*parts).rstrip("\n")


def _bar(share: float, cells: int, glyphs: Glyphs) -> str:
    """A bar of `cells` cells where the share is 1, exact to an eighth of a cell."""
    whole, eighths = divmod(round(min(1.0, max(0.0, share)) * cells * 8), 8)
    if glyphs == "ascii":
        return ("#" * (whole + eighths // 4)).ljust(cells)[:cells]
    return ("█" * whole + BLOCKS[eighths].strip()).ljust(cells)


def _glyphs(text: str, glyphs: Glyphs) -> str:
    return "".join(glyph_of(char, glyphs) if char in "▲•·" else char for char in text)
