"""Texts from elsewhere as the values, names and tags that the store can hold."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING, Any

from storage.annotate import LONGEST_NAME
from storage.events import to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_WHOLE = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_DECIMAL = re.compile(r"-?(?:\d{1,40}\.\d{0,40}|\.\d{1,40}|\d{1,40}(?=[eE]))(?:[eE][+-]?\d{1,4})?")
_WORDS: Mapping[str, Any] = {
    "True": True,
    "False": False,
    "true": True,
    "false": False,
    "None": None,
    "nan": math.nan,
    "NaN": math.nan,
    "inf": math.inf,
    "-inf": -math.inf,
}


def typed(text: str) -> Any:
    """What a text stands for: a whole number, a float, a boolean, None; else the text itself.

    Only what is written as Python or JSON writes it counts: `007`, `1_000` and `v1` stay texts.
    """
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _DECIMAL.fullmatch(text) and math.isfinite(value := float(text)):
        return value
    return text


def sound(text: str) -> str:
    """Without halves of characters, which no table takes: they are spelled out."""
    if text.isascii():
        return text
    return text.encode("utf-8", "backslashreplace").decode()


def as_stored(value: Any) -> Any:
    """A value as it comes back out of the store."""
    text = to_json(value)
    return _sound(json.loads(text)) if "\\ud" in text else json.loads(text)


def _sound(value: Any) -> Any:
    if isinstance(value, str):
        return sound(value)
    if isinstance(value, dict):
        return {sound(name): _sound(inner) for name, inner in value.items()}
    return [_sound(inner) for inner in value] if isinstance(value, list) else value


def name_of(text: str, otherwise: str) -> str:
    """A run's name: printable, of at most 100 characters, no `#` in it and no `@` at its beginning."""
    kept = _one_line(text).replace("#", "-").lstrip("@").strip()
    return kept[:LONGEST_NAME].rstrip() or otherwise


def tags_of(texts: Iterable[str]) -> list[str]:
    """The texts as tags, each once: printable, of at most 100 characters."""
    found = (_one_line(text)[:LONGEST_NAME].rstrip() for text in texts)
    return list(dict.fromkeys(tag for tag in found if tag))


def _one_line(text: str) -> str:
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


class Names:
    """Hands out names that nobody has yet: `train`, `train-2`, `train-3`…"""

    def __init__(self, taken: set[str]) -> None:
        self._taken = taken
        self._next: dict[str, int] = {}

    def free(self, name: str) -> str:
        """The name, or it with a number behind; taken from now on."""
        found, number = name, self._next.get(name, 2)
        while found in self._taken:
            ending = f"-{number}"
            found, number = name[: LONGEST_NAME - len(ending)] + ending, number + 1
        self._next[name] = number
        self._taken.add(found)
        return found
