"""What is wrong with a table of cockpit.toml, in the words of someone who looks at the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from cockpit.project.model import (
    ColumnRule,
    Contract,
    DataTable,
    EvaluationTable,
    Fresh,
    Kpi,
    ModelTable,
)
from cockpit.sweep.given import key_of
from cockpit.sweep.spec.errors import hint, nearest, show
from cockpit.sweep.spec.table import Table, keys
from cockpit.sweep.spec.words import rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic_core import ErrorDetails

    from cockpit.sweep.spec.errors import Fault, KeyPath

T = TypeVar("T", bound=Table)

_ANY_SCALAR = "should be a text, a number, true or false"
_ANY_BOUND = "should be a number, or a date or a time as text"
_SEVERAL_TYPES = {
    "positive": _ANY_SCALAR,
    "allowed": "should be a list of texts, numbers, true or false",
    "min": _ANY_BOUND,
    "max": _ANY_BOUND,
    "nulls": "should be true, false, or a share from 0 to 1",
    "gates": "should be a list of comparisons in quotes, or a table of them by name",
}
"""Keys whose value may be of one type or another: what they take, said once."""
_NO_TABLE = ("model_type", "model_attributes_type", "dict_type", "mapping_type")


def validated(model: type[T], path: KeyPath, raw: Any) -> tuple[T | None, list[Fault]]:
    """The model of a table that stands at `path`, or None and what is wrong with it."""
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        return None, list(_faults(model, path, raw, error))


def heading(path: KeyPath) -> str:
    """A table as the file heads it: `[data.adult]`; nothing for the file itself."""
    names = [key_of(part) for part in path if isinstance(part, str)]
    return f"[{'.'.join(names)}]" if names else ""


def place(path: KeyPath) -> str:
    """The start of a sentence about a key: `[data.adult] key`; places in a list are left out."""
    *tables, key = [part for part in path if isinstance(part, str)]
    return f"{heading(tuple(tables))} {key_of(key)}".lstrip()


def _faults(
    model: type[Table], start: KeyPath, raw: Any, error: ValidationError
) -> Iterator[Fault]:
    details = error.errors(include_url=False)
    missing = {tuple(each["loc"]) for each in details if each["type"] == "missing"}
    extra = [tuple(each["loc"]) for each in details if each["type"] == "extra_forbidden"]
    meant = {(*path[:-1], _near(model, path, missing)) for path in extra}
    told: set[KeyPath] = set()
    for each in details:
        path = tuple(each["loc"])
        if each["type"] == "extra_forbidden":
            wanted = _beside(path, missing)
            known = keys(_model(model, path[:-1]))
            sentence = f"{place((*start, *path))} is not a known key"
            yield (*start, *path), sentence + hint(str(path[-1]), known, wanted)
        elif each["type"] != "missing":
            path = _standing(raw, path)
            if path not in told:
                told.add(path)
                yield (*start, *path), _sentence((*start, *path), each)
        elif path not in meant:
            yield (*start, *path), f"{heading((*start, *path[:-1]))} needs {path[-1]}".lstrip()


def _near(model: type[Table], path: KeyPath, missing: set[KeyPath]) -> str | None:
    return nearest(str(path[-1]), keys(_model(model, path[:-1])), _beside(path, missing))


def _beside(path: KeyPath, others: set[KeyPath]) -> list[str]:
    return [str(other[-1]) for other in others if other[:-1] == path[:-1]]


def _model(model: type[Table], path: KeyPath) -> type[Table]:
    """The table below `model` that the path leads to."""
    inner: dict[tuple[type[Table], str | int], type[Table]] = {
        (DataTable, "contract"): Contract,
        (Contract, "columns"): ColumnRule,
        (Contract, "fresh"): Fresh,
    }
    for part in path:
        model = inner.get((model, part), model)
    return model


def _standing(raw: Any, path: KeyPath) -> KeyPath:
    """The part of pydantic's path that the file has; the rest names members of a union."""
    for end, part in enumerate(path):
        inside = isinstance(raw, Mapping) and part in raw
        if not inside and not (isinstance(raw, Sequence) and isinstance(part, int)):
            return path[:end]
        raw = raw[part]
    return path


def _sentence(path: KeyPath, error: ErrorDetails) -> str:
    key = next(part for part in reversed(path) if isinstance(part, str))
    if error["type"] in _NO_TABLE:
        return f"{place(path)} = {show(error['input'])} should be a table: {heading(path)}"
    given = f"{place(path)} = {show(error['input'])}"
    return f"{given} {_SEVERAL_TYPES[key]}" if key in _SEVERAL_TYPES else f"{given}{rule(error)}"


MODELS: Mapping[str, type[Table]] = {
    "data": DataTable,
    "kpis": Kpi,
    "evaluation": EvaluationTable,
    "models": ModelTable,
}
"""By table of cockpit.toml: the model of its entries, or its own."""
