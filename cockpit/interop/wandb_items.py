"""The items of wandb's records: a key, or keys one within the other, and a value as JSON.

A history has an item a metric and step, by far the most of a file: an item's bytes before its value are
looked at once, and known from then on.
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cockpit.interop.wire import BYTES, Garbled, Message, spans

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Path = tuple[str, ...]
"""Keys from the outermost in."""
VALUE = b"\x82\x01"
"""What begins the field `value_json`, the sixteenth and last of an item."""
_WORDS = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf}
_AT_ONCE = 1 << 16
_DEEPEST = 50
_STARTS = {
    field_number: [bytes([field_number << 3 | BYTES, size]) for size in range(0x80)]
    for field_number in (1, 3)
}
"""How an item begins: its field, and its length of one byte."""


def path_of(item: Message) -> Path:
    """`nested_key` where there is one, else `key`."""
    return tuple(item.texts(2)) or (item.text(1),)


def value_of(item: Message) -> Any:
    """Of a HistoryItem, ConfigItem or SummaryItem. Raises ValueError where its JSON is none."""
    if 16 in item:
        return json.loads(item.blob(16))
    if 8 in item:
        return json.loads(item.blob(8))
    if 7 in item:
        return item.text(7)
    if 6 in item:
        return item.double(6)
    if 5 in item:
        return _fixed(item.blob(5))
    return bool(item.natural(4)) if 4 in item else None


def _fixed(blob: bytes) -> int:
    return int(struct.unpack("<q", blob)[0]) if len(blob) == 8 else 0


def flat(path: Path, value: Any) -> Iterator[tuple[Path, Any]]:
    """A table's entries, and those of the tables in it; an empty table, and one too deep, as itself."""
    if isinstance(value, dict) and value and len(path) < _DEEPEST:
        for key, inner in value.items():
            yield from flat((*path, str(key)), inner)
    else:
        yield path, value


def number(value: Any) -> float | None:
    """What can stand in a curve: a number, a truth as 1 or 0, wandb's words for what is not finite."""
    if isinstance(value, bool | int | float):
        try:
            return float(value)
        except OverflowError:
            return np.inf if value > 0 else -np.inf
    return _WORDS.get(value) if isinstance(value, str) else None


Values = NDArray[np.float64] | list[Any]
"""Numbers where all are; else what JSON said."""


@dataclass(slots=True)
class _Column:
    rows: list[int] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    parts: list[tuple[NDArray[np.int64], Values]] = field(default_factory=list)

    def settle(self) -> None:
        """Turn into numbers what is still JSON: they need a quarter of the room."""
        if self.rows:
            self.parts.append((np.array(self.rows, np.int64), _numbers(_values(self.raw))))
            self.rows.clear()
            self.raw.clear()


@dataclass(slots=True)
class Items:
    """The items of many records, by their path; a record is a row."""

    field_number: int
    """That an item has in its record."""
    rows: int = 0
    rests: list[bytes] = field(default_factory=list)
    """A row each: the record's bytes after the items."""
    _columns: dict[bytes, tuple[Path, _Column]] = field(default_factory=dict)
    _appends: dict[bytes, tuple[Callable[[int], None], Callable[[bytes], None]]] = field(
        default_factory=dict
    )

    def add(self, data: bytes, start: int, stop: int) -> None:
        """The next record, which lies at data[start:stop]. Raises Garbled, and the record is left out."""
        heads, raws, rest = cut(data, start, stop, self.field_number)
        appends, row = self._appends, self.rows
        for head in heads:
            if head not in appends:
                self._new(head)
        self.rows += 1
        self.rests.append(rest)
        for head, raw in zip(heads, raws, strict=True):
            to_rows, to_raw = appends[head]
            to_rows(row)
            to_raw(raw)
        if self.rows % _AT_ONCE == 0:
            for _, column in self._columns.values():
                column.settle()

    def _new(self, head: bytes) -> None:
        column = _Column()
        self._columns[head] = path_of(Message(head)), column
        self._appends[head] = column.rows.append, column.raw.append

    def columns(self) -> Iterator[tuple[Path, NDArray[np.int64], Values]]:
        """Rows and values of each path, in parts; of values that are tables, those of what is in them."""
        for path, column in self._columns.values():
            column.settle()
            for rows, values in column.parts:
                if isinstance(values, list) and any(isinstance(value, dict) for value in values):
                    yield from _spread(path, rows, values)
                else:
                    yield path, rows, values


