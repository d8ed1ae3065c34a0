"""A worker process as the sweep sees it: worker.py runs in it, and speaks over a socket."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from cockpit.sweep.executors.process import LAST_WORD, ChildProcess, Message
from cockpit.sweep.executors.seam import (
    ExecutorError,
    FunctionError,
    ImportFailed,
    InterpreterError,
    Outcome,
    Prune,
    Refused,
    Reply,
    State,
    Value,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cockpit.sweep.executors.seam import Task

_BROKEN = {"import": ImportFailed, "function": FunctionError}
_CHUNK = 1 << 18
_TAIL = 1 << 14
_CUT = (
    "the worker lost its connection to the sweep; "
    "does the training code close or write to file descriptors that are not its own?"
)


class WorkerProcess(ChildProcess):
    """A worker that has the user's function and is given trial after trial."""

    noun = "worker process"
    failure = InterpreterError

    def __init__(
        self,
        serial: int,
        command: tuple[str, str],
        arguments: tuple[str, str, str, str],
        folder: Path,
        environment: Mapping[str, str],
    ) -> None:
        super().__init__(serial)
        self._command = command
        self.broken: ExecutorError | None = None
        self.printed = ""
        """What it printed before it was ready, or the end of that."""
        self.trials = 0
        """That it came to the end of."""
        self._inbox, self._outbox = bytearray(), bytearray()
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed when ready
        self.socket, theirs = socket.socketpair()
        try:
            line = [*command, str(theirs.fileno()), *arguments]
            output = self._output.fileno()
            self._spawn(line, folder, environment, output, output, (theirs.fileno(),))
        except BaseException:
            self.socket.close()
            self._output.close()
            raise
        finally:
            theirs.close()
        self.socket.setblocking(False)
        self.connected = True

    @property
    def unsent(self) -> bool:
        return bool(self._outbox)

    def descriptors(self) -> Iterator[int]:
        yield self.socket.fileno()

    def welcome(self) -> None:
        self.ready = True
        self._output.close()

    def begin(self, task: Task) -> None:
        super().begin(task)
        self._send(
            {
                "number": task.number,
                "params": dict(task.params),
                "log": str(task.log),
                "folder": str(task.folder),
                "environment": dict(task.environment),
                "baseline": task.baseline,
            }
        )

    def answer(self, reply: Reply) -> None:
        if self.asked is not None:
            self._send({**_message(reply), "ask": self.asked})
            self.asked = None

    def _send(self, message: Message) -> None:
        self._outbox += json.dumps(message).encode() + b"\n"
        self.flush()

    def flush(self) -> None:
        # A worker that is gone is noticed by its socket's end and its pidfd.
        with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
            while self._outbox and self.connected:
                del self._outbox[: self.socket.send(self._outbox)]

    def read(self) -> list[Message]:
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
        try:
            return [json.loads(line) for line in whole.split(b"\n")]
        except ValueError:  # not the worker's words, but something of the training code's
            self.ended = True
            self.kill()
            return []

    def finish(self) -> None:
        super().finish()
        self.trials += 1

    def hang_up(self, grace: float) -> None:
        """Lets an idle worker end by itself, with what its code does at exit."""
        if self.idle and self.ready:
            self.tainted = True
            with contextlib.suppress(OSError):  # it has just died
                self.socket.shutdown(socket.SHUT_WR)
            self.hasten(grace)
        else:
            self.kill()

    def outcome(self, message: Message) -> Outcome:
        """What it said of a trial's end; why it was cancelled is known on this side."""
        if isinstance(message.get("values"), list):
            message["values"] = tuple(message["values"])
        outcome = Outcome(**message)
        if outcome.state != "cancelled":
            return outcome
        self.tainted = True
        if self.stop is None:
            return replace(outcome, reason="stopped by a SIGTERM that the sweep did not send")
        return replace(outcome, state=self.stop.state, reason=self.stop.reason)

    def break_off(self, kind: str, message: str, detail: str) -> None:
        """It has no function to run."""
        self.broken = _BROKEN[kind](message, detail)
        self.kill()

    def failure_to_start(self, outcome: Outcome) -> ExecutorError:
        """Why it died before it was ready."""
        lines = self.printed.strip().splitlines()
        last = f": {lines[-1].strip()}" if lines else ""
        text = f"{self._command[0]} could not start a worker ({outcome.reason}){last}"
        return self.broken or InterpreterError(text, self.printed)

    def disconnect(self) -> None:
        """The connection is over. A worker that does not die of itself soon is killed."""
        self.connected = False
        self.socket.close()
        if not self._killed:
            self.hasten(LAST_WORD)

    def reap(self) -> Outcome:
        outcome = super().reap()
        if not self.ready:
            size = os.fstat(self._output.fileno()).st_size
            tail = os.pread(self._output.fileno(), _TAIL, max(0, size - _TAIL))
            self.printed = tail.decode(errors="replace")
            self._output.close()
        return outcome

    def _ask_to_end(self) -> None:
        """The worker alone: its children's deaths would look like errors to the trial."""
        os.kill(self.pid, signal.SIGTERM)

    def _exited(self, code: int) -> tuple[State, str | None]:
        when = "in mid-trial" if self.ready else "before it was ready; it takes Python 3.8 or later"
        return "failed", f"the worker process exited with code {code} {when}"

    def _why_killed(self) -> str:
        return _CUT


def _message(reply: Reply) -> Message:
    match reply:
        case Value(value):
            return {"value": value}
        case Prune(prune):
            return {"prune": prune}
        case Refused(error, text):
            return {"refused": [error, text]}
