"""Where in an event's bytes its time, step, tag and value lie: what many events have in common is looked at once.

An event here is TensorFlow's `Event` with nothing but scalars, by far the most of what is in a file.
Source: tensorflow/core/util/event.proto, tensorflow/core/framework/summary.proto and tensor.proto
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from cockpit.interop.wire import BYTES, FIXED32, FIXED64, VARINT, Message, spans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

FLOAT, DOUBLE, STRING, HALF, BFLOAT16 = 1, 2, 7, 19, 14
"""Of tensorflow/core/framework/types.proto, as the keys below."""
_CONTENT: Mapping[int, str] = {
    FLOAT: "<f4",
    DOUBLE: "<f8",
    HALF: "<f2",
    3: "<i4",
    4: "u1",
    5: "<i2",
    6: "i1",
    9: "<i8",
    10: "?",
    17: "<u2",
    22: "<u4",
    23: "<u8",
}
"""How a tensor's bytes are to be read."""
_LISTED = {HALF: 13, BFLOAT16: 13, 3: 7, 4: 7, 5: 7, 6: 7, 17: 7, 9: 10, 10: 11, 22: 16, 23: 17}
"""The field that has a tensor's numbers one by one; a float's are not varints."""

_OF_EVENT: Mapping[int, int] = {1: FIXED64, 2: VARINT, 5: BYTES}
_OF_VALUE: Mapping[int, int] = {1: BYTES, 2: FIXED32, 8: BYTES, 9: BYTES}
"""The wire types of fields."""

