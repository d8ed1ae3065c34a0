"""What the lines of a screen say of a snapshot. Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.gain import baseline_values, figure, run_gain, sweep_gain
from cockpit.pace import eta, progress
from cockpit.tui.widgets.line import Piece

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from storage.runs import Run
    from storage.sweeps import Sweep, SweepView
    from storage.usage import Usage

SHOWN_FIRST = ("complete", "pruned", "failed", "timeout", "oom", "stopped", "lost")
ALIVE = ("running", "paused")


def alive(sweeps: tuple[Sweep, ...], elapsed: float) -> tuple[Piece, ...]:
    """The sweeps under way in a few words; `elapsed` seconds have passed since they were read."""
    under_way = [sweep for state in ALIVE for sweep in sweeps if sweep.state == state]
    if not under_way:
        return ()
    first = under_way[0]
    look = fmt.look(first.state)
    pieces = [Piece(f"{look.glyph} {fmt.plain(first.name)}", look.tone)]
    if first.state == "paused":
        pieces.append(Piece(look.word, look.tone, gap=1))
    pieces.append(Piece(progress(first), gap=1))
    if first.best and first.metrics and first.metrics[0] in first.best.metrics:
        best = fmt.number(first.best.metrics[first.metrics[0]], keep_zeros=True)
        pieces.append(Piece(f"best {best}", "bold", rank=3, gap=2))
    if left := eta(first, elapsed):
        pieces.append(Piece(left, "quiet", rank=2, gap=2))
    if len(under_way) > 1:
        pieces.append(Piece(f"+{len(under_way) - 1} more", "quiet", rank=4, gap=2))
    return tuple(pieces)


def tally(counts: Mapping[str, int]) -> tuple[Piece, ...]:
    """`✓ 11 ✂ 6 ✗ 1`, only what there is."""
    pieces = []
    for state in SHOWN_FIRST:
        if counts.get(state):
            look = fmt.look(state)
            pieces.append(Piece(f"{look.glyph} {counts[state]}", look.tone, gap=2))
    return tuple(pieces)


def state(sweep: Sweep, elapsed: float) -> tuple[Piece, ...]:
    """Where a sweep stands: state, progress, tally, and when it will end or how long it took."""
    look = fmt.look(sweep.state)
    pieces = [Piece(f"{look.glyph} {look.word}", look.tone), Piece(progress(sweep), "bold", gap=2)]
    pieces += tally(sweep.counts)
    if sweep.state == "running":
        if sweep.workers:
            workers = f"{sweep.workers} worker{'' if sweep.workers == 1 else 's'}"
            pieces.append(Piece(workers, "quiet", rank=3))
        if left := eta(sweep, elapsed):
            pieces.append(Piece(left, "quiet", rank=1))
    elif sweep.state == "paused":
        if going := sweep.counts.get("running"):
            pieces.append(Piece(f"{going} still run{'s' * (going == 1)}", "quiet", rank=1))
    elif sweep.seconds is not None:
        pieces.append(Piece(f"took {fmt.duration(sweep.seconds)}", "quiet", rank=1))
    return tuple(pieces)


def answer(view: SweepView, now: datetime) -> tuple[Piece, ...]:
    """The best so far first, then how it was searched for."""
    sweep = view.sweep
    pieces = [*_best(sweep, now), *over_baseline(sweep)]
    means = [fmt.plain(name) for name in (sweep.sampler, sweep.pruner) if name]
    if sweep.seed is not None:
        means.append(f"seed {sweep.seed}")
    if means:
        pieces.append(Piece(" · ".join(means), "quiet", rank=3))
    if since := stale(view):
        pieces.append(Piece(f"no gain for {since} trials", "quiet", rank=5))
    return tuple(pieces)


def _best(sweep: Sweep, now: datetime) -> tuple[Piece, ...]:
    names = fmt.listed([fmt.plain(name) for name in sweep.metrics])
    if not sweep.best or not sweep.metrics:
        yet = " yet" if sweep.state in ALIVE else ""
        waiting = "" if len(sweep.metrics) > 1 else f" · no trial is complete{yet}"
        return (Piece(f"{names}{waiting}", "quiet"),) if names else ()
    found = sweep.best.metrics.get(sweep.metrics[0])
    figure = fmt.MISSING if found is None else fmt.number(found, keep_zeros=True)
    where = f"({label(sweep.best)}, {fmt.age(sweep.best.started, now)})"
    return (
        Piece(f"best {names}", "quiet"),
        Piece(f"{figure} ▲", "bold accent", gap=1),
        Piece(where, "quiet", rank=1, gap=1),
    )


def over_baseline(sweep: Sweep) -> tuple[Piece, ...]:
    """`+0.0121 over the ◇ baseline 0.9191`: what the search has won, and the mark in the table."""
    if sweep.baseline is None:
        return ()
    values = baseline_values(sweep)
    if not values:
        look = fmt.look(sweep.baseline.state)
        return (
            Piece(f"{fmt.BASELINE} baseline", "quiet", rank=1),
            Piece(f"{look.glyph} {look.word}", look.tone, rank=1, gap=1),
        )
    shown = " ".join(fmt.number(value, keep_zeros=True) for value in values.values())
    won = sweep_gain(sweep)
    if won is None:
        return (Piece(f"{fmt.BASELINE} baseline {shown}", "quiet", rank=1),)
    gain, way = _gain(won)
    return (gain, Piece(f"{way} {fmt.BASELINE} baseline {shown}", "quiet", rank=1, gap=1))


def _gain(won: float) -> tuple[Piece, str]:
    """A gain in its tone, and how it is measured."""
    if won == 0:
        return Piece("no gain", "quiet"), "over"
    if won > 0:
        return Piece(figure(won), "complete"), "over"
    return Piece(figure(-won).removeprefix("+"), "stopped"), "worse than"


def standing(run: Run, sweep: Sweep | None) -> tuple[Piece, ...]:
    """What more there is to say of a run: its attempt, and how it stands against the baseline."""
    pieces = []
    if run.attempt:
        pieces.append(Piece(f"attempt {run.attempt + 1}", "stopped", rank=1, gap=2))
    if run.baseline:
        pieces.append(Piece(f"{fmt.BASELINE} baseline", "quiet", rank=1, gap=2))
    elif (won := run_gain(run, sweep)) is not None:
        gain, way = _gain(won)
        pieces += [
            replace(gain, rank=1, gap=2),
            Piece(f"{way} the baseline", "quiet", rank=1, gap=1),
        ]
    return tuple(pieces)


def usage(found: Usage | None) -> tuple[Piece, ...]:
    """`cpu 97 %  mem 1.1 GB` of all running trials together."""
    if found is None:
        return ()
    return (
        Piece(f"cpu {found.cpu_percent:.0f} %", "quiet", rank=4),
        Piece(f"mem {fmt.size(round(found.memory_mb * 1e6))}", "quiet", rank=2, gap=2),
    )


def stale(view: SweepView) -> int:
    """Complete trials since the best was found; 0 while that is nothing to speak of."""
    if not view.best_so_far:
        return 0
    best, _ = view.best_so_far[-1]
    since = sum(number > best and state == "complete" for number, _, state in view.values)
    return since if since > 2 else 0


def label(run: Run) -> str:
    """A run's short name: `#17` for a trial."""
    return fmt.plain(run.name) if run.number is None else f"#{run.number}"
