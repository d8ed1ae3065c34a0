"""The last lines of a log, as a run keeps them that did not end well."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINES = 50
_READ = 1 << 20
"""Bytes that are looked at; a line of a progress bar may be as long as all its states."""
_KEPT = 1 << 15
"""Characters, at most."""


def tail(log: Path, lines: int = LINES) -> str | None:
    """None where there is no log, or nothing in it. Of a progress bar the last state counts."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _READ))
            text = file.read(_READ).decode(errors="replace")
    except OSError:
        return None
    last = text.removesuffix("\n").split("\n")[-lines:]
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in last)[-_KEPT:] or None