def cut(data: bytes, start: int, stop: int, wanted: int) -> tuple[list[bytes], list[bytes], bytes]:
    """The items of a record, `wanted` their field, and what comes after them. Raises Garbled.

    Of an item its bytes before the value, and the value's JSON.
    """
    starts = _STARTS[wanted]
    heads: list[bytes] = []
    raws: list[bytes] = []
    before, *parts = data[start:stop].split(VALUE)
    for part in parts:
        # The two bytes may come by chance elsewhere; then the lengths around do not fit.
        size = part[0] + 1 if part else 1
        whole = len(before) + size
        if not 2 < whole < 0x80 or before[:2] != starts[whole] or size > len(part):
            return _cut_slowly(data[start:stop], wanted)
        heads.append(before[2:])
        raws.append(part[1:size])
        before = part[size:]
    if before and not _one_step(before):
        return _cut_slowly(data[start:stop], wanted)
    return heads, raws, before


def _cut_slowly(record: bytes, wanted: int) -> tuple[list[bytes], list[bytes], bytes]:
    found: list[tuple[bytes, bytes]] = []
    rest: list[bytes] = []
    at = 0
    for number_, kind, begin, end in spans(record, 0, len(record)):
        if number_ == wanted and kind == BYTES:
            found.append(_cut_item(record[begin:end]))
        else:
            rest.append(record[at:end])
        at = end
    return [head for head, _ in found], [raw for _, raw in found], b"".join(rest)


def _one_step(rest: bytes) -> bool:
    """Whether it is the step of a history and nothing else, as it mostly is."""
    return len(rest) > 1 and rest[0] == 2 << 3 | BYTES and rest[1] == len(rest) - 2 < 0x80


def _cut_item(item: bytes) -> tuple[bytes, bytes]:
    heads: list[bytes] = []
    raw: bytes | None = None
    at = 0
    for number_, kind, begin, end in spans(item, 0, len(item)):
        if number_ in (1, 2):
            heads.append(item[at:end])
        elif number_ == 16 and kind == BYTES:
            raw = item[begin:end]
        at = end
    if raw is None:
        try:
            raw = json.dumps(value_of(Message(item))).encode()
        except ValueError as error:
            raise Garbled("an item without a value") from error
    return b"".join(heads), raw


def _values(raw: list[bytes]) -> list[Any]:
    """Many values of JSON at once; one by one only where one of them is none."""
    found: list[Any] = []
    for start in range(0, len(raw), _AT_ONCE):
        part = raw[start : start + _AT_ONCE]
        try:
            values = json.loads(b"[%b]" % b",".join(part))
        except (ValueError, RecursionError):
            values = []
        found.extend(values if len(values) == len(part) else map(_one, part))
    return found


def _numbers(values: list[Any]) -> Values:
    if not {float, int}.issuperset(map(type, values)):
        return values
    try:
        return np.array(values, np.float64)
    except OverflowError:
        return values


def _one(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return None


def _spread(
    path: Path, rows: NDArray[np.int64], values: list[Any]
) -> Iterator[tuple[Path, NDArray[np.int64], Values]]:
    found: dict[Path, tuple[list[int], list[Any]]] = {}
    for row, value in zip(rows.tolist(), values, strict=True):
        for inner, one in flat(path, value):
            column = found.setdefault(inner, ([], []))
            column[0].append(row)
            column[1].append(one)
    for inner, (at, ones) in found.items():
        yield inner, np.array(at, np.int64), ones
