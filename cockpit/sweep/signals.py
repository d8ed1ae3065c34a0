"""Ctrl-C, SIGTERM and a lost terminal, as something the driver can look at."""

from __future__ import annotations

import enum
import os
import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType, TracebackType


class Wish(enum.IntEnum):
    """What the person outside wants."""

    GO_ON = 0
    FINISH = 1
    """Ask for no further trial; let those that run come to their end."""
    STOP = 2
    """End the running trials now."""


@contextmanager
def hang_ups_ignored() -> Iterator[None]:
    """Go on when the terminal closes: a module may be a long time in importing, and so may the next of a matrix."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGHUP, before)


@contextmanager
def ctrl_c_held() -> Iterator[None]:
    """Ctrl-C comes about at the end of it: what was begun within is known by then, and can be ended."""
    before = signal.getsignal(signal.SIGINT)
    if not callable(before):  # it is ignored
        yield
        return
    came: list[FrameType | None] = []
    signal.signal(signal.SIGINT, lambda _, frame: came.append(frame))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        before(signal.SIGINT, came[0])


class HeldSignals:
    """While it is entered, signals go to these handlers, by number, and `wakeup` tells that one came."""

    def __init__(self, handlers: Mapping[int, signal._HANDLER]) -> None:
        self.wakeup, self._write_end = os.pipe()
        """Becomes readable when a signal arrives."""
        os.set_blocking(self.wakeup, False)
        os.set_blocking(self._write_end, False)
        self._handlers = handlers
        self._before: dict[int, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        self._wakeup_before = signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number, handler in self._handlers.items():
            self._before[number] = signal.signal(number, handler)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)

    def close(self) -> None:
        """Let go of the pipe."""
        os.close(self.wakeup)
        os.close(self._write_end)


class Interrupts(HeldSignals):
    """While it is entered: Ctrl-C once means FINISH, twice STOP, SIGTERM means STOP.

    A hang-up (the terminal closed, SSH gone) is no wish at all: the sweep goes on.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                signal.SIGINT: self._interrupt,
                signal.SIGTERM: self._terminate,
                signal.SIGHUP: signal.SIG_IGN,
            }
        )
        self.wish = Wish.GO_ON

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.wish = Wish.STOP if self.wish else Wish.FINISH

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        self.wish = Wish.STOP
