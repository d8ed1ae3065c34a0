"""Everything in a folder's event files, gathered: scalars as columns, the few other things one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from cockpit.interop.event_shapes import STRING, plugin, scalar, shape_of
from cockpit.interop.foreign import Curve
from cockpit.interop.wire import Garbled, Message

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from cockpit.interop.event_files import Records

_FEW = 16
"""Fewer events of a length are read one by one."""
_LONG = 2048
"""Bytes; events with a scalar or a few are shorter."""
_SHAPES = 64
"""Looked for among the events of a length."""
_BY_FIELD = {3: "histogram", 4: "image", 5: "histogram", 6: "audio clip"}
_OF_EVENTS = {4: "graph", 6: "log message", 8: "run profile", 9: "graph"}
_BY_PLUGIN = {
    "": "tensor",
    "audio": "audio clip",
    "histograms": "histogram",
    "images": "image",
    "pr_curves": "precision-recall curve",
    "text": "earlier text",
}


class _Numbered(dict[bytes, int]):
    """Gives each new key the next number."""

    def __missing__(self, key: bytes) -> int:
        return self.setdefault(key, len(self))


@dataclass(slots=True)
class Gathered:
    """What the files read so far have said."""

    left_out: Counter[str] = field(default_factory=Counter)
    """How many of what is no scalar."""
    texts: dict[str, str] = field(default_factory=dict)
    """The last of each tag."""
    hparams: list[bytes] = field(default_factory=list)
    """The contents of HParamsPluginData, in order."""
    first: float | None = None
    last: float | None = None
    """Times of events, seconds since 1970."""
    garbled: int = 0
    """Records whose checks hold and that are no events nevertheless."""
    _tags: _Numbered = field(default_factory=_Numbered)
    _plugins: dict[bytes, str] = field(default_factory=dict)
    _columns: list[tuple[NDArray[np.int64], ...]] = field(default_factory=list)
    """Row, tag, step, then time and value as bits."""
    _rows: int = 0

    def add(self, records: Records) -> None:
        """The next records, in the order in which they were written."""
        if not len(records.starts):
            return
        raw = np.frombuffer(records.data, np.uint8)
        lengths = records.ends - records.starts
        order = np.argsort(lengths, kind="stable")
        slow: list[int] = []
        cuts = np.flatnonzero(np.diff(lengths[order])) + 1
        for alike in np.split(order, cuts):
            length = int(lengths[alike[0]])
            if len(alike) < _FEW or not 0 < length <= _LONG:
                slow.extend(alike.tolist())
                continue
            windows = np.lib.stride_tricks.sliding_window_view(raw, length)
            slow.extend(self._add_alike(windows[records.starts[alike]], alike))
        slow.sort()
        found: list[tuple[int, int, int, float, float]] = []
        for at in slow:
            event = records.data[records.starts[at] : records.ends[at]]
            try:
                found.extend(self._points(Message(event), self._rows + at))
            except Garbled:
                self.garbled += 1
        if found:
            rows, tags, steps, times, values = zip(*found, strict=True)
            self._keep(np.array(rows), np.array(tags), np.array(steps), times, values)
        self._rows += len(records.starts)

    def _add_alike(self, events: NDArray[np.uint8], rows: NDArray[np.int64]) -> list[int]:
        """Those events of one length (n × length) that have a shape; the rows of the others."""
        slow: list[int] = []
        for _ in range(_SHAPES):
            if len(rows) < _FEW:
                break
            try:
                shape = shape_of(events[0].tobytes())
            except Garbled:
                shape = None
            if shape is None:
                slow.append(int(rows[0]))
                events, rows = events[1:], rows[1:]
                continue
            fits = shape.fits(events)
            mine = events if fits.all() else events[fits]
            steps, times = shape.steps(mine), shape.times(mine)
            for place in shape.scalars:
                tags = map(self._tags.__getitem__, place.tags(mine))
                numbers = np.fromiter(tags, np.int64, len(mine))
                self._keep(rows[fits] + self._rows, numbers, steps, times, place.values(mine))
            events, rows = events[~fits], rows[~fits]
        slow.extend(rows.tolist())
        return slow

    def _keep(
        self,
        rows: NDArray[np.int64],
        tags: NDArray[np.int64],
        steps: NDArray[np.int64],
        times: NDArray[np.float64] | tuple[float, ...],
        values: NDArray[np.float64] | tuple[float, ...],
    ) -> None:
        moments = np.asarray(times, np.float64)
        self._span(float(moments.min()), float(moments.max()))
        bits = np.asarray(values, np.float64).view(np.int64)
        self._columns.append((rows, tags, steps, moments.view(np.int64), bits))

    def _span(self, first: float, last: float) -> None:
        if first > 0:
            self.first = first if self.first is None else min(first, self.first)
        if last > 0:
            self.last = last if self.last is None else max(last, self.last)

    def _points(self, event: Message, row: int) -> Iterator[tuple[int, int, int, float, float]]:
        """An event's scalars; the rest of it is noted."""
        time, step = event.double(1), event.integer(2)
        self._span(time, time)
        for number, what in _OF_EVENTS.items():
            self.left_out[what] += number in event
        for value in event.message(5).messages(1):
            tag = value.blob(1) or value.blob(7)
            if 9 in value:
                self._plugins.setdefault(tag, plugin(value.message(9)))
            if self._plugins.get(tag) == "hparams":
                self.hparams.append(value.message(9).message(1).blob(2))
            elif 2 in value:
                yield row, self._tags[tag], step, time, value.single(2)
            elif 8 in value:
                found = self._tensor(tag, value.message(8))
                if found is not None:
                    yield row, self._tags[tag], step, time, found
            else:
                kinds = (what for field_number, what in _BY_FIELD.items() if field_number in value)
                self.left_out[next(kinds, "value of an unknown kind")] += 1

    def _tensor(self, tag: bytes, tensor: Message) -> float | None:
        owner = self._plugins.get(tag, "")
        if owner in ("", "scalars") and (number := scalar(tensor)) is not None:
            return number
        if tensor.natural(1) == STRING and owner in ("", "text"):
            name = tag.decode(errors="replace")
            self.left_out["earlier text"] += name in self.texts
            self.texts[name] = "\n".join(tensor.texts(8))
        else:
            self.left_out[_BY_PLUGIN.get(owner, owner.replace("_", " "))] += 1
        return None

    def curves(self) -> tuple[Curve, ...]:
        """The scalars, a curve a tag; tags in the order in which they first came."""
        if not self._columns:
            return ()
        rows, tags, steps, times, bits = (
            np.concatenate(c) for c in zip(*self._columns, strict=True)
        )
        order = np.lexsort((rows, tags))
        cuts = np.searchsorted(tags[order], np.arange(1, len(self._tags)))
        found: list[tuple[int, Curve]] = []
        for tag, part in zip(self._tags, np.split(order, cuts), strict=True):
            owner = self._plugins.get(tag, "")
            if owner not in ("", "scalars"):
                self.left_out[_BY_PLUGIN.get(owner, owner)] += len(part)
            elif len(part):
                name = tag.decode(errors="replace")
                moments, values = times[part].view(np.float64), bits[part].view(np.float64)
                found.append((int(rows[part[0]]), Curve(name, steps[part], moments, values)))
        return tuple(curve for _, curve in sorted(found, key=lambda pair: pair[0]))
