"""Where each key of a TOML text stands: tomllib gives values, and a message needs a line."""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.sweep.spec.errors import KeyPath

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?!")'
    r"|'''.*?'''(?!')"
    r'|"(?:\\.|[^"\\])*"'
    r"|'[^']*'",
    re.DOTALL,
)
_PLAIN_VALUE = re.compile(r"[^,\]}\n#]+")


def key_lines(text: str, moved: Mapping[KeyPath, KeyPath] | None = None) -> Mapping[KeyPath, int]:
    """The line (from 1) of every table, key and array item.

    `moved` says of keys that other values have taken the place of where those stand; () is nowhere,
    and its line is 0. The text must be valid TOML; read it with tomllib first.
    """
    lines = _Scanner(text).scan()
    if not moved:
        return lines
    kept = {
        path: line
        for path, line in lines.items()
        if not any(path[:end] in moved for end in range(1, len(path) + 1))
    }
    return kept | {path: line_of(lines, there) or 0 for path, there in moved.items()}


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """The line of the path, or of the nearest part of it that stands in the file."""
    while path:
        if path in lines:
            return lines[path]
        path = path[:-1]
    return None


class _Scanner:
    """One pass over the text; `_at` is the place reached."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._starts = [0] + [found.end() for found in re.finditer("\n", text)]
        self._lines: dict[KeyPath, int] = {}
        self._last: dict[KeyPath, int] = {}
        """The newest index of each array of tables."""

    def scan(self) -> Mapping[KeyPath, int]:
        table: KeyPath = ()
        while self._skip(_BLANK) < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
        return self._lines

    def _header(self) -> KeyPath:
        start = self._at
        several = self._text.startswith("[[", start)
        self._at += 2 if several else 1
        *parents, name = self._key()
        self._skip(_SPACE)
        self._at += 2 if several else 1
        path: KeyPath = ()
        for part in parents:
            path = self._newest((*path, part))
            self._mark(path, start)
        path = (*path, name)
        self._mark(path, start)
        if several:
            self._last[path] = self._last.get(path, -1) + 1
        path = self._newest(path)
        self._mark(path, start)
        return path

    def _newest(self, path: KeyPath) -> KeyPath:
        return (*path, self._last[path]) if path in self._last else path

    def _pair(self, table: KeyPath) -> None:
        start = self._at
        path = table
        for part in self._key():
            path = (*path, part)
            self._mark(path, start)
        self._skip(_SPACE)
        self._at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        parts = []
        while True:
            self._skip(_SPACE)
            found = _BARE_KEY.match(self._text, self._at)
            if found:
                parts.append(found[0])
                self._at = found.end()
            else:
                parts.append(tomllib.loads(f"key = {self._string()}")["key"])
            self._skip(_SPACE)
            if not self._text.startswith(".", self._at):
                return tuple(parts)
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        first = self._text[self._at]
        if first in "\"'":
            self._string()
        elif first == "[":
            self._items(path, "]")
        elif first == "{":
            self._items(path, "}")
        else:
            self._skip(_PLAIN_VALUE)

    def _items(self, path: KeyPath, end: str) -> None:
        self._at += 1
        index = 0
        while self._text[self._skip(_BLANK)] != end:
            if end == "}":
                self._pair(path)
            else:
                self._mark((*path, index), self._at)
                self._value((*path, index))
            index += 1
            if self._text[self._skip(_BLANK)] == ",":
                self._at += 1
        self._at += 1

    def _string(self) -> str:
        found = _STRING.match(self._text, self._at)
        if found is None:
            raise ValueError(f"not valid TOML at character {self._at}")
        self._at = found.end()
        return found[0]

    def _skip(self, pattern: re.Pattern[str]) -> int:
        found = pattern.match(self._text, self._at)
        self._at = found.end() if found else self._at
        return self._at

    def _mark(self, path: KeyPath, at: int) -> None:
        self._lines.setdefault(path, bisect_right(self._starts, at))
