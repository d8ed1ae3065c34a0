"""Whether a spool's writer still runs, on this machine or on another.

On the machine of the writer the kernel itself answers: the writer holds a flock. From elsewhere, where a
flock tells nothing, a lease does: a writer at work touches its spool every `TOUCH_SECONDS`, and one that
shows no sign of life for `LEASE_SECONDS` is gone. Which of the two it is stands in the spool's first line.
A writer from before this machine was started anew is gone at once.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from storage import spool
from storage.events import BadLine, WriterBegan, decode
from storage.machine import boot, host, uptime

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout

LEASE_SECONDS = 120.0
GRACE_SECONDS = 86_400.0
_FIRST_LINE = 4096


def read_signature(file: Path) -> WriterBegan | None:
    """Who began a spool; None where its first line does not say."""
    try:
        with file.open("rb") as stream:
            event = decode(stream.readline(_FIRST_LINE))
    except (FileNotFoundError, BadLine):
        return None
    return event if isinstance(event, WriterBegan) else None


def born(layout: Layout, file: str) -> float:
    """When the writer of a spool file began, in seconds since 1970; 0 where its spool does not say."""
    began = read_signature(layout.segment(file.partition("-")[0]))
    return 0.0 if began is None else began.time


def is_alive(layout: Layout, writer: str) -> bool:
    """Whether the process that owns this spool still runs, as far as can be told from here."""
    return spool.is_alive(layout, writer) or _spoke(layout, writer, LEASE_SECONDS)


def may_write(layout: Layout, writer: str) -> bool:
    """Whether this spool may grow again: a writer on another machine could merely have been stopped."""
    return spool.is_alive(layout, writer) or _spoke(layout, writer, GRACE_SECONDS)


def _spoke(layout: Layout, writer: str, within: float) -> bool:
    """Whether a writer on another machine showed a sign of life in the last so many seconds."""
    file = layout.segment(writer)
    began = read_signature(file)
    if began is None or began.boot == boot():  # of a writer here the flock has told
        return False
    silent = _seconds_silent(layout, file)
    # This machine was started anew since, and what ran on it before is gone; another of the same name
    # that is at work speaks more often than machines start.
    return silent < within and not (began.host == host() and silent > uptime())


def _seconds_silent(layout: Layout, file: Path) -> float:
    try:
        return _file_time(layout) - file.stat().st_mtime
    except FileNotFoundError:
        return LEASE_SECONDS


def _file_time(layout: Layout) -> float:
    """The clock that also stamps the spools: the file server's, which need not agree with ours."""
    with contextlib.suppress(OSError):  # a folder that cannot be written: our own clock has to do
        os.utime(layout.lock)
        return layout.lock.stat().st_mtime
    return time.time()
