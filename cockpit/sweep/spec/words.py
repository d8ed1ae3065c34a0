"""pydantic's errors, in the words of someone who looks at the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from cockpit.sweep.spec.errors import hint, nearest, show
from cockpit.sweep.spec.params import PARAMS
from cockpit.sweep.spec.search import CROSSOVERS, MUTATIONS, PRUNERS, SAMPLERS
from cockpit.sweep.spec.table import BAD_TABLE, BAD_VALUE, Table, keys, tag
from cockpit.sweep.spec.tables import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic_core import ErrorDetails

    from cockpit.sweep.spec.errors import Fault, KeyPath

_SETTINGS = {
    "sampler": ("sampler", SAMPLERS),
    "pruner": ("pruner", PRUNERS),
    "wrapped": ("pruner", PRUNERS),
    "crossover": ("crossover", CROSSOVERS),
    "mutation": ("mutation", MUTATIONS),
}
"""What may be named by a key, and what that is called."""
_NESTED = {tag(model): model for model in (*PARAMS, *SAMPLERS, *PRUNERS, *CROSSOVERS, *MUTATIONS)}
_EXAMPLES = {
    ("params", "type"): "a type, one of " + ", ".join(map(tag, PARAMS)),
}
_INSTEAD = {
    ("sampler", "seed"): "is not an option here; put seed = … into [sweep]",
}
_SHOULD_BE = {
    "bool_type": "should be true or false",
    "finite_number": "should be a finite number",
    "float_type": "should be a number",
    "int_type": "should be a whole number",
    "string_type": "should be text, in quotes",
    "tuple_type": 'should be a list, as in ["a", "b"]',
    "greater_than": "should be above {gt}",
    "greater_than_equal": "should be at least {ge}",
    "less_than": "should be below {lt}",
    "less_than_equal": "should be at most {le}",
    "literal_error": "should be one of {expected}",
}


def validate(table: str, raw: Any) -> tuple[Any, list[Fault]]:
    """The table's model, or None and what is wrong with it."""
    if isinstance(raw, Mapping):
        try:
            return TABLES[table].model_validate(raw), []
        except ValidationError as error:
            return None, list(_faults(table, error))
    text = f"[{table}] should be a table of keys below the line [{table}], not {show(raw)}"
    return None, [((table,), text)]


def _faults(table: str, error: ValidationError) -> Iterator[Fault]:
    details = [(_path(table, each), each) for each in error.errors(include_url=False)]
    missing = {path for path, each in details if each["type"] == "missing"}
    extra = [(path, each) for path, each in details if each["type"] == "extra_forbidden"]
    mistyped = {_meant(path, each, missing) for path, each in extra}
    for path, each in details:
        if each["type"] == "extra_forbidden":
            yield path, _unknown(path, each, missing)
        elif path not in mistyped or path not in missing:
            yield path, _sentence(path, each)


def _meant(path: KeyPath, extra: ErrorDetails, missing: Iterable[KeyPath]) -> KeyPath:
    """The key that an unknown one was probably meant to be."""
    known = keys(_model(extra, str(path[0])))
    near = nearest(str(path[-1]), known, _beside(path, missing))
    return (*path[:-1], near or path[-1])


def _beside(path: KeyPath, others: Iterable[KeyPath]) -> list[str]:
    return [str(other[-1]) for other in others if other[:-1] == path[:-1]]


def _path(table: str, error: ErrorDetails) -> KeyPath:
    """pydantic's place, without the tags it puts between a union and its member's keys."""
    place = error["loc"]
    if table == "params":
        place = place[:1] + place[2:]
    elif table == "sweep" and place and place[0] in ("sampler", "pruner"):
        place = place[:1] + place[2::2]
    key = error.get("ctx", {}).get("key")
    return (table, *place, key) if key else (table, *place)


def _model(error: ErrorDetails, table: str) -> type[Table]:
    """The model that has the key an error is about."""
    place = error["loc"]
    model = TABLES[table] if len(place) == 1 else _NESTED[str(place[-2])]
    assert issubclass(model, Table)
    return model


def _sentence(path: KeyPath, error: ErrorDetails) -> str:
    where, key = _where(path)
    kind = error["type"]
    if kind == BAD_TABLE:
        start = f"[params] {path[1]}: " if path[0] == "params" else f"[{path[0]}] "
        return f"{start}{error['ctx']['text']}"
    writer = _WRITERS.get(kind)
    if writer is not None:
        return writer(where, key, path, error)
    given = f"{where}{key} = {show(error['input'])}"
    if kind == BAD_VALUE:
        return f"{given} {error['ctx']['text']}"
    return f"{given}{rule(error)}"


def rule(error: ErrorDetails) -> str:
    """The end of a sentence about `key = value`: what it should be."""
    if error["type"] not in _SHOULD_BE:
        return f": {error['msg']}"
    return " " + _SHOULD_BE[error["type"]].format(**error.get("ctx", {})).replace("'", '"')


def _where(path: KeyPath) -> tuple[str, str]:
    """The start of a sentence about a key, and the key."""
    table, *inner = path
    *outer, key = [str(part) for part in inner if isinstance(part, str)] or [str(table)]
    return f"[{table}] " + "".join(f"{name}: " for name in outer), key


def _unknown(path: KeyPath, error: ErrorDetails, missing: Iterable[KeyPath]) -> str:
    where, key = _where(path)
    if (path[-2], key) in _INSTEAD:
        return f"{where}{key} {_INSTEAD[str(path[-2]), key]}"
    model = _model(error, str(path[0]))
    wanted = _beside(path, missing)
    if len(error["loc"]) == 1:
        return f"{where}{key} is not a known key{hint(key, keys(model), wanted)}"
    kind = tag(model)
    others = [name for name in keys(model) if name not in ("name", "type")]
    if path[0] == "params" and any(key in keys(other) for other in PARAMS):
        takes = ", ".join(others) or "nothing more"
        return f"{where}{key} is not for type {kind}, which takes {takes}"
    return f"{where}{key} is not a known key of {kind}{hint(key, others, wanted)}"


def _missing(where: str, key: str, path: KeyPath, _error: ErrorDetails) -> str:
    return f"{where}needs {_EXAMPLES.get((str(path[0]), key), key)}"


def _unknown_tag(where: str, key: str, path: KeyPath, error: ErrorDetails) -> str:
    given = str(error["ctx"]["tag"])
    if path[0] == "params":
        return f'{where}{key}: type = "{given}" is not a known type{hint(given, map(tag, PARAMS))}'
    what, known = _SETTINGS[key]
    return f'{where}{key} = "{given}" is not a known {what}{hint(given, map(tag, known))}'


def _no_tag(where: str, key: str, path: KeyPath, error: ErrorDetails) -> str:
    field = "type" if path[0] == "params" else "name"
    for name in error["input"]:
        if nearest(name, (field,)):
            return f'{where}{key}: {name} is not a known key; did you mean "{field}"?'
    return f"{where}{key}: needs {_EXAMPLES.get((str(path[0]), field), field)}"


def _no_table(where: str, key: str, path: KeyPath, error: ErrorDetails) -> str:
    form = f'{key} = {{ type = "float", low = 0.0, high = 1.0 }}'
    if path[0] != "params":
        form = f'{key} = "…" or {key} = {{ name = "…", … }}'
    return f"{where}{key} = {show(error['input'])} should be as in {form}"


_WRITERS: Mapping[str, Callable[[str, str, KeyPath, ErrorDetails], str]] = {
    "missing": _missing,
    "model_attributes_type": _no_table,
    "union_tag_invalid": _unknown_tag,
    "union_tag_not_found": _no_tag,
}
