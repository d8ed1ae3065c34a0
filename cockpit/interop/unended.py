"""Files without an end: of a run that goes on, or was killed; and where a file's records end too early."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

UNENDED = "no end was written: it was killed, or nothing was heard of it for some minutes"
TORN = "the file ends within a record: its writer was killed, or the file was cut"
_SILENCE = 180.0
"""Seconds; TensorBoard's writers flush every 120 by default, wandb measures the machine every 15."""


@dataclass(frozen=True, slots=True)
class Broken:
    """Where a file's records end too early, and why; nothing after it is read."""

    offset: int
    """Bytes from the file's beginning."""
    why: str

    def hurts(self, file: Path) -> bool:
        """Whether it is damage; a file that is being written may well end within a record."""
        return self.why != TORN or not grows(file)


def grows(file: Path) -> bool:
    """Whether something was written to it lately, by its time of change."""
    try:
        return time.time() - file.stat().st_mtime < _SILENCE
    except OSError:
        return False


def stamp(files: Iterable[Path]) -> tuple[int, ...]:
    """Differs from an earlier answer where a file is new, has grown, or has fallen silent."""
    number = size = changed = growing = 0
    for path in files:
        try:
            found = path.stat()
        except OSError:
            continue
        number += 1
        size += found.st_size
        changed = max(changed, found.st_mtime_ns)
        growing += grows(path)
    return number, size, changed, growing
