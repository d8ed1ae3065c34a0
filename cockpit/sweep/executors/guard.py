"""Ends the workers, and what they started, when the driver is gone.

A process of its own in a session of its own, told on a pipe which sessions live. The pipe's end means
that the driver has ended, by whatever means: every session still listed is killed. Nothing here waits
for a worker's cooperation, so it does not matter who holds whose interpreter lock.

What a worker starts belongs to its session, even in a process group of its own (as `timeout` and a
shell's jobs have), and even when its parent has gone. What makes a session of its own (as the processes
of torchrun do) ends with its parent where that is killed; only one whose parent has gone before, a
daemon, gets away.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

_HAS_PROC = os.path.isdir("/proc/self")
_ROUNDS = 5
"""One that forks while it is being looked for is found in the next."""


def session_members(leader: int) -> list[int]:
    """The processes in the session that `leader` leads, without the dead; where there is a /proc."""
    return [pid for pid in processes() if _session(pid) == leader and not _is_dead(pid)]


def session_lives(leader: int) -> bool:
    """Whether one of the session is alive. Where there is no /proc the dead leader counts as well."""
    if _HAS_PROC:
        return bool(session_members(leader))
    try:
        os.killpg(leader, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_session(leader: int) -> None:
    """SIGKILL to a session's processes and all below them.

    The leader must be alive, or dead and not yet reaped.
    """
    sessions = {leader}
    ended: set[int] = set()
    for _ in range(_ROUNDS):
        # Whose parent has been killed is nobody's any more: it is looked for before.
        there = len(sessions) > 1 or session_members(leader)
        members = _with_descendants(sessions) - ended if there else set()
        # PermissionError is how macOS says that only a dead leader is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)
        for pid in members:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        ended |= members
        if not members:
            return


def processes() -> list[int]:
    """All of this machine that are seen from here; none where there is no /proc."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()] if _HAS_PROC else []


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _with_descendants(sessions: set[int]) -> set[int]:
    """The living processes of sessions, and all below them; the sessions that those made are added."""
    parents = {pid: int(stat[1]) for pid in processes() if (stat := _stat(pid))}
    of = {pid: _session(pid) for pid in parents}
    members: set[int] = set()
    while True:
        found = {pid for pid, parent in parents.items() if of[pid] in sessions or parent in members}
        if found == members:
            return members
        members = found
        sessions |= {pid for pid in members if of[pid] == pid}


def _is_dead(pid: int) -> bool:
    return _stat(pid) is None


def _stat(pid: int) -> list[bytes] | None:
    """Of a process that lives: its state, its parent, and more."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b") ")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in b"ZX" else fields


class Guard:
    """The driver's end of the pipe."""

    def __init__(self) -> None:
        self._sessions: set[int] = set()
        self._process = _start()

    def add(self, session: int) -> None:
        self._sessions.add(session)
        self._tell(f"+{session}\n")

    def remove(self, session: int) -> None:
        """Call before the session's leader is reaped: afterwards its number may be someone else's."""
        self._sessions.discard(session)
        self._tell(f"-{session}\n")

    def close(self) -> None:
        """Ends the guard, and with it every session that was not removed; closes the pipe."""
        self._process.communicate()

    def _tell(self, line: str) -> None:
        try:
            _write(self._process, line)
        except BrokenPipeError:  # someone killed the guard: the workers must not go unguarded
            self.close()
            self._process = _start()
            _write(self._process, "".join(f"+{session}\n" for session in self._sessions))


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
    sessions: set[int] = set()
    for line in sys.stdin:
        session = int(line[1:])
        if line[0] == "+":
            sessions.add(session)
        else:
            sessions.discard(session)
    for session in sessions:
        end_session(session)


if __name__ == "__main__":
    main()
