"""The last lines of a log, as a run keeps them that did not end well."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LINES = 50
_BYTES = 1 << 15


def tail(log: Path, lines: int = LINES) -> str | None:
    """None where there is no log, or nothing in it."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _BYTES))
            text = file.read(_BYTES).decode(errors="replace")
    except OSError:
        return None
    return "\n".join(text.splitlines()[-lines:]) or None
