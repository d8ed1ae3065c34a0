"""Start a sweep: here and now, or detached from the terminal."""

from __future__ import annotations

import io
import itertools
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cockpit.sweep.driver import Driver, Listener, SweepFailed
from cockpit.sweep.local import LocalExecutor
from cockpit.sweep.signals import Interrupts
from storage.store import Store
from storage.sweeps import find_sweep, sweep_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cockpit.sweep.driver import Summary
    from cockpit.sweep.spec import Spec
    from storage.layout import Layout

_STARTED = "\0started "


@dataclass(frozen=True, slots=True)
class Detached:
    """A sweep that runs without us."""

    name: str
    pid: int


def run_sweep(spec: Spec, layout: Layout, listener: Listener, resume: bool = False) -> Summary:
    """Run a sweep in this process, to its end; with `resume`, go on with the one of the spec's name.

    Raises `ExecutorError` before anything is stored where the function cannot be run, `SweepFailed`
    where the sweep has to end. Where the name is taken, the new sweep is called `NAME-2` and so on.
    """
    interrupts = Interrupts()
    executor = LocalExecutor(
        spec.run.function,
        spec.folder,
        str(spec.python),
        spec.executor.workers,
        wakeup=interrupts.wakeup,
    )
    try:
        environment = executor.check()
        with interrupts:
            layout.create()
            name = spec.sweep.name
            name = _to_resume(name, layout) if resume else _free_name(name, layout)
            driver = Driver(spec, layout, executor, listener, interrupts)
            return driver.run(name, environment, resume)
    finally:
        executor.close()
        interrupts.close()


def detach(arguments: Sequence[str]) -> Detached:
    """Start `cockpit sweep` with these arguments in a session of its own.

    Returns once the sweep has begun; raises `SweepFailed` with what it said where it did not.
    """
    command = [sys.executable, "-P", "-m", "cockpit", "sweep", *arguments, "--detached"]
    with subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in io.TextIOWrapper(process.stdout, "utf-8", "replace"):
            if line.startswith(_STARTED):
                process.returncode = 0  # it is not ours to wait for any more
                return Detached(line.removeprefix(_STARTED).rstrip("\n"), process.pid)
            said.append(line.rstrip("\n").removeprefix("cockpit: "))
    raise SweepFailed("\n".join(said) or f"the driver ended with {process.returncode}")


def let_go(name: str, log: Path) -> None:
    """In the detached process: tell the starter the sweep's name, and speak to `log` from now on."""
    log.parent.mkdir(parents=True, exist_ok=True)
    os.write(1, f"{_STARTED}{name}\n".encode())
    file = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def _to_resume(name: str, layout: Layout) -> str:
    with Store(layout).session() as session:
        sweep = find_sweep(session, name)
    if sweep.state == "running":
        pid = sweep.driver.get("pid", "?")
        raise SweepFailed(f"the sweep {sweep.name} runs already (pid {pid}); watch it with cockpit")
    return sweep.name


def _free_name(wanted: str, layout: Layout) -> str:
    with Store(layout).session() as session:
        taken = sweep_names(session)
    names = itertools.chain([wanted], (f"{wanted}-{n}" for n in itertools.count(2)))
    return next(name for name in names if name not in taken and layout.reserve(name))
