"""Ends the workers, and what they started, when the driver is gone.

A process of its own in a session of its own, told on a pipe which process groups live. The pipe's
end means that the driver has ended, by whatever means: every group still listed is killed. Nothing
here waits for a worker's cooperation, so it does not matter who holds whose interpreter lock.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path


class Guard:
    """The driver's end of the pipe."""

    def __init__(self) -> None:
        self._groups: set[int] = set()
        self._process = _start()

    def add(self, group: int) -> None:
        self._groups.add(group)
        self._tell(f"+{group}\n")

    def remove(self, group: int) -> None:
        """Call before the group's leader is reaped: afterwards its number may be someone else's."""
        self._groups.discard(group)
        self._tell(f"-{group}\n")

    def close(self) -> None:
        """Ends the guard, and with it every group that was not removed; closes the pipe."""
        self._process.communicate()

    def _tell(self, line: str) -> None:
        try:
            _write(self._process, line)
        except BrokenPipeError:  # someone killed the guard: the workers must not go unguarded
            self.close()
            self._process = _start()
            _write(self._process, "".join(f"+{group}\n" for group in self._groups))


def _start() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-I", "-S", str(Path(__file__).resolve())],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        start_new_session=True,
        bufsize=0,
    )


def _write(process: subprocess.Popen[bytes], text: str) -> None:
    assert process.stdin is not None
    process.stdin.write(text.encode())


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        if line[0] == "+":
            groups.add(group)
        else:
            groups.discard(group)
    for group in groups:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
