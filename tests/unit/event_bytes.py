"""Writes protocol buffers, TensorBoard's event files and wandb's run files, for what no peer would write."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from cockpit.interop.event_files import masked_crc
from cockpit.interop.wandb_files import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Field = tuple[int, "int | float | str | bytes"]


def number(value: int) -> bytes:
    """A varint; a negative one as 64 bits."""
    value &= (1 << 64) - 1
    found = bytearray()
    while value >= 0x80:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])


def message(*fields: Field) -> bytes:
    """A float is a double, a text or bytes have their length before them."""
    found = b""
    for field, value in fields:
        if isinstance(value, int):
            found += number(field << 3) + number(value)
        elif isinstance(value, float):
            found += number(field << 3 | 1) + struct.pack("<d", value)
        else:
            content = value.encode() if isinstance(value, str) else value
            found += number(field << 3 | 2) + number(len(content)) + content
    return found


def single(field: int, value: float) -> bytes:
    """A field of 32 bits."""
    return number(field << 3 | 5) + struct.pack("<f", value)


def event(step: int, *values: bytes, time: float = 1.7e9) -> bytes:
    summary = message(*((1, value) for value in values))
    return message((1, time), (2, step), (5, summary))


def old_scalar(tag: str, value: float) -> bytes:
    return message((1, tag)) + single(2, value)


def of_tensor(tag: str, tensor: bytes, plugin: str = "", content: bytes = b"") -> bytes:
    named = message((1, message((1, plugin), (2, content)))) if plugin else b""
    return message((1, tag), (8, tensor)) + (message((9, named)) if named else b"")


def record(content: bytes) -> bytes:
    """In TFRecord's framing."""
    length = struct.pack("<Q", len(content))
    checks = struct.pack("<I", masked_crc(length)), struct.pack("<I", masked_crc(content))
    return length + checks[0] + content + checks[1]


def event_file(events: Iterable[bytes]) -> bytes:
    version = message((1, 1.7e9), (3, "brain.Event:2"))
    return b"".join(map(record, [version, *events]))


def run_file(records: Iterable[bytes]) -> bytes:
    """In wandb's framing."""
    found = bytearray(HEADER)
    for content in records:
        rest, kinds = content, (1, 2)
        while True:
            room = 32768 - len(found) % 32768
            if room < 7:
                found += bytes(room)
                continue
            part, rest = rest[: room - 7], rest[room - 7 :]
            kind = kinds[1] if rest else kinds[0]
            check = zlib.crc32(bytes([kind]) + part)
            found += struct.pack("<IHB", check, len(part), kind) + part
            kinds = (4, 3)
            if not rest:
                break
    return bytes(found)


def item(keys: Sequence[str], json: str) -> bytes:
    """Of a history, a summary or a config: one key as wandb wrote it before 0.18, several as it does since."""
    names = [(1, keys[0])] if len(keys) == 1 else [(2, key) for key in keys]
    return message(*names, (16, json))


def history(step: int, *items: bytes) -> bytes:
    return message((2, message(*((1, one) for one in items), (2, message((1, step))))))
