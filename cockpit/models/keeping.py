"""Keeps a bundle in the store: whole or not at all, whatever becomes of the run that saved it, or of this process.

It is written into a folder beside its place, whose name begins with a point, and then renamed. Whoever writes
there holds a lock (flock) on that folder: one that nobody holds is what somebody left who was killed, and the
next promotion takes it away, or `cockpit store compact`.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.models.bundle import BundleError, digest, load_bundle
from storage.session import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

AT_ONCE = 8


def keep_bundle(source: Path, target: Path, wanted: str) -> None:
    """Have the bundle with the digest `wanted` at `target`; it is copied from `source` where it is not yet.

    Raises `BundleError`.
    """
    if _is_kept(target, wanted):
        return
    contents = load_bundle(source, digest=wanted).contents
    manifest = (source / "manifest.json").read_bytes()
    try:
        with _partial(target) as partial:
            for name, content in {**contents.files, "manifest.json": manifest}.items():
                place = partial / name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)
            _sync(partial)
            if digest(partial) != wanted:
                raise BundleError(f"{source} was changed while it was read; nothing was promoted")
            with _locked(target.parent, wait=True):
                if _is_kept(target, wanted):
                    return  # by somebody who was faster, and whose version may be live already
                shutil.rmtree(target, ignore_errors=True)
                partial.rename(target)
            sync_folder(target.parent)
    except OSError as error:
        raise BundleError(f"{target} cannot be written: {error.strerror or error}") from error


def _is_kept(target: Path, wanted: str) -> bool:
    try:
        load_bundle(target, digest=wanted)
    except BundleError:
        return False
    return True


def sweep_strays(folder: Path) -> int:
    """Take away what those left who were killed while they kept a bundle in `folder`; how many there were."""
    swept = 0
    for name in _hidden(folder):
        with _locked(folder / name) as held:
            if held:
                shutil.rmtree(folder / name, ignore_errors=True)
                swept += 1
    return swept


def _hidden(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [one.name for one in entries if one.name[0] == "." and one.is_dir()]
    except FileNotFoundError:
        return []


@contextmanager
def _partial(target: Path) -> Iterator[Path]:
    """A new folder beside `target`, with its lock held; gone afterwards, if it was not renamed."""
    while True:
        folder = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
        folder.mkdir(parents=True)
        with _locked(folder) as held:
            if not held or not folder.exists():
                continue  # a sweep saw it in the moment before it was locked
            try:
                yield folder
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            return


@contextmanager
def _locked(folder: Path, wait: bool = False) -> Iterator[bool]:
    """Whether nobody else holds the folder's lock, or not any more; it is held while this lasts then."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        yield False
        return
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        free = True
    except BlockingIOError:
        free = False
    try:
        yield free
    finally:
        os.close(descriptor)


def _sync(folder: Path) -> None:
    """Bring all of it to the disk, files and folders; at once, so that one wait for its journal serves several."""
    paths = [Path(place, name) for place, _, names in os.walk(folder) for name in (*names, "")]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(sync_folder, paths))
