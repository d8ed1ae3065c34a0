"""Reads `cockpit.toml`, and writes a slice into it.

ProjectError    every problem of the file, one line each
"""

from __future__ import annotations

import os
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cockpit.project.checks import (
    contract_faults,
    data_faults,
    evaluation_faults,
    expression_faults,
    kpi_faults,
    metric_faults,
    model_faults,
    name_faults,
)
from cockpit.project.model import Contract, EvaluationTable, Project
from cockpit.project.words import MODELS, validated
from cockpit.sweep.spec.errors import Problem, SpecError, hint, show
from cockpit.sweep.spec.lines import key_lines, line_of
from cockpit.sweep.spec.source import Source, parse, read_text
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from cockpit.sweep.spec.errors import Fault
    from storage.layout import Layout

FILE = "cockpit.toml"
TABLES = ("data", "evaluation", "kpis", "slices", "models")
_OF_MODELS = ("gates", "rules")
"""Keys of a model that somebody may take for tables."""


class ProjectError(UserError):
    """cockpit.toml cannot be used as it stands."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


def load_project(folder: Path) -> Project:
    """What the folder's cockpit.toml says; empty where there is none. Raises `ProjectError`."""
    folder = Path(os.path.abspath(folder))
    path = folder / FILE
    if not path.exists():
        return Project(folder)
    try:
        source = Source(os.fspath(path), path, read_text(path), FILE, folder)
        document = _plain(parse(source))
    except SpecError as error:
        raise ProjectError(error.problems) from None
    return _checked(source, document)


def find_project(layout: Layout, folder: Path | None = None) -> Project:
    """The project of a store; of a spec that lies in `folder`, the one there goes first.

    Raises `ProjectError`.
    """
    if folder is not None and (folder / FILE).exists():
        return load_project(folder)
    return load_project(layout.project)


def load_contract(path: Path) -> Contract:
    """A contract in a file of its own: what stands below `[data.NAME.contract]`, one level up.

    Raises `ProjectError`.
    """
    try:
        source = Source(os.fspath(path), path, read_text(path), path.stem, path.parent)
        document = _plain(parse(source))
    except SpecError as error:
        raise ProjectError(error.problems) from None
    contract, faults = validated(Contract, (), document)
    if contract is not None:
        faults += contract_faults((), contract)
    if faults or contract is None:
        raise ProjectError(_problems(source, faults))
    return contract


def save_slice(folder: Path, name: str, expression: str) -> Path:
    """Write a slice into the folder's cockpit.toml, whole or not at all; returns the file.

    All else in it stays as it is, comments and order too; a slice of that name is replaced. Raises
    `ProjectError` where the name or the expression cannot be, or where the file is broken already.
    """
    import tomlkit

    from cockpit.sweep.provenance.data import write_whole

    project = load_project(folder)
    path = project.folder / FILE
    document = tomlkit.parse(project.text)
    if "slices" not in document:
        document["slices"] = tomlkit.table()
    document["slices"][name] = expression
    text = tomlkit.dumps(document)
    source = Source(os.fspath(path), path, text, FILE, project.folder)
    _checked(source, _plain(parse(source)))
    target = Path(os.path.realpath(path))
    try:
        write_whole(target, text.encode(), keep_mode=True)
    except OSError as error:
        sentence = f"cannot be written: {error.strerror or error}"
        raise ProjectError([Problem(os.fspath(path), None, sentence)]) from None
    return path


def _checked(source: Source, document: Mapping[str, Any]) -> Project:
    faults = list(_unknown_tables(document))
    raw: dict[str, dict[str, Any]] = {}
    for table in TABLES:
        content = document.get(table, {})
        if not isinstance(content, dict):
            text = (
                f"[{table}] should be a table of keys below the line [{table}], not {show(content)}"
            )
            faults.append(((table,), text))
            content = {}
        raw[table] = content
    raw["kpis"] = {
        name: {"expression": entry} if isinstance(entry, str) else entry
        for name, entry in raw["kpis"].items()
    }
    models: dict[str, dict[str, Any]] = {"data": {}, "kpis": {}, "models": {}}
    for table, found in models.items():
        faults += name_faults(table, raw[table])
        for name, entry in raw[table].items():
            model, wrong = validated(MODELS[table], (table, name), entry)
            faults += wrong
            if model is not None:
                found[name] = model
    evaluation, wrong = validated(EvaluationTable, ("evaluation",), raw["evaluation"])
    faults += wrong
    for name, table in models["data"].items():
        faults += data_faults(name, table)
    faults += kpi_faults(models["kpis"], document.get("kpis", {}))
    faults += _slice_faults(raw["slices"])
    faults += model_faults(models["models"], raw)
    if evaluation is not None:
        faults += evaluation_faults(evaluation, raw["data"])
        faults += metric_faults(evaluation, raw["kpis"])
    if faults or evaluation is None:
        raise ProjectError(_problems(source, faults))
    return Project(
        folder=source.folder,
        path=source.path,
        text=source.text,
        data=models["data"],
        evaluation=evaluation,
        kpis=models["kpis"],
        slices=raw["slices"],
        models=models["models"],
    )


def _slice_faults(slices: Mapping[str, Any]) -> Iterable[Fault]:
    yield from name_faults("slices", slices)
    for name, text in slices.items():
        if isinstance(text, str):
            yield from expression_faults(("slices", name), text)
        else:
            example = "as in \"age < 25 and sex = 'Female'\""
            sentence = f"[slices] {show(name)} = {show(text)} should be a condition, {example}"
            yield ("slices", name), sentence


def _unknown_tables(document: Mapping[str, Any]) -> Iterable[Fault]:
    for name, value in document.items():
        if name in TABLES:
            continue
        if name in _OF_MODELS:
            example = f'[models.NAME] with {name} = ["…"]'
            yield (name,), f"[{name}] belongs to a model: {example}"
        elif isinstance(value, dict | tuple):
            yield (name,), f"[{name}] is not a known table{hint(name, TABLES)}"
        else:
            text = f"{name} stands above every table; put it below the one it belongs to"
            yield (name,), f"{text}: {', '.join(f'[{table}]' for table in TABLES)}"


def _problems(source: Source, faults: Iterable[Fault]) -> list[Problem]:
    lines = key_lines(source.text)
    found = [(line_of(lines, path) or 0, text, path) for path, text in faults]
    return [
        source.problem(line or None, text, path) for line, text, path in sorted(found, key=_key)
    ]


def _key(found: tuple[int, str, Any]) -> tuple[int, str]:
    return found[:2]


def _plain(value: Any) -> Any:
    """TOML's values as the models take them: lists as tuples, dates and times as ISO text."""
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return value.isoformat() if isinstance(value, date | time) else value


__all__ = [
    "FILE",
    "ProjectError",
    "find_project",
    "load_contract",
    "load_project",
    "save_slice",
]
