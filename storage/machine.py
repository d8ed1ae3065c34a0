"""Which machine this is, and which process: what a spool's first line says of its writer."""

from __future__ import annotations

import os
import socket
import time
import uuid
from functools import cache
from pathlib import Path

from storage.events import WriterBegan

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@cache
def boot() -> str:
    """Name this machine since it was started; two containers of one kernel share it, as they do flocks."""
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"{host()}-{uuid.getnode():x}"


def host() -> str:
    """This machine's name, which another one may have too."""
    return socket.gethostname()


def uptime() -> float:
    """Seconds since this machine was started, its sleep included where the system tells that."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def signature() -> WriterBegan:
    """The first line of this process's spool."""
    return WriterBegan(host(), boot(), os.getpid(), time.time())
