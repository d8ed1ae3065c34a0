"""What a file tells of a run whose end was never written: it still runs, or it was killed."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

UNENDED = "no end was written: it was killed, or nothing was heard of it for some minutes"
_SILENCE = 180.0
"""Seconds; TensorBoard's writers flush every 120 by default, wandb measures the machine every 15."""


def grows(file: Path) -> bool:
    """Whether something was written to it lately, by its time of change."""
    try:
        return time.time() - file.stat().st_mtime < _SILENCE
    except OSError:
        return False
