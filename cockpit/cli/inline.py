"""`cockpit --inline`: a live sweep in a few lines below the prompt, and plain lines where there is no terminal.

Nothing is asked of the terminal but to move the cursor upwards: no other screen, no modes, nothing to give
back when the line drops. The keys typed meanwhile are kept off the picture.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Thread
from typing import TYPE_CHECKING

import click
from rich.cells import cell_len

from cockpit.cli.common import open_session
from cockpit.cli.sweep_lines import ALIVE, Line, Part, Seats, picture, seated, sentence
from cockpit.format import plain
from cockpit.tui.feed import Feed, Question, Snapshot, Trouble
from storage.runs import RunQuery

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from cockpit.tui.feed import Look
    from storage.layout import Layout
    from storage.runs import Run
    from storage.sweeps import Sweep

POLL = 0.5
"""Seconds between two pictures at least."""
NEWEST = 40
"""Among so many of the newest trials those that run are looked for."""
SEATS = 4
LEAVE = (b"q", b"Q", b"\x04", b"")
"""Keys, and the end of them all."""
HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGTSTP, signal.SIGWINCH)
LEAVING = {signal.SIGINT, signal.SIGTERM}
DELETED = "the sweep was deleted"
SGR = {
    "quiet": "2",
    "bold": "1",
    "accent": "36",
    "complete": "32",
    "failed": "31",
    "stopped": "33",
    "lost": "35",
}
"""Of the terminal's own sixteen colours, so that they fit its theme."""
COLOURLESS = ("1", "2")


@dataclass(frozen=True, slots=True)
class SweepWanted(Question):
    """How one sweep stands, and which of its trials run."""

    id: str

    def read(self, look: Look) -> SweepNews:
        sweep = next((one for one in look.sweeps() if one.id == self.id), None)
        runs: tuple[Run, ...] = ()
        if sweep and sweep.counts.get("running"):
            runs = look.source.runs(RunQuery(sweep.name, limit=NEWEST)).runs
        running = tuple(run for run in runs if run.state == "running")
        return SweepNews(question=self, sweep=sweep, running=running, **look.frame())


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepNews(Snapshot):
    """A sweep as it stands."""

    sweep: Sweep | None
    """None: it has been deleted meanwhile."""
    running: tuple[Run, ...]


def show_inline(layout: Layout, name: str) -> None:
    """Show the sweep of this name, else the one that runs, else the newest, until it ends or `q` is typed.

    Raises `storage.sweeps.SweepNotFound` or `storage.store.StoreError`.
    """
    sweep = _wanted(layout, name) if layout.exists() else None
    if sweep is None:
        from cockpit.cli.runs import nothing_yet

        click.echo(nothing_yet(layout))
        return
    with _read_along(layout, sweep.id) as inbox:
        if _owns_terminal():
            _paint_changes(inbox)
        else:
            _print_changes(inbox)


def _wanted(layout: Layout, name: str) -> Sweep | None:
    from storage.sweeps import all_sweeps, find_sweep

    with open_session(layout) as session:
        if name:
            return find_sweep(session, name)
        found = all_sweeps(session)
    alive = [sweep for state in ALIVE for sweep in found if sweep.state == state]
    return next(iter((*alive, *found)), None)


