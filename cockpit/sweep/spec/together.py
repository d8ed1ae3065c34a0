"""What takes more than one table of a spec, or the disk, to see."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from cockpit.sweep.spec.files import data_faults, function_faults, python_faults
from cockpit.sweep.spec.params import grid_size, without_points

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cockpit.sweep.spec.params import Param
    from cockpit.sweep.spec.search import Setting
    from cockpit.sweep.spec.tables import SweepTable
    from cockpit.sweep.spec.words import Fault

GRID_LIMIT = 100_000
"""Points; Optuna lists the whole grid in memory before the first trial."""


def faults_together(folder: Path, models: Mapping[str, Any]) -> Iterator[Fault]:
    """Goes by the tables that are fine on their own; the others are None."""
    run, data, sweep, params = (models.get(name) for name in ("run", "data", "sweep", "params"))
    if run is not None:
        yield from function_faults(folder, run)
        yield from python_faults(folder, run)
    if data is not None:
        yield from data_faults(folder, data.root)
    if sweep is not None:
        yield from _not_installed(sweep)
        if params is not None:
            yield from _exhaustive_faults(sweep, params.root)


def _not_installed(sweep: SweepTable) -> Iterator[Fault]:
    settings: tuple[tuple[str, Setting | None], ...] = (
        ("sampler", sweep.sampler),
        ("pruner", sweep.pruner),
    )
    for key, setting in settings:
        needs = setting.needs if setting else ()
        absent = [module for module in needs if importlib.util.find_spec(module) is None]
        if setting and absent:
            text = f'[sweep] {key} = "{setting.name}" needs {" and ".join(absent)}; '
            yield ("sweep", key), text + f"pip install {' '.join(absent)} beside cockpit"


def _exhaustive_faults(sweep: SweepTable, params: Mapping[str, Param]) -> Iterator[Fault]:
    name = sweep.sampler.name
    if name not in ("grid", "brute_force"):
        return
    endless = list(without_points(params))
    for param in endless:
        text = f'[params] {param}: sampler = "{name}" tries every value, so a float needs a step'
        yield ("params", param), text
    if name == "brute_force" or endless:
        return
    size = grid_size(params)
    if not params:
        yield ("sweep", "sampler"), '[sweep] sampler = "grid" needs [params] to make a grid of'
    elif size > GRID_LIMIT:
        text = f"[sweep] the grid has {size:,} points; at most {GRID_LIMIT:,}: use wider steps"
        yield ("sweep", "sampler"), text
    elif "trials" in sweep.model_fields_set and sweep.trials > size:
        text = f"[sweep] trials = {sweep.trials} is more than the grid's {size} points"
        yield ("sweep", "trials"), text + "; leave trials out to try each once"
