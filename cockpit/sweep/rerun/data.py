"""The data files of a run: the same as then, and where the run finds them."""

from __future__ import annotations

import os
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.data.files import DataError, content_of, files_of
from cockpit.sweep.provenance.data import ALGORITHM, Hashes
from cockpit.sweep.rerun.errors import RerunError
from cockpit.sweep.spec.files import is_pattern

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cockpit.sweep.rerun.checkout import Mirror
    from cockpit.sweep.rerun.original import Original
    from storage.layout import Layout


def bring(
    layout: Layout,
    original: Original,
    mirror: Mirror | None,
    force: bool,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Check each data file by its digest, and have it in the mirror; returns them as provenance has them.

    A file that the commit has as it was is taken from there. Raises `RerunError` where one has changed,
    unless `force`, or gone.
    """
    hashes = Hashes(layout.hashes)
    found = dict(original.provenance["data"])
    wrong, gone = [], False
    for name, then in found.items():
        path = Path(then["path"])
        kept = path.is_relative_to(layout.root)
        place = None if mirror is None or kept else mirror.place(path)
        if place is not None and _digest(hashes, place) == then["digest"]:
            continue
        now = _digest(hashes, path)
        if mirror is not None and now is not None and not kept:
            _link(mirror, path, place)
        if now == then["digest"]:
            continue
        if not then["digest"].startswith(f"{ALGORITHM}:"):
            say(f"whether [data] {name} is as it was cannot be told: its digest is of another kind")
            continue
        wrong.append(f"[data] {name}: {_what(path, then, now)}")
        found[name] = {**then, "digest": now}
        gone = gone or now is None
    hashes.save()
    if wrong and (gone or not force):
        advice = [] if gone else ["--force makes the run again on what is there"]
        raise RerunError("\n".join([*wrong, *advice]))
    for line in wrong:
        say(line)
    return found


def _link(mirror: Mirror, path: Path, place: Path | None) -> None:
    """Have a file in the mirror, or all files that answer to a pattern and no others."""
    files = files_of(path)
    for file in files:
        mirror.link(file)
    if place is not None and is_pattern(path):
        wanted = {mirror.place(file) for file in files}
        for left in map(Path, glob(os.fspath(place), recursive=True)):
            if left not in wanted:
                left.unlink()


def _digest(hashes: Hashes, path: Path) -> str | None:
    try:
        return content_of(path, hashes).digest
    except DataError:
        return None


def _what(path: Path, then: Mapping[str, Any], now: str | None) -> str:
    if now is None:
        return f"{path} cannot be read any more"
    was, is_now = then["digest"].split(":")[1][:12], now.split(":")[1][:12]
    return f"{path} has changed since: its content was {was}… and is {is_now}…"
