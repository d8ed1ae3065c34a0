"""What a run finds around it: its interpreter, its variables, its folder, its params in a file."""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import TYPE_CHECKING, Any

from cockpit.sweep.executors.seam import ExecutorError, InterpreterError
from storage.layout import VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cockpit.sweep.executors.seam import Task

PARAMS_FILE = "params.json"
METRICS_FILE = "metrics.jsonl"
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)


def interpreter(python: str, folder: Path, environment: Mapping[str, str]) -> str:
    """Absolute, symbolic links kept: a virtual environment's python is one."""
    found = _program(python, folder, environment)
    if found is None:
        path = os.path.normpath(folder / os.path.expanduser(python))
        place = path if os.sep in python else "on PATH"
        where = f"{python} was not found" + (f" ({place})" if place != python else "")
        raise InterpreterError(f"the interpreter {where}; set python in [run] to the one to use")
    return found


def check_program(program: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Raise ExecutorError where a command's program is not there."""
    if "{" not in program and _program(program, folder, environment) is None:
        where = f"in {folder}" if os.sep in program else "on PATH"
        advice = "; a script needs to be executable, or its interpreter named before it"
        raise ExecutorError(f"the program {program} of the command was not found {where}{advice}")


def outside(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what tells of a run that we ourselves are in."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("COCKPIT_") or name == VARIABLE
    }


def with_threads(
    environment: Mapping[str, str], workers: int, threads: int | None
) -> dict[str, str]:
    """Workers that each use all cores slow one another down; what the user set is left alone."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    share = threads or max(1, (cores or 1) // max(1, workers))
    return dict.fromkeys(_THREADS, str(share)) | dict(environment)


def for_commands(environment: Mapping[str, str], python: str) -> dict[str, str]:
    """What a program needs more: `python` is the sweep's, and what it prints comes at once."""
    unbuffered = {"PYTHONUNBUFFERED": "1"} | dict(environment)
    if python == os.path.abspath(sys.executable):  # nobody chose it
        return unbuffered
    path = os.pathsep.join(filter(None, (os.path.dirname(python), environment.get("PATH"))))
    return unbuffered | {"PATH": path}


def prepare(task: Task) -> dict[str, str]:
    """The run's own variables. Of a function's run the folder is made once it is asked for: most have none."""
    return {**task.environment, "COCKPIT_RUN_DIR": str(task.folder)}


def prepare_command(task: Task) -> dict[str, str]:
    """As `prepare`, with the file of its params, and the place of one for its metrics.

    Makes the run's folder. Raises OSError.
    """
    variables = prepare(task)
    os.makedirs(task.folder, exist_ok=True)
    beside = os.path.dirname(task.folder)
    params = os.path.join(beside, PARAMS_FILE)
    with open(params, "wb") as file:
        file.write(json.dumps(dict(task.params)).encode() + b"\n")
    return {
        **variables,
        "COCKPIT_PARAMS": params,
        "COCKPIT_METRICS": os.path.join(beside, METRICS_FILE),
    }


def placeholders(task: Task) -> dict[str, Any]:
    """What a command may name beside its params; of a task that is prepared."""
    there = task.environment
    return {
        "params": there["COCKPIT_PARAMS"],
        "run_dir": there["COCKPIT_RUN_DIR"],
        "run": task.run,
        "sweep": there.get("COCKPIT_SWEEP", ""),
        "number": task.number,
        "seed": there.get("COCKPIT_SEED", task.number),
    }


def _program(name: str, folder: Path, environment: Mapping[str, str]) -> str | None:
    name = os.path.expanduser(name)
    if os.sep not in name:
        found = shutil.which(name, path=environment.get("PATH"))
        return found and os.path.abspath(found)
    path = os.path.normpath(folder / name)
    return os.path.abspath(path) if os.path.isfile(path) and os.access(path, os.X_OK) else None
