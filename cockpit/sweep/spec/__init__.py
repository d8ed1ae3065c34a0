"""The spec: one TOML file that says what a sweep seeks, what it runs and where.

Everything wrong with it is found before anything starts, and said in one line each (`spec.errors`).
Relative paths in it are relative to the folder it lies in. Optuna is not imported here.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.sweep.spec.errors import (
    Problem,
    SpecError,
    SpecInvalid,
    SpecMissing,
    SpecSyntax,
    hint,
    nearest,
)
from cockpit.sweep.spec.files import interpreter
from cockpit.sweep.spec.lines import key_lines, line_of
from cockpit.sweep.spec.params import grid_size
from cockpit.sweep.spec.source import Source, from_here, parse, read_text, written
from cockpit.sweep.spec.table import Table, keys
from cockpit.sweep.spec.tables import TABLES, ExecutorTable, LimitsTable, RunTable, SweepTable
from cockpit.sweep.spec.together import faults_together
from cockpit.sweep.spec.words import validate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.sweep.spec.errors import KeyPath
    from cockpit.sweep.spec.params import Param
    from cockpit.sweep.spec.words import Fault

__all__ = [
    "Problem",
    "Spec",
    "SpecError",
    "SpecInvalid",
    "SpecMissing",
    "SpecSyntax",
    "load_spec",
    "spec_from_function",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A sweep that can start."""

    path: Path | None
    """The file; None where the sweep was asked for by its function alone."""
    label: str
    """The file as the user named it, for messages."""
    text: str
    """The file's text; TOML in the function form too, so that a store always has one."""
    folder: Path
    """Where the spec lies; the worker's folder."""
    sweep: SweepTable
    run: RunTable
    python: Path
    """The interpreter of the user's code."""
    params: Mapping[str, Param]
    data: Mapping[str, Path]
    """Absolute paths by name."""
    limits: LimitsTable
    executor: ExecutorTable

    def invalid(self, path: KeyPath, text: str) -> SpecInvalid:
        """An error that only a later step could find, with its file and line."""
        line = None if self.path is None else line_of(key_lines(self.text), path)
        return SpecInvalid([Problem(self.label, line, text)])


def load_spec(
    path: Path,
    *,
    name: str | None = None,
    trials: int | None = None,
    workers: int | None = None,
) -> Spec:
    """Reads and checks a spec file; raises SpecError with every problem found.

    What is given here goes before what the file says, as an option of a command does.
    """
    here = Path(os.path.abspath(path))
    source = Source(os.fspath(path), here, read_text(path), path.stem, here.parent)
    given = {
        ("sweep", "name"): name,
        ("sweep", "trials"): trials,
        ("executor", "workers"): workers,
    }
    return _checked(source, {place: value for place, value in given.items() if value is not None})


def spec_from_function(
    function: str,
    trials: int | None = None,
    *,
    metric: str = "value",
    direction: str = "minimize",
    name: str | None = None,
    seed: int | None = None,
    workers: int | None = None,
    python: str | None = None,
) -> Spec:
    """The spec of `cockpit sweep train.py:objective`; the file is relative to the current folder."""
    place, _, attribute = function.rpartition(":")
    folder = Path.cwd()
    if place.endswith(".py"):
        file = Path(os.path.abspath(place))
        folder, function = file.parent, f"{file.name}:{attribute}"
    text = written(
        {
            "sweep": {
                "name": name or Path(place or function).stem,
                "metric": metric,
                "direction": direction,
                "trials": trials,
                "seed": seed,
            },
            "run": {"function": function, "python": from_here(python)},
            "executor": {"workers": workers},
        }
    )
    return _checked(Source(place or function, None, text, name or "sweep", folder))


def _checked(source: Source, instead: Mapping[tuple[str, str], Any] | None = None) -> Spec:
    document = parse(source)
    for (table, key), value in (instead or {}).items():
        if isinstance(document.setdefault(table, {}), dict):
            document[table][key] = value
    sweep = document.setdefault("sweep", {})
    if isinstance(sweep, dict):
        sweep.setdefault("name", source.name)
    faults = list(_unknown_tables(document))
    meant = {nearest(name, TABLES) for name in document if name not in TABLES}
    models: dict[str, Any] = {}
    for table in TABLES:
        if table == "run" and "run" not in document and "run" in meant:
            continue  # said to be mistyped
        models[table], wrong = validate(table, document.get(table, {}))
        faults += wrong
    faults += faults_together(source.folder, models)
    if faults:
        lines = key_lines(source.text)
        found = sorted((line_of(lines, path) or 0, text) for path, text in faults)
        raise SpecInvalid(source.problem(line or None, text) for line, text in found)
    return _made(source, models)


def _unknown_tables(document: Mapping[str, Any]) -> Iterator[Fault]:
    for name, value in document.items():
        if name in TABLES:
            continue
        homes = [t for t, m in TABLES.items() if issubclass(m, Table) and name in keys(m)]
        if homes and not isinstance(value, dict):
            yield (name,), f"{name} stands above every table; put it below [{homes[0]}]"
        else:
            shown = f"[{name}]" if isinstance(value, dict | list) else name
            yield (name,), f"{shown} is not a known table{hint(name, TABLES)}"


def _made(source: Source, models: Mapping[str, Any]) -> Spec:
    sweep, run, params = models["sweep"], models["run"], models["params"].root
    if sweep.sampler.name == "grid" and "trials" not in sweep.model_fields_set:
        sweep = sweep.model_copy(update={"trials": grid_size(params)})
    python = interpreter(source.folder, run.python)
    assert python is not None
    return Spec(
        path=source.path,
        label=source.label,
        text=source.text,
        folder=source.folder,
        sweep=sweep,
        run=run,
        python=python,
        params=params,
        data={k: source.folder / Path(v).expanduser() for k, v in models["data"].root.items()},
        limits=models["limits"],
        executor=models["executor"],
    )
