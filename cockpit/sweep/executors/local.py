"""Runs trials on this machine: a function in worker processes, a command in a process an attempt.

One thread, no locks: sockets, pipes, process descriptors and the driver's wakeup are watched by a
selector inside `poll`. Where the system has no pidfd (macOS) the processes are looked at every 50 ms.
"""

from __future__ import annotations

import errno
import os
import platform
import selectors
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.sweep.executors.command import CommandProcess
from cockpit.sweep.executors.command_line import BadPlaceholder, render
from cockpit.sweep.executors.environment import (
    check_program,
    for_commands,
    interpreter,
    outside,
    placeholders,
    prepare,
    prepare_command,
    with_threads,
)
from cockpit.sweep.executors.guard import Guard
from cockpit.sweep.executors.process import ChildProcess, Message, Stop
from cockpit.sweep.executors.seam import (
    GRACE,
    AskPrune,
    Attr,
    Constraint,
    Event,
    ExecutorError,
    Finished,
    ImportFailed,
    Logged,
    Outcome,
    Predicted,
    Ready,
    Reply,
    Report,
    Sampled,
    Started,
    State,
    Suggest,
    Task,
)
from cockpit.sweep.executors.watch import Watch
from cockpit.sweep.executors.work import Command, Function
from cockpit.sweep.executors.worker_process import WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_SAID: Mapping[str, Any] = {
    "suggest": Suggest,
    "report": Report,
    "logged": Logged,
    "prune": AskPrune,
    "attr": Attr,
    "constraint": Constraint,
    "predictions": Predicted,
}
_SCARCE = (errno.EAGAIN, errno.ENOMEM, errno.EMFILE, errno.ENFILE)
_LOOK_EVERY = 0.05
"""Seconds between looks at processes whose end nothing tells."""


