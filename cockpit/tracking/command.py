"""`cockpit run`: one command as a run, seen as it goes and settled however it ends.

it exits             complete, or failed with its code and the last line of its stderr
Ctrl-C               once goes to the command; twice asks it to end; three times ends it; stopped
SIGTERM              asks it to end, and ends it after the grace; stopped
hang-up              nothing: it goes on, and only the log sees what it prints
kill -9 of ours      the guard ends it with all it started; whoever looks next settles it as lost
the disk is full     it goes on, with a warning
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.logs.log_tail import tail
from cockpit.sweep.executors import worker
from cockpit.sweep.executors.command import CommandError
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.seam import Finished, Logged, Outcome, Sampled, Task
from cockpit.sweep.executors.work import Command, MetricSources
from cockpit.sweep.predicted import Answered
from cockpit.sweep.provenance import collect_plain, digest
from cockpit.sweep.signals import HeldSignals
from cockpit.tracking.arguments import params_of, stem_of
from cockpit.tracking.plain_run import PlainRun
from cockpit.tracking.terminal import TerminalProcess
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import FrameType

    from cockpit.sweep.executors.metric_lines import Note
    from cockpit.sweep.executors.seam import Event
    from cockpit.sweep.provenance import Provenance
    from storage.layout import Layout

TURN_SECONDS = 0.5
DESCRIBE_SECONDS = 20.0
"""How long a Python may take to say which packages it has."""
_PYTHON = re.compile(r"(python|pypy)[\d.]*")
_INTERRUPTED = "interrupted"
_TERMINATED = "ended by a SIGTERM"


@dataclass(frozen=True, slots=True)
class Asked:
    """What `cockpit run` was asked for."""

    argv: tuple[str, ...]
    folder: Path
    """Where the command runs."""
    name: str | None = None
    tags: tuple[str, ...] = ()
    note: str | None = None
    params: Mapping[str, Any] = field(default_factory=dict)
    """Beside those that the command's own arguments give, and before them."""
    metrics: MetricSources = field(default_factory=MetricSources)


@dataclass(frozen=True, slots=True)
class Ended:
    """How it went."""

    id: str
    name: str
    state: str
    reason: str | None
    seconds: float
    metrics: Mapping[str, float]
    code: int
    """The command's exit code; 128 and the signal's number where a signal ended it."""
    notices: tuple[str, ...] = ()
    """Sentences on predictions that it left and that were not kept."""


def run_command(asked: Asked, layout: Layout) -> Ended:
    """Run a command from its beginning to its end.

    Raises CommandError, with nothing stored, where it cannot be started or the store not be written.
    """
    _check_program(asked)
    with contextlib.closing(_Signals()) as signals, signals:
        try:
            return _Tracked(asked, layout, signals).run()
        except OSError as error:
            text = f"{layout.root} cannot be written, so nothing was started: {error.strerror}"
            raise CommandError(text) from error


