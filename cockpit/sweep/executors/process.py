"""A process that runs an attempt, as the sweep sees it: its session, its deadlines, its end.

ChildProcess        what all of them have
├── WorkerProcess   runs the user's Python function, trial after trial; speaks over a socket
└── CommandProcess  runs the user's program, once (command.py); speaks by what it prints
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.sweep.durations import as_written
from cockpit.sweep.executors.guard import end_session, session_lives, session_members
from cockpit.sweep.executors.seam import ExecutorError, Outcome, Reply, State, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

Message = dict[str, Any]
"""What a process says: `say` names it, the rest are the fields of the event in seam.py."""

NEVER = float("inf")
LAST_WORD = 0.5
"""Seconds for what is left behind: for a worker after its connection broke, when as a rule it is
about to die; for what a command started and did not wait for."""
_SHELL = 128
"""A shell ends with this and the number of the signal that its child died of."""
_READS = 16
"""More than a pipe or a socket holds; someone who got away with the other end may write for ever."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a process was told to stop, and how long it may take, in seconds."""

    state: State
    reason: str
    grace: float


class ChildProcess:
    """A process in a session of its own, so that Ctrl-C in the terminal does not reach it.

    A subclass opens what it listens to, calls `_spawn`, and gives `descriptors`, `read`, `disconnect`
    and `_exited`. Nothing here waits: the executor watches `pidfd` and `descriptors`, calls `read`
    when one is readable, `look` when `due`, and `reap` when it is dead.
    """

    noun = "process"
    failure: type[ExecutorError] = ExecutorError
    """Raised where it cannot be started."""
    lingers = False
    """Its end is that of all it started: they get what is left of its grace, or `LAST_WORD`."""

    def __init__(self, serial: int) -> None:
        self.serial = serial
        self.ready = self.connected = False
        self.ended = False
        """There is nothing more to read."""
        self.tainted = False
        """A trial was broken off in it: what it holds in memory is not to be trusted."""
        self.task: Task | None = None
        self.stop: Stop | None = None
        self.limit = NEVER
        self.heard = 0
        """Bytes."""
        self.look_at = NEVER
        """When `look` is to be called (monotonic seconds)."""
        self.asked: int | None = None
        """The question it waits on."""
        self.followed: set[int] = set()
        """What the executor watches of `descriptors`."""
        self.died = False
        """Its pidfd said so."""
        self.began = time.monotonic()
        self._overtime_at = self._kill_at = NEVER
        self._killed = False
        self._linger_until: float | None = None
        self._cpu_seconds: float | None = None
        self._max_rss: int | None = None

    def _spawn(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdout: int,
        stderr: int,
        pass_fds: tuple[int, ...] = (),
        stdin: int | None = subprocess.DEVNULL,
        first: Callable[[], None] | None = None,
    ) -> None:
        """`first` is called in the new process, before it becomes the program."""
        try:
            self._popen = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=folder,
                env=environment,
                pass_fds=pass_fds,
                start_new_session=True,
                preexec_fn=first,
            )
        except OSError as error:
            text = f"{command[0]} cannot be started: {error.strerror}{_advice(command[0], error)}"
            raise self.failure(text) from error
        self.pid = self._popen.pid
        self.pidfd = _watch_death(self.pid)

    # What a subclass says

    def descriptors(self) -> Iterator[int]:
        """What becomes readable when there is something to `read`; asked anew after each read."""
        raise NotImplementedError

    def read(self) -> list[Message]:
        """What came, from one read: no process may keep the others waiting. Sets `heard`, `ended`."""
        raise NotImplementedError

    def look(self) -> list[Message]:
        """What no descriptor tells of; sets `look_at` anew."""
        return []

    def disconnect(self) -> None:
        """Closes what `descriptors` gave; clears `connected`. May come twice."""
        raise NotImplementedError

    def _exited(self, code: int) -> tuple[State, str | None]:
        """What it means for the task that it ended by itself with an exit code."""
        raise NotImplementedError

    def _why_killed(self) -> str:
        """Why the sweep itself ended it, where nobody asked for that."""
        return f"the {self.noun} was ended by the sweep"

    # What the executor asks

    @property
    def idle(self) -> bool:
        """Whether a task may be given to it."""
        sound = self.connected and not self.tainted and not self._killed
        return sound and self.task is None and self.stop is None

    @property
    def unsent(self) -> bool:
        """Whether something waits for room to be sent."""
        return False

    @property
    def due(self) -> float:
        """When something is to be done about it (monotonic seconds)."""
        return min(self._overtime_at, self._kill_at, self.look_at)

    @property
    def polled(self) -> bool:
        """Whether `is_over` is to be asked again and again, since nothing tells it."""
        return self.pidfd is None or self.died

    def begin(self, task: Task) -> None:
        self.began = time.monotonic()
        if task.timeout is not None:
            self.limit, self._overtime_at = task.timeout, self.began + task.timeout

    def answer(self, reply: Reply) -> None:
        """Answers the question it waits on; one that it no longer waits on is left alone."""

    def flush(self) -> None:
        """Send on what `unsent` says is left."""

    def overtime(self, now: float) -> bool:
        return self.task is not None and self._overtime_at <= now

    def overtime_reason(self) -> str:
        return f"ran longer than {as_written(self.limit)}"

    def overdue(self, now: float) -> bool:
        """Whether its time to end by itself is over."""
        return self._kill_at <= now

    def last_words(self) -> list[Message]:
        """Everything still unread, once it is dead."""
        messages: list[Message] = []
        for _ in range(_READS):
            before = self.heard
            if not self.connected or self.ended:
                break
            messages += self.read()
            if self.heard == before:
                break
        return messages

    def terminate(self, stop: Stop) -> None:
        """Asks it to end; one that has ended by itself keeps the end it has."""
        self._overtime_at = NEVER
        if self._is_dead():
            return
        self.stop, self.tainted = stop, True
        if not self.ready:
            self.kill()
            return
        self.hasten(stop.grace)
        # PermissionError is how macOS says that only a dead leader is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            self._ask_to_end()

    def _ask_to_end(self) -> None:
        """SIGTERM to its group, and to what it started in other groups, as `timeout` and jobs are."""
        others = [pid for pid in session_members(self.pid) if _group(pid) != self.pid]
        os.killpg(self.pid, signal.SIGTERM)
        for pid in others:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def hasten(self, grace: float) -> None:
        """A second request to stop may shorten the first one's grace, never lengthen it."""
        self._kill_at = min(self._kill_at, time.monotonic() + grace)

    def hang_up(self, grace: float) -> None:
        """Lets an idle one go; what runs a task is `terminate`d instead."""
        self.kill()

    def finish(self) -> None:
        """The trial is over."""
        self.task, self.asked, self._overtime_at = None, None, NEVER

    def kill(self) -> None:
        if not self._is_dead():
            self._killed = True
        self._linger_until = 0.0
        self._overtime_at = self._kill_at = self.look_at = NEVER
        self.end_session()

    def end_session(self) -> None:
        """SIGKILL to it and all it started. Until `reap` its number cannot be another's."""
        end_session(self.pid)

    def is_over(self) -> bool:
        """Whether it is dead, and so is what it started, or the time for that is up."""
        if not self._is_dead():
            return False
        if not self.lingers or self._killed:
            return True
        if self._linger_until is None:
            self._linger_until = self._kill_at if self.stop else time.monotonic() + LAST_WORD
        return self._linger_until <= time.monotonic() or not session_lives(self.pid)

    def reap(self) -> Outcome:
        """Call once it is over. Closes every descriptor; returns what its death means for a task."""
        self._collect(0)
        self.disconnect()
        if self.pidfd is not None:
            os.close(self.pidfd)
        state, reason = self._cause()
        seconds = time.monotonic() - self.began
        return Outcome(state, None, reason, seconds, self._cpu_seconds, self._max_rss)

    def _is_dead(self) -> bool:
        """Looks without reaping it, where the system can do that."""
        if self._popen.returncode is not None:
            return True
        if not hasattr(os, "waitid"):
            return self._collect(os.WNOHANG)
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def _collect(self, options: int) -> bool:
        if self._popen.returncode is None:
            pid, status, usage = os.wait4(self.pid, options)
            if pid == 0:
                return False
            self._popen.returncode = os.waitstatus_to_exitcode(status)
            unit = 1 if sys.platform == "darwin" else 1024
            self._max_rss = usage.ru_maxrss * unit
            self._cpu_seconds = usage.ru_utime + usage.ru_stime
        return True

    def _cause(self) -> tuple[State, str | None]:
        code = self._popen.returncode
        if self.stop:
            return self.stop.state, self.stop.reason
        if self.lingers and code == _SHELL + signal.SIGKILL:
            return "lost", f"a process of the {self.noun} was killed (SIGKILL), not by the sweep"
        if code >= 0:
            return self._exited(code)
        if code != -signal.SIGKILL:
            return "failed", f"the {self.noun} died of {_signal_name(-code)}"
        if self._killed:
            return "failed", self._why_killed()
        return "lost", f"the {self.noun} was killed (SIGKILL), not by the sweep"


def _advice(program: str, error: OSError) -> str:
    """The system's words name neither the line that a script lacks, nor the program that its first line names."""
    if error.errno == errno.ENOEXEC:
        return "; a script begins with a line like #!/bin/sh, or its interpreter is named before it"
    if error.errno == errno.ENOENT and os.path.isfile(program):
        return "; it is there, but not the program that its first line (#!) names"
    return ""


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def _signal_name(number: int) -> str:
    known = {member.value: member.name for member in signal.Signals}
    return known.get(number, f"signal {number}")


def _watch_death(pid: int) -> int | None:
    """A descriptor that becomes readable when the process dies; None where there is no such thing."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except (
        OSError
    ):  # an old kernel, or a sandbox that forbids it: its workers are looked at instead
        return None