class LocalExecutor:
    """`Executor` on this machine.

    `python` is a path (a relative one with a slash starts at `folder`) or a name on PATH.
    `environment` replaces the inherited one. `wakeup` is the read end of `signal.set_wakeup_fd`'s
    pipe: poll empties it and returns, since the signals themselves reach the driver by its Python
    handlers. `grace` is what a run over its time gets, in seconds. `threads` is what each run may use
    of the cores, by default its share of them.
    """

    def __init__(
        self,
        work: Function | Command,
        folder: Path,
        python: str,
        workers: int,
        *,
        environment: Mapping[str, str] | None = None,
        wakeup: int | None = None,
        grace: float = GRACE,
        threads: int | None = None,
    ) -> None:
        self._work, self._folder, self._size = work, folder.absolute(), workers
        self._grace, self._threads = grace, threads
        self._environment = outside(os.environ if environment is None else environment)
        self._python = interpreter(python, self._folder, self._environment)
        self._described: Mapping[str, Any] | None = None
        self._processes: list[ChildProcess] = []
        self._events: list[Event] = []
        self._broken: ExecutorError | None = None
        self._count = 0
        self._selector = selectors.DefaultSelector()
        self._wakeup = wakeup
        if wakeup is not None:
            self._selector.register(wakeup, selectors.EVENT_READ)
        self._watch = Watch()
        self._guard = Guard()

    def check(self, timeout: float | None = None) -> Mapping[str, Any]:
        """See that the work is there: start one worker, kept for the first task; or find the program.

        Returns the environment, as in `Ready`; for a function that event comes by `poll` as well.
        Raises an ExecutorError, also when the import takes longer than `timeout` seconds. A signal
        handler that raises (Ctrl-C's own) ends the wait.
        """
        if isinstance(self._work, Command):
            for argv in filter(None, (self._work.argv, self._work.baseline)):
                check_program(argv[0], self._folder, for_commands(self._environment, self._python))
            return {"interpreter": self._python, "platform": platform.platform(), "packages": {}}
        return self._check_function(self._work, timeout)

    def free(self) -> int:
        return max(0, self._size - sum(each.task is not None for each in self._processes))

    def submit(self, task: Task) -> None:
        if not self.free():
            raise RuntimeError(f"all {self._size} workers are busy; ask free() first")
        try:
            if isinstance(self._work, Command):
                task = replace(task, environment=prepare_command(task))
                self._start_command(self._work, task)
            else:
                self._give_worker(self._work, replace(task, environment=prepare(task)))
        except (OSError, ExecutorError, BadPlaceholder) as error:
            self._events.append(Finished(task.run, task.attempt, _no_begin(error)))

    def poll(self, timeout: float) -> list[Event]:
        end = time.monotonic() + (0 if self._events else timeout)
        while not self._turn(end) and not self._events and time.monotonic() < end:
            pass
        events, self._events = self._events, []
        return events

    def answer(self, run: str, attempt: int, reply: Reply) -> None:
        for process in self._processes:
            if process.task and (process.task.run, process.task.attempt) == (run, attempt):
                process.answer(reply)
                self._follow(process)

    def cancel(
        self, run: str, reason: str, state: State = "cancelled", grace: float = GRACE
    ) -> None:
        for process in self._processes:
            if process.task and process.task.run == run:
                self._stop(process, Stop(state, reason, grace))

    def resize(self, workers: int) -> None:
        self._size = workers
        for process in list(self._processes):
            if process.idle and self._surplus() > 0:
                process.hang_up(self._grace)

    def attach(self, tasks: Sequence[Task]) -> frozenset[str]:
        """None: what a driver leaves behind is ended by its guard."""
        return frozenset()

    def close(self, grace: float = GRACE) -> list[Event]:
        for process in list(self._processes):
            if process.task:
                self._stop(process, Stop("cancelled", "the sweep was closed", grace))
            else:
                process.hang_up(grace)
        while self._processes:
            self._turn(float("inf"))
        self._guard.close()
        self._selector.close()
        events, self._events = self._events, []
        return events

    # Beginning

    def _check_function(self, work: Function, timeout: float | None) -> Mapping[str, Any]:
        end = time.monotonic() + (timeout or float("inf"))
        self._broken = None
        worker = self._start_worker(work)
        while not worker.ready:
            self._turn(end)
            if self._broken:
                raise self._broken
            if time.monotonic() >= end:
                raise ImportFailed(
                    f"{work.target.rpartition(':')[0]} was not imported within {timeout:g} s; "
                    "does it train when imported? Put that under if __name__ == '__main__'."
                )
        assert self._described is not None
        return self._described

    def _start_worker(self, work: Function) -> WorkerProcess:
        describe = "0" if self._described else "1"
        worker = WorkerProcess(
            serial=self._count,
            command=(self._python, str(Path(__file__).with_name("worker.py"))),
            arguments=(str(self._folder), work.target, describe, work.baseline or ""),
            folder=self._folder,
            environment=with_threads(self._environment, self._size, self._threads),
        )
        self._enlist(worker)
        return worker

    def _give_worker(self, work: Function, task: Task) -> None:
        idle = (w for w in self._processes if isinstance(w, WorkerProcess) and w.idle)
        worker = next(idle, None) or self._start_worker(work)
        worker.task = task
        if worker.ready:
            self._begin(worker, task)

    def _start_command(self, work: Command, task: Task) -> None:
        argv = work.baseline if task.baseline and work.baseline else work.argv
        inherited = with_threads(self._environment, self._size, self._threads)
        process = CommandProcess(
            self._count,
            task,
            render(argv, task.params, placeholders(task)),
            {**for_commands(inherited, self._python), **task.environment},
            self._folder,
            work.metrics,
        )
        self._enlist(process)
        process.task = task
        self._begin(process, task)

    def _enlist(self, process: ChildProcess) -> None:
        self._count += 1
        self._guard.add(process.pid)
        self._processes.append(process)
        if process.pidfd is not None:
            self._selector.register(process.pidfd, selectors.EVENT_READ, process)
        self._follow(process)

    def _begin(self, process: ChildProcess, task: Task) -> None:
        process.begin(task)
        self._watch.begin(process, fresh=not isinstance(process, WorkerProcess))
        self._follow(process)
        self._events.append(Started(task.run, task.attempt, process.pid))

    # Watching

    def _follow(self, process: ChildProcess) -> None:
        """Watches what the process has open now, and for room while there is something to send."""
        wanted = set(process.descriptors()) if process.connected else set()
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if process.unsent else 0)
        for descriptor in process.followed - wanted:
            self._selector.unregister(descriptor)
        for descriptor in wanted - process.followed:
            self._selector.register(descriptor, events, process)
        for descriptor in wanted & process.followed:
            if self._selector.get_key(descriptor).events != events:
                self._selector.modify(descriptor, events, process)
        process.followed = wanted

    def _unfollow(self, process: ChildProcess) -> None:
        for descriptor in process.followed:
            self._selector.unregister(descriptor)
        process.followed = set()

    def _turn(self, end: float) -> bool:
        """Look once, waiting at most until `end`; True when a signal woke the driver."""
        woken = False
        for key, mask in self._selector.select(self._patience(end)):
            process = key.data
            if process is None:
                os.read(key.fd, 4096)
                woken = True
            elif process in self._processes:
                self._attend(process, key.fd, mask)
        self._expire()
        return woken

    def _patience(self, end: float) -> float | None:
        """Seconds until something is due; None for no end."""
        due = min([end, self._watch.due, *(process.due for process in self._processes)])
        wait = max(0.0, due - time.monotonic())
        if any(process.polled for process in self._processes):
            return min(wait, _LOOK_EVERY)
        return None if wait == float("inf") else wait

    def _attend(self, process: ChildProcess, descriptor: int, mask: int) -> None:
        if descriptor == process.pidfd:
            self._selector.unregister(descriptor)
            process.died = True  # what it started may go on for a little
            return
        if mask & selectors.EVENT_WRITE:
            process.flush()
            self._follow(process)
        if mask & selectors.EVENT_READ and descriptor in process.followed:
            self._listen(process)

    def _listen(self, process: ChildProcess) -> None:
        for message in process.read():
            self._hear(process, message)
        if process.ended and process.connected:
            self._unfollow(process)
            process.disconnect()
        else:
            self._follow(process)

    def _expire(self) -> None:
        """Timeouts, ends of grace, samples, and deaths that nothing tells."""
        now = time.monotonic()
        for process in list(self._processes):
            if process.polled and process.is_over():
                self._bury(process)
                continue
            if process.look_at <= now:
                for message in process.look():
                    self._hear(process, message)
            if process.overtime(now):
                self._stop(process, Stop("timeout", process.overtime_reason(), self._grace))
            elif process.overdue(now):
                process.kill()
        if self._watch.due <= now:
            self._measure(now)

    def _measure(self, now: float) -> None:
        for found in self._watch.look(now):
            if isinstance(found, Sampled):
                self._events.append(found)
            else:
                self._stop(*found)

    # What they say, and their end

    def _hear(self, process: ChildProcess, message: Message) -> None:
        task, said = process.task, message.pop("say")
        if said in _SAID:
            if task is not None:
                process.asked = message.pop("ask", None)
                self._events.append(_SAID[said](task.run, task.attempt, **message))
            return
        assert isinstance(process, WorkerProcess)
        if said == "ready":
            self._welcome(process, message["environment"])
        elif said == "broken":
            process.break_off(**message)
        elif task is not None:
            process.finish()
            self._settle(process, task, process.outcome(message), died=False)
            self._keep_or_let_go(process)

    def _welcome(self, worker: WorkerProcess, environment: Mapping[str, Any] | None) -> None:
        self._described = self._described or environment or {}
        worker.welcome()
        self._events.append(Ready(worker.serial, self._described))
        if worker.task:
            self._begin(worker, worker.task)

    def _settle(self, process: ChildProcess, task: Task, outcome: Outcome, died: bool) -> None:
        outcome = self._watch.settle(process, outcome, died)
        self._events.append(Finished(task.run, task.attempt, outcome))

    def _keep_or_let_go(self, worker: WorkerProcess) -> None:
        """After a trial: what it holds in memory may be wrong, or too much, or nobody's any more."""
        if worker.tainted:
            worker.kill()
        elif self._is_worn(worker) or self._surplus() > 0:
            worker.hang_up(self._grace)

    def _is_worn(self, worker: WorkerProcess) -> bool:
        work = self._work
        assert isinstance(work, Function)
        if work.isolation == "process" or worker.trials >= (work.recycle or float("inf")):
            return True
        return work.recycle_memory is not None and self._watch.size(worker) > work.recycle_memory

    def _surplus(self) -> int:
        """Workers more than there may be, not counting those that are about to end."""
        return sum(each.idle or each.task is not None for each in self._processes) - self._size

    def _stop(self, process: ChildProcess, stop: Stop) -> None:
        if process.stop is None:
            process.terminate(stop)
        else:
            process.hasten(stop.grace)

    def _bury(self, process: ChildProcess) -> None:
        """It died: end what it started, hear its last words, say what became of its task."""
        process.end_session()
        for message in process.last_words():
            self._hear(process, message)
        self._unfollow(process)
        if process.pidfd is not None and process.pidfd in self._selector.get_map():
            self._selector.unregister(process.pidfd)
        self._guard.remove(process.pid)
        outcome = process.reap()
        self._processes.remove(process)
        if isinstance(process, WorkerProcess) and not process.ready and process.stop is None:
            self._broken = process.failure_to_start(outcome)
            outcome = replace(outcome, reason=str(self._broken))
        if process.task:
            self._settle(process, process.task, outcome, died=True)


def _no_begin(error: Exception) -> Outcome:
    """`lost` where the system had nothing left to start a process with, else a fault to be mended."""
    cause = error if isinstance(error, OSError) else error.__cause__
    scarce = isinstance(cause, OSError) and cause.errno in _SCARCE
    text = f"{type(error).__name__}: {error}" if isinstance(error, OSError) else str(error)
    return Outcome("lost" if scarce else "failed", reason=text)
