"""What is checked of a bundle before any of it is loaded: that it is whole, and that it asks for nothing else.

BundleError          (storage.errors.UserError) a bundle that cannot be used
├── NotAsked         its model cannot be asked here, and was not
└── BundleRefused    a bundle that is not what it says it is, or wants more than it may
    └── ModelStopped its model took more memory or time than it may
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from storage.errors import UserError
from storage.events import BUNDLE, RunAttr

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

MANIFEST = "manifest.json"
MOST_FILES = 10_000
_LONGEST_MANIFEST = 4 << 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


class BundleError(UserError):
    """A bundle that cannot be used; one sentence: which, why, what to do."""


class NotAsked(BundleError):
    """A model that cannot be asked here: a package is missing, or its own framework answers by its files."""


class BundleRefused(BundleError):
    """A bundle that is not what it says it is, or wants more than it may; nothing of it was run."""


class ModelStopped(BundleRefused):
    """A model that took more memory or time than it may, and was stopped."""


@dataclass(frozen=True, slots=True)
class Contents:
    """The files of a bundle, as they were checked: what is loaded is this and not what lies there later."""

    files: Mapping[str, bytes]
    """By name; the manifest is not among them."""
    digest: str
    """`sha256:…` of the manifest, which has those of the files."""

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(map(len, self.files.values()))


def digest(folder: Path) -> str:
    """`sha256:…` of a bundle's manifest. Raises `BundleError`."""
    return _sha256(_read(folder, MANIFEST, None))


def sealed(folder: Path, run: int) -> tuple[RunAttr, ...]:
    """What is told of a run's bundle as the run ends, so that one that is changed later is known; if there is one."""
    try:
        return (RunAttr(run, "system", BUNDLE, digest(folder)),)
    except BundleError:
        return ()


def read_checked(folder: Path) -> Contents:
    """Read a bundle's files, each of them as long and with the digest that the manifest says.

    Raises `BundleError` where there is none, and `BundleRefused` for a link, a name that leads out of the
    folder, and a file that is missing, changed or not in the manifest.
    """
    if not (folder / MANIFEST).exists():
        raise BundleError(f"{folder} is no bundle: it has no {MANIFEST}")
    manifest = _read(folder, MANIFEST, None)
    told = _entries(folder, manifest)
    for name in _there(folder):
        if name != MANIFEST and name not in told:
            raise BundleRefused(
                f"{folder} has the file {name!r}, of which its manifest knows nothing"
            )
    files = {}
    for name, (sha256, size) in told.items():
        content = _read(folder, name, size)
        if hashlib.sha256(content).hexdigest() != sha256:
            raise BundleRefused(f"{folder / name} was changed: it is not the file of the manifest")
        files[name] = content
    return Contents(files, _sha256(manifest))


def _sha256(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _entries(folder: Path, manifest: bytes) -> dict[str, tuple[str, int]]:
    """Of each file its sha256 and its bytes, by its name."""
    where = folder / MANIFEST
    try:
        told: Any = json.loads(manifest)
        version, files = told["bundle"], dict(told["files"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BundleRefused(f"{where} is no manifest of a bundle: {error}") from None
    if version != 1:
        raise BundleError(f"{where} is of version {version!r}; this cockpit knows version 1")
    if len(files) > MOST_FILES:
        raise BundleRefused(f"{where} names {len(files):,} files; there may be {MOST_FILES:,}")
    found: dict[str, tuple[str, int]] = {}
    for name, said in files.items():
        if not _is_plain(name):
            raise BundleRefused(f"{where} names {name!r}, which leads out of the folder")
        sha256 = said.get("sha256") if isinstance(said, dict) else None
        size = said.get("bytes") if isinstance(said, dict) else None
        if not (isinstance(sha256, str) and _DIGEST.fullmatch(sha256) and type(size) is int):
            raise BundleRefused(f"{where} does not say what {name!r} is")
        found[name] = (sha256, size)
    return found


def _is_plain(name: str) -> bool:
    """Whether it is a path below the folder, and no other way to write one."""
    parts = name.split("/")
    return all(part not in ("", ".", "..") for part in parts) and not re.search(r"[\\\0]", name)


def _there(folder: Path) -> Iterator[str]:
    """The files below a folder; raises `BundleRefused` at a link."""
    for place, folders, names in os.walk(folder):
        for name in (*folders, *names):
            path = os.path.join(place, name)
            if os.path.islink(path):
                raise BundleRefused(f"{path} is a link: a bundle holds its files itself")
        for name in names:
            yield os.path.relpath(os.path.join(place, name), folder).replace(os.sep, "/")


def _read(folder: Path, name: str, size: int | None) -> bytes:
    """A regular file's content; `size` is what it is to have."""
    path = folder / name
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise BundleRefused(f"{path} is missing, which the manifest names") from None
    except OSError as error:
        raise BundleRefused(f"{path} cannot be read: {error.strerror}") from None
    with open(descriptor, "rb") as file:
        seen = os.fstat(descriptor)
        if not stat.S_ISREG(seen.st_mode):
            raise BundleRefused(f"{path} is no regular file")
        if size is not None and seen.st_size != size:
            raise BundleRefused(f"{path} has {seen.st_size:,} bytes; its manifest says {size:,}")
        if size is None and seen.st_size > _LONGEST_MANIFEST:
            raise BundleRefused(f"{path} has {seen.st_size:,} bytes, too many for a manifest")
        return file.read(seen.st_size)


def first_words(error: BaseException) -> str:
    """What a library raised, in a line."""
    return (" ".join(str(error).split()) or type(error).__name__)[:200]
