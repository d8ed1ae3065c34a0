"""The store: take its lock, open DuckDB for some milliseconds, fold the spools in, ask, close."""

from __future__ import annotations

import contextlib
import os
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from storage import liveness, spool
from storage.drain import drain, pending, settle_lost
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

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from storage.layout import Layout

__all__ = [
    "Frame",
    "Held",
    "Session",
    "Store",
    "StoreBusy",
    "StoreDamaged",
    "StoreError",
    "StoreFull",
    "StoreMissing",
    "StoreReadOnly",
    "StoreTooNew",
    "sync_folder",
]

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",
    "threads": "2",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


class Frame:
    """A polars frame as DuckDB can read it without pyarrow: through the Arrow stream interface."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


class Session:
    """An open store, everything acknowledged so far folded in."""

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, layout: Layout, read_only: bool = False
    ) -> None:
        self._connection = connection
        self.layout = layout
        self.read_only = read_only
        self.notices: list[str] = []
        """Sentences for whoever looks, about the store itself; empty as a rule."""

    def frame(self, sql: str, **params: Any) -> pl.DataFrame:
        """Ask; `$name` in the SQL takes the parameter of that name."""
        return pl.DataFrame(self._connection.sql(sql, params=params or None))

    def rows(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        """Ask for a few rows as tuples."""
        return self._connection.execute(sql, params or None).fetchall()

    def has_table(self, name: str) -> bool:
        """Found out by asking it: DuckDB's own list of tables takes 6 ms on a large store."""
        try:
            self.rows(f'select 1 from "{name}" limit 0')
        except duckdb.CatalogException:
            return False
        return True

    def write(self, sql: str, frame: pl.DataFrame | None = None, **params: Any) -> None:
        """Change the tables; `frame` is the table `incoming` in the SQL."""
        if frame is not None:
            self._connection.register("incoming", Frame(frame))
        self._connection.execute(sql, params or None)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing."""
        self._connection.execute("begin")
        try:
            yield
        except BaseException:
            self._connection.execute("rollback")
            raise
        self._connection.execute("commit")

    @contextmanager
    def attached(self, file: Path, name: str, read_only: bool = True) -> Iterator[None]:
        """Have the tables of another database file at hand as `name.table`."""
        options = " (read_only)" if read_only else ""
        self.write(f"attach {_quoted(str(file))} as {name}{options}")
        try:
            yield
        finally:
            self.write(f"detach {name}")

    def copy_to(self, file: Path) -> None:
        """Write the database as it stands into a new file, packed; replaces `file`, whole or not at all.

        Raises `StoreFull`, or `StoreError` where the file cannot be written.
        """
        partial = file.with_name(f"{file.name}.partial")
        partial.unlink(missing_ok=True)
        here = self.rows("select current_database()")[0][0]
        try:
            with self.attached(partial, "copy_of_store", read_only=False):
                self.write(f'copy from database "{here}" to copy_of_store')
            with partial.open("rb") as written:
                os.fsync(written.fileno())
            partial.replace(file)
        except duckdb.Error as error:
            if isinstance(fault := explain(error, self.layout), StoreFull):
                raise StoreFull(
                    f"there is no room for {file}; make some, then try again"
                ) from error
            raise fault or StoreError(f"{file} cannot be written: {error}") from error
        finally:
            partial.unlink(missing_ok=True)
        sync_folder(file.parent)


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
        connection = self._connect(self.layout.database, notices)
        try:
            session = Session(connection, self.layout, read_only=not self.writable)
            session.notices = notices
            migrate(session)
            if fold:
                self._take_in(session, settle)
            yield session
        except duckdb.Error as error:
            if (fault := explain(error, self.layout)) is not None:
                raise fault from error
            raise
        finally:
            connection.close()

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
        with closing(self._connect(file, [])) as connection:
            migrate(Session(connection, self.layout))

    def verify(self, file: Path) -> None:
        """Read a file whole, to see whether it is a store's database of a schema that is known.

        Raises `StoreTooNew`, or `StoreDamaged` for whatever else it is.
        """
        with closing(self._connect(file, [])) as connection:
            session = Session(connection, self.layout)
            if version(session) == 0:
                raise StoreDamaged(f"{file} holds no runs and sweeps")
            try:
                for (table,) in session.rows("select table_name from duckdb_tables()"):
                    session.rows(f'select bit_xor(hash(t)) from "{table}" t')
            except duckdb.Error as error:
                raise StoreDamaged(f"{file} cannot be read: {error}") from error

    def _connect(self, file: Path, notices: list[str]) -> duckdb.DuckDBPyConnection:
        config = dict(_SETTINGS)
        if self.writable:
            config["temp_directory"] = str(self.layout.temporary)
        elif not file.exists():
            raise StoreReadOnly(
                f"{self.layout.root} cannot be written, and nobody has folded its spools in yet"
            )
        while True:
            try:
                return duckdb.connect(str(file), read_only=not self.writable, config=config)
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
        writers = {name.partition("-")[0] for name, _ in found} - self._gone
        alive = {writer for writer in writers if liveness.is_alive(self.layout, writer)}
        self._gone |= writers - alive
        return alive


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk: a renamed file is only then where it was renamed to."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


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


def _inode(file: Path) -> int:
    with contextlib.suppress(FileNotFoundError):
        return file.stat().st_ino
    return 0


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
