"""The store: take its lock, open DuckDB for some milliseconds, fold the spools in, ask, close."""

from __future__ import annotations

import contextlib
import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from storage import liveness, spool
from storage.drain import drain, pending, settle_lost
from storage.engine import lent
from storage.faults import (
    StoreBusy,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreMissing,
    StoreReadOnly,
    StoreTooNew,
    explain,
    holder,
    is_stale_wal,
    program,
)
from storage.locking import RETRY_SECONDS, locked
from storage.migrations import migrate, version
from storage.mounts import network_file_system
from storage.retention import retire
from storage.session import Session, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.engine import Engine
    from storage.layout import Layout

__all__ = [
    "Held",
    "Store",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreMissing",
    "StoreReadOnly",
    "StoreTooNew",
]


class Held:
    """The store's lock, ours: its database may be opened, and its file replaced while it is not."""

    def __init__(self, layout: Layout, writable: bool, deadline: float) -> None:
        self.layout = layout
        self.writable = writable
        self._deadline = deadline

    @contextmanager
    def session(self, fold: bool = True, settle: bool = True) -> Iterator[Session]:
        """Open, migrate, `fold` the spools in, and `settle` the runs whose process died."""
        notices = [] if self.writable else [f"{self.layout.root} cannot be written"]
        if self.writable and not self.layout.database.exists():
            self.create(self.layout.fresh)
            self.layout.fresh.replace(self.layout.database)
        try:
            with self._open(self.layout.database, notices) as session:
                session.notices = notices
                migrate(session)
                if fold:
                    self._take_in(session, settle)
                yield session
        except duckdb.Error as error:
            if (fault := explain(error, self.layout)) is not None:
                raise fault from error
            raise

    def replace(self, file: Path) -> None:
        """Put `file` in the database's place, whole or not at all; no session may be open."""
        if self.layout.log_ahead.exists():
            raise StoreError(f"{self.layout.log_ahead} is still there; nothing was replaced")
        with file.open("rb") as written:
            os.fsync(written.fileno())
        file.replace(self.layout.database)
        sync_folder(self.layout.root)

    def _take_in(self, session: Session, settle: bool) -> None:
        if self.writable:
            drain(session)
            if settle:
                settle_lost(session)
            retire(session)
            session.notices += _network(self.layout)
        elif unread := sum(file.size - file.position for file in pending(session)):
            session.notices[0] += f": the newest events ({unread:,} bytes) are not shown"

    def create(self, file: Path) -> None:
        """Make an empty database; never in its place, where half of it would be a damaged one."""
        file.unlink(missing_ok=True)
        with self._open(file, []) as session:
            migrate(session)

    def verify(self, file: Path) -> None:
        """Read a file whole, to see whether it is a store's database of a schema that is known.

        Raises `StoreTooNew`, or `StoreDamaged` for whatever else it is.
        """
        with self._open(file, []) as session:
            if version(session) == 0:
                raise StoreDamaged(f"{file} holds no runs and sweeps")
            try:
                for (table,) in session.rows("select table_name from duckdb_tables()"):
                    session.rows(f'select bit_xor(hash(t)) from "{table}" t')
            except duckdb.Error as error:
                raise StoreDamaged(f"{file} cannot be read: {error}") from error

    @contextmanager
    def _open(self, file: Path, notices: list[str]) -> Iterator[Session]:
        if not self.writable and not file.exists():
            raise StoreReadOnly(
                f"{self.layout.root} cannot be written, and nobody has folded its spools in yet"
            )
        with lent(self.layout.temporary if self.writable else None) as engine:
            connection = self._attach(engine, file, notices)
            yield Session(connection, self.layout, read_only=not self.writable)
            engine.detach()

    def _attach(self, engine: Engine, file: Path, notices: list[str]) -> duckdb.DuckDBPyConnection:
        while True:
            try:
                return engine.attach(file, read_only=not self.writable)
            except duckdb.Error as error:
                if is_stale_wal(error) and self.writable and file == self.layout.database:
                    notices.append(_set_log_aside(self.layout))
                    continue
                pid = holder(error)
                if pid is None:
                    raise (explain(error, self.layout, opening=True) or error) from error
                if time.monotonic() > self._deadline:
                    raise StoreBusy(
                        f"{file} is held open by {program(pid)}, which is not cockpit; close "
                        "that program, then try again (a running sweep goes on meanwhile)"
                    ) from error
                time.sleep(RETRY_SECONDS)


class Store:
    """One store folder."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._gone: set[str] = set()

    def stamp(self) -> tuple[int, ...]:
        """A few numbers, by stat calls alone, that differ once there is something new to read."""
        found = spool.segments(self.layout)
        return (
            len(found),
            sum(size for _, size in found),
            hash(tuple(found)),
            len(self._alive(found)),
            _inode(self.layout.database),
            # A segment that came and was taken in between two looks is told by its folder alone.
            _changed(self.layout.spool),
        )

    @contextmanager
    def session(self, timeout: float = 5.0) -> Iterator[Session]:
        """Lock, open, migrate, drain; closed again when the block ends.

        `timeout` in seconds. Raises `StoreMissing`, `StoreBusy`, `StoreTooNew`, `StoreDamaged`,
        `StoreFull` or `StoreReadOnly`. A folder that cannot be written is read as it stands, and
        `Session.notices` says so.
        """
        with self.held(timeout) as held, held.session() as session:
            yield session

    @contextmanager
    def held(self, timeout: float = 5.0) -> Iterator[Held]:
        """Lock only. Raises `StoreMissing` or `StoreBusy`."""
        if not self.layout.exists():
            raise StoreMissing(f"there is no run store at {self.layout.root}")
        deadline = time.monotonic() + timeout
        with locked(self.layout, deadline) as writable:
            yield Held(self.layout, writable, deadline)

    def _alive(self, found: list[tuple[str, int]]) -> set[str]:
        # One that has written nothing may still be about to lock its spool.
        writers = {name.partition("-")[0] for name, size in found if size} - self._gone
        alive = {writer for writer in writers if liveness.is_alive(self.layout, writer)}
        self._gone |= writers - alive
        return alive


def _set_log_aside(layout: Layout) -> str:
    aside = layout.new_backup("stale-log").with_suffix(".wal")
    layout.log_ahead.replace(aside)
    return f"a log that belongs to another database lay beside {layout.database}; it is now {aside}"


def _network(layout: Layout) -> list[str]:
    kind = network_file_system(layout.root)
    if kind is None or layout.network_told.exists():
        return []
    layout.network_told.touch()
    return [
        f"{layout.root} lies on a network file system ({kind}): open it from one machine at a time, "
        "or keep it on a local disk; its locks are not to be trusted between machines"
    ]


def _changed(folder: Path) -> int:
    """When a file came into the folder last, or went, in nanoseconds."""
    with contextlib.suppress(FileNotFoundError):
        return folder.stat().st_mtime_ns
    return 0


def _inode(file: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return file.stat().st_ino
    return 0
