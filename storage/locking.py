"""The store's lock: a flock on one file, held for as long as somebody has the database open."""

from __future__ import annotations

import fcntl
import os
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.faults import StoreBusy, StoreError, program

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout

RETRY_SECONDS = 0.01


@contextmanager
def locked(layout: Layout, deadline: float) -> Iterator[bool]:
    """Hold the lock; yields whether the store can be written. `deadline` is of the monotonic clock.

    A folder that cannot be written is shared with other readers; where it has no lock file either,
    DuckDB's own lock has to do. Raises `StoreBusy`.
    """
    writable = layout.is_writable()
    if not writable and not layout.lock.exists():
        yield False
        return
    try:
        file = os.open(layout.lock, os.O_CREAT | os.O_RDWR if writable else os.O_RDONLY, 0o644)
    except PermissionError as error:
        raise StoreError(f"{layout.root} may not be read by you: {error.strerror}") from error
    try:
        kind = fcntl.LOCK_EX if writable else fcntl.LOCK_SH
        with _next_in_line(file, layout, deadline, writable):
            _wait(file, file, kind, layout, deadline)
        if writable:
            os.ftruncate(file, 0)
            os.pwrite(file, f"{os.getpid()} {socket.gethostname()}\n".encode(), 0)
        yield writable
    finally:
        os.close(file)


@contextmanager
def _next_in_line(file: int, layout: Layout, deadline: float, writable: bool) -> Iterator[None]:
    """Wait behind whoever waits already: one that lets go and takes again at once would starve them."""
    if not writable:
        yield
        return
    line = os.open(layout.line, os.O_CREAT | os.O_RDWR, 0o644)
    try:
        _wait(line, file, fcntl.LOCK_EX, layout, deadline)
        yield
    finally:
        os.close(line)


def _wait(wanted: int, lock: int, kind: int, layout: Layout, deadline: float) -> None:
    """Take a flock on `wanted`; where that takes too long, `lock` says who has the store."""
    if not taken(wanted, kind, deadline):
        raise StoreBusy(
            f"the store {layout.root} is held by {_holder(lock)}; try again in a moment"
        )


def taken(file: int, kind: int, deadline: float) -> bool:
    """Take a flock, waiting for it until `deadline` (of the monotonic clock); False where it was not to be had."""
    while True:
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                return False
            time.sleep(RETRY_SECONDS)
        else:
            return True


def _holder(file: int) -> str:
    pid, _, host = os.pread(file, 300, 0).decode("utf-8", "replace").strip().partition(" ")
    if not pid.isdigit():
        return "another program"
    return program(int(pid)) if host == socket.gethostname() else f"pid {pid} on {host}"
