"""Files elsewhere: opening them, listing those that belong to a run, and copying them beside our runs."""

from __future__ import annotations

import errno
import os
import shutil
import stat
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import unquote, urlsplit

from cockpit.interop.foreign import Artifact

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class NotCopied(OSError):
    """A file stays where it is; the message says why."""


def opened(path: Path) -> BinaryIO:
    """A plain file, or a link to one. Raises OSError, of a pipe or a device too: they have no end."""
    handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no plain file", str(path))
    return os.fdopen(handle, "rb")


def listed(folder: Path) -> Iterator[Artifact]:
    """The files below a folder, by name; links to folders are not followed."""
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = os.path.join(place, name)
            inside = os.path.relpath(path, folder).replace(os.sep, "/")
            try:
                size = os.lstat(path).st_size
            except OSError:  # taken away meanwhile
                continue
            yield Artifact(inside, path, size)


def local(place: str, below: Iterable[Path] = ()) -> Path | None:
    """The folder that a path or a `file:` URL names; None for another URL, or where it is gone.

    A relative path is looked for in the folders `below`.
    """
    parts = urlsplit(place)
    if len(parts.scheme) > 1 and parts.scheme != "file":
        return None
    path = Path(unquote(parts.path) if parts.scheme == "file" else place)
    tried = [path] if path.is_absolute() else [folder / path for folder in below]
    return next((one for one in tried if one.is_dir()), None)


def copy(file: Artifact, folder: Path) -> bool:
    """Have the file below `folder`, whole or not at all; False where it lies there already.

    Raises `NotCopied` for a link, for what is no file, and for a name that leads out of the folder.
    """
    if "://" in file.source:
        raise NotCopied(f"{file.source} is a URL")
    name = PurePosixPath(file.name)
    if name.is_absolute() or not name.parts or ".." in name.parts or "\0" in file.name:
        raise NotCopied("its name leads out of the folder")
    target = folder.joinpath(*name.parts)
    try:
        source = os.open(file.source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        linked = os.path.islink(file.source)
        raise NotCopied("it is a link" if linked else error.strerror or str(error)) from error
    try:
        return _copy(source, target)
    finally:
        os.close(source)


def _copy(source: int, target: Path) -> bool:
    about = os.fstat(source)
    if not stat.S_ISREG(about.st_mode):
        raise NotCopied("it is no plain file")
    if target.is_file() and _alike(target.stat(), about):
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name[:100]}.part")
    with open(source, "rb", closefd=False) as stream, partial.open("wb") as written:
        shutil.copyfileobj(stream, written, 1 << 20)
    os.utime(partial, ns=(about.st_atime_ns, about.st_mtime_ns))
    partial.replace(target)
    return True


def _alike(one: os.stat_result, other: os.stat_result) -> bool:
    return (one.st_size, one.st_mtime_ns) == (other.st_size, other.st_mtime_ns)
