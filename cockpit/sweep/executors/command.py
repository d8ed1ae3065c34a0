"""The user's own program, once, unchanged, without a shell: what it prints goes into the log whole.

Its stdout and stderr are pipes that end here, two of them, so that a half-printed progress bar on the
one does not spoil a metric on the other; in the log the lines of both stand whole. What the pipes hold
at the moment when the driver is killed is lost; the program is ended with it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.sweep.executors.metric_files import MetricFile
from cockpit.sweep.executors.metric_lines import MetricReader, Note, Said, Tally, compile_patterns
from cockpit.sweep.executors.process import ChildProcess, Message
from cockpit.sweep.executors.seam import ExecutorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cockpit.sweep.executors.seam import Outcome, State, Task
    from cockpit.sweep.executors.work import MetricSources

LOOK_SECONDS = 0.5
"""Between two looks at the files of metrics."""
CHUNK = 1 << 16
_PIPE = 1 << 18
"""Room for what a program prints while others are attended to."""
_TAIL = 1 << 12
_LINE_ENDS = b"\n\r"
_REASON = 300
"""Characters of the program's last words that a reason quotes."""


class CommandError(ExecutorError):
    """The program cannot be started."""


@dataclass
class Stream:
    """One of the program's outputs."""

    ours: int
    theirs: int
    """Kept open, so that a program that closes its output is no end of file that keeps us awake."""
    reader: MetricReader | None
    tail: bytes = b""
    begun: bytes = b""
    """A line that has no end yet, and is not in the log."""
    waited: bool = False
    """Whether `begun` was there at the last look already."""


class CommandProcess(ChildProcess):
    """A program that runs one attempt, and ends with it."""

    noun = "command"
    failure = CommandError
    lingers = True

    def __init__(
        self,
        serial: int,
        task: Task,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        sources: MetricSources,
    ) -> None:
        super().__init__(serial)
        patterns = compile_patterns(sources.patterns)
        self.tally = Tally()
        self._files = list(self._metric_files(environment, sources.file))
        self._streams: list[Stream] = []
        task.log.parent.mkdir(parents=True, exist_ok=True)
        self._log = os.open(task.log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o666)
        try:
            reader = MetricReader(self.tally, json=sources.json, patterns=patterns)
            self._streams.append(stdout := Stream(*self._channel(1), reader))
            self._streams.append(stderr := Stream(*self._channel(2), None))
            self._spawn(argv, folder, environment, stdout.theirs, stderr.theirs)
        except BaseException:
            self._close()
            raise
        self.ready = self.connected = True

    def begin(self, task: Task) -> None:
        super().begin(task)
        self.look_at = time.monotonic() + LOOK_SECONDS

    def descriptors(self) -> Iterator[int]:
        for stream in self._streams:
            yield stream.ours

    def read(self) -> list[Message]:
        messages: list[Message] = []
        for number, stream in enumerate(self._streams, 1):
            if not (data := _read(stream.ours)):
                continue
            self.heard += len(data)
            stream.tail = (stream.tail + data)[-_TAIL:]
            self._keep(number, data)
            if stream.reader is not None:
                messages += self._tell(stream.reader.feed(data))
        return messages

    def look(self) -> list[Message]:
        messages = [message for file in self._files for message in self._tell(file.look())]
        self._write_begun(waited=True)
        behind = any(file.behind for file in self._files)
        self.look_at = time.monotonic() + (0 if behind else LOOK_SECONDS)
        return messages

    def last_words(self) -> list[Message]:
        messages = super().last_words()
        for source in (*(stream.reader for stream in self._streams), *self._files):
            if source is not None:
                messages += self._tell(source.end())
        return messages

    def disconnect(self) -> None:
        if self.connected:
            self.connected = False
            self._write_begun()
            self._close()

    def reap(self) -> Outcome:
        return replace(super().reap(), values=dict(self.tally.last))

    def _exited(self, code: int) -> tuple[State, str | None]:
        if code == 0:
            return "complete", None
        said = _last_line(self._streams[1].tail)
        return "failed", f"the command exited with code {code}" + (f": {said}" if said else "")

    def _metric_files(
        self, environment: Mapping[str, str], file: str | None
    ) -> Iterator[MetricFile]:
        """What an earlier attempt left in them is not this one's."""
        yield MetricFile(Path(environment["COCKPIT_METRICS"]), self.tally, notes=True, skip=True)
        if file is not None:
            path = Path(environment["COCKPIT_RUN_DIR"]) / file
            yield MetricFile(path, self.tally, skip=True)

    def _channel(self, number: int) -> tuple[int, int]:
        """Our end and the program's, of its stdout (1) or its stderr (2)."""
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        with contextlib.suppress(AttributeError, OSError):  # Linux has it, up to a sum a user
            fcntl.fcntl(ours, fcntl.F_SETPIPE_SZ, _PIPE)
        return ours, theirs

    def _keep(self, number: int, data: bytes) -> None:
        stream = self._streams[number - 1]
        data = stream.begun + data
        end = 1 + max(data.rfind(mark) for mark in _LINE_ENDS)
        if len(data) - end > CHUNK:
            end = len(data)
        self._write(data[:end])
        stream.begun, stream.waited = data[end:], False

    def _write_begun(self, *, waited: bool = False) -> None:
        """What has no end of line: all of it, or what has waited for one since the last look."""
        for stream in self._streams:
            if stream.waited or not waited:
                self._write(stream.begun)
                stream.begun = b""
            stream.waited = bool(stream.begun)

    def _write(self, data: bytes) -> None:
        # A full disk must not end the program, nor the others' attempts.
        with contextlib.suppress(OSError):
            write_all(self._log, data)

    def _tell(self, said: list[Said]) -> Iterator[Message]:
        for one in said:
            if isinstance(one, Note):
                yield from self._note(one)
            else:
                yield {"say": "logged", "metrics": one.metrics, "step": one.step}

    def _note(self, note: Note) -> Iterator[Message]:
        """A sweep's params, tags and notes are its own to set; what else is noted of a run is kept."""
        attrs = note.content.get("attrs")
        if isinstance(attrs, dict):
            for key, value in attrs.items():
                yield {"say": "attr", "key": key, "value": value}

    def _close(self) -> None:
        os.close(self._log)
        for stream in self._streams:
            for end in {stream.ours, stream.theirs}:
                os.close(end)


def write_all(file: int, data: bytes) -> None:
    """Write on where a write was cut short; raises OSError."""
    while data:
        data = data[os.write(file, data) :]


def _read(file: int) -> bytes:
    """What is there now; a terminal whose program has gone says so by an error."""
    try:
        return os.read(file, CHUNK)
    except (BlockingIOError, OSError):
        return b""


def _last_line(tail: bytes) -> str:
    lines = [line.strip() for line in re.split(r"[\r\n]+", tail.decode(errors="replace"))]
    return next((line[:_REASON] for line in reversed(lines) if line), "")
