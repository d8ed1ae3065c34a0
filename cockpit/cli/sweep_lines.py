"""A sweep in a few lines: what stands in each of them, and in what tone. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.cells import cell_len

from cockpit import format as fmt
from cockpit.gain import sweep_gain, words
from cockpit.pace import eta, progress

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from storage.runs import Run
    from storage.sweeps import Sweep

BAR = 24
MOST = 100
"""Cells: a wider line is harder to read, and a narrower one survives a smaller window."""
ALIVE = ("running", "paused")
SHOWN = ("complete", "pruned", "failed", "timeout", "oom", "stopped", "lost")
FAREWELL = "q leaves, the sweep goes on"


@dataclass(frozen=True, slots=True)
class Part:
    """Some cells of a line in one tone, made safe to paint."""

    text: str
    tone: str = ""


Line = tuple[Part, ...]
Seats = tuple["Run | None", ...]
"""Who stands where among the lines of the running trials."""


def picture(
    sweep: Sweep, seats: Seats, width: int, trouble: str = "", leaving: bool = False
) -> list[Line]:
    """The lines, none wider than `width` cells; those of trials and keys only of a sweep that is alive."""
    lines = [_standing(sweep), _best(sweep)]
    if sweep.state in ALIVE:
        lines += [_trial(run, sweep) for run in seats]
        if not leaving:
            lines.append(
                [Part(f"  {fmt.plain(trouble) or FAREWELL}", "stopped" if trouble else "quiet")]
            )
    elif sweep.reason:
        lines.append([Part(f"  {fmt.plain(sweep.reason)}", "quiet")])
    return [_cut(line, min(width, MOST)) for line in lines]


def sentence(sweep: Sweep) -> str:
    """All of it in one line without colours, which reads the same until a trial has ended."""
    parts = [f"{fmt.plain(sweep.name)} {sweep.state}", progress(sweep)]
    parts += [part.text for part in _tally(sweep.counts)]
    if sweep.metrics and (best := _figure(sweep.best, sweep.metrics[0])):
        parts.append(f"best {fmt.plain(sweep.metrics[0])} {best} ({_label(sweep.best)})")
    return "  ".join(parts)


def seated(before: Seats, running: Sequence[Run], seats: int) -> Seats:
    """The running trials, each where it sat before: what moves is what has changed."""
    now = {run.id: run for run in running}
    places = [now.pop(run.id, None) if run else None for run in before[:seats]]
    places += [None] * (seats - len(places))
    newcomers = iter(sorted(now.values(), key=lambda run: run.number or 0))
    return tuple(run or next(newcomers, None) for run in places)


def _standing(sweep: Sweep) -> Iterable[Part]:
    look = fmt.look(sweep.state)
    yield Part(f"{look.glyph} {fmt.plain(sweep.name)}", look.tone)
    yield Part(f" {look.word}", look.tone)
    yield Part(f"  {progress(sweep)}", "bold")
    if sweep.trials:
        filled = min(BAR, BAR * sweep.settled // sweep.trials)
        yield Part("  " + "━" * filled, look.tone)
        yield Part("─" * (BAR - filled), "quiet")
    for part in _tally(sweep.counts):
        yield Part(f"  {part.text}", part.tone)
    if left := eta(sweep):
        yield Part(f"  {left}", "quiet")
    elif sweep.state not in ALIVE and sweep.seconds is not None:
        yield Part(f"  took {fmt.duration(sweep.seconds)}", "quiet")


def _tally(counts: Mapping[str, int]) -> Iterator[Part]:
    for state in SHOWN:
        if counts.get(state):
            look = fmt.look(state)
            yield Part(f"{look.glyph} {counts[state]}", look.tone)


def _best(sweep: Sweep) -> Iterable[Part]:
    names = fmt.listed([fmt.plain(name) for name in sweep.metrics])
    best = sweep.best
    figure = _figure(best, sweep.metrics[0]) if sweep.metrics else ""
    if best is None or not figure:
        nothing = " · no trial is complete" if len(sweep.metrics) == 1 else ""
        yield Part(f"  {names}{nothing}", "quiet")
        return
    yield Part(f"  best {names}", "quiet")
    yield Part(f" {figure} ▲", "bold")
    yield Part(f" ({_label(best)})", "quiet")
    if (won := sweep_gain(sweep)) is not None:
        yield Part(f"  {words(won)}", "complete" if won > 0 else "quiet")
    yield from _params(best)


def _trial(run: Run | None, sweep: Sweep) -> Iterable[Part]:
    if run is None:
        return
    look = fmt.look(run.state)
    yield Part(f"  {look.glyph} {_label(run)}", look.tone)
    if run.step is not None:
        yield Part(f"  step {run.step}")
    shown = [name for name in sweep.metrics if name in run.metrics] or list(run.metrics)[:1]
    for name in shown:
        yield Part(f"  {fmt.plain(name)} {_figure(run, name)}")
    yield from _params(run)


def _params(run: Run) -> Iterator[Part]:
    for name, raw in run.params.items():
        yield Part(f"  {fmt.plain(name)} {fmt.value(raw)}", "quiet")


def _figure(run: Run | None, name: str) -> str:
    return fmt.number(run.metrics[name], keep_zeros=True) if run and name in run.metrics else ""


def _label(run: Run | None) -> str:
    if run is None:
        return ""
    return fmt.plain(run.name) if run.number is None else f"#{run.number}"


def _cut(line: Iterable[Part], width: int) -> Line:
    """The first part in any case, cut where it must be, and of the others those that have room."""
    kept: list[Part] = []
    for part in line:
        if not kept:
            part = Part(fmt.cut(part.text, width), part.tone)
        elif cell_len(part.text) > width:
            break
        width -= cell_len(part.text)
        kept.append(part)
    return tuple(kept)
