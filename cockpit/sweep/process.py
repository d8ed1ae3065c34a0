"""One worker process as the sweep sees it: its socket, its process group, its deadlines."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.sweep.executor import ExecutorError, InterpreterError, Outcome, State, Task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_NEVER = float("inf")
_CHUNK = 1 << 18
_TAIL = 1 << 14
_CUT = (
    "the worker lost its connection to the sweep; "
    "does the training code close file descriptors that are not its own?"
)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a worker was told to stop, and how long it may take, in seconds."""

    state: State
    reason: str
    grace: float


class WorkerProcess:
    """A worker in a session of its own, so that Ctrl-C in the terminal does not reach it."""

    def __init__(
        self,
        serial: int,
        command: tuple[str, str],
        arguments: tuple[str, str, str],
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        self.serial = serial
        self.ready = self.connected = False
        self.ended = False
        """The worker's end of the socket was closed."""
        self.tainted = False
        """A trial was broken off in it: what it holds in memory is not to be trusted."""
        self.task: Task | None = None
        self.stop: Stop | None = None
        self.broken: ExecutorError | None = None
        self.printed = ""
        """What it printed before it was ready, or the end of that."""
        self.limit = _NEVER
        self.heard = 0
        """Bytes."""
        self._began = time.monotonic()
        self._overtime_at = self._kill_at = _NEVER
        self._killed = False
        self._max_rss: int | None = None
        self._inbox, self._outbox = bytearray(), bytearray()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when ready
        self.socket, theirs = socket.socketpair()
        try:
            self._popen = self._spawn(command, arguments, theirs, folder, environment)
        except BaseException:
            self.socket.close()
            self._output.close()
            raise
        finally:
            theirs.close()
        self.socket.setblocking(False)
        self.connected = True
        self.pid = self._popen.pid
        self.pidfd = _watch_death(self.pid)

    def _spawn(
        self,
        command: tuple[str, str],
        arguments: tuple[str, str, str],
        theirs: socket.socket,
        folder: Path,
        environment: Mapping[str, str],
    ) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(
                [*command, str(theirs.fileno()), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=self._output,
                cwd=folder,
                env=environment,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        except OSError as error:
            raise InterpreterError(f"{command[0]} cannot be started: {error.strerror}") from error

    @property
    def idle(self) -> bool:
        sound = self.connected and not self.tainted and not self._killed
        return sound and self.task is None and self.stop is None and self.broken is None

    @property
    def unsent(self) -> bool:
        return bool(self._outbox)

    @property
    def due(self) -> float:
        """When something is to be done about it (monotonic seconds)."""
        return min(self._overtime_at, self._kill_at)

    def descriptors(self) -> Iterator[socket.socket | int]:
        yield self.socket
        if self.pidfd is not None:
            yield self.pidfd

    def welcome(self) -> None:
        self.ready = True
        self._output.close()

    def begin(self, task: Task) -> None:
        self._began = time.monotonic()
        if task.timeout is not None:
            self.limit, self._overtime_at = task.timeout, self._began + task.timeout
        self.send({"number": task.number, "params": dict(task.params), "log": str(task.log)})

    def overtime(self, now: float) -> bool:
        return self.task is not None and self._overtime_at <= now

    def send(self, message: Mapping[str, Any]) -> None:
        self._outbox += json.dumps(message).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        # A worker that is gone is noticed by its socket's end and its pidfd.
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self._outbox and self.connected:
                del self._outbox[: self.socket.send(self._outbox)]

    def read(self) -> list[dict[str, Any]]:
        """The whole messages that have come, from one read: no worker may keep the others waiting."""
        try:
            data = self.socket.recv(_CHUNK)
        except BlockingIOError:
            return []
        except ConnectionResetError:
            data = b""
        self.ended = not data
        self.heard += len(data)
        self._inbox += data
        if b"\n" not in data:
            return []
        whole, _, rest = self._inbox.rpartition(b"\n")
        self._inbox = rest
        return [json.loads(line) for line in whole.split(b"\n")]

    def terminate(self, stop: Stop) -> None:
        """SIGTERM to the worker alone: its children's deaths would look like errors to the trial."""
        self.stop, self.tainted = stop, True
        self._overtime_at = _NEVER
        if not self.ready:
            self.kill()
            return
        self._kill_at = time.monotonic() + stop.grace
        os.kill(self.pid, signal.SIGTERM)

    def hang_up(self, grace: float) -> None:
        """Lets an idle worker end by itself, with what its code does at exit."""
        if self.idle and self.ready:
            self.socket.shutdown(socket.SHUT_WR)
            self.hasten(grace)
        else:
            self.kill()

    def disconnect(self, patience: float) -> None:
        """The connection is over. A worker that does not die of itself soon is killed."""
        self.connected = False
        self.socket.close()
        if not self._killed:
            self.hasten(patience)

    def hasten(self, grace: float) -> None:
        """A second request to stop may shorten the first one's grace, never lengthen it."""
        self._kill_at = min(self._kill_at, time.monotonic() + grace)

    def finish(self) -> None:
        """The trial is over."""
        self.task, self._overtime_at = None, _NEVER

    def kill(self) -> None:
        self._overtime_at = self._kill_at = _NEVER
        self._killed = True
        self.end_group()

    def end_group(self) -> None:
        """SIGKILL to it and all it started. Until `reap` the group's number cannot be another's."""
        # PermissionError is how macOS says that only a dead leader is left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)

    def is_dead(self) -> bool:
        """For systems without pidfd."""
        return self._collect(os.WNOHANG)

    def reap(self) -> Outcome:
        """Call once it is dead. Closes every descriptor; returns what its death means for a task."""
        self._collect(0)
        self.disconnect(0)
        if self.pidfd is not None:
            os.close(self.pidfd)
        if not self.ready:
            size = os.fstat(self._output.fileno()).st_size
            tail = os.pread(self._output.fileno(), _TAIL, max(0, size - _TAIL))
            self.printed = tail.decode(errors="replace")
            self._output.close()
        state, reason = self._cause()
        seconds = time.monotonic() - self._began
        return Outcome(state, reason=reason, seconds=seconds, max_rss=self._max_rss)

    def _collect(self, options: int) -> bool:
        if self._popen.returncode is None:
            pid, status, usage = os.wait4(self.pid, options)
            if pid == 0:
                return False
            self._popen.returncode = os.waitstatus_to_exitcode(status)
            unit = 1 if sys.platform == "darwin" else 1024
            self._max_rss = usage.ru_maxrss * unit
        return True

    def _cause(self) -> tuple[State, str]:
        code = self._popen.returncode
        if self.stop:
            return self.stop.state, self.stop.reason
        if code >= 0:
            when = "in mid-trial" if self.ready else "before it was ready"
            return "failed", f"the worker process exited with code {code} {when}"
        if code != -signal.SIGKILL:
            return "failed", f"the worker process died of {_signal_name(-code)}"
        if self._killed:
            return "failed", _CUT
        return "lost", "the worker process was killed (SIGKILL); the system may be out of memory"


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
