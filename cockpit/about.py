"""What a run used and what it left behind, in the words of people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from cockpit.format import duration, exact, size

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

CPU, MEMORY = "cpu_seconds", "max_rss"
NAMES = {CPU: "cpu time", MEMORY: "peak memory"}


def resources(measured: Mapping[str, Any]) -> dict[str, str]:
    """By name in the units of people; one never heard of as it is."""
    known: dict[str, Callable[[Any], str]] = {CPU: cpu_time, MEMORY: size}
    return {
        NAMES.get(key, key): known.get(key, exact)(raw)
        for key, raw in measured.items()
        if raw is not None
    }


def cpu_time(seconds: float) -> str:
    """`4.3s`, `120 ms`."""
    return duration(seconds) if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def artifacts(folder: Path) -> Iterator[tuple[str, int]]:
    """Names from the folder and sizes in bytes; no links are followed."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            path = os.path.join(place, name)
            yield os.path.relpath(path, folder), os.lstat(path).st_size
