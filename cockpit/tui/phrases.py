"""What the lines of a screen say of a snapshot. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt
from cockpit.tui.widgets.line import Piece

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from storage.runs import Run
    from storage.sweeps import Sweep, SweepView

SHOWN_FIRST = ("complete", "pruned", "failed", "stopped", "lost")


def alive(sweeps: tuple[Sweep, ...], elapsed: float) -> tuple[Piece, ...]:
    """The running sweeps in a few words; `elapsed` seconds have passed since they were read."""
    running = [sweep for sweep in sweeps if sweep.state == "running"]
    if not running:
        return ()
    first = running[0]
    pieces = [Piece(f"● {fmt.plain(first.name)}", "accent"), Piece(progress(first), gap=1)]
    if first.best and first.metrics and first.metrics[0] in first.best.metrics:
        best = fmt.number(first.best.metrics[first.metrics[0]], keep_zeros=True)
        pieces.append(Piece(f"best {best}", "bold", rank=3, gap=2))
    if left := eta(first, elapsed):
        pieces.append(Piece(left, "quiet", rank=2, gap=2))
    if len(running) > 1:
        pieces.append(Piece(f"+{len(running) - 1} more", "quiet", rank=4, gap=2))
    return tuple(pieces)


def progress(sweep: Sweep) -> str:
    """`18/30`, or `18` where no number was asked for."""
    return f"{sweep.settled}/{sweep.trials}" if sweep.trials else str(sweep.settled)


def eta(sweep: Sweep, elapsed: float) -> str:
    """Time left at the pace so far; empty until there is a pace."""
    if sweep.state != "running" or not (sweep.trials and sweep.settled and sweep.seconds):
        return ""
    left = (sweep.trials - sweep.settled) * sweep.seconds / sweep.settled - elapsed
    return f"ETA {fmt.duration(round(left))}" if left >= 10 else "ETA <10s"


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
    elif sweep.seconds is not None:
        pieces.append(Piece(f"took {fmt.duration(sweep.seconds)}", "quiet", rank=1))
    return tuple(pieces)


def answer(view: SweepView, now: datetime) -> tuple[Piece, ...]:
    """The best so far first, then how it was searched for."""
    sweep = view.sweep
    pieces = [*_best(sweep, now)]
    means = [fmt.plain(name) for name in (sweep.sampler, sweep.pruner) if name]
    if sweep.seed is not None:
        means.append(f"seed {sweep.seed}")
    if means:
        pieces.append(Piece(" · ".join(means), "quiet", rank=2))
    if since := stale(view):
        pieces.append(Piece(f"no gain for {since} trials", "quiet", rank=3))
    return tuple(pieces)


def _best(sweep: Sweep, now: datetime) -> tuple[Piece, ...]:
    names = " and ".join(fmt.plain(name) for name in sweep.metrics)
    if not sweep.best or not sweep.metrics:
        yet = " yet" if sweep.state == "running" else ""
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


def stale(view: SweepView) -> int:
    """Complete trials since the best was found; 0 while that is nothing to speak of."""
    values = [value for _, value in view.best_so_far]
    since = len(values) - 1 - values.index(values[-1]) if values else 0
    return since if since > 2 else 0


def label(run: Run) -> str:
    """A run's short name: `#17` for a trial."""
    return fmt.plain(run.name) if run.number is None else f"#{run.number}"
