"""Files by their content: hashed once, and again only where they may have changed."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from blake3 import blake3

if TYPE_CHECKING:
    from pathlib import Path

ALGORITHM = "blake3"
CHUNK = 4 << 20
MANY_THREADS_FROM = 64 << 20
"""Bytes; a smaller file is hashed before the threads are there."""
SETTLED_SECONDS = 2
"""A file touched later than so long ago may change once more within the same tick of its clock."""
REMEMBERED = 100_000
"""Files besides those of now, the last ones asked for."""


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file by its content."""

    path: str
    """Absolute."""
    bytes: int
    digest: str
    """`blake3:` and 64 hex digits."""


class ChangedMeanwhile(OSError):
    """The file was written to while it was read; no digest is true of it."""

    def __init__(self) -> None:
        super().__init__(0, "it is being written to; start again when it is whole")


class Hashes:
    """Digests by path, good for as long as size, times and inode stay; a file any process may replace.

    What two processes find at once may be forgotten again, and is then found a second time.
    """

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self._known = {} if file is None else _read(file)
        self._met: dict[str, list[Any]] = {}
        """What was asked for, where it is good for the next time."""
        self._learned = False

    def data_file(self, path: Path) -> DataFile:
        """Hash a file, or remember its digest.

        Raises OSError where it cannot be read, ChangedMeanwhile where it is written to.
        """
        with path.open("rb", buffering=0) as file:
            before = _signature(os.fstat(file.fileno()))
            key = as_text(os.fspath(path))
            *remembered, digest = self._known.get(key) or [None]
            if remembered != before:
                looked = time.time_ns()
                digest = _digest(file, before[0])
                if _signature(os.fstat(file.fileno())) != before:
                    raise ChangedMeanwhile
                if looked - max(before[1:3]) <= SETTLED_SECONDS * 1_000_000_000:
                    return DataFile(key, before[0], digest)
                self._learned = True
            self._met[key] = [*before, digest]
        return DataFile(key, before[0], digest)

    def save(self) -> None:
        """Write down what was found, whole or not at all; on a full disk it is hashed again next time."""
        if self._file is None or not self._learned:
            return
        others = [(k, v) for k, v in _read(self._file).items() if k not in self._met]
        kept = dict(others[-REMEMBERED:]) | self._met
        with contextlib.suppress(OSError):
            write_whole(self._file, json.dumps(kept, separators=(",", ":")).encode())


def digest_of(content: bytes) -> str:
    """`blake3:` and 64 hex digits."""
    return f"{ALGORITHM}:{blake3(content).hexdigest()}"


def as_text(name: str) -> str:
    """A name the file system gave, without the lone surrogates that no JSON reader takes."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def write_whole(path: Path, content: bytes, keep_mode: bool = False) -> None:
    """Write a file that appears with all of its content; raises OSError.

    `keep_mode` leaves a file that is there the permissions it has.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
    try:
        partial.write_bytes(content)
        if keep_mode and path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _signature(found: os.stat_result) -> list[int]:
    """Size, when its content and when anything of it was changed (ns), inode."""
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]


def _digest(file: Any, size: int) -> str:
    threads = blake3.AUTO if size >= MANY_THREADS_FROM else 1
    hasher = blake3(max_threads=threads)
    # Not by mmap: a file that is cut short meanwhile would kill the process.
    buffer = memoryview(bytearray(min(CHUNK, size + 1)))
    while count := file.readinto(buffer):
        hasher.update(buffer[:count])
    return f"{ALGORITHM}:{hasher.hexdigest()}"


def _read(file: Path) -> dict[str, list[Any]]:
    """What is known; nothing where the file is not what `save` wrote."""
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    if not isinstance(found, dict):
        return {}
    return {k: v for k, v in found.items() if isinstance(v, list) and len(v) == 5}
