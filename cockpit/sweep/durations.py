"""Lengths of time in what the engine says, in the way a spec has them."""

from __future__ import annotations


def as_written(seconds: float) -> str:
    """`10m`, `1h30m`, `0.5s`: as it is written in a spec."""
    if seconds < 60 or seconds != int(seconds):
        return f"{seconds:g}s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)
