"""DuckDB itself, kept at hand between two looks at a store.

To make an instance of DuckDB takes 11 ms and to end one 5; to take a file into one that is there, and to let
it go again, takes one. So an instance without a file of its own stays with the process after a session, and
the next session takes it. It holds no file, no lock and no data meanwhile.
"""

from __future__ import annotations

import atexit
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import duckdb

from storage.expressions.names import quoted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",
    # One look takes one core at most from what trains beside it, and is no slower for it.
    "threads": "1",
    # By default eight more wait to read ahead.
    "async_threads": "1",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}
_STORE = "store"


class Engine:
    """One instance of DuckDB, for one session at a time."""

    def __init__(self, spill: Path | None) -> None:
        self.spill = spill
        folder = "" if spill is None else str(spill)
        self._root = duckdb.connect(":memory:", config={**_SETTINGS, "temp_directory": folder})

    def attach(self, file: Path, read_only: bool) -> duckdb.DuckDBPyConnection:
        """Take a database in, made where it is not there; its tables can be named as they are."""
        options = " (read_only)" if read_only else ""
        self._root.execute(f"attach {quoted(str(file))} as {_STORE}{options}")
        self._root.execute(f"use {_STORE}")
        return self._root

    def detach(self) -> None:
        """Let the database go, all of it written to its file."""
        self._root.execute("use memory")
        self._root.execute(f"detach {_STORE}")

    def close(self) -> None:
        """End the instance, and with it whatever it still holds."""
        self._root.close()


_idle: list[Engine] = []


@contextmanager
def lent(spill: Path | None) -> Iterator[Engine]:
    """An engine that may spill to a folder; it ends with the block if that fails, for what it holds is unknown."""
    engine = _take(spill)
    try:
        with ctrl_c_as_such():
            yield engine
    except BaseException:
        engine.close()
        raise
    _idle.append(engine)
    while len(_idle) > 1:
        _end_one()


@contextmanager
def ctrl_c_as_such() -> Iterator[None]:
    """Ctrl-C that comes within one of DuckDB's calls, which says so by an error of its own, is a KeyboardInterrupt."""
    try:
        yield
    except BaseException as error:
        if _is_ctrl_c(error):
            raise KeyboardInterrupt from error
        raise


def _is_ctrl_c(error: BaseException | None) -> bool:
    while error is not None:
        if type(error) is RuntimeError and str(error) == "Query interrupted":
            return True
        error = error.__context__  # what was done about it may have failed too
    return False


def end_idle() -> None:
    """End the engine that nobody uses: a forked child could neither use nor end it."""
    while _idle:
        _end_one()


os.register_at_fork(before=end_idle)
atexit.register(end_idle)


def _take(spill: Path | None) -> Engine:
    try:
        engine = _idle.pop()
    except IndexError:  # none there, or another thread was quicker
        return Engine(spill)
    if engine.spill == spill:
        return engine
    engine.close()
    return Engine(spill)


def _end_one() -> None:
    try:
        _idle.pop(0).close()
    except IndexError:  # another thread was quicker
        return
