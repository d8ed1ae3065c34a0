"""What can be the matter with a store, in words for whoever has to set it right.

StoreError
├── StoreMissing     there is no store here yet
├── StoreBusy        somebody else has it, and did not let go in time
├── StoreTooNew      a newer program wrote it
├── StoreDamaged     the database file is not what DuckDB left there
├── StoreFull        the disk has no room for it
└── StoreReadOnly    its folder cannot be written, and what was asked needs that
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from storage.errors import UserError

if TYPE_CHECKING:
    from storage.layout import Layout

_DAMAGE = (
    "Corrupt database file",
    "not a valid DuckDB database",
    "Could not read enough bytes",
    "Failure while replaying WAL",
    "checksum",
)
_STALE_WAL = ("WAL does not match database file", "WAL checkpoint iteration does not match")


class StoreError(UserError):
    """Something about the store that the user has to know; the message is a sentence for them."""


class StoreMissing(StoreError):
    """There is no store here yet."""


class StoreBusy(StoreError):
    """Somebody else has the store, and did not let go in time."""


class StoreTooNew(StoreError):
    """A newer program wrote the store."""


class StoreDamaged(StoreError):
    """The database file is not what DuckDB left there."""


class StoreFull(StoreError):
    """The disk has no room for what the store has to write."""


class StoreReadOnly(StoreError):
    """The store's folder cannot be written, and what was asked needs that."""


def explain(error: Exception, layout: Layout, opening: bool = False) -> StoreError | None:
    """Say what an error of DuckDB means for the store; None where it is about a question, not the store.

    While `opening`, whatever cannot be read is damage.
    """
    text = str(error)
    if "No space left" in text or "could not allocate block" in text.lower():
        return StoreFull(
            f"the disk of {layout.root} is full; make room, then try again "
            "(what was acknowledged waits in the spools)"
        )
    if "Permission denied" in text or "Read-only file system" in text:
        return StoreReadOnly(f"{layout.database} may not be opened: {_first_line(text)}")
    if opening or any(sign in text for sign in _DAMAGE):
        return StoreDamaged(_damaged(layout, _first_line(text)))
    return None


def is_stale_wal(error: Exception) -> bool:
    """Whether DuckDB refuses because the log beside the database belongs to another file."""
    return any(sign in str(error) for sign in _STALE_WAL)


def holder(error: Exception) -> int | None:
    """The pid that DuckDB names as having the file open."""
    found = re.search(r"PID (\d+)", str(error))
    return int(found[1]) if found else None


def program(pid: int) -> str:
    """A process on this machine as `pid 4121 (cockpit runs)`, or by its pid alone."""
    try:
        words = (
            Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
        )
    except OSError:
        return f"pid {pid}"
    shown = " ".join(" ".join([Path(words[0]).name, *words[1:4]]).split())[:60]
    return f"pid {pid} ({shown})" if shown.isprintable() and shown else f"pid {pid}"


def _damaged(layout: Layout, why: str) -> str:
    kept = layout.kept_backups("schema-")
    file = shlex.quote(str(kept[-1])) if kept else "FILE"
    of = f"the newest of {len(kept)} backups kept here" if kept else "FILE is a backup of yours"
    return (
        f"{layout.database} cannot be opened: {why}\n"
        f"set it right with  cockpit store restore {file}  ({of}),\n"
        "or with  cockpit store restore --from-spools  (folds all spools in anew); "
        "the damaged file is kept aside"
    )


def _first_line(text: str) -> str:
    return text.strip().split("\n")[0][:300]