class _Tracked:
    """One command that runs."""

    def __init__(self, asked: Asked, layout: Layout, signals: _Signals) -> None:
        self._asked, self._layout, self._signals = asked, layout, signals
        self._run = PlainRun(layout)
        self._key = self._run.claim()
        self._executor = _Executor(asked, signals.wakeup, self._take_note)
        self._stopped: str | None = None
        """Why, where somebody asked it to end."""
        self._interrupts = 0
        self._early: list[Event] = []

    def run(self) -> Ended:
        try:
            # Before it starts, or the files it writes would make the work tree a changed one.
            self._origin: Provenance | None = _origin(self._asked, self._layout)
            self._begin()
            outcome = self._attend()
        finally:
            self._executor.close(0)
        return self._settle(outcome)

    def _begin(self) -> None:
        key = self._key
        log, folder = self._layout.log(key), self._layout.artifacts(key)
        params = {**params_of(self._asked.argv), **self._asked.params}
        environment = {"COCKPIT_RUN": key, "COCKPIT_MODEL": str(self._layout.bundle(key))}
        self._executor.submit(Task(key, 0, 0, params, log, folder, environment=environment))
        first, *self._early = self._executor.poll(0)
        if isinstance(first, Finished):  # and not Started
            shutil.rmtree(self._layout.run_folder(key), ignore_errors=True)
            self._run.close()
            raise CommandError(first.outcome.reason or "the command cannot be started")
        self._run.begin(self._asked.name, stem_of(self._asked.argv, self._asked.folder))
        self._run.take({"params": params, "tags": list(self._asked.tags), "note": self._asked.note})
        self._describer = _Describer(self._asked)
        self._describer.start()

    def _attend(self) -> Outcome:
        while True:
            events, self._early = self._early or self._executor.poll(TURN_SECONDS), []
            self._hear(events)
            for event in events:
                if isinstance(event, Finished):
                    return event.outcome
            for number in self._signals.take():
                self._obey(number)
            self._run.sync()
            if not self._describer.is_alive():
                self._tell_origin()

    def _hear(self, events: list[Event]) -> None:
        points = [(e.step, e.metrics) for e in events if isinstance(e, Logged)]
        points += [(e.seconds, e.usage) for e in events if isinstance(e, Sampled)]
        self._run.log(*points)

    def _take_note(self, note: Note) -> None:
        self._run.take(note.content)

    def _obey(self, number: int) -> None:
        process = self._executor.process
        if number == signal.SIGWINCH:
            process.resize()
        elif number == signal.SIGHUP:
            process.lose_terminal()
        elif number == signal.SIGTERM:
            self._stopped = self._stopped or _TERMINATED
            self._executor.cancel(self._key, _TERMINATED)
        else:
            self._stopped = self._stopped or _INTERRUPTED
            self._interrupts += 1
            if self._interrupts == 1:
                process.interrupt()
            elif self._interrupts == 2:
                self._executor.cancel(self._key, _INTERRUPTED)
            else:
                process.kill()

    def _tell_origin(self) -> None:
        """Once, as soon as the interpreter has said what it has."""
        if self._origin is not None:
            whole = replace(self._origin, environment=self._describer.found)
            self._run.origin(digest(whole), whole.to_json())
            self._origin = None

    def _settle(self, outcome: Outcome) -> Ended:
        self._describer.join()
        self._tell_origin()
        state: str = outcome.state
        reason = outcome.reason
        if self._stopped is not None or state == "cancelled":
            state, reason = "stopped", self._stopped
        changes: dict[str, Any] = {
            "resources": {"cpu_seconds": outcome.cpu_seconds, "max_rss": outcome.max_rss}
        }
        if state not in ("complete", "stopped"):
            changes["log"] = tail(self._layout.log(self._key))
        notices = self._take_predictions()
        self._run.settle(state, reason, **changes)
        code, metrics = self._executor.process.returncode, self._executor.process.tally.last
        assert code is not None
        code = code if code >= 0 else 128 - code
        seconds = outcome.seconds
        return Ended(
            self._key, self._run.name, state, reason, seconds, dict(metrics), code, notices
        )

    def _take_predictions(self) -> tuple[str, ...]:
        if not Answered(self._layout, ()).marks(self._key):
            return ()
        from cockpit.evaluate.sets import current

        try:
            known = current(self._layout)
        except UserError as error:
            return (f"its predictions are not kept: {error}",)
        seen, problems = Answered(self._layout, known).handed_in(self._key)
        self._run.predicted(*seen)
        return tuple(problems)


class _Executor(LocalExecutor):
    """A local executor whose one command has our terminal."""

    def __init__(self, asked: Asked, wakeup: int, noted: Callable[[Note], None]) -> None:
        work = Command(asked.argv, metrics=asked.metrics)
        super().__init__(work, asked.folder, sys.executable, 1, wakeup=wakeup)
        self._noted = noted
        self.process: TerminalProcess

    def _start_command(self, work: Command, task: Task) -> None:
        environment = {"PYTHONUNBUFFERED": "1", **self._environment, **task.environment}
        self.process = TerminalProcess(
            task, work.argv, environment, self._folder, work.metrics, self._noted
        )
        self._enlist(self.process)
        self.process.task = task
        self._begin(self.process, task)


class _Signals(HeldSignals):
    """While it is entered, keeps what was sent to us until it is asked for.

    What was ignored when we were started (`nohup`) still is.
    """

    def __init__(self) -> None:
        wanted = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGWINCH)
        heard = [number for number in wanted if signal.getsignal(number) != signal.SIG_IGN]
        super().__init__(dict.fromkeys(heard, self._note))
        self._came: list[int] = []

    def take(self) -> list[int]:
        came, self._came = self._came, []
        return came

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._came.append(number)


class _Describer(threading.Thread):
    """Asks the command's interpreter, where it is a Python, what it has; while the command runs."""

    def __init__(self, asked: Asked) -> None:
        super().__init__(daemon=True)
        self._asked = asked
        self.found: Mapping[str, Any] = {}

    def run(self) -> None:
        python = self._asked.argv[0]
        if not _PYTHON.fullmatch(Path(python).name):
            return
        with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
            done = subprocess.run(
                [python, worker.__file__, "--describe"],
                cwd=self._asked.folder,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=DESCRIBE_SECONDS,
                check=True,
                start_new_session=True,  # or Ctrl-C would end it too
            )
            self.found = json.loads(done.stdout)


def _check_program(asked: Asked) -> None:
    program = asked.argv[0]
    place = os.path.join(asked.folder, program) if os.sep in program else program
    if shutil.which(place) is None:
        where = f" in {asked.folder}" if os.sep in program else " on PATH"
        raise CommandError(
            f"{program} was not found{where}, or may not be executed; nothing was started"
        )


def _origin(asked: Asked, layout: Layout) -> Provenance | None:
    sources = asdict(asked.metrics)
    try:
        return collect_plain(asked.folder, asked.argv, {}, layout, metrics_from=sources)
    except OSError:  # no room for the diff of the work tree
        return collect_plain(asked.folder, asked.argv, {}, metrics_from=sources)
