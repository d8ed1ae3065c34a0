"""A command as `cockpit run` runs it: what it prints is also seen, and where we have a terminal so does it.

An output of ours that is a terminal becomes one for the command, of the same size, so that progress bars
and colours are as ever; what is typed is handed on line by line. Our own terminal is left as it is:
whatever becomes of us, nobody has to repair it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import select
import signal
import subprocess
import termios
from typing import TYPE_CHECKING

from cockpit.sweep.executors.command import CHUNK, CommandProcess, write_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cockpit.sweep.executors.metric_lines import Note
    from cockpit.sweep.executors.process import Message
    from cockpit.sweep.executors.seam import State, Task
    from cockpit.sweep.executors.work import MetricSources

_STDIN = 0
_END_OF_INPUT = b"\x04"
_SIZE = b"\0" * 8


class TerminalProcess(CommandProcess):
    """`noted` hears what `cockpit.track` notes from within the command."""

    def __init__(
        self,
        task: Task,
        argv: Sequence[str],
        environment: Mapping[str, str],
        folder: Path,
        sources: MetricSources,
        noted: Callable[[Note], None],
    ) -> None:
        self._noted = noted
        self._terminals: dict[int, int] = {}
        """By the number of our output: our end of the terminal that the command has for it."""
        self._seen = {1, 2}
        """Our outputs that somebody still reads."""
        self._typing = False
        super().__init__(0, task, argv, environment, folder, sources)

    @property
    def returncode(self) -> int | None:
        """Its exit code, or minus the signal that ended it; None while it runs."""
        return self._popen.returncode

    def interrupt(self) -> None:
        """What Ctrl-C does."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGINT)

    def resize(self) -> None:
        """Our window has another size now."""
        for number, ours in self._terminals.items():
            if self.connected:
                _copy_size(number, ours)

    def lose_terminal(self) -> None:
        """The terminal was closed: nobody types or reads any more."""
        self._typing = False
        self._seen = {number for number in self._seen if number not in self._terminals}

    def descriptors(self) -> Iterator[int]:
        yield from super().descriptors()
        if self._typing:
            yield _STDIN

    def read(self) -> list[Message]:
        if self._typing and select.select([_STDIN], [], [], 0)[0]:
            self._hand_on()
        return super().read()

    def _spawn(
        self,
        command: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        stdout: int,
        stderr: int,
        pass_fds: tuple[int, ...] = (),
        stdin: int | None = None,
        first: Callable[[], None] | None = None,
    ) -> None:
        """Into a session of its own, in which our terminal cannot be read: it gets what we hand on."""
        if os.isatty(_STDIN):
            stdin = subprocess.DEVNULL
            if self._terminals:
                stdin = stdout if 1 in self._terminals else stderr
                first = _take_terminal
                self._typing = _in_foreground()
        super()._spawn(command, folder, environment, stdout, stderr, pass_fds, stdin, first)

    def _channel(self, number: int) -> tuple[int, int]:
        if not os.isatty(number):
            return super()._channel(number)
        ours, theirs = os.openpty()
        os.set_blocking(ours, False)
        modes = termios.tcgetattr(theirs)
        modes[1] &= ~termios.ONLCR  # our own terminal does that, and the log wants none of it
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(theirs, termios.TCSANOW, modes)
        self._terminals[number] = ours
        _copy_size(number, ours)
        return ours, theirs

    def _keep(self, number: int, data: bytes) -> None:
        super()._keep(number, data)
        if number not in self._seen:
            return
        try:
            _show(number, data)
        except OSError:  # `cockpit run … | head`, or the terminal was closed: the command goes on
            self._seen.discard(number)

    def _cause(self) -> tuple[State, str | None]:
        state, reason = super()._cause()
        return state, reason and reason.replace("the sweep", "cockpit")

    def _note(self, note: Note) -> Iterator[Message]:
        self._noted(note)
        return iter(())

    def _hand_on(self) -> None:
        self._typing = _in_foreground()
        if not self._typing:  # to read now would stop us
            return
        ours = next(iter(self._terminals.values()))
        try:
            data = os.read(_STDIN, CHUNK) or _END_OF_INPUT
            write_all(ours, data)
        except OSError:  # the terminal has gone, or the command reads nothing and its input is full
            self._typing = False


def _take_terminal() -> None:
    """In the new process: make its terminal the one that Ctrl-C and the window's size come from."""
    terminal = next(number for number in (_STDIN, 1, 2) if os.isatty(number))
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


def _copy_size(theirs: int, ours: int) -> None:
    with contextlib.suppress(OSError):
        fcntl.ioctl(ours, termios.TIOCSWINSZ, fcntl.ioctl(theirs, termios.TIOCGWINSZ, _SIZE))


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(_STDIN) == os.getpgrp()
    except OSError:
        return False


def _show(number: int, data: bytes) -> None:
    """Write all of it, also where the reader is slow and somebody made our output non-blocking."""
    while data:
        try:
            data = data[os.write(number, data) :]
        except BlockingIOError:
            select.select([], [number], [])
