"""The seam between the driver and whatever runs the trials.

The driver submits a `Task`, polls for events, answers the two that ask (`Suggest`, `AskPrune`),
and gets exactly one `Finished` for each attempt. What comes from an older attempt never reaches it.

    ExecutorError          the workers cannot be started
    ├── InterpreterError   the interpreter is not there, or is no Python
    ├── ImportFailed       the training code cannot be imported
    └── FunctionError      the module is fine, the function is not
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

State = Literal["complete", "pruned", "failed", "timeout", "oom", "cancelled", "lost"]
"""`lost` and `oom` by the kernel's hand are nobody's code's fault; `oom` by `Task.memory` is."""

GRACE = 5.0
"""Seconds between SIGTERM and SIGKILL."""
SAMPLE_SECONDS = 2.0
"""Between two scans of what the runs use."""
LEASE_SECONDS = 30.0
"""An executor that cannot see its workers' processes calls a run lost after this much silence, and its
workers stop themselves when they hear nothing for as long."""


class ExecutorError(UserError):
    """The workers cannot be started; the text says what to do, in one line."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail
        """The worker's traceback or last output, many lines; may be empty."""


class InterpreterError(ExecutorError):
    """The interpreter of the user's code was not found or does not run."""


class ImportFailed(ExecutorError):
    """The file or module of the training function cannot be imported."""


class FunctionError(ExecutorError):
    """The training function is not in its module, or cannot be called with a trial."""


@dataclass(frozen=True, slots=True)
class Task:
    """One attempt at one trial."""

    run: str
    number: int
    attempt: int
    params: Mapping[str, Any]
    """What the spec declared and the sampler chose; JSON values."""
    log: Path
    """Gets what the trial prints, appended; its folder is made."""
    folder: Path
    """The run's output folder, `COCKPIT_RUN_DIR`; made before a command starts, and by `trial.folder`."""
    timeout: float | None = None
    """Seconds from the start of the function or the command."""
    memory: int | None = None
    """Bytes that the worker and all below it may have resident; `oom` beyond."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables for this run: `COCKPIT_RUN` (id), `COCKPIT_SWEEP` (name), `COCKPIT_TRIAL` (number),
    `COCKPIT_EVALUATIONS` (JSON: of each evaluation set its `rows`, `key` and `path`), `COCKPIT_PREDICTIONS`
    and `COCKPIT_MODEL` (folders)."""
    baseline: bool = False
    """Run the baseline's function or command in place of the sweep's, where there is one."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an attempt ended."""

    state: State
    values: float | tuple[float, ...] | Mapping[str, float] | None = None
    """What the function returned, NaN and ±inf included; only where the state is `complete`."""
    reason: str | None = None
    """One line, for every state but `complete` and `pruned`."""
    seconds: float = 0.0
    cpu_seconds: float | None = None
    """User and system time of the attempt: of its process and of what it started, as far as that ended or was
    seen by a scan. None where there was no process."""
    max_rss: int | None = None
    """Peak resident size, bytes: of the process, or of all its tree where a scan saw more."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A worker has imported the training function. Comes once for each worker process."""

    worker: int
    environment: Mapping[str, Any]
    """Of the worker's interpreter: `interpreter` (path), `python` (version), `platform` (text),
    `packages` (name to version)."""


@dataclass(frozen=True, slots=True)
class Started:
    """The task was handed to a worker process."""

    run: str
    attempt: int
    pid: int


@dataclass(frozen=True, slots=True)
class Suggest:
    """The trial waits for a parameter: answer with `Value` or `Refused`."""

    run: str
    attempt: int
    name: str
    kind: Literal["float", "int", "categorical"]
    options: Mapping[str, Any]
    """`low`, `high`, `step`, `log`; or `choices`, where a choice that JSON cannot hold is a text
    that names it, the same in every worker. Answer with one of these choices as they are here."""


@dataclass(frozen=True, slots=True)
class Report:
    """A metric at a step, each step at most once an attempt. Nobody waits."""

    run: str
    attempt: int
    value: float
    step: int


