"""TensorBoard's event files: records in TFRecord's framing, cut out and checked, many at a time.

A record is its length (uint64), that length's check, the bytes and their check; the checks are masked CRC-32C.
Source: https://www.tensorflow.org/tutorials/load_data/tfrecord#tfrecords_format_details
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from cockpit.interop.files import opened
from cockpit.interop.unended import TORN, Broken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

BLOCK = 32 << 20
"""Bytes that are looked at together."""
_HEAD = struct.Struct("<QI")
_FRAME = 16
"""Bytes of a record besides its content."""


@dataclass(frozen=True, slots=True)
class Records:
    """Whole records whose checks hold: record i is data[starts[i]:ends[i]]."""

    data: bytes
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]


def masked_crc(data: bytes) -> int:
    """TFRecord's check of some bytes."""
    import google_crc32c

    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF


def records(path: Path, block: int = BLOCK) -> Iterator[Records | Broken]:
    """All records in their order; at most one `Broken`, and that last. Raises OSError.

    Both checks of every record are verified. A last record that is not whole is `Broken` too: its
    writer is still at it, or was killed.
    """
    with opened(path) as file:
        yield from _records(file, block)


def _records(file: BinaryIO, block: int) -> Iterator[Records | Broken]:
    offset, rest, wanted = 0, b"", block
    checks: dict[bytes, int] = {}
    while fresh := file.read(wanted):
        data = rest + fresh
        found, end, wrong = _cut(data, checks)
        if len(found.starts):
            yield found
        if wrong is not None:
            yield Broken(offset + end, wrong)
            return
        offset, rest = offset + end, data[end:]
        # Not more than there is: the length of a record may be a lie that its check fits.
        wanted = max(block, min(len(rest), 1 << 30))
    if rest:
        yield Broken(offset, TORN)


def _cut(data: bytes, checks: dict[bytes, int]) -> tuple[Records, int, str | None]:
    """The whole records at the beginning, where they end, and what is wrong there.

    `checks` remembers the lengths seen so far, by their twelve bytes: they are few.
    """
    from google_crc32c import value as crc32c

    starts: list[int] = []
    ends: list[int] = []
    sums: list[int] = []
    at, whole = 0, len(data) - _FRAME
    wrong = None
    while at <= whole:
        head = data[at : at + 12]
        size = checks.get(head)
        if size is None:
            size, check = _HEAD.unpack(head)
            if masked_crc(head[:8]) != check:
                wrong = "the check of a record's length does not hold"
                break
            checks[head] = size
        end = at + 12 + size
        if end > len(data) - 4:
            break
        starts.append(at + 12)
        ends.append(end)
        sums.append(crc32c(data[at + 12 : end]))
        at = end + 4
    found = Records(data, np.array(starts, np.int64), np.array(ends, np.int64))
    bad = _first_bad(found, sums)
    if bad is None:
        return found, at, wrong
    kept = Records(data, found.starts[:bad], found.ends[:bad])
    return kept, int(found.starts[bad]) - 12, "the check of a record's content does not hold"


def _first_bad(found: Records, sums: list[int]) -> int | None:
    if not sums:
        return None
    crc = np.array(sums, np.uint64)
    masked = ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFF_FFFF
    raw = np.frombuffer(found.data, np.uint8)
    said = raw[found.ends[:, None] + np.arange(4)].view("<u4")[:, 0]
    differ = np.flatnonzero(said != (masked & 0xFFFF_FFFF))
    return int(differ[0]) if len(differ) else None
