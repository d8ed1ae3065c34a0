"""A file that a program writes its metrics to, read while it grows."""

from __future__ import annotations

import os
import stat
import time
from typing import TYPE_CHECKING

from cockpit.sweep.executors.metric_lines import MetricReader, Said, Tally, numbers_of, parse_object

if TYPE_CHECKING:
    from pathlib import Path

READ_BYTES = 1 << 16
"""From one look: no run may keep the others waiting."""
END_BYTES = 16 << 20
"""What is read after the program's end, at most, beside the last piece."""
SETTLED_SECONDS = 2
"""A file written to later than so long ago may be written to once more within the same tick of its clock."""
OBJECT_BYTES = 1 << 20
"""A larger file is no single object of metrics."""


class MetricFile:
    """JSON lines, read as they come; or one JSON object over several lines, read when it has changed.

    A file that is written anew is read anew. `skip` passes over what it holds before the run begins.
    """

    def __init__(
        self, path: Path, tally: Tally, *, notes: bool = False, skip: bool = False
    ) -> None:
        self._path, self._tally, self._notes = path, tally, notes
        self.behind = False
        """Whether the last look left something unread."""
        self._object: bytes | None = None
        self._seen: tuple[int, ...] = ()
        self._settled = False
        """Whether a change after the last look must show in `_state`."""
        self._begin(b"", 0)
        if skip and (file := self._open()) is not None:
            self._skip(file)

    def look(self) -> list[Said]:
        """What was added since the last time, from one read."""
        file = self._open()
        if file is None:
            return []
        try:
            seen = _state(file)
            if seen == self._seen and self._settled and not self.behind:
                return []
            self._settled = time.time_ns() - seen[3] > SETTLED_SECONDS * 1_000_000_000
            if self._is_another(file, seen):
                self._begin(b"", 0)
            self._seen = seen
            return self._read(file, seen[2])
        finally:
            os.close(file)

    def end(self) -> list[Said]:
        """All that is left once the program has ended, the unfinished last line with it."""
        said = self.look()
        for _ in range(END_BYTES // READ_BYTES):
            if not self.behind:
                break
            said += self.look()
        if self.behind:  # of what is too long the last values count
            self._begin(b"", self._seen[2] - READ_BYTES)
            said += self.look()
        return said + self._reader.end()

    def _open(self) -> int | None:
        try:
            file = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:  # it is not there, or not yet
            return None
        if stat.S_ISREG(os.fstat(file).st_mode):
            return file
        os.close(file)
        return None

    def _skip(self, file: int) -> None:
        self._seen, self._settled = _state(file), True
        if not _opens_object(os.pread(file, READ_BYTES, 0)):
            size = self._seen[2]
            start = max(0, size - READ_BYTES)
            self._begin(os.pread(file, size - start, start), size)
        os.close(file)

    def _begin(self, last: bytes, position: int) -> None:
        self._last, self._position = last, position
        self._reader = MetricReader(self._tally, notes=self._notes)

    def _is_another(self, file: int, seen: tuple[int, ...]) -> bool:
        """Who appends leaves what stands before; of a short file that is all of it."""
        if seen[:2] != self._seen[:2] or seen[2] < self._position:
            return True
        return os.pread(file, len(self._last), self._position - len(self._last)) != self._last

    def _read(self, file: int, size: int) -> list[Said]:
        data = os.pread(file, READ_BYTES, self._position)
        if self._position == 0 and _opens_object(data):
            self.behind = False
            return self._whole(os.pread(file, OBJECT_BYTES, 0))
        self._last = (self._last + data)[-READ_BYTES:]
        self._position += len(data)
        self.behind = bool(data) and self._position < size
        return self._reader.feed(data)

    def _whole(self, data: bytes) -> list[Said]:
        found = parse_object(data.decode(errors="replace").strip())
        if found is None or data == self._object:  # half written, or the same again
            return []
        self._object = data
        return list(self._tally.take(*numbers_of(found)))


def _opens_object(data: bytes) -> bool:
    """Whether a file's first line is the beginning of an object, and not all of one."""
    line, ended, _ = data.partition(b"\n")
    text = line.decode(errors="replace").strip()
    return bool(ended) and text.startswith("{") and parse_object(text) is None


def _state(file: int) -> tuple[int, int, int, int]:
    """What tells that a file has changed; its size is the third."""
    found = os.fstat(file)
    return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
