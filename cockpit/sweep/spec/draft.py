"""A spec on its way to a sweep: what a form shows of it and what is changed before it starts."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.sweep.spec import load_specs
from cockpit.sweep.spec.errors import SpecError
from cockpit.sweep.spec.matrix import Cell, merged
from cockpit.sweep.spec.search import PRUNERS, SAMPLERS
from cockpit.sweep.spec.source import Source, parse, read_text
from cockpit.sweep.spec.table import tag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.sweep.spec.errors import Problem

LARGEST = 1_000_000
"""Bytes; a larger file is no spec."""
SAMPLER_NAMES = tuple(map(tag, SAMPLERS))
PRUNER_NAMES = tuple(map(tag, PRUNERS))


@dataclass(frozen=True, slots=True)
class Draft:
    """A spec with what was given beside it, whether it can start or not."""

    tables: Mapping[str, Any]
    """Of the file, with what was given put in; empty where it is not TOML."""
    problems: tuple[Problem, ...]
    """Empty where it can start."""
    names: tuple[str, ...]
    """Of the sweeps it makes, where it can start."""


def specs_in(folder: Path) -> dict[Path, str]:
    """The specs of a folder, TOML with a [sweep] or a [run], and in a few words what each is about."""
    found = ((path, _about(path)) for path in sorted(folder.glob("*.toml")))
    return {path: about for path, about in found if about is not None}


def tables_of(path: Path) -> Mapping[str, Any]:
    """A spec's tables as the file has them, unchecked; raises SpecMissing, SpecSyntax."""
    return parse(_source(path))


def drafted(path: Path, overrides: Mapping[str, Any]) -> Draft:
    """What the file and the overrides by dotted place come to."""
    try:
        tables = tables_of(path)
    except SpecError as error:
        return Draft({}, error.problems, ())
    put = merged(tables, Cell(None), overrides).document
    if "matrix" in tables:
        put["matrix"] = tables["matrix"]
    try:
        specs = load_specs(path, overrides=overrides)
    except SpecError as error:
        return Draft(put, error.problems, ())
    return Draft(put, (), tuple(spec.sweep.name for spec in specs))


def _source(path: Path) -> Source:
    return Source(path.name, path, read_text(path), path.stem, Path(os.path.abspath(path)).parent)


def _about(path: Path) -> str | None:
    """None where it is no spec."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        tables = tables_of(path)
    except SpecError as error:
        # By its name it is meant to be one.
        return error.problems[0].text if path.name == "sweep.toml" else None
    except OSError:
        return None
    if "sweep" not in tables and "run" not in tables:
        return None
    sweep, run = (tables.get(name) for name in ("sweep", "run"))
    sweep, run = (each if isinstance(each, dict) else {} for each in (sweep, run))
    what = run.get("function") or run.get("command") or ""
    code = " ".join(map(str, what)) if isinstance(what, list) else str(what)
    trials = sweep.get("trials")
    words = (str(sweep.get("name", path.stem)), f"{trials} trials" if trials else "", code)
    return " · ".join(filter(None, words))