@dataclass(frozen=True, slots=True)
class Logged:
    """Metrics by name, at a step, beside or instead of `Report`s; a command's come this way alone.

    Nobody waits. A command that names no step has its lines counted, from 0, metric by metric.
    """

    run: str
    attempt: int
    metrics: Mapping[str, float]
    step: int


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a run uses, once every `SAMPLE_SECONDS`, one scan for all of them."""

    run: str
    attempt: int
    seconds: int
    """Since the attempt began."""
    usage: Mapping[str, float]
    """`system.cpu_percent` (100 a core), `system.memory_mb` (resident, of the process tree),
    `system.read_mb`, `system.write_mb` (since the attempt began), and where NVML is there
    `system.gpu0_percent`, `system.gpu0_memory_mb`."""


@dataclass(frozen=True, slots=True)
class AskPrune:
    """The trial waits to hear whether it goes on: answer with `Prune` or `Refused`."""

    run: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Attr:
    """The trial set a user attribute; a JSON value."""

    run: str
    attempt: int
    key: str
    value: Any


@dataclass(frozen=True, slots=True)
class Constraint:
    """The trial set a constraint; feasible at or below 0."""

    run: str
    attempt: int
    key: str
    value: float


@dataclass(frozen=True, slots=True)
class Predicted:
    """The trial's answers on an evaluation set lie in a file of the run's predictions."""

    run: str
    attempt: int
    evaluation: str
    """The set's name."""
    file: str
    """Its name in the folder `COCKPIT_PREDICTIONS`."""
    digest: str
    """Of its content."""
    rows: int
    columns: Sequence[str]


@dataclass(frozen=True, slots=True)
class Finished:
    """The attempt is over. Exactly one an attempt, and nothing of the attempt after it."""

    run: str
    attempt: int
    outcome: Outcome


Event = (
    Ready
    | Started
    | Suggest
    | Report
    | Logged
    | Sampled
    | AskPrune
    | Attr
    | Constraint
    | Predicted
    | Finished
)


@dataclass(frozen=True, slots=True)
class Value:
    """The value of a suggested parameter."""

    value: Any


@dataclass(frozen=True, slots=True)
class Prune:
    """Whether the trial is to stop here."""

    prune: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """Raises an error at the user's line."""

    error: str
    """A built-in exception's name (`ValueError`); any other becomes RuntimeError."""
    message: str


Reply = Value | Prune | Refused


class Executor(Protocol):
    """Runs tasks somewhere else. Used by one thread; only `poll` and `close` take time."""

    def free(self) -> int:
        """How many tasks may be submitted now."""
        ...

    def submit(self, task: Task) -> None:
        """Start a task; what goes wrong from here on is a `Finished`.

        Raises RuntimeError when nothing is free.
        """
        ...

    def poll(self, timeout: float) -> list[Event]:
        """Wait up to `timeout` seconds for events; earlier when a signal woke the driver."""
        ...

    def answer(self, run: str, attempt: int, reply: Reply) -> None:
        """Answer the question the attempt waits on; one that no longer waits is left alone."""
        ...

    def cancel(
        self, run: str, reason: str, state: State = "cancelled", grace: float = GRACE
    ) -> None:
        """Ask a run to stop, and end it by force after `grace` seconds; `state` is what it ends as.

        Returns at once; the `Finished` comes by `poll`. A run that is over is left alone.
        """
        ...

    def resize(self, workers: int) -> None:
        """Have so many tasks at a time from now on; of more that run now, none is ended for it."""
        ...

    def attach(self, tasks: Sequence[Task]) -> frozenset[str]:
        """Take over what another driver's executor left running; returns the runs that still do.

        Their events come by `poll` from here on. The others may be submitted again, as a new attempt.
        """
        ...

    def close(self, grace: float = GRACE) -> list[Event]:
        """End everything within `grace` seconds or by force; returns the events still due."""
        ...
