"""Takes in what a source holds: once, or again whenever it has grown."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cockpit.interop.errors import NothingToImport

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cockpit.interop.landing import Landed, Landing
    from cockpit.interop.peers import Reader

REST = 4
"""How many times as long as a pass took nothing is read after it: of a large source, little is read often."""


def follow(
    reader: Reader,
    path: Path,
    landing: Landing,
    every: float,
    told: Callable[[Landed], None],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[None]:
    """A pass over the source now, and one each time its stamp has changed; yields after each look.

    `every` in seconds. What is not there yet is waited for.
    """
    last: object = None
    while True:
        took = 0.0
        try:
            stamp = reader.newest(path)
            if stamp != last:
                began = time.monotonic()
                told(landing.take(reader.read(path)))
                took, last = time.monotonic() - began, stamp
        except NothingToImport:
            last = None
        yield
        sleep(max(every, REST * took))
