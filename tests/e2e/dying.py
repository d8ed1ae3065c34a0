"""A process that starts others, each of which kills itself at a certain step of what it does.

It imports everything first and opens nothing, so that those it forks begin at once. A line of stdin names a job,
the folder it works in and the step; a line of stdout says how many steps there were, or that it was killed.

A step is a call that changes files or asks the database for something, counted from 1 as it is about to happen.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb  # noqa: F401 - so that those forked need not import it
import onnxruntime  # noqa: F401
import polars  # noqa: F401

import cockpit.sweep.provenance.git  # noqa: F401
from cockpit.models.promotion import check, promote
from cockpit.project.reading import load_project
from storage.layout import Layout

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

STEPS = {
    *("open", "write", "close", "fsync", "fdatasync", "flock", "truncate", "ftruncate", "chmod"),
    *("mkdir", "rmdir", "unlink", "remove", "rename", "replace", "link"),
    *("execute", "begin", "commit", "connect", "register", "checkpoint"),
}


def promotion(folder: Path) -> Callable[[], object]:
    """Of `good` to production; without gates, so that no model is asked and no thread runs."""
    checked = check(
        Layout(folder / ".cockpit"), load_project(folder), "income", "good", "production"
    )
    return lambda: promote(Layout(folder / ".cockpit"), checked, "quickly")


def saving(folder: Path) -> Callable[[], object]:
    """Of another model over the one that is there; of files, so that nothing is converted."""
    from cockpit.sweep.executors import bundles

    told: dict[str, Any] = dict.fromkeys(("target", "positive", "columns", "classes"))
    environment = {"python": "3.11", "packages": {}}
    files = {"weights": folder / "weights"}
    return lambda: bundles.save(
        str(folder / "model"),
        None,
        {"x": [1, 2]},
        **told,
        files=files,
        unsafe_pickle=False,
        environment=environment,
    )


JOBS = {"promotion": promotion, "saving": saving}


def until(step: int, work: Callable[[], object]) -> int:
    """Do it, and be killed at the step; how many steps there were, if there are fewer."""
    seen = 0

    def look(frame: FrameType, event: str, function: Any) -> None:
        nonlocal seen
        if event == "c_call" and function.__name__ in STEPS:
            seen += 1
            if seen == step:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.setprofile(look)
    try:
        work()
    finally:
        sys.setprofile(None)
    return seen


def child(job: str, folder: str, step: int) -> int:
    """Fork one; the steps it took, or 0 where it was killed."""
    read, write = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(write, str(until(step, JOBS[job](Path(folder)))).encode())
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(0)
    os.close(write)
    with open(read, "rb") as told:
        said = told.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return 0
    if not said:
        raise SystemExit(f"{job} at {step} in {folder} failed")
    return int(said)


def main() -> None:
    for line in sys.stdin:
        job, folder, step = line.rstrip("\n").split("\t")
        sys.stdout.write(f"{child(job, folder, int(step))}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
