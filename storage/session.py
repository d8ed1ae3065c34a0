"""An open store: what can be asked of it and written to it while the lock is held."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb

from storage.expressions.names import quoted
from storage.faults import StoreError, StoreFull, explain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import polars as pl

    from storage.layout import Layout

_FEW = 2_048


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
        import polars as pl  # 20 MB, and most looks want rows

        return pl.DataFrame(self._connection.sql(sql, params=params or None))

    def rows(self, sql: str, **params: Any) -> list[tuple[Any, ...]]:
        """Ask for a few rows as tuples."""
        return self._connection.execute(sql, params or None).fetchall()

    def stream(self, sql: str, **params: Any) -> Iterator[tuple[Any, ...]]:
        """Ask for many rows as tuples, a few of them at a time; to be read to the end before anything else is asked."""
        found = self._connection.execute(sql, params or None)
        while rows := found.fetchmany(_FEW):
            yield from rows

    def schema(self) -> int:
        """How many migrations were applied; 0 where the database is empty."""
        try:
            found: int = self.rows("select max(version) from migrations")[0][0]
        except duckdb.CatalogException:  # DuckDB's own list of tables takes 6 ms on a large store
            return 0
        return found

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
        self.write(f"attach {quoted(str(file))} as {name}{options}")
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


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to the disk: a renamed file is only then where it was renamed to."""
    file = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)
