"""How far a sweep has come, and when it will be done. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit import format as fmt

if TYPE_CHECKING:
    from storage.sweeps import Sweep


def progress(sweep: Sweep) -> str:
    """`18/30`, or `18` where no number was asked for."""
    return f"{sweep.settled}/{sweep.trials}" if sweep.trials else str(sweep.settled)


def eta(sweep: Sweep, elapsed: float = 0.0) -> str:
    """Time left at the pace so far, `elapsed` seconds after the sweep was read; empty until there is a pace."""
    if sweep.state != "running" or not (sweep.trials and sweep.settled and sweep.seconds):
        return ""
    left = (sweep.trials - sweep.settled) * sweep.seconds / sweep.settled - elapsed
    return f"ETA {fmt.duration(round(left))}" if left >= 10 else "ETA <10s"
