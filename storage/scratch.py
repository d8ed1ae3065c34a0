"""Folders for work that is thrown away."""

from __future__ import annotations

import shutil
import time
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout

_DAY = 86_400.0


@contextmanager
def scratch(layout: Layout, what: str) -> Iterator[Path]:
    """A folder in the store that goes away with the block; one left by a process that was killed, after a day."""
    layout.temporary.mkdir(exist_ok=True)
    for left in layout.temporary.glob(f"{what}-*"):
        if time.time() - left.stat().st_mtime > _DAY:
            shutil.rmtree(left)
    folder = Path(mkdtemp(prefix=f"{what}-", dir=layout.temporary))
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
