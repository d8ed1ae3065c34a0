"""What takes more than one table of a spec, or the disk, to see."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from cockpit.sweep.spec.commands import command_faults
from cockpit.sweep.spec.files import data_faults, function_faults, python_faults
from cockpit.sweep.spec.params import grid_size, values
from cockpit.sweep.spec.points import points_faults
from cockpit.sweep.spec.search import Patient
from cockpit.sweep.spec.sweep_table import EXHAUSTIVE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cockpit.sweep.spec.errors import Fault
    from cockpit.sweep.spec.params import Param
    from cockpit.sweep.spec.search import Setting
    from cockpit.sweep.spec.sweep_table import SweepTable
    from cockpit.sweep.spec.tables import RunTable

PROJECT = "experiment-cockpit"
"""What pip knows us by."""
GRID_LIMIT = 100_000
"""Points; Optuna lists the whole grid in memory before the first trial, and for `brute_force` each parameter's."""


def faults_together(folder: Path, models: Mapping[str, Any], enqueue: Any) -> Iterator[Fault]:
    """Goes by the tables that are fine on their own; the others are None."""
    run, data, sweep, params = (models.get(name) for name in ("run", "data", "sweep", "params"))
    if run is not None:
        yield from python_faults(folder, run)
        if run.function is None:
            yield from command_faults(folder, run, params and params.root, data and data.root)
        else:
            yield from function_faults(folder, "function", run.function, run.python)
            if isinstance(run.baseline, str):
                yield from function_faults(folder, "baseline", run.baseline, run.python)
        yield from _misplaced(run, models)
    if data is not None:
        yield from data_faults(folder, data.root)
    if sweep is not None:
        yield from _not_installed(sweep)
        if params is not None:
            yield from _exhaustive_faults(sweep, params.root, enqueue)
    if params is not None:
        free = not params.root and (run is None or run.function is not None)
        yield from points_faults(enqueue, params.root, free)


def _misplaced(run: RunTable, models: Mapping[str, Any]) -> Iterator[Fault]:
    """Keys that the other form of [run] has no use for; they would do nothing, and nobody knew."""
    metrics, executor = models.get("metrics"), models.get("executor")
    if run.function is not None and metrics is not None and metrics.model_fields_set:
        text = "[metrics] is for a command; a function reports and returns its metrics"
        yield ("metrics",), text
    if run.function is None and executor is not None:
        for key in ("isolation", "recycle", "recycle_memory"):
            if key in executor.model_fields_set and executor.isolation == "warm":
                text = f"[executor] {key} is for a function; a command is always a new process"
                yield ("executor", key), text


def _not_installed(sweep: SweepTable) -> Iterator[Fault]:
    settings: tuple[tuple[str, Setting | None], ...] = (
        ("sampler", sweep.sampler),
        ("pruner", sweep.pruner),
    )
    for key, setting in settings:
        while isinstance(setting, Patient) and setting.wrapped is not None:
            setting = setting.wrapped
        needs = setting.needs if setting else ()
        absent = [module for module in needs if importlib.util.find_spec(module) is None]
        if setting and absent:
            text = f'[sweep] {key} = "{setting.name}" needs {" and ".join(absent)}; '
            yield ("sweep", key), text + f"pip install '{PROJECT}[{setting.name}]'"


def _exhaustive_faults(
    sweep: SweepTable, params: Mapping[str, Param], enqueue: Any
) -> Iterator[Fault]:
    name = sweep.sampler.name
    if name not in EXHAUSTIVE:
        return
    if enqueue:
        text = (
            f'[[enqueue]] has no use with sampler = "{name}", which tries every point; leave it out'
        )
        yield ("enqueue",), text
    endless = [param for param, model in params.items() if not values(model)]
    for param in endless:
        text = f'[params] {param}: sampler = "{name}" tries every value, so a float needs a step'
        yield ("params", param), text
    if name == "brute_force":
        yield from _too_many_values(params)
    if name == "brute_force" or endless:
        return
    size = grid_size(params)
    if not params:
        yield ("sweep", "sampler"), '[sweep] sampler = "grid" needs [params] to make a grid of'
    elif size > GRID_LIMIT:
        text = f"[sweep] the grid has {size:,} points; at most {GRID_LIMIT:,}: use wider steps"
        yield ("sweep", "sampler"), text
    elif "trials" in sweep.model_fields_set and sweep.trials is not None and sweep.trials > size:
        text = f"[sweep] trials = {sweep.trials} is more than the grid's {size} points"
        yield ("sweep", "trials"), text + "; leave trials out to try each once"


def _too_many_values(params: Mapping[str, Param]) -> Iterator[Fault]:
    for param, model in params.items():
        if (size := values(model)) > GRID_LIMIT:
            text = f'[params] {param}: sampler = "brute_force" tries all its {size:,} values; '
            yield ("params", param), text + f"at most {GRID_LIMIT:,}: use a wider step"
