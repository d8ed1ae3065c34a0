"""wandb's run files: records cut out of the blocks of a log in LevelDB's manner, and checked.

A file is a header of seven bytes, then blocks of 32 KiB; a record lies in one chunk or in several, each with
a CRC-32 (zlib's, where LevelDB has CRC-32C), a length and a type.
Source: wandb/sdk/internal/datastore.py; https://github.com/google/leveldb/blob/main/doc/log_format.md
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from cockpit.interop.files import opened
from cockpit.interop.unended import TORN, Broken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BLOCK = 32 << 10
HEADER = b":W&B\xe1\xbe\x00"
"""The magic text, the magic number 0xBEE1 and version 0."""
_FULL, _FIRST, _MIDDLE, _LAST = 1, 2, 3, 4
_CHUNK = struct.Struct("<IHB")
_MANY = 64 * BLOCK


def records(path: Path) -> Iterator[bytes | Broken]:
    """All whole records in their order; at most one `Broken`, and that last. Raises OSError.

    The check of every chunk is verified. A last record that is not whole is `Broken` too: its writer is
    still at it, or was killed.
    """
    parts: list[bytes] = []
    begin = base = 0
    with opened(path) as file:
        while data := file.read(_MANY):
            at = 0
            if base == 0:
                if data[: len(HEADER)] != HEADER:
                    yield Broken(0, "it does not begin as a run file of wandb")
                    return
                at = len(HEADER)
            for place, kind, content in _chunks(data, at):
                if kind == _FULL and not parts:
                    yield content
                    continue
                why = _wrong(kind, bool(parts))
                if why is not None:
                    yield Broken(base + place, why)
                    return
                if kind == _FIRST:
                    begin = base + place
                parts.append(content)
                if kind == _LAST:
                    yield b"".join(parts)
                    parts.clear()
            base += len(data)
            if len(data) < _MANY:  # what was written meanwhile would not begin with a block
                break
    if parts:
        yield Broken(begin, TORN)


_CUT, _BAD = 256, 257
"""Beside a chunk's types: it ends with the file, it is not what its check says."""


def _chunks(data: bytes, at: int) -> Iterator[tuple[int, int, bytes]]:
    """Of each chunk in whole blocks (the last may be cut): where it begins, its type, its content."""
    size, unpack, crc32 = len(data), _CHUNK.unpack_from, zlib.crc32
    while at < size:
        room = BLOCK - at % BLOCK
        if room < 7:
            at += room
            continue
        if at + 7 > size:
            yield at, _CUT, b""
            return
        check, length, kind = unpack(data, at)
        end = at + 7 + length
        if 7 + length > room:
            yield at, _BAD, b""
            return
        if end > size:
            yield at, _CUT, b""
            return
        if crc32(data[at + 6 : end]) != check:
            yield at, _BAD, b""
            return
        yield at, kind, data[at + 7 : end]
        at = end


def _wrong(kind: int, within: bool) -> str | None:
    """Of a chunk that is no whole record."""
    if kind in ((_MIDDLE, _LAST) if within else (_FIRST,)):
        return None
    if kind == _CUT:
        return TORN
    if kind == _BAD:
        return "the check of a chunk does not hold"
    return "a chunk is out of its order"