def _owns_terminal() -> bool:
    """Whether keys come from a terminal that lines can be repainted on, and which is ours to read."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM", "dumb") == "dumb":
        return False
    return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()


@dataclass(frozen=True, slots=True)
class Inbox:
    """What the reading thread has found, as it comes."""

    news: SimpleQueue[SweepNews | Trouble | BaseException]
    wake: int
    """A file descriptor that tells of it: a 0 for each piece of news, and the number of each signal."""
    woken: int
    """Its other end; a write that would have to wait raises."""

    def put(self, news: SweepNews | Trouble | BaseException) -> None:
        self.news.put(news)
        os.write(self.woken, b"\0")

    def next(self) -> SweepNews | Trouble:
        """Wait for the next piece; what stopped the reading is raised here."""
        found = self.news.get()
        if isinstance(found, BaseException):
            raise found
        return found


@contextmanager
def _read_along(layout: Layout, sweep: str) -> Iterator[Inbox]:
    from cockpit.tui.source import StoreSource

    feed = Feed(StoreSource(layout), POLL)
    inbox = Inbox(SimpleQueue(), *os.pipe())
    os.set_blocking(inbox.woken, False)

    def read() -> None:
        try:
            for each in feed.news():
                assert isinstance(each, SweepNews | Trouble)
                inbox.put(each)
        except BaseException as error:
            inbox.put(error)

    feed.ask(SweepWanted(sweep))
    thread = Thread(target=read, name="feed", daemon=True)
    thread.start()
    try:
        yield inbox
    finally:
        feed.close()
        thread.join()
        os.close(inbox.wake)
        os.close(inbox.woken)


def _print_changes(inbox: Inbox) -> None:
    """A line whenever a trial has ended, for a pipe, a log, a terminal that cannot move its cursor."""
    told = ""
    while True:
        found = inbox.next()
        if isinstance(found, Trouble):
            click.echo(f"cockpit: {plain(found.sentence)}", err=True)
            continue
        if found.sweep is None:
            click.echo(DELETED)
            return
        if (now := sentence(found.sweep)) != told:
            click.echo(now)
            told = now
        if found.sweep.state not in ALIVE:
            return


def _paint_changes(inbox: Inbox) -> None:
    """The lines, until the sweep ends or somebody wants to leave; the last picture stays."""
    lines, keys = FewLines(), Keys(inbox.woken)
    with keys.taken():
        while lines.alive:
            ready, _, _ = select.select([keys.file, inbox.wake], [], [])
            told = os.read(inbox.wake, 4096) if inbox.wake in ready else b""
            typed = os.read(keys.file, 1) if keys.file in ready else None
            if typed in LEAVE or not LEAVING.isdisjoint(told):
                break
            for _ in range(told.count(0)):
                lines.tell(inbox.next())
            if signal.SIGTSTP in told:
                keys.suspend()
                lines.forget()
            lines.paint()
        lines.paint(leaving=True)
    if lines.deleted:
        click.echo(DELETED)


class Keys:
    """The keys, read one by one and not shown; and the signals that come with some of them, as bytes."""

    def __init__(self, woken: int) -> None:
        """`woken` is where the number of each signal is written to."""
        self.file = sys.stdin.fileno()
        self._woken = woken
        self._before = termios.tcgetattr(self.file)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Give them back as they were when the block ends, however it does."""
        before = {number: signal.signal(number, _go_on) for number in HEARD}
        signal.set_wakeup_fd(self._woken)
        try:
            tty.setcbreak(self.file, termios.TCSANOW)
            yield
        finally:
            termios.tcsetattr(self.file, termios.TCSADRAIN, self._before)
            signal.set_wakeup_fd(-1)
            for number, handler in before.items():
                signal.signal(number, handler)

    def suspend(self) -> None:
        """Stop as any program does; returns once the shell lets it go on."""
        termios.tcsetattr(self.file, termios.TCSADRAIN, self._before)
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, _go_on)
        tty.setcbreak(self.file, termios.TCSANOW)


def _go_on(number: int, frame: FrameType | None) -> None:
    """Nothing: the number of the signal is read in the loop, between two pictures."""


@dataclass(slots=True)
class FewLines:
    """The lines on the terminal, the cursor on the line below them."""

    alive: bool = True
    """Whether there may be more to show."""
    deleted: bool = False
    _sweep: Sweep | None = None
    _seats: Seats = ()
    _trouble: str = ""
    _painted: list[Line] = field(default_factory=list)
    _colourless: bool = field(default_factory=lambda: bool(os.environ.get("NO_COLOR")))

    def tell(self, news: SweepNews | Trouble) -> None:
        """Know what is new, for the next picture."""
        if isinstance(news, Trouble):
            self._trouble = news.sentence
        elif news.sweep is None:
            self.alive, self.deleted = False, True
        else:
            self._sweep, self._trouble = news.sweep, ""
            self.alive = news.sweep.state in ALIVE
            seats = min(news.sweep.workers or 1, SEATS)
            self._seats = seated(self._seats, news.running, seats)

    def forget(self) -> None:
        """Somebody else has written below the lines: the next picture stands below that."""
        self._painted = []

    def paint(self, leaving: bool = False) -> None:
        """Send what has changed, and nothing where nothing has."""
        if self._sweep is None:
            return
        columns, rows = shutil.get_terminal_size()
        now = picture(self._sweep, self._seats, columns - 1, self._trouble, leaving)
        now = now[: max(1, rows - 2)]
        sys.stdout.write("".join(self._changes(now)))
        sys.stdout.flush()
        self._painted = now

    def _changes(self, now: list[Line]) -> Iterator[str]:
        """What to send so that the lines read as they should: of each line only from its first change on."""
        before, up = self._painted, 0
        for place, line in enumerate(now):
            if place >= len(before):
                yield _vertically(up, 0) + "\r"
                yield from (*map(self._styled, line), "\r\n")
                up = 0
            elif line != before[place]:
                same = _alike(line, before[place])
                to = len(before) - place
                column = 1 + sum(cell_len(part.text) for part in line[:same])
                yield _vertically(up, to) + f"\x1b[{column}G"
                yield from (*map(self._styled, line[same:]), "\x1b[K")
                up = to
        gone = len(before) - len(now)
        if gone > 0:
            yield _vertically(up, gone) + "\r\x1b[J"
        elif up:
            yield _vertically(up, 0) + "\r"

    def _styled(self, part: Part) -> str:
        code = SGR.get(part.tone)
        if code is None or (self._colourless and code not in COLOURLESS):
            return part.text
        return f"\x1b[{code}m{part.text}\x1b[0m"


def _alike(one: Line, other: Line) -> int:
    """How many parts both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((place for place, (a, b) in pairs if a != b), min(len(one), len(other)))


def _vertically(now: int, wanted: int) -> str:
    """From so many lines above the last to so many."""
    if now == wanted:
        return ""
    return f"\x1b[{wanted - now}A" if wanted > now else f"\x1b[{now - wanted}B"
