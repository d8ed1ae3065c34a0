"""The spec: one TOML file that says what a sweep seeks, what it runs and where.

Everything wrong with it is found before anything starts, and said in one line each (`spec.errors`).
Relative paths in it are relative to the folder it lies in. Optuna is not imported here.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.sweep.spec.check import checked
from cockpit.sweep.spec.errors import (
    Problem,
    SpecError,
    SpecInvalid,
    SpecMissing,
    SpecSyntax,
)
from cockpit.sweep.spec.source import GENERATED, Source, from_here, read_text, written
from cockpit.sweep.spec.spec import Spec

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Problem",
    "Spec",
    "SpecError",
    "SpecInvalid",
    "SpecMissing",
    "SpecSyntax",
    "load_spec",
    "load_specs",
    "spec_from_function",
    "spec_from_stored",
]


def load_specs(
    path: Path,
    *,
    name: str | None = None,
    trials: int | None = None,
    workers: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> tuple[Spec, ...]:
    """Reads and checks a spec file, one Spec for each cell of its [[matrix]], or just one.

    What is given here goes before what the file says, as an option of a command does; `overrides`
    are by dotted place ("sweep.trials"). Raises SpecError with every problem found.
    """
    here = Path(os.path.abspath(path))
    source = Source(os.fspath(path), here, read_text(path), path.stem, here.parent)
    given = {"sweep.name": name, "sweep.trials": trials, "executor.workers": workers}
    given = {place: value for place, value in given.items() if value is not None}
    return checked(source, given | dict(overrides or {}))


def load_spec(
    path: Path,
    *,
    name: str | None = None,
    trials: int | None = None,
    workers: int | None = None,
) -> Spec:
    """As `load_specs`, of a file that is one sweep; raises SpecInvalid where it is several."""
    return _only(load_specs(path, name=name, trials=trials, workers=workers))


def spec_from_stored(
    text: str,
    folder: Path,
    label: str,
    overrides: Mapping[str, Any] | None = None,
    cell: str | None = None,
) -> Spec:
    """The spec of a sweep that the store has: the text, the folder and the options of its start."""
    path = None if text.startswith(GENERATED) else folder / label
    source = Source(label, path, text, Path(label).stem or "sweep", folder)
    return _only(checked(source, overrides or {}, cell))


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
    overrides: Mapping[str, Any] | None = None,
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
    source = Source(place or function, None, text, name or "sweep", folder)
    return _only(checked(source, overrides or {}))


def _only(specs: tuple[Spec, ...]) -> Spec:
    if len(specs) == 1:
        return specs[0]
    names = ", ".join(str(each.cell) for each in specs[:3]) + ", …" * (len(specs) > 3)
    text = f"[[matrix]] makes {len(specs)} sweeps of this file ({names}), and one is asked for here"
    raise specs[0].invalid(("matrix",), text)
