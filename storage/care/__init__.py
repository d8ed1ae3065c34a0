"""Keeps a store small and safe: compact, back up, restore. Each leaves the old or the new, never half of it."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage import retention
from storage.faults import StoreDamaged, StoreError, StoreFull, StoreReadOnly, StoreTooNew
from storage.session import sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.layout import Layout
    from storage.session import Session
    from storage.store import Held, Store

PATIENCE = 30.0
"""Seconds that care waits for the lock: nobody stands at a screen for it."""


KEPT = 3
"""How many of the databases that a restore replaced are kept."""


@dataclass(frozen=True, slots=True)
class Compacted:
    """What a compaction gave back."""

    before: int
    """Bytes of the database and all spools."""
    after: int
    removed: retention.Removed
    kept: int
    """Drained spools that stay, because no check has proven them yet."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A copy of the database."""

    file: Path
    bytes: int
    sweeps: int
    runs: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore brought back."""

    aside: Path | None
    """Where the database that was there is now."""
    sweeps: int
    runs: int
    folded: int
    """Bytes of spools that were folded in beyond what the backup knew."""
    missing: tuple[str, ...]
    """Spools that the earlier database had read further than the backup, and that were removed since."""


def compact(store: Store, purge: bool = False, timeout: float = PATIENCE) -> Compacted:
    """Rewrite the database without its holes, and remove the drained spools that are proven (`purge`: all).

    Raises what `Store.session` raises.
    """
    layout = store.layout
    with _held_to_write(store, timeout) as held:
        before = layout.size()
        retention.bring_back(layout)
        with held.session() as session:
            removed = retention.remove(session, proven_only=not purge)
            retention.clear_folders(session)
            session.copy_to(layout.fresh)
        if layout.fresh.stat().st_size < layout.database.stat().st_size:
            held.replace(layout.fresh)
        layout.fresh.unlink(missing_ok=True)
        kept = len(retention.drained_files(layout))
        return Compacted(before, layout.size(), removed, kept)


def back_up(store: Store, file: Path, force: bool = False, timeout: float = PATIENCE) -> Backup:
    """Write a copy of the database, all that is acknowledged folded in; alone it is enough to restore.

    Raises `StoreError` where `file` exists and `force` is not given.
    """
    _check_target(file, force)
    with store.session(timeout) as session:
        if not session.read_only:
            sweeps, runs = _counts(session)
            try:
                session.copy_to(file)
            except OSError as error:
                raise StoreError(f"{file} cannot be written: {error.strerror}") from error
            return Backup(file, file.stat().st_size, sweeps, runs)
    raise StoreReadOnly(f"{store.layout.root} cannot be written, so its spools were not folded in")


def restore(store: Store, file: Path | None, timeout: float = PATIENCE) -> Restored:
    """Put a backup in the database's place, then fold in what the spools hold beyond it.

    Without a `file`, all is folded anew from the spools alone. The database that was there, damaged or not,
    is kept. Raises `StoreError` where `file` is no store's database, `StoreTooNew` where it is of a newer
    program.
    """
    layout = store.layout
    layout.create()
    with _held_to_write(store, timeout) as held:
        known = _settle_present(held)
        layout.fresh.unlink(missing_ok=True)
        if file is None:
            held.create(layout.fresh)
        else:
            _take_copy(held, file)
        retention.bring_back(layout)
        aside = _set_aside(layout)
        held.replace(layout.fresh)
        with held.session(fold=False) as session:
            positions = dict(session.rows("select file, position from spools"))
        with held.session() as session:
            now_known = dict(session.rows("select file, position from spools"))
            sweeps, runs = _counts(session)
        folded = sum(end - positions.get(name, 0) for name, end in now_known.items())
        missing = [name for name, end in known.items() if now_known.get(name, 0) < end]
        return Restored(aside, sweeps, runs, folded, tuple(sorted(missing)))


@contextmanager
def _held_to_write(store: Store, timeout: float) -> Iterator[Held]:
    with store.held(timeout) as held:
        if not held.writable:
            raise StoreReadOnly(f"{store.layout.root} cannot be written")
        yield held


def _check_target(file: Path, force: bool) -> None:
    if file.is_dir():
        raise StoreError(f"{file} is a folder; name a file in it")
    if not file.parent.is_dir():
        raise StoreError(f"{file.parent} does not exist; make it first")
    if not os.access(file.parent, os.W_OK):
        raise StoreError(f"{file.parent} cannot be written; name a file elsewhere")
    if file.exists() and not force:
        raise StoreError(f"{file} exists; name another file, or write over it with --force")


def _counts(session: Session) -> tuple[int, int]:
    sweeps, runs = session.rows(
        "select (select count(*) from sweeps), (select count(*) from runs)"
    )[0]
    return sweeps, runs


def _settle_present(held: Held) -> dict[str, int]:
    """Close the present database in peace, and say how far it had read each spool; nothing if damaged."""
    if not held.layout.database.exists():
        return {}
    try:
        with held.session() as session:
            return dict(session.rows("select file, position from spools"))
    except (StoreDamaged, StoreTooNew, StoreFull):
        return {}


def _take_copy(held: Held, file: Path) -> None:
    """Copy the backup beside the database, and see whether it is one before anything is replaced."""
    layout = held.layout
    try:
        shutil.copyfile(file, layout.fresh)
        log = file.with_name(f"{file.name}.wal")
        fresh_log = layout.fresh.with_name(f"{layout.fresh.name}.wal")
        fresh_log.unlink(missing_ok=True)
        if log.exists():  # somebody copied a database that was open
            shutil.copyfile(log, fresh_log)
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}") from error
    try:
        held.verify(layout.fresh)
    except StoreDamaged as error:
        raise StoreError(
            f"{file} is no backup of a cockpit store, or a damaged one; nothing was changed"
        ) from error


def _set_aside(layout: Layout) -> Path | None:
    """Keep the present database under a name with the time; it stays where it is, too."""
    if not layout.database.exists():
        return None
    aside = layout.new_backup("before-restore")
    try:
        aside.hardlink_to(layout.database)
    except OSError:  # a file system without hard links
        shutil.copyfile(layout.database, aside)
    for old in layout.kept_backups("before-restore-")[:-KEPT]:
        old.unlink()
        old.with_name(f"{old.name}.wal").unlink(missing_ok=True)
    if layout.log_ahead.exists():  # of a damaged database only: the others were closed in peace
        layout.log_ahead.replace(aside.with_name(f"{aside.name}.wal"))
    sync_folder(layout.backups)
    return aside
