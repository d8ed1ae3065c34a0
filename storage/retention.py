"""What becomes of spools that are wholly in the tables: set aside at once, removed once proven.

A spool whose writer is gone and that has been folded in to its end moves to the drained folder, out of the
way of every reader. There it stays as a way back until a check has shown that all it says is in the tables.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage import liveness, spool
from storage.ids import to_text

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from storage.layout import Layout
    from storage.session import Session


@dataclass(frozen=True, slots=True)
class Removed:
    """Spool files that are no more."""

    files: int
    bytes: int


def retire(session: Session) -> None:
    """Set aside the spools that have nothing more to say."""
    layout = session.layout
    writers: dict[str, dict[str, int]] = {}
    for file, size in spool.segments(layout):
        writers.setdefault(file.partition("-")[0], {})[file] = size
    # Only of a writer that is gone is what it wrote all it will ever have written.
    gone = [files for writer, files in writers.items() if not liveness.may_write(layout, writer)]
    known = dict(session.rows("select file, position from spools")) if gone else {}
    for files in gone:
        if all(files.values()) and all(_is_read(layout.spool / f, known.get(f, 0)) for f in files):
            layout.drained.mkdir(exist_ok=True)
            # The first last: it is the one that tells whether the writer lives.
            for file in sorted(files, reverse=True):
                (layout.spool / file).rename(layout.drained / file)


def bring_back(layout: Layout) -> int:
    """Put the drained spools back among those that are read; returns how many there are."""
    files = drained_files(layout)
    for file in files:
        file.rename(layout.spool / file.name)
    return len(files)


def remove(session: Session, proven_only: bool = True) -> Removed:
    """Remove drained spools for good: those that a check has proven, or all of them."""
    layout = session.layout
    proven = set(session.rows("select file, bytes from retired where proven is not null"))
    held = [(file.name, file.stat().st_size) for file in drained_files(layout)]
    gone = [entry for entry in held if not proven_only or entry in proven]
    _note(session, gone, "removed")
    for file, _ in gone:
        (layout.drained / file).unlink()
    return Removed(len(gone), sum(size for _, size in gone))


def note_proven(session: Session, files: Iterable[tuple[str, int]]) -> None:
    """Remember that all these drained files (name, bytes) say is in the tables."""
    _note(session, list(files), "proven")


def _note(session: Session, files: list[tuple[str, int]], what: str) -> None:
    import polars as pl

    schema = {"file": pl.String, "bytes": pl.Int64}
    frame = pl.DataFrame(files, schema=schema, orient="row")
    with session.transaction():
        session.write(_NEW, frame)
        session.write(
            f"update retired set {what} = now() at time zone 'UTC' from incoming"
            " where retired.file = incoming.file and retired.bytes = incoming.bytes",
            frame,
        )


_NEW = """
insert into retired (file, bytes) select file, bytes from incoming anti join retired using (file, bytes)
"""


def clear_folders(session: Session) -> None:
    """Remove the folders of runs that were deleted for good, also after a purge that was killed."""
    folders = {folder.name: folder for folder in session.layout.run_folders()}
    gone = session.rows("select id from deleted")
    for key in folders.keys() & {to_text(identity) for (identity,) in gone}:
        shutil.rmtree(folders[key])


def drained_files(layout: Layout) -> list[Path]:
    """The spools that were set aside."""
    return sorted(layout.drained.glob("*.ndjson"))


def _is_read(file: Path, position: int) -> bool:
    """Whether nothing is unread but a line that the writer did not finish."""
    with file.open("rb") as stream:
        stream.seek(position)
        return not any(line.endswith(b"\n") for line in stream)
