"""A store in a temporary folder, and a writer for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from storage.layout import Layout
from storage.spool import SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path / ".cockpit")


@pytest.fixture
def writer(layout: Layout) -> Iterator[SpoolWriter]:
    spool = SpoolWriter(layout)
    yield spool
    spool.close()
