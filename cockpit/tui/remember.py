"""Where the screens were left, a small file in the store's folder. It may be lost; nothing hangs on it."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VERSION = 1
LARGEST = 1_000_000
"""Bytes; what is larger is not ours."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Which screen was in front, and what each of them wants to find again."""

    front: str = ""
    """The screen's `place`."""
    places: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """By place, what `remembered` of the screen said: plain JSON."""
    below: tuple[str, ...] = ()
    """The places of the screens between the first one and that in front, the lowest first."""


def read(path: Path) -> Memory:
    """What was written last; nothing where there is no such file or it is damaged."""
    try:
        with path.open("rb") as file:
            found = json.loads(file.read(LARGEST))
    except (OSError, ValueError, RecursionError):
        return Memory()
    if not isinstance(found, dict) or found.get("version") != VERSION:
        return Memory()
    places = found.get("places")
    kept = places if isinstance(places, dict) else {}
    return Memory(
        text(found, "front") or "",
        {name: place for name, place in kept.items() if isinstance(place, dict)},
        names(found, "below"),
    )


def write(path: Path, memory: Memory) -> None:
    """Keep it, whole or not at all; where the folder cannot be written, not at all."""
    if not path.parent.is_dir():
        return  # looking makes no store
    content = {
        "version": VERSION,
        "front": memory.front,
        "below": memory.below,
        "places": memory.places,
    }
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(content, file)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)


def text(found: Mapping[str, Any], name: str) -> str | None:
    """A text, where there is one."""
    value = found.get(name)
    return value if isinstance(value, str) and len(value) <= 10_000 else None


def flag(found: Mapping[str, Any], name: str, default: bool) -> bool:
    """Yes or no."""
    value = found.get(name)
    return value if isinstance(value, bool) else default


def names(found: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """Several texts."""
    value = found.get(name)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list) else ()
