"""A query with an end: it runs on a thread of its own, so that Ctrl-C and the clock can end it."""

from __future__ import annotations

from threading import Event, Thread
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    import duckdb

_Found = TypeVar("_Found")


class OutOfTime(Exception):
    """The query took longer than it may."""


def within(
    seconds: float, connection: duckdb.DuckDBPyConnection, work: Callable[[], _Found]
) -> _Found:
    """What `work` finds by this connection, which nobody else uses meanwhile; it is over when this returns.

    Raises `OutOfTime`, or what `work` raises.
    """
    return _Query(connection, work).within(seconds)


class _Query(Generic[_Found]):
    def __init__(self, connection: duckdb.DuckDBPyConnection, work: Callable[[], _Found]) -> None:
        self._connection = connection
        self._work = work
        self._found: list[_Found] = []
        self._error: BaseException | None = None
        self._ended = Event()

    def within(self, seconds: float) -> _Found:
        thread = Thread(target=self._run, name="query", daemon=True)
        thread.start()
        try:
            in_time = self._ended.wait(seconds)
        finally:
            self._stop()
            thread.join()
        if not in_time:
            raise OutOfTime
        if self._error is not None:
            raise self._error
        return self._found[0]

    def _stop(self) -> None:
        # Again and again: an interrupt between two of DuckDB's steps is forgotten.
        while not self._ended.is_set():
            self._connection.interrupt()
            self._ended.wait(0.05)

    def _run(self) -> None:
        try:
            self._found.append(self._work())
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()
