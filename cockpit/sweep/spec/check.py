"""From a spec's text to the sweeps in it, or to everything that is wrong with it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.sweep.executors.work import MetricSources
from cockpit.sweep.spec.commands import startable
from cockpit.sweep.spec.errors import SpecInvalid, hint, nearest
from cockpit.sweep.spec.files import interpreter, is_version, placed
from cockpit.sweep.spec.lines import key_lines, line_of
from cockpit.sweep.spec.matrix import Cell, Merged, cells, merged
from cockpit.sweep.spec.params import grid_size
from cockpit.sweep.spec.points import point_of
from cockpit.sweep.spec.source import Source, parse
from cockpit.sweep.spec.spec import Spec
from cockpit.sweep.spec.table import Table, keys
from cockpit.sweep.spec.tables import TABLES
from cockpit.sweep.spec.together import faults_together
from cockpit.sweep.spec.words import validate

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cockpit.sweep.spec.errors import Fault, KeyPath

ARRAYS = ("enqueue", "matrix")
KNOWN = (*TABLES, *ARRAYS)


@dataclass(frozen=True, slots=True)
class _Checked:
    """One sweep of the file: its tables as models, where they are fine, and what is wrong."""

    cell: Cell
    merged: Merged
    models: Mapping[str, Any]
    faults: tuple[Fault, ...]


def checked(
    source: Source, overrides: Mapping[str, Any], cell: str | None = None
) -> tuple[Spec, ...]:
    """Every sweep of the text, or the one that is `cell`; raises SpecError."""
    document = parse(source)
    wanted, faults = cells(document.get("matrix"), (*TABLES, "enqueue"))
    if faults:
        raise SpecInvalid(_problems(source, faults))
    if cell is not None:
        names = [str(each.name) for each in wanted if each.name]
        wanted = [each for each in wanted if each.name == cell]
        if not wanted:
            text = f"[[matrix]] makes no sweep called {cell}{hint(cell, names)}"
            raise SpecInvalid([source.problem(None, text)])
    found = [_checked(source, merged(document, each, overrides), each) for each in wanted]
    if any(each.faults for each in found):
        raise SpecInvalid(_of_all(source, found))
    specs = tuple(_made(source, overrides, each) for each in found)
    taken = Counter(spec.sweep.name for spec in specs)
    if twice := [name for name, count in taken.items() if count > 1]:
        text = f"[[matrix]] makes two sweeps called {twice[0]}; give each another [sweep] name"
        raise specs[0].invalid(("matrix",), text)
    return specs


def _problems(source: Source, faults: Iterable[Fault]) -> Iterator[Any]:
    lines = key_lines(source.text)
    found = [(line_of(lines, path) or 0, text, path) for path, text in faults]
    for line, text, path in sorted(found, key=lambda each: each[:2]):
        yield source.problem(line or None, text, path)


def _of_all(source: Source, found: list[_Checked]) -> Iterator[Any]:
    """Every problem once, with the sweeps that have it where others do not."""
    having: dict[tuple[int, str], list[str]] = {}
    places: dict[tuple[int, str], KeyPath] = {}
    lines = key_lines(source.text)
    for each in found:
        moved = lines if not each.merged.moved else key_lines(source.text, each.merged.moved)
        for path, text in each.faults:
            problem = (line_of(moved, path) or 0, text)
            having.setdefault(problem, []).append(str(each.cell.name))
            places.setdefault(problem, path)
    axes = {line for path, line in lines.items() if path[0] == "matrix"}
    for (line, text), names in sorted(having.items()):
        told = len(names) == len(found) or line in axes
        more = f" and {len(names) - 1} more" if len(names) > 1 else ""
        shown = text if told else f"{text} (in {names[0]}{more})"
        yield source.problem(line or None, shown, places[line, text])


def _checked(source: Source, made: Merged, cell: Cell) -> _Checked:
    document = made.document
    sweep = document.setdefault("sweep", {})
    if isinstance(sweep, dict):
        sweep = document["sweep"] = {"name": source.name, **sweep}
        if cell.name is not None and isinstance(sweep["name"], str):
            sweep["name"] += f"-{cell.name}"
    faults = list(_unknown_tables(document))
    meant = {nearest(name, TABLES) for name in document if name not in KNOWN}
    models: dict[str, Any] = {}
    for table in TABLES:
        if table == "run" and "run" not in document and "run" in meant:
            continue  # said to be mistyped
        models[table], wrong = validate(table, document.get(table, {}))
        faults += wrong
    faults += faults_together(source.folder, models, document.get("enqueue", []))
    return _Checked(cell, made, models, tuple(faults))


def _unknown_tables(document: Mapping[str, Any]) -> Iterator[Fault]:
    for name, value in document.items():
        if name == "matrix":  # the file's own is spread out by now
            yield (name,), "[[matrix]] stands in the file alone; set what its sweeps have in common"
        if name in KNOWN:
            continue
        homes = [t for t, m in TABLES.items() if issubclass(m, Table) and name in keys(m)]
        if homes and not isinstance(value, dict):
            yield (name,), f"{name} stands above every table; put it below [{homes[0]}]"
        else:
            shown = f"[{name}]" if isinstance(value, dict | list) else name
            yield (name,), f"{shown} is not a known table{hint(name, KNOWN)}"


def _made(source: Source, overrides: Mapping[str, Any], checked: _Checked) -> Spec:
    models = checked.models
    sweep, run, params = models["sweep"], models["run"], models["params"].root
    if sweep.sampler.name == "grid" and not {"trials", "time", "patience"} & sweep.model_fields_set:
        sweep = sweep.model_copy(update={"trials": grid_size(params)})
    python = interpreter(source.folder, run.python)
    assert python is not None
    named = models["data"].root
    versions = {k: v for k, v in named.items() if is_version(source.folder, v)}
    data = {k: placed(source.folder, v) for k, v in named.items() if k not in versions}
    sources = models["metrics"]
    return Spec(
        path=source.path,
        label=source.label,
        text=source.text,
        folder=source.folder,
        overrides=overrides,
        cell=checked.cell.name,
        moved=checked.merged.moved,
        sweep=sweep,
        run=startable(source.folder, run, data),
        python=python,
        params=params,
        enqueue=tuple(point_of(e, params) for e in checked.merged.document.get("enqueue", ())),
        metrics_from=MetricSources(sources.lines, sources.file, sources.patterns),
        data=data,
        versions=versions,
        limits=models["limits"],
        executor=models["executor"],
    )