Spans = dict[int, tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Place:
    """Where one scalar lies: bytes from the event's beginning."""

    tag: tuple[int, int]
    value: int
    dtype: str

    def tags(self, events: NDArray[np.uint8]) -> list[bytes]:
        start, stop = self.tag
        found: list[bytes] = _column(events, start, f"V{stop - start}").tolist()
        return found

    def values(self, events: NDArray[np.uint8]) -> NDArray[np.float64]:
        return _column(events, self.value, self.dtype).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Shape:
    """What events of one length may differ in, and still be read alike."""

    sample: NDArray[np.uint8]
    """The event it was found in."""
    fixed: NDArray[np.int64]
    """The places of all bytes that must be as the sample's."""
    time: int | None
    step: tuple[int, int] | None
    scalars: tuple[Place, ...]

    def fits(self, events: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Of events (n × length), which have this shape."""
        same: NDArray[np.bool_] = (events[:, self.fixed] == self.sample[self.fixed]).all(axis=1)
        if self.step is not None:
            start, stop = self.step
            more = events[:, start:stop] >= 0x80
            same &= more[:, :-1].all(axis=1) & ~more[:, -1]
        return same

    def times(self, events: NDArray[np.uint8]) -> NDArray[np.float64]:
        if self.time is None:
            return np.zeros(len(events))
        return _column(events, self.time, "<f8").astype(np.float64)

    def steps(self, events: NDArray[np.uint8]) -> NDArray[np.int64]:
        steps = np.zeros(len(events), np.uint64)
        if self.step is not None:
            for place, at in enumerate(range(*self.step)):
                steps |= (events[:, at].astype(np.uint64) & 0x7F) << np.uint64(7 * place)
        return steps.view(np.int64)


def _column(events: NDArray[np.uint8], at: int, dtype: str) -> NDArray[np.generic]:
    kind = np.dtype(dtype)
    cut = np.ascontiguousarray(events[:, at : at + kind.itemsize])
    column: NDArray[np.generic] = cut.view(kind)[:, 0]
    return column


def shape_of(event: bytes) -> Shape | None:
    """None where the event holds anything else than scalars. Raises wire.Garbled."""
    top = _once(event, 0, len(event))
    if top is None or not top.keys() <= {1, 2, 5} or not _kinds(top, _OF_EVENT):
        return None
    scalars: list[Place] = []
    for field, kind, start, stop in spans(event, *top[5][1:]) if 5 in top else ():
        place = _place(event, start, stop) if (field, kind) == (1, BYTES) else None
        if place is None:
            return None
        scalars.append(place)
    if not scalars:
        return None
    time = top[1][1] if 1 in top else None
    step = top[2][1:] if 2 in top else None
    loose = np.zeros(len(event), np.bool_)
    for place in scalars:
        loose[slice(*place.tag)] = True
        loose[place.value : place.value + np.dtype(place.dtype).itemsize] = True
    if step is not None:
        loose[slice(*step)] = True
    if time is not None:
        loose[time : time + 8] = True
    return Shape(np.frombuffer(event, np.uint8), np.flatnonzero(~loose), time, step, tuple(scalars))


def _place(event: bytes, start: int, stop: int) -> Place | None:
    """Of a summary's value; None where it is no scalar, or has no tag."""
    inner = _once(event, start, stop)
    if inner is None or not inner.keys() <= {1, 2, 7, 8, 9} or not _kinds(inner, _OF_VALUE):
        return None
    if 1 not in inner or inner[1][1] == inner[1][2] or not _plain(event, inner):
        return None
    found = _value(event, inner)
    return None if found is None else Place(inner[1][1:], *found)


def _once(event: bytes, start: int, stop: int) -> Spans | None:
    """A message's fields by number; None where one comes twice."""
    found: Spans = {}
    for number, kind, begin, end in spans(event, start, stop):
        if number in found:
            return None
        found[number] = (kind, begin, end)
    return found


def _kinds(found: Spans, wanted: Mapping[int, int]) -> bool:
    return all(found[number][0] == kind for number, kind in wanted.items() if number in found)


def _plain(event: bytes, inner: Spans) -> bool:
    """Whether no plugin but that of scalars has to do with it."""
    if 9 not in inner:
        return True
    return plugin(Message(event[inner[9][1] : inner[9][2]])) in ("", "scalars")


def plugin(metadata: Message) -> str:
    """Which plugin of TensorBoard a value is for."""
    return metadata.message(1).text(1)


def _value(event: bytes, inner: Spans) -> tuple[int, str] | None:
    """Where the scalar lies, and its dtype."""
    if 2 in inner and 8 not in inner:
        return inner[2][1], "<f4"
    if 8 not in inner or 2 in inner:
        return None
    tensor = _once(event, *inner[8][1:])
    if tensor is None or not tensor.keys() <= {1, 2, 3, 4, 5, 6}:
        return None
    return _element(event, tensor)


def _element(event: bytes, tensor: Spans) -> tuple[int, str] | None:
    """As `_value`, of a tensor without dimensions that holds its number in one field."""
    held = tensor.keys() & {4, 5, 6}
    dimensions = 2 in tensor and tensor[2][1] != tensor[2][2]
    if dimensions or len(held) != 1 or 1 not in tensor or tensor[1][0] != VARINT:
        return None
    (field,) = held
    kind = event[tensor[1][1]]
    fits = {4: (FLOAT, DOUBLE, HALF), 5: (FLOAT,), 6: (DOUBLE,)}[field]
    if kind not in fits or tensor[field][0] == VARINT:
        return None
    dtype = _CONTENT[kind]
    _, start, stop = tensor[field]
    return (start, dtype) if stop - start == np.dtype(dtype).itemsize else None


def scalar(tensor: Message) -> float | None:
    """The number in a tensor of one element; None in any other. Raises wire.Garbled."""
    kind = tensor.natural(1)
    if any(size.integer(1) != 1 for size in tensor.message(2).messages(2)):
        return None
    if 4 in tensor:
        return _from_content(kind, tensor.blob(4))
    if kind == FLOAT:
        return tensor.single(5)
    if kind == DOUBLE:
        return tensor.double(6)
    if kind not in _LISTED:
        return None
    # A tensor of one zero may be written as none at all.
    bits = (tensor.naturals(_LISTED[kind]) or [0])[-1]
    if kind in (HALF, BFLOAT16):
        return _from_content(kind, (bits & 0xFFFF).to_bytes(2, "little"))
    size = np.dtype(_CONTENT[kind]).itemsize
    return _from_content(kind, (bits & ((1 << 8 * size) - 1)).to_bytes(size, "little"))


def _from_content(kind: int, content: bytes) -> float | None:
    if kind == BFLOAT16 and len(content) == 2:
        kind, content = FLOAT, b"\0\0" + content
    if kind not in _CONTENT or len(content) != np.dtype(_CONTENT[kind]).itemsize:
        return None
    return float(np.frombuffer(content, _CONTENT[kind])[0])
