"""One log file: its last lines, and what comes after, whatever its size."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 1 << 16
"""Bytes that are read at a time backwards, from the end."""
PIECE = 1 << 20
"""Bytes that are read at a time forwards."""
LONGEST = 1 << 16
"""Bytes of a line without an end that are kept: of a progress bar only the last state counts."""


class LogFile:
    """A log that may not be there yet, may grow, and may be written anew."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._position = 0
        self._begun = b""

    def seek_last(self, lines: int) -> bool:
        """Go to where the last lines begin; True where something stands before them."""
        try:
            with self._path.open("rb") as file:
                self._position = _start_of_last(file.fileno(), lines)
        except FileNotFoundError:
            return False
        return self._position > 0

    def read(self) -> Iterator[list[str]]:
        """Lines that came to their end since the last time, as they were written, piece by piece."""
        try:
            with self._path.open("rb", buffering=0) as file:
                end = os.fstat(file.fileno()).st_size
                if end < self._position:
                    self._position, self._begun = 0, b""
                while self._position < end and (data := _piece(file.fileno(), self._position, end)):
                    self._position += len(data)
                    *whole, self._begun = (self._begun + data).split(b"\n")
                    self._begun = self._begun[-LONGEST:]
                    if whole:
                        yield [line.decode(errors="replace") for line in whole]
        except FileNotFoundError:
            return

    @property
    def begun(self) -> str:
        """The line that has no end yet, as far as it was read."""
        return self._begun.decode(errors="replace")

    def rest(self) -> list[str]:
        """The line that has no end yet, if there is one; it counts as read."""
        begun, self._begun = self._begun, b""
        return [begun.decode(errors="replace")] if begun else []


def _piece(file: int, start: int, end: int) -> bytes:
    return os.pread(file, min(PIECE, end - start), start)


def _start_of_last(file: int, lines: int) -> int:
    """The offset where the last lines begin; a last one without an end counts."""
    size = os.fstat(file).st_size
    if lines == 0 or size == 0:
        return size
    position = size - 1  # the end of the last line is no line's beginning
    while position > 0:
        start = max(0, position - BLOCK)
        block = os.pread(file, position - start, start)
        if (ends := block.count(b"\n")) >= lines:
            return start + _nth(block, ends - lines) + 1
        lines -= ends
        position = start
    return 0


def _nth(block: bytes, count: int) -> int:
    """Where the newline stands that has so many before it."""
    found = -1
    for _ in range(count + 1):
        found = block.index(b"\n", found + 1)
    return found
