"""Copies of data in the store: whole or not at all, what their name says they are, and never written to again."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from blake3 import blake3

from cockpit.data.files import DataError, base_of, suffix_of
from cockpit.sweep.provenance.data import ALGORITHM, CHUNK
from cockpit.sweep.spec.errors import printable

if TYPE_CHECKING:
    from cockpit.data.files import Content
    from storage.datasets import Version
    from storage.layout import Layout

_READ_ONLY = 0o444
ABANDONED = 3_600.0
"""Seconds that nothing was written to half a copy after which it is nobody's."""


def keep_copy(layout: Layout, content: Content) -> str:
    """Have the store keep a content; returns the path of the copy, a pattern where the content is of several files.

    Raises `DataError` where there is no room, or where a file was changed meanwhile.
    """
    target = layout.dataset(
        content.digest, suffix_of(content.files[0][0]) if content.is_one else ""
    )
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear(target.parent)
        partial = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
        try:
            for name, file in content.files:
                place = partial if content.is_one else partial / name
                place.parent.mkdir(parents=True, exist_ok=True)
                _copy(file.path, place, file.digest)
            _take_place(partial, target)
        except OSError as error:
            raise DataError(
                printable(f"{content.path} cannot be kept in {target.parent}: {error.strerror}")
            ) from error
        finally:
            _remove(partial)
    return _path(target, content.path)


def kept_at(layout: Layout, version: Version) -> str | None:
    """Where the store keeps a version's content: a file, or a pattern; None where it does not."""
    name = layout.dataset(version.digest, "")
    found = sorted(name.parent.glob(f"{name.name}*"))
    return _path(found[0], version.path) if found else None


def _path(kept: Path, original: str) -> str:
    """The copy of a pattern's files is read by the same pattern, in a folder of the store."""
    if not kept.is_dir():
        return str(kept)
    return str(kept / Path(original).relative_to(base_of(original)))


def _copy(source: str, target: Path, digest: str) -> None:
    hasher = blake3()
    with open(source, "rb", buffering=0) as read, target.open("xb") as write:
        while chunk := read.read(CHUNK):
            hasher.update(chunk)
            write.write(chunk)
        write.flush()
        os.fsync(write.fileno())
    if f"{ALGORITHM}:{hasher.hexdigest()}" != digest:
        raise DataError(printable(f"{source} was changed while it was copied; try again"))
    target.chmod(_READ_ONLY)


def _clear(folder: Path) -> None:
    """Remove what a copying that was killed has left, once nobody can be writing it any more."""
    for left in folder.glob(".*-*"):
        with suppress(FileNotFoundError):
            if time.time() - left.stat().st_mtime > ABANDONED:
                _remove(left)


def _take_place(partial: Path, target: Path) -> None:
    try:
        partial.replace(target)
    except OSError:
        if not target.is_dir():  # else another process was quicker with the same files
            raise


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial)
    partial.unlink(missing_ok=True)
