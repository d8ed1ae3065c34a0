"""Runs trials in warm worker processes on this machine.

One thread, no locks: sockets, process descriptors and the driver's wakeup are watched by a selector
inside `poll`. Where the system has no pidfd (macOS) the workers are looked at every 50 ms.
"""

from __future__ import annotations

import os
import selectors
import shutil
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.sweep.executor import (
    GRACE,
    AskPrune,
    Attr,
    Constraint,
    Event,
    ExecutorError,
    Finished,
    FunctionError,
    ImportFailed,
    InterpreterError,
    Outcome,
    Prune,
    Ready,
    Refused,
    Reply,
    Report,
    Started,
    Suggest,
    Task,
    Value,
)
from cockpit.sweep.guard import Guard
from cockpit.sweep.process import Stop, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Mapping

_SAID: Mapping[str, Any] = {
    "suggest": Suggest,
    "report": Report,
    "prune": AskPrune,
    "attr": Attr,
    "constraint": Constraint,
}
_BROKEN = {"import": ImportFailed, "function": FunctionError}
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
_LOOK_EVERY = 0.05
"""Seconds between looks at workers that have no pidfd."""
_LAST_WORD = 0.5
"""Seconds a worker may live on after its connection broke: as a rule it is about to die."""


class LocalExecutor:
    """`Executor` on this machine.

    `function` is `FILE.py:NAME` or `MODULE:NAME` seen from `folder`. `python` is a path (a relative
    one with a slash starts at `folder`) or a name on PATH. `environment` replaces the inherited one.
    `wakeup` is the read end of `signal.set_wakeup_fd`'s pipe: poll empties it and returns, since the
    signals themselves reach the driver by its Python handlers.
    """

    def __init__(
        self,
        function: str,
        folder: Path,
        python: str,
        workers: int,
        environment: Mapping[str, str] | None = None,
        wakeup: int | None = None,
    ) -> None:
        self._function, self._folder, self._size = function, folder.absolute(), workers
        self._environment = _with_threads(
            os.environ if environment is None else environment, workers
        )
        self._python = _interpreter(python, self._folder, self._environment)
        self._described: Mapping[str, Any] | None = None
        self._workers: list[WorkerProcess] = []
        self._events: list[Event] = []
        self._broken: ExecutorError | None = None
        self._count = 0
        self._selector = selectors.DefaultSelector()
        self._wakeup = wakeup
        if wakeup is not None:
            self._selector.register(wakeup, selectors.EVENT_READ)
        self._guard = Guard()

    def check(self, timeout: float | None = None) -> Mapping[str, Any]:
        """Start one worker and see that it has the function; it is kept for the first task.

        Returns the environment, as in `Ready`; that event comes by `poll` as well. Raises an
        ExecutorError, also when the import takes longer than `timeout` seconds. A signal handler
        that raises (Ctrl-C's own) ends the wait.
        """
        end = time.monotonic() + (timeout or float("inf"))
        self._broken = None
        worker = self._start()
        while not worker.ready:
            self._turn(end)
            if self._broken:
                raise self._broken
            if time.monotonic() >= end:
                raise ImportFailed(
                    f"{self._function.rpartition(':')[0]} was not imported within {timeout:g} s; "
                    "does it train when imported? Put that under if __name__ == '__main__'."
                )
        assert self._described is not None
        return self._described

    def free(self) -> int:
        return max(0, self._size - sum(worker.task is not None for worker in self._workers))

    def submit(self, task: Task) -> None:
        if not self.free():
            raise RuntimeError(f"all {self._size} workers are busy; ask free() first")
        try:
            worker = next((w for w in self._workers if w.idle), None) or self._start()
        except ExecutorError as error:  # the interpreter or the process table gave out in mid-sweep
            self._finish(task, Outcome("lost", reason=str(error)))
            return
        worker.task = task
        if worker.ready:
            self._hand_over(worker, task)

    def poll(self, timeout: float) -> list[Event]:
        end = time.monotonic() + (0 if self._events else timeout)
        while not self._turn(end) and not self._events and time.monotonic() < end:
            pass
        events, self._events = self._events, []
        return events

    def answer(self, run: str, attempt: int, reply: Reply) -> None:
        for worker in self._workers:
            if worker.task and (worker.task.run, worker.task.attempt) == (run, attempt):
                worker.send(_message(reply))
                self._watch(worker)

    def cancel(self, run: str, reason: str, grace: float = GRACE) -> None:
        for worker in self._workers:
            if worker.task and worker.task.run == run:
                self._stop(worker, Stop("cancelled", reason, grace))

    def close(self, grace: float = GRACE) -> list[Event]:
        for worker in list(self._workers):
            if worker.task:
                self._stop(worker, Stop("cancelled", "the sweep was closed", grace))
            else:
                worker.hang_up(grace)
        while self._workers:
            self._turn(float("inf"))
        self._guard.close()
        self._selector.close()
        events, self._events = self._events, []
        return events

    def _start(self) -> WorkerProcess:
        worker = WorkerProcess(
            serial=self._count,
            command=(self._python, str(Path(__file__).with_name("worker.py"))),
            arguments=(str(self._folder), self._function, "0" if self._described else "1"),
            folder=self._folder,
            environment=self._environment,
        )
        self._count += 1
        self._guard.add(worker.pid)
        self._workers.append(worker)
        for descriptor in worker.descriptors():
            self._selector.register(descriptor, selectors.EVENT_READ, worker)
        return worker

    def _watch(self, worker: WorkerProcess) -> None:
        """Waits for room in the worker's socket as long as there is something left to send."""
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.unsent else 0)
        if worker.connected and self._selector.get_key(worker.socket).events != events:
            self._selector.modify(worker.socket, events, worker)

    def _hand_over(self, worker: WorkerProcess, task: Task) -> None:
        worker.begin(task)
        self._watch(worker)
        self._events.append(Started(task.run, task.attempt, worker.pid))

    def _turn(self, end: float) -> bool:
        """Look once, waiting at most until `end`; True when a signal woke the driver."""
        woken = False
        for key, mask in self._selector.select(self._patience(end)):
            worker = key.data
            if worker is None:
                os.read(key.fd, 4096)
                woken = True
            elif worker in self._workers:
                self._attend(worker, key.fd == worker.pidfd, mask)
        self._expire()
        return woken

    def _patience(self, end: float) -> float | None:
        """Seconds until something is due; None for no end."""
        due = min([end, *(worker.due for worker in self._workers)])
        wait = max(0.0, due - time.monotonic())
        if any(worker.pidfd is None for worker in self._workers):
            return min(wait, _LOOK_EVERY)
        return None if wait == float("inf") else wait

    def _attend(self, worker: WorkerProcess, died: bool, mask: int) -> None:
        if died:
            self._bury(worker)
            return
        if mask & selectors.EVENT_WRITE:
            worker.flush()
            self._watch(worker)
        if mask & selectors.EVENT_READ:
            self._listen(worker)

    def _listen(self, worker: WorkerProcess) -> None:
        for message in worker.read():
            self._hear(worker, message)
        if worker.ended and worker.connected:
            self._selector.unregister(worker.socket)
            worker.disconnect(_LAST_WORD)

    def _hear(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        said = message.pop("say")
        task = worker.task
        if said == "ready":
            self._welcome(worker, message["environment"])
        elif said == "broken":
            worker.broken = _BROKEN[message["kind"]](message["message"], message["detail"])
            worker.kill()
        elif task is None:
            return
        elif said == "finished":
            worker.finish()
            self._finish(task, _outcome(worker, message))
            if worker.tainted:
                worker.kill()
        else:
            self._events.append(_SAID[said](task.run, task.attempt, **message))

    def _welcome(self, worker: WorkerProcess, environment: Mapping[str, Any] | None) -> None:
        self._described = self._described or environment or {}
        worker.welcome()
        self._events.append(Ready(worker.serial, self._described))
        if worker.task:
            self._hand_over(worker, worker.task)

    def _finish(self, task: Task, outcome: Outcome) -> None:
        self._events.append(Finished(task.run, task.attempt, outcome))

    def _stop(self, worker: WorkerProcess, stop: Stop) -> None:
        if worker.stop is None:
            worker.terminate(stop)
        else:
            worker.hasten(stop.grace)

    def _expire(self) -> None:
        """Timeouts, ends of grace, and deaths where no pidfd tells them."""
        now = time.monotonic()
        for worker in list(self._workers):
            if worker.pidfd is None and worker.is_dead():
                self._bury(worker)
            elif worker.due <= now:
                if worker.overtime(now):
                    reason = f"ran longer than {_duration(worker.limit)}"
                    self._stop(worker, Stop("timeout", reason, GRACE))
                else:
                    worker.kill()

    def _bury(self, worker: WorkerProcess) -> None:
        """A worker died: hear its last words, end its children, say what became of its task."""
        while worker.connected and not worker.ended:
            before = worker.heard
            self._listen(worker)
            if worker.heard == before:
                break
        if worker.connected:
            self._selector.unregister(worker.socket)
        if worker.pidfd is not None:
            self._selector.unregister(worker.pidfd)
        worker.end_group()
        self._guard.remove(worker.pid)
        outcome = worker.reap()
        self._workers.remove(worker)
        if not worker.ready and worker.stop is None:
            self._broken = worker.broken or _no_start(self._python, worker, outcome)
            outcome = replace(outcome, state="failed", reason=str(self._broken))
        if worker.task:
            self._finish(worker.task, outcome)


def _message(reply: Reply) -> dict[str, Any]:
    match reply:
        case Value(value):
            return {"value": value}
        case Prune(prune):
            return {"prune": prune}
        case Refused(error, text):
            return {"refused": [error, text]}


def _outcome(worker: WorkerProcess, message: dict[str, Any]) -> Outcome:
    """What the worker said of a trial; why it was cancelled is known on this side."""
    if isinstance(message.get("values"), list):
        message["values"] = tuple(message["values"])
    outcome = Outcome(**message)
    if outcome.state != "cancelled":
        return outcome
    worker.tainted = True
    if worker.stop is None:
        return replace(outcome, reason="stopped by a SIGTERM that the sweep did not send")
    return replace(outcome, state=worker.stop.state, reason=worker.stop.reason)


def _no_start(python: str, worker: WorkerProcess, outcome: Outcome) -> InterpreterError:
    lines = worker.printed.strip().splitlines()
    last = f": {lines[-1].strip()}" if lines else ""
    return InterpreterError(
        f"{python} could not start a worker ({outcome.reason}){last}", worker.printed
    )


def _interpreter(python: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Absolute, symbolic links kept: a virtual environment's python is one."""
    name = os.path.expanduser(python)
    if os.sep in name:
        path = os.path.normpath(folder / name)
        found = path if os.path.isfile(path) and os.access(path, os.X_OK) else None
    else:
        path, found = "on PATH", shutil.which(name, path=environment.get("PATH"))
    if found is None:
        where = f"{python} was not found" + (f" ({path})" if path != python else "")
        raise InterpreterError(f"the interpreter {where}; set python in [run] to the one to use")
    return os.path.abspath(found)


def _with_threads(environment: Mapping[str, str], workers: int) -> dict[str, str]:
    """Workers that each use all cores slow one another down."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    share = str(max(1, (cores or 1) // max(1, workers)))
    return dict.fromkeys(_THREADS, share) | dict(environment)


def _duration(seconds: float) -> str:
    """`10m`, `1h30m`, `0.5s`: as it is written in a spec."""
    if seconds < 60 or seconds != int(seconds):
        return f"{seconds:g}s"
    hours, rest = divmod(int(seconds), 3600)
    minutes, rest = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (rest, "s"))
    return "".join(f"{count}{unit}" for count, unit in parts if count)
