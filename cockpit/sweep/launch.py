"""Start a sweep: here and now, detached from the terminal, anew where it was, or once more."""

from __future__ import annotations

import fcntl
import itertools
import os
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import optuna

from cockpit.sweep.driver import Driver, SweepFailed
from cockpit.sweep.earlier import Earlier, read_earlier
from cockpit.sweep.evaluations import with_evaluations, with_versions
from cockpit.sweep.executors.local import LocalExecutor
from cockpit.sweep.executors.work import Command, Function
from cockpit.sweep.goes_on import check_goes_on
from cockpit.sweep.order import Script
from cockpit.sweep.retold import ended_from_outside
from cockpit.sweep.signals import Interrupts
from cockpit.sweep.space import import_ahead
from cockpit.sweep.spec import spec_from_stored
from storage.locking import taken
from storage.optuna import RunStorage
from storage.store import Store
from storage.sweeps import find_sweep, provenance_of, sweep_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from cockpit.sweep.listener import Listener, Summary
    from cockpit.sweep.spec import Spec
    from storage.layout import Layout

_STARTED = "\0started "
LET_GO_SECONDS = 5.0
"""How long a driver that has told its sweep's end may take to go."""


@dataclass(frozen=True, slots=True)
class Detached:
    """A sweep that runs without us."""

    name: str
    pid: int
    said: tuple[str, ...] = ()
    """What it had to say before it began."""


def run_sweep(spec: Spec, layout: Layout, listener: Listener, resume: bool = False) -> Summary:
    """Run a sweep in this process, to its end; with `resume`, go on with the one of the spec's name.

    Raises `ExecutorError` before anything is stored where the code cannot be run, `SweepFailed`
    where the sweep has to end. Where the name is taken, the new sweep is called `NAME-2` and so on.
    """
    return _run(spec, layout, listener, resume=resume)


def replay(spec: Spec, layout: Layout, listener: Listener) -> Summary:
    """Run a sweep once more, each ask and tell in the order of then, as a sweep `NAME-replay`.

    `spec` is what `stored_spec` gives. Raises as `run_sweep` does; `Summary.differences` tells what
    came out otherwise.
    """
    name = spec.sweep.name
    study = optuna.load_study(study_name=name, storage=RunStorage(layout.root))
    with Store(layout).session() as session:
        ended = ended_from_outside(session, name)
    script = Script(name, study.get_trials(deepcopy=False), ended)
    if not script.asks:
        raise SweepFailed(f"the order of {name} was not recorded: it cannot be replayed")
    sweep = spec.sweep.model_copy(update={"name": f"{name}-replay"})
    return _run(replace(spec, sweep=sweep), layout, listener, script=script)


def stored_spec(name: str, layout: Layout, overrides: Mapping[str, Any] | None = None) -> Spec:
    """The spec that a stored sweep was started with, its trials and workers as they were changed since.

    Raises `SweepNotFound`, `SpecError`.
    """
    with Store(layout).session() as session:
        known = provenance_of(session, name)
        sweep = find_sweep(session, name)
    if not known.get("spec"):
        raise SweepFailed(f"{sweep.name} was not started from a spec; name the spec file too")
    label = known.get("spec_path") or f"{sweep.name}.toml"
    given = {**known["overrides"], **(overrides or {})}
    spec = spec_from_stored(
        known["spec"], Path(known["spec_folder"]), label, given, known.get("cell")
    )
    table, executor = spec.sweep.model_copy(update={"name": sweep.name}), spec.executor
    if sweep.trials is not None and "sweep.trials" not in (overrides or {}):
        table = table.model_copy(update={"trials": sweep.trials})
    if sweep.workers is not None and "executor.workers" not in (overrides or {}):
        executor = executor.model_copy(update={"workers": sweep.workers})
    return replace(spec, sweep=table, executor=executor)


def _run(
    spec: Spec,
    layout: Layout,
    listener: Listener,
    resume: bool = False,
    script: Script | None = None,
) -> Summary:
    spec = with_versions(spec, layout)
    interrupts = Interrupts()
    workers = max(spec.executor.workers, script.most_at_once if script else 0)
    executor = LocalExecutor(
        work_of(spec),
        spec.folder,
        str(spec.python),
        workers,
        wakeup=interrupts.wakeup,
        threads=spec.limits.threads,
        grace=spec.executor.grace,
    )
    try:
        import_ahead(spec)
        environment = executor.check()
        with interrupts, ExitStack() as held:
            layout.create()
            spec, evaluations = with_evaluations(spec, layout)
            name = spec.sweep.name
            earlier = None
            if resume:
                held.enter_context(_alone(name, layout))
                name, earlier = _to_resume(spec, layout)
            else:
                name = _free_name(name, layout)
            driver = Driver(spec, layout, executor, listener, interrupts, evaluations)
            return driver.run(name, environment, earlier, script)
    finally:
        executor.close()
        interrupts.close()


def work_of(spec: Spec) -> Function | Command:
    """What a spec's trials run."""
    run, executor = spec.run, spec.executor
    if run.command is not None:
        baseline = run.baseline if isinstance(run.baseline, tuple) else None
        return Command(run.command, baseline, spec.metrics_from)
    assert run.function is not None
    return Function(
        run.function,
        run.baseline if isinstance(run.baseline, str) else None,
        executor.isolation,
        executor.recycle,
        executor.recycle_memory,
    )


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
        encoding="utf-8",
        errors="replace",
    ) as process:
        assert process.stdout is not None
        said: list[str] = []
        for line in process.stdout:
            if line.startswith(_STARTED):
                process.returncode = 0  # it is not ours to wait for any more
                name = line.removeprefix(_STARTED).rstrip("\n")
                return Detached(name, process.pid, tuple(said))
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


@contextmanager
def _alone(name: str, layout: Layout) -> Iterator[None]:
    """Nobody else goes on with this sweep meanwhile, in the same moment even; raises `SweepFailed`."""
    with Store(layout).session() as session:
        sweep = find_sweep(session, name)
    file, _ = layout.sampler(sweep.id)
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("ab") as lock:
        if not taken(lock.fileno(), fcntl.LOCK_EX, time.monotonic() + LET_GO_SECONDS):
            raise SweepFailed(
                f"another process goes on with the sweep {sweep.name} already; watch it with cockpit"
            )
        yield


def _to_resume(spec: Spec, layout: Layout) -> tuple[str, Earlier]:
    with Store(layout).session() as session:
        sweep = find_sweep(session, spec.sweep.name)
        if sweep.state in ("running", "paused"):
            pid = sweep.driver.get("pid", "?")
            raise SweepFailed(
                f"the sweep {sweep.name} runs already (pid {pid}); watch it with cockpit"
            )
        check_goes_on(spec, sweep, session)
        return sweep.name, read_earlier(session, sweep, spec)


def is_known(name: str, layout: Layout) -> bool:
    """Whether the store has a sweep of this name."""
    if not layout.exists():
        return False
    with Store(layout).session() as session:
        return name in sweep_names(session)


def _free_name(wanted: str, layout: Layout) -> str:
    with Store(layout).session() as session:
        taken = sweep_names(session)
    names = itertools.chain([wanted], (f"{wanted}-{n}" for n in itertools.count(2)))
    return next(name for name in names if name not in taken and layout.reserve(name))
