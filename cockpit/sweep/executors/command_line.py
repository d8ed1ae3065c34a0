"""The arguments of a command, with a trial's values in the place of `{placeholders}`.

    {lr}        the value of a parameter: text as it is, numbers and true/false as JSON has them
    {flag:amp}  an argument by itself: --amp where the parameter is true, nothing where it is false
    {params}    the file of all parameters      {run_dir}  the run's output folder
    {run} {sweep} {number} {seed}               what the run is, and the seed
    {{ }}       braces

No shell reads any of it: one template is one argument, or none, whatever the value holds.
A parameter goes before what else has its name.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FLAG = "flag:"
MORE = ("params", "run_dir", "run", "sweep", "number", "seed")
"""Placeholders that are no parameters; whoever renders gives them in `more`."""

_PART = re.compile(r"(?P<brace>\{\{|\}\})|\{(?P<name>[^{}]+)\}|(?P<stray>[{}])|(?P<text>[^{}]+)")


class BadPlaceholder(ValueError):
    """A template that cannot be rendered; the text goes on after what holds it."""


def render(argv: Iterable[str], params: Mapping[str, Any], more: Mapping[str, Any]) -> list[str]:
    """The arguments of one run; raises BadPlaceholder where nobody gave a placeholder's value."""
    values = {**more, **params}
    return [argument for each in argv for argument in _argument(each, values)]


def placeholders(argv: Iterable[str]) -> frozenset[str]:
    """The names in braces, of flags too; raises BadPlaceholder where braces do not pair."""
    return frozenset(
        name.removeprefix(FLAG) for each in argv for literal, name in _parts(each) if not literal
    )


def flags(argv: Iterable[str]) -> frozenset[str]:
    """The names that stand as `{flag:NAME}`."""
    return frozenset(
        name.removeprefix(FLAG)
        for each in argv
        for literal, name in _parts(each)
        if not literal and name.startswith(FLAG)
    )


def with_values(argv: Iterable[str], values: Mapping[str, str]) -> tuple[str, ...]:
    """The templates with some placeholders filled already, the others left for `render`."""
    return tuple(
        "".join(
            escaped(part) if literal else escaped(values[part]) if part in values else f"{{{part}}}"
            for literal, part in _parts(each)
        )
        for each in argv
    )


def escaped(text: str) -> str:
    """The template that renders to the text."""
    return text.replace("{", "{{").replace("}", "}}")


def _argument(template: str, values: Mapping[str, Any]) -> Iterator[str]:
    parts = list(_parts(template))
    if len(parts) == 1 and not parts[0][0] and parts[0][1].startswith(FLAG):
        name = parts[0][1].removeprefix(FLAG)
        if _value(name, values) is True:
            yield f"--{name}"
        return
    yield "".join(part if literal else _written(_value(part, values)) for literal, part in parts)


def _parts(template: str) -> Iterator[tuple[bool, str]]:
    """Pieces of a template: whether it is text, and the text or the name in braces."""
    shown = json.dumps(template, ensure_ascii=False)
    for found in _PART.finditer(template):
        name, stray = found["name"], found["stray"]
        if stray:
            text = f"holds {shown} with a single {stray}; write {{{{ and }}}} for braces"
            raise BadPlaceholder(text)
        if name is None:
            yield True, found["brace"][0] if found["brace"] else found["text"]
            continue
        if name.startswith(FLAG) and found[0] != template:
            raise BadPlaceholder(f"holds {shown}, where {found[0]} has to be an argument by itself")
        yield False, name


def _value(name: str, values: Mapping[str, Any]) -> Any:
    if name not in values:
        raise BadPlaceholder(f"holds {{{name}}}, which is not known")
    return values[name]


def _written(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {True: "true", False: "false", None: "null"}[value]
    return str(value)
