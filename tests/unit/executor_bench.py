"""A bench to put an executor on, for the suites of what every executor owes the driver.

A suite subclasses `ExecutorSuite`; `class TestIt(OnLocal, ItsSuite)` runs it on the local executor.
"""

from __future__ import annotations

import contextlib
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.sweep.executors.command_line import escaped
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.seam import (
    AskPrune,
    Event,
    Executor,
    Finished,
    Outcome,
    Ready,
    Suggest,
    Task,
)
from cockpit.sweep.executors.work import Command, Function

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Work = Function | Command
TRAIN = Function("train.py:train")
PATIENCE = 60.0
SOON = 20.0
"""Seconds; what is to be ended would sleep for longer."""


def command(script: str, *arguments: str) -> Command:
    """A shell script and its `$1`, `$2`…, which may hold placeholders."""
    return Command(("sh", "-c", escaped(script), "sh", *arguments))


def python(code: str) -> Command:
    return Command((sys.executable, "-c", escaped(code)))


needs_pidfd = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="watches deaths by pidfd")


class Bench:
    """A project folder, an executor on it, and a driver that answers from a script."""

    def __init__(self, folder: Path, executor: Executor) -> None:
        self.folder, self.executor = folder, executor
        self.events: list[Event] = []

    def task(self, number: int = 0, attempt: int = 0, **options: Any) -> Task:
        run = options.pop("run", f"run{number}")
        params = options.pop("params", {})
        folder = self.folder / "runs" / run / "artifacts"
        return Task(run, number, attempt, params, self.log(run), folder, **options)

    def log(self, run: str = "run0") -> Path:
        return self.folder / "runs" / run / "log.txt"

    def poll_until(self, ready: Callable[[Event], bool], answers: Any = None) -> Event:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            found = None
            for event in self.executor.poll(1.0):
                self.events.append(event)
                if isinstance(event, Suggest | AskPrune) and answers is not None:
                    self.executor.answer(event.run, event.attempt, answers(event))
                found = found or (event if ready(event) else None)
            if found:
                return found
        raise TimeoutError(f"it did not happen; this did: {self.events}")

    def outcome(self, number: int = 0, answers: Any = None, **options: Any) -> Outcome:
        task = self.task(number, **options)
        self.executor.submit(task)
        return self.finish(task.run, task.attempt, answers)

    def finish(self, run: str = "run0", attempt: int = 0, answers: Any = None) -> Outcome:
        last = self.first(Finished, run, attempt, answers)
        assert isinstance(last, Finished)
        return last.outcome

    def of(self, run: str, attempt: int = 0) -> list[Any]:
        """What came of an attempt so far."""
        known = [event for event in self.events if not isinstance(event, Ready)]
        return [event for event in known if (event.run, event.attempt) == (run, attempt)]

    def first(
        self, kind: type, run: str | None = None, attempt: int | None = None, answers: Any = None
    ) -> Any:
        """The first event of a kind (of an attempt), waited for if need be."""

        def wanted(event: Event) -> bool:
            if run is None or not isinstance(event, kind):
                return isinstance(event, kind)
            return event.run == run and attempt in (None, event.attempt)

        there = [event for event in self.events if wanted(event)]
        return there[0] if there else self.poll_until(wanted, answers)


def gone(pidfds: list[int], seconds: float) -> bool:
    """Whether every process ends within the time."""
    end = time.monotonic() + seconds
    waiting = list(pidfds)
    while waiting and time.monotonic() < end:
        ended, _, _ = select.select(waiting, [], [], max(0.0, end - time.monotonic()))
        waiting = [descriptor for descriptor in waiting if descriptor not in ended]
    return not waiting


@contextlib.contextmanager
def watched(*pids: int) -> Iterator[list[int]]:
    descriptors = [os.pidfd_open(pid) for pid in pids]
    try:
        yield descriptors
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


class ExecutorSuite:
    """Needs a fixture `executor_factory(work, folder, python=…, workers=…)`."""

    @pytest.fixture
    def make(self, executor_factory: Any, tmp_path: Path) -> Iterator[Callable[..., Bench]]:
        with contextlib.ExitStack() as stack:

            def build(code: str, work: Work | None = None, **options: Any) -> Bench:
                (tmp_path / "train.py").write_text(code)
                executor = executor_factory(work or TRAIN, tmp_path, **options)
                stack.callback(executor.close, 0.1)
                return Bench(tmp_path, executor)

            yield build


class OnLocal:
    """Runs a suite on the local executor."""

    @pytest.fixture
    def executor_factory(self) -> Callable[..., Executor]:
        def factory(work: Work, folder: Path, **options: Any) -> Executor:
            return LocalExecutor(
                work,
                folder,
                options.pop("python", sys.executable),
                options.pop("workers", 1),
                **options,
            )

        return factory
