"""The form of a sweep that is to be started: made from its spec, read back as what was changed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.sweep.given import document, toml, toml_value, typed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from cockpit.sweep.spec.draft import Draft
    from cockpit.sweep.spec.errors import KeyPath

OPTIONS = {"sweep.name": "--name", "sweep.trials": "--trials", "executor.workers": "--workers"}
"""Places that the command line has an option of its own for."""
RANGES = {"float": ("low", "high"), "int": ("low", "high"), "categorical": ("choices",)}


@dataclass(frozen=True, slots=True)
class Field:
    """One value that can be changed."""

    place: str
    """By dots, as in `--set`."""
    label: str
    given: str
    """What the file has, as one types it; empty where it has nothing."""
    otherwise: str = ""
    """What holds where it is left empty."""
    choices: tuple[str, ...] = ()
    text: bool = False
    """Whatever is typed is text, `7` too."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the form."""

    label: str
    fields: tuple[Field, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the spec as it would be run."""

    text: str
    changed: bool
    wrong: bool


def rows(
    tables: Mapping[str, Any], name: str, samplers: tuple[str, ...], pruners: tuple[str, ...]
) -> tuple[Row, ...]:
    """The form of a spec; `name` is the sweep's where the file has none."""
    sweep = _table(tables, "sweep")
    several = isinstance(sweep.get("metric"), list)
    budget = "until its time or patience is over" if {"time", "patience"} & set(sweep) else "30"
    found = [
        Row("name", (_field(tables, "sweep.name", name, text=True),)),
        Row("trials", (_field(tables, "sweep.trials", budget),)),
        Row("workers", (_field(tables, "executor.workers", "1"),), "trials at a time"),
        _setting(sweep, "sampler", "tpe", samplers),
        _setting(sweep, "pruner", "none" if several else "median", pruners),
        Row("seed", (_field(tables, "sweep.seed", "another each time"),)),
    ]
    return (*found, *(_param(name, value) for name, value in _table(tables, "params").items()))


def fields_of(form: Iterable[Row]) -> Iterator[Field]:
    """Every value of a form that can be changed."""
    for row in form:
        yield from row.fields


def overrides(form: Iterable[Row], texts: Mapping[str, str]) -> dict[str, Any]:
    """What was changed, by place; a field that was emptied is as the file has it."""
    changed = {}
    for field in fields_of(form):
        text = texts.get(field.place, field.given).strip()
        if text and text != field.given:
            changed[field.place] = text if field.text else toml_value(text)
    return changed


def arguments(spec: str, changed: Mapping[str, Any]) -> tuple[str, ...]:
    """What stands after `cockpit sweep` to start it so."""
    words = [spec]
    for place, value in changed.items():
        if place in OPTIONS and not str(value).startswith("-"):
            words += [OPTIONS[place], str(value)]
        else:
            words += ["--set", f"{place}={typed(value)}"]
    return tuple(words)


def place_of(path: KeyPath, form: Iterable[Row]) -> str | None:
    """The field that a problem is about, if it is one of the form."""
    dotted, fields = ".".join(map(str, path)), tuple(fields_of(form))
    for field in fields:
        if dotted == field.place or dotted.startswith(f"{field.place}."):
            return field.place
    return next(
        (each.place for each in fields if path and each.place.startswith(f"{dotted}.")), None
    )


def preview(draft: Draft, changed: Mapping[str, Any]) -> tuple[Line, ...]:
    """The spec as it would be run, what was changed and what is wrong marked."""
    put = {tuple(place.split("."))[:2] for place in changed}
    bad = {tuple(map(str, problem.path[:2])) for problem in draft.problems if problem.path}
    return tuple(Line(text, place in put, place in bad) for place, text in document(draft.tables))


def _table(tables: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = tables.get(name)
    return found if isinstance(found, dict) else {}


def _field(tables: Mapping[str, Any], place: str, otherwise: str, text: bool = False) -> Field:
    table, key = place.split(".")
    value = _table(tables, table).get(key)
    given = "" if value is None else value if text and isinstance(value, str) else typed(value)
    return Field(place, key, given, otherwise, text=text)


def _setting(sweep: Mapping[str, Any], key: str, otherwise: str, choices: tuple[str, ...]) -> Row:
    """A sampler or a pruner by its name; another name leaves the options of the first behind."""
    value, options = sweep.get(key), " ".join(choices)
    if isinstance(value, dict):
        given = {name: toml(each) for name, each in value.items() if name != "name"}
        options = "  ".join(f"{name} = {text}" for name, text in given.items()) or options
        value = value.get("name")
    text = value if isinstance(value, str) else "" if value is None else typed(value)
    return Row(key, (Field(f"sweep.{key}", key, text, otherwise, choices),), options)


def _param(name: str, value: Any) -> Row:
    kind = value.get("type") if isinstance(value, dict) else None
    if "." in name or not isinstance(kind, str) or kind not in RANGES:
        return Row(name, (), "true or false" if kind == "bool" else toml(value))
    keys = RANGES[kind]
    fields = tuple(
        Field(f"params.{name}.{key}", key, typed(value[key]) if key in value else "")
        for key in keys
    )
    more = [
        key if each is True else f"{key} {toml(each)}"
        for key, each in value.items()
        if key not in ("type", *keys) and each is not False
    ]
    return Row(name, fields, ", ".join([kind, *more]))
