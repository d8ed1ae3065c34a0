"""Values as people type them, on a command line or in a form."""

from __future__ import annotations

import json
import math
import re
import tomllib
from datetime import date, time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = (bool, int, float, str)


def scalar(text: str) -> Any:
    """A param's value: a number, true, false, or else the text itself."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return found if isinstance(found, _PLAIN) else text


def toml_value(text: str) -> Any:
    """A value as a spec would hold it, `0.5`, `["a", "b"]`; what is no TOML is the text itself."""
    try:
        found = tomllib.loads(f"value = {text.strip()}")
    except (tomllib.TOMLDecodeError, RecursionError):
        return text
    value = found.get("value")
    return value if len(found) == 1 and _is_plain(value) else text


def typed(value: Any) -> str:
    """The text that `toml_value` and `scalar` read this value from; as short as can be."""
    text = toml(value)
    if not isinstance(value, str) or value != value.strip() or not value.isprintable():
        return text
    return value if value and toml_value(value) is value else text


def toml(value: Any) -> str:
    """A value in TOML, in one line."""
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key_of(k)} = {toml(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # nan, inf and -inf, as TOML has them
    if isinstance(value, date | time):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")


def key_of(name: str) -> str:
    """A key in TOML."""
    return name if _BARE.fullmatch(name) else toml(name)


def document(tables: Mapping[str, Any]) -> list[tuple[tuple[str, ...], str]]:
    """A spec's text, line by line, each with the place of what stands there; without comments."""
    lines: list[tuple[tuple[str, ...], str]] = []
    for table, content in tables.items():
        if lines:
            lines.append(((), ""))
        for item in content if isinstance(content, list) else [content]:
            if not isinstance(item, dict):
                lines.append(((table,), f"{key_of(table)} = {toml(item)}"))
                continue
            name = key_of(table)
            lines.append(((table,), f"[[{name}]]" if isinstance(content, list) else f"[{name}]"))
            lines += [
                ((table, key), f"{key_of(key)} = {toml(value)}") for key, value in item.items()
            ]
    return lines


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(map(_is_plain, value.values()))
    if isinstance(value, list):
        return all(map(_is_plain, value))
    return isinstance(value, _PLAIN)
