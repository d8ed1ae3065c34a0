"""A writer's own append-only file, and reading one from an offset.

A writer holds a flock on the first segment of its spool for as long as it lives, so the kernel itself says
who is alive: no pid to be reused, no heartbeat to be late.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.events import Event, encode
from storage.ids import TAG_BITS, IdMaker
from storage.machine import signature

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout

SEGMENT_BYTES = 64 << 20
TOUCH_SECONDS = 15.0
"""How often a writer at work shows to other machines that it lives (storage.liveness reads it)."""


_force_to_disk = getattr(os, "fdatasync", os.fsync)  # macOS has no fdatasync


class SpoolError(OSError):
    """An event could not be written; the file ends where the last whole event does."""


class SpoolWriter:
    """Appends events to files that no other process writes.

    An event is in the file (kill -9 proof) when `append` returns, and on the disk (power cut proof) when
    `sync` does. Safe for threads; after a fork the child writes to a spool of its own.
    """

    def __init__(self, layout: Layout, segment_bytes: int = SEGMENT_BYTES) -> None:
        self._layout = layout
        self._segment_bytes = segment_bytes
        self._mutex = threading.RLock()  # a signal's handler may append in the midst of an append
        self._pid = 0
        self._file = self._lock_file = -1
        self._segment = self._size = 0
        self._dirty = False
        self._touched = time.monotonic()
        self.writer = ""
        """Name of this writer, once it has written or made an id."""
        self._ids: IdMaker | None = None

    def new_id(self) -> int:
        """Make an id for a sweep or a run; rising."""
        with self._mutex:
            try:
                return self._open()()
            except OSError as error:
                raise _spool_error(error) from error

    def append(self, *events: Event) -> None:
        """Write events, all of them in one go; `SpoolError` where the disk is full or gone."""
        self.append_lines(b"".join(map(encode, events)))

    def append_lines(self, data: bytes) -> None:
        """As `append`, of events that are lines already (`storage.events.encode`, `storage.bulk`)."""
        with self._mutex:
            try:
                self._open()
                if not self._size and not self._segment:
                    data = encode(signature()) + data
                if self._size and self._size + len(data) > self._segment_bytes:
                    self._rotate()
                self._write(data)
            except OSError as error:
                raise _spool_error(error) from error

    def sync(self) -> None:
        """Force to the disk what was appended since the last time, and show that this writer lives.

        Raises `SpoolError`, whose remedy is not to call this again: what the disk refused once it may
        have thrown away.
        """
        with self._mutex:
            if self._pid != os.getpid():
                return
            if self._dirty:
                self._dirty = False
                try:
                    _force_to_disk(self._file)
                except OSError as error:
                    raise _spool_error(error) from error
            if time.monotonic() - self._touched > TOUCH_SECONDS:
                self._touched = time.monotonic()
                os.utime(self._lock_file)

    def close(self) -> None:
        """Sync and let go; the writer counts as gone from here on, though `SpoolError` be raised."""
        try:
            self.sync()
        finally:
            with self._mutex:
                if self._pid == os.getpid():
                    self._release()

    def _open(self) -> IdMaker:
        if self._ids is not None and self._pid == os.getpid():
            return self._ids
        if self._pid:  # we are a fork's child: the files belong to the parent
            self._release()
        self._layout.create()
        tag, self._file = _claim(self._layout)
        self._lock_file = self._file
        fcntl.flock(self._lock_file, fcntl.LOCK_EX)
        self.writer, self._ids = f"{tag:05x}", IdMaker(tag)
        self._segment = self._size = 0
        self._pid = os.getpid()
        return self._ids

    def _release(self) -> None:
        for file in {self._file, self._lock_file}:
            os.close(file)
        self._pid = 0

    def _rotate(self) -> None:
        _force_to_disk(self._file)
        segment = self._segment + 1
        path = self._layout.segment(self.writer, segment)
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        if self._file != self._lock_file:
            os.close(self._file)
        self._file, self._segment, self._size = file, segment, 0

    def _write(self, data: bytes) -> None:
        self._dirty = True
        written = 0
        try:
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            # A torn line would glue onto the next one. Whole lines stay: a reader may have them already.
            written = data.rfind(b"\n", 0, written) + 1
            os.ftruncate(self._file, self._size + written)
            raise
        finally:
            self._size += written


def _spool_error(error: OSError) -> SpoolError:
    return SpoolError(error.errno, f"could not write to the spool: {error.strerror}")


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole lines of a spool file."""

    file: str
    """The file's name inside the spool folder."""
    data: bytes
    end: int
    """Offset behind the last line, in bytes."""


def segments(layout: Layout) -> list[tuple[str, int]]:
    """Name and size (bytes) of every spool file, in a stable order."""
    try:
        with os.scandir(layout.spool) as entries:
            return sorted((e.name, e.stat().st_size) for e in entries if e.name.endswith(".ndjson"))
    except FileNotFoundError:
        return []


def read_chunks(
    layout: Layout, file: str, start: int, end: int, chunk_bytes: int
) -> Iterator[Chunk]:
    """Yield the whole lines of `file` that stand between two offsets, about `chunk_bytes` at a time.

    The end is the reader's, not the file's: a writer that is faster than us would never let us go.
    """
    with (layout.spool / file).open("rb") as stream:
        stream.seek(start)
        while start < end and (data := stream.read(min(chunk_bytes, end - start))):
            whole = data.rfind(b"\n") + 1
            if not whole:  # a line longer than a chunk
                data += stream.readline()
                whole = len(data)
                if not data.endswith(b"\n"):
                    return
            start += whole
            stream.seek(start)
            yield Chunk(file, data[:whole], start)


def is_alive(layout: Layout, writer: str) -> bool:
    """Whether the process that owns this spool still runs."""
    try:
        file = os.open(layout.segment(writer, 0), os.O_RDONLY)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(file)
    return False


def _claim(layout: Layout) -> tuple[int, int]:
    while True:
        tag = secrets.randbits(TAG_BITS)
        path = layout.segment(f"{tag:05x}", 0)
        try:
            file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND, 0o644)
        except FileExistsError:
            continue
        if not (layout.drained / path.name).exists():
            return tag, file
        os.close(file)
        path.unlink()
