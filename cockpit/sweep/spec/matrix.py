"""[[matrix]]: several sweeps from one file, a value of each axis in each; and overrides in general."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import PydanticCustomError

from cockpit.sweep.spec.errors import hint, show
from cockpit.sweep.spec.sweep_table import sweep_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from cockpit.sweep.spec.errors import Fault, KeyPath

CELL_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Cell:
    """One sweep of the file."""

    name: str | None
    """The names of its values, as in `adult-forest`; None where there is no matrix."""
    places: tuple[KeyPath, ...] = ()
    """Where the overrides of its values stand."""


@dataclass(frozen=True, slots=True)
class Merged:
    """A document with overrides put in."""

    document: dict[str, Any]
    moved: dict[KeyPath, KeyPath]
    """Where what was put in stands in the file; () for nowhere."""


def cells(matrix: Any, tables: Iterable[str]) -> tuple[list[Cell], list[Fault]]:
    """Every combination of one value an axis, in the order of the file; or what is wrong."""
    if matrix is None:
        return [Cell(None)], []
    if not isinstance(matrix, list) or not all(isinstance(axis, dict) for axis in matrix):
        return [], [(("matrix",), "[matrix] should be written [[matrix]], once for each axis")]
    faults = [
        fault for place, axis in enumerate(matrix) for fault in _axis_faults(place, axis, tables)
    ]
    count = math.prod(map(len, matrix))
    if not faults and count > CELL_LIMIT:
        text = f"[[matrix]] makes {count:,} sweeps; at most {CELL_LIMIT:,}: leave out values"
        faults.append((("matrix",), text))
    if faults:
        return [], faults
    found = [_cell(values) for values in itertools.product(*matrix)]
    names = [str(each.name) for each in found]
    twice = next((name for place, name in enumerate(names) if name in names[:place]), None)
    if twice is not None:
        text = f"[[matrix]] makes two sweeps called {twice}; give the values other names"
        return [], [(("matrix",), text)]
    return found, []


def merged(document: Mapping[str, Any], cell: Cell, overrides: Mapping[str, Any]) -> Merged:
    """The document with the cell's overrides, then those by dotted place; the given one is kept.

    Tables are merged key by key; one that changes its `name` or `type` is taken whole.
    """
    moved: dict[KeyPath, KeyPath] = {}
    result = {name: table for name, table in document.items() if name != "matrix"}
    for place in cell.places:
        _, axis, value = place
        result = _put(result, document["matrix"][axis][value], (), place, moved)
    for dotted, value in overrides.items():
        change = value
        for key in reversed(_keys(dotted, result)):
            change = {key: change}
        result = _put(result, change, (), None, moved)
    return Merged(result, moved)


def _keys(dotted: str, table: Any) -> list[str]:
    """The keys of a dotted place; a name that is there may hold a dot itself, as `model.lr` does."""
    keys, parts = [], dotted.split(".")
    while parts:
        there = table if isinstance(table, Mapping) else {}
        ends = (end for end in range(len(parts), 0, -1) if ".".join(parts[:end]) in there)
        end = next(ends, 1)
        keys.append(".".join(parts[:end]))
        table, parts = there.get(keys[-1]), parts[end:]
    return keys


def _cell(values: tuple[str, ...]) -> Cell:
    places = tuple(("matrix", axis, value) for axis, value in enumerate(values))
    return Cell("-".join(values), places)


def _axis_faults(place: int, axis: Mapping[str, Any], tables: Iterable[str]) -> Iterator[Fault]:
    if not axis:
        text = "[[matrix]] has an axis without a value; add one, as in small = { sweep = { … } }"
        yield ("matrix", place), text
    for name, change in axis.items():
        here = ("matrix", place, name)
        try:
            sweep_name(name)
        except PydanticCustomError as error:
            text = str(error).partition("; set")[0]
            yield here, f"[[matrix]] {show(name)} is to be part of a sweep's name, which {text}"
        if not isinstance(change, dict):
            form = f'{name} = {{ run = {{ function = "train.py:{name}" }} }}'
            yield here, f"[[matrix]] {name} = {show(change)} should be as in {form}"
            continue
        for table in change:
            if table not in tables:
                where = f"[[matrix]] {name}: {table} is not a known table"
                yield (*here, table), where + hint(table, tables)


def _put(
    base: Any,
    change: Mapping[str, Any],
    path: KeyPath,
    place: KeyPath | None,
    moved: dict[KeyPath, KeyPath],
) -> Any:
    """`change` over `base`, which are at `path`; it stands at `place` in the file."""
    if len(path) == 1 and not isinstance(base, Mapping | None):
        return base  # no table, which is said of it later
    if path[:1] == ("sweep",) and isinstance(base, str):
        base = {"name": base}  # a sampler or a pruner by its name alone, which now gets an option
    if not isinstance(base, Mapping) or (len(path) > 1 and _is_another(base, change)):
        base = {}
        moved[path] = place or ()
    result = dict(base)
    for key, value in change.items():
        here = (*path, key)
        there = None if place is None else (*place, key)
        if isinstance(value, Mapping):
            result[key] = _put(result.get(key), value, here, there, moved)
        else:
            result[key] = value
            moved[here] = there or ()
    return result


def _is_another(base: Mapping[str, Any], change: Mapping[str, Any]) -> bool:
    """Whether it is another kind of parameter, sampler or pruner, of which no key carries over."""
    kinds = ((base.get(key), change.get(key)) for key in ("type", "name"))
    return any(was is not None and now is not None and was != now for was, now in kinds)
