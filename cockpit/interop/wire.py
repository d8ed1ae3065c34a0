"""The wire format of protocol buffers, as far as a reader needs it: no schema, no generated code, no dependency.

Every step is checked against the end of the bytes, so garbage raises `Garbled` and never loops.
Format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_DOUBLE = struct.Struct("<d").unpack
_FLOAT = struct.Struct("<f").unpack


class Garbled(ValueError):
    """Bytes that are no message."""


def varint(data: bytes, at: int, end: int) -> tuple[int, int]:
    """The unsigned number that begins at `at`, below 2**64, and where it ends."""
    number = shift = 0
    while at < end and shift < 70:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise Garbled("a number without an end")


def spans(data: bytes, start: int, end: int) -> Iterator[tuple[int, int, int, int]]:
    """Of each field its number, its wire type, and where its value begins and ends.

    The length before the bytes of a field is not part of its value. Raises Garbled.
    """
    at = start
    while at < end:
        key, at = varint(data, at, end)
        kind = key & 7
        if kind == VARINT:
            stop = varint(data, at, end)[1]
        elif kind == BYTES:
            size, at = varint(data, at, end)
            stop = at + size
        elif kind == FIXED32:
            stop = at + 4
        elif kind == FIXED64:
            stop = at + 8
        else:
            raise Garbled(f"a field of the unknown kind {kind}")
        if stop > end or key < 8:
            raise Garbled("a field that ends after its message")
        yield key >> 3, kind, at, stop
        at = stop


class Message:
    """A message's fields by their number; what is not there reads as zero or empty, as the format wants."""

    __slots__ = ("_fields",)

    def __init__(self, data: bytes) -> None:
        """Raises Garbled."""
        self._fields: dict[int, list[int | bytes]] = {}
        for number, kind, start, end in spans(data, 0, len(data)):
            value = varint(data, start, end)[0] if kind == VARINT else data[start:end]
            self._fields.setdefault(number, []).append(value)

    def __contains__(self, number: int) -> bool:
        return number in self._fields

    def blobs(self, number: int) -> Sequence[bytes]:
        """All byte values of a field, in order."""
        return [v for v in self._fields.get(number, ()) if isinstance(v, bytes)]

    def blob(self, number: int) -> bytes:
        """The last, as the format wants."""
        found = self.blobs(number)
        return found[-1] if found else b""

    def text(self, number: int) -> str:
        """What is no UTF-8 becomes U+FFFD."""
        return self.blob(number).decode(errors="replace")

    def texts(self, number: int) -> list[str]:
        return [blob.decode(errors="replace") for blob in self.blobs(number)]

    def message(self, number: int) -> Message:
        return Message(self.blob(number))

    def messages(self, number: int) -> Iterator[Message]:
        return map(Message, self.blobs(number))

    def natural(self, number: int) -> int:
        """An unsigned number."""
        found = self._fields.get(number)
        return found[-1] if found and isinstance(found[-1], int) else 0

    def integer(self, number: int) -> int:
        """A number of 64 bits with a sign (int32, int64, enum; not sint)."""
        return signed(self.natural(number))

    def double(self, number: int) -> float:
        blob = self.blob(number)
        return float(_DOUBLE(blob)[0]) if len(blob) == 8 else 0.0

    def single(self, number: int) -> float:
        """A float of 32 bits."""
        blob = self.blob(number)
        return float(_FLOAT(blob)[0]) if len(blob) == 4 else 0.0

    def naturals(self, number: int) -> list[int]:
        """A repeated number, packed or not."""
        found: list[int] = []
        for value in self._fields.get(number, ()):
            if isinstance(value, int):
                found.append(value)
                continue
            at = 0
            while at < len(value):
                one, at = varint(value, at, len(value))
                found.append(one)
        return found


def signed(number: int) -> int:
    """What 64 bits mean as a number with a sign."""
    return number - (1 << 64) if number >> 63 else number
