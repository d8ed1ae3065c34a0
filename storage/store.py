"""The store: take its lock, open DuckDB for some milliseconds, fold the spools in, ask, close.

StoreError
├── StoreMissing     there is no store here yet
├── StoreBusy        somebody else has it, and did not let go in time
├── StoreTooNew      a newer program wrote it
└── StoreDamaged     the database file is not what DuckDB left there
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from contextlib import contextmanager
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import duckdb
import polars as pl

from storage import spool
from storage.drain import drain, settle_lost
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",
    "threads": "2",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_RETRY_SECONDS = 0.01


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


class Frame:
    """A polars frame as DuckDB can read it without pyarrow: through the Arrow stream interface."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        return self._frame.__arrow_c_stream__(requested_schema)


class Session:
    """An open store, everything acknowledged so far folded in."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, layout: Layout) -> None:
        self._connection = connection
        self.layout = layout

    def frame(self, sql: str, **params: Any) -> pl.DataFrame:
        """Ask; `$name` in the SQL takes the parameter of that name."""
        return pl.DataFrame(self._connection.sql(sql, params=params or None))

    def rows(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        """Ask for a few rows as tuples."""
        return self._connection.execute(sql, params or None).fetchall()

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


class Store:
    """One store folder."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self._gone: set[str] = set()

    def stamp(self) -> tuple[int, ...]:
        """A few numbers, by stat calls alone, that differ once there is something new to read."""
        found = spool.segments(self.layout)
        return (len(found), sum(size for _, size in found), len(self._alive(found)))

    @contextmanager
    def session(self, timeout: float = 5.0) -> Iterator[Session]:
        """Lock, open, migrate, drain; closed again when the block ends.

        `timeout` in seconds. Raises `StoreMissing`, `StoreBusy`, `StoreTooNew` or `StoreDamaged`.
        """
        if not self.layout.exists():
            raise StoreMissing(f"there is no run store at {self.layout.root}")
        deadline = time.monotonic() + timeout
        with _locked(self.layout, deadline):
            connection = _connect(self.layout, deadline)
            try:
                session = Session(connection, self.layout)
                _migrate(session)
                drain(session)
                settle_lost(session)
                yield session
            finally:
                connection.close()

    def _alive(self, found: list[tuple[str, int]]) -> set[str]:
        writers = {name.partition("-")[0] for name, _ in found} - self._gone
        alive = {writer for writer in writers if spool.is_alive(self.layout, writer)}
        self._gone |= writers - alive
        return alive


@contextmanager
def _locked(layout: Layout, deadline: float) -> Iterator[None]:
    file = os.open(layout.lock, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    holder = os.pread(file, 32, 0).decode("ascii", "replace").strip()
                    raise StoreBusy(
                        f"the store {layout.root} is held by pid {holder or '?'}; try again in a moment"
                    ) from None
                time.sleep(_RETRY_SECONDS)
        os.ftruncate(file, 0)
        os.pwrite(file, b"%d\n" % os.getpid(), 0)
        yield
    finally:
        os.close(file)


def _connect(layout: Layout, deadline: float) -> duckdb.DuckDBPyConnection:
    config = {**_SETTINGS, "temp_directory": str(layout.temporary)}
    while True:
        try:
            return duckdb.connect(str(layout.database), config=config)
        except duckdb.IOException as error:
            holder = re.search(r"PID (\d+)", str(error))
            if holder is None:
                raise StoreDamaged(f"{layout.database} cannot be opened: {error}") from error
            if time.monotonic() > deadline:
                raise StoreBusy(
                    f"{layout.database} is held open by pid {holder[1]}, which is not cockpit; "
                    "close that program, then try again (a running sweep goes on meanwhile)"
                ) from error
            time.sleep(_RETRY_SECONDS)
        except duckdb.Error as error:
            raise StoreDamaged(f"{layout.database} cannot be opened: {error}") from error


def _migrate(session: Session) -> None:
    version = 0
    with contextlib.suppress(duckdb.CatalogException):  # a new database has no such table yet
        version = session.rows("select max(version) from migrations")[0][0]
    steps = sorted(
        (int(entry.name[:4]), entry)
        for entry in files("storage.schema").iterdir()
        if entry.name.endswith(".sql")
    )
    newest = steps[-1][0]
    if version > newest:
        raise StoreTooNew(
            f"{session.layout.root} was written by a newer cockpit (schema {version}, this one "
            f"knows {newest}); upgrade cockpit, or point --store elsewhere"
        )
    for number, entry in steps[version:]:
        with session.transaction():
            session.write(
                "create table if not exists migrations(version integer, applied timestamp)"
            )
            session.write(entry.read_text(encoding="utf-8"))
            session.write("insert into migrations values ($n, now()::timestamp)", n=number)
