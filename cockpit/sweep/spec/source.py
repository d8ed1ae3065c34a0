"""A spec's text before it means anything: read from its file, or written for a bare function."""

from __future__ import annotations

import json
import os
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.sweep.spec.errors import Problem, SpecMissing, SpecSyntax

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cockpit.sweep.spec.errors import KeyPath

DEPTH = 30
GENERATED = "# Written by cockpit for a sweep that was asked for by its function."
_TOML_ERROR = re.compile(r"(?P<what>.*) \(at (?:line (?P<line>\d+), column \d+|end of document)\)")


@dataclass(frozen=True, slots=True)
class Source:
    """A spec's text, and where it came from."""

    label: str
    path: Path | None
    text: str
    name: str
    """The sweep's name where the text has none."""
    folder: Path
    """What its relative paths are relative to."""

    def problem(self, line: int | None, text: str, path: KeyPath = ()) -> Problem:
        return Problem(self.label, None if self.path is None else line, text, path)


def read_text(path: Path) -> str:
    label = os.fspath(path)
    try:
        data = path.read_bytes()
        return data.decode("utf-8-sig")
    except FileNotFoundError:
        text = f"no such file{_specs_beside(path)}"
    except IsADirectoryError:
        text = f"is a folder; name the file in it{_specs_beside(path / 'sweep.toml')}"
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise SpecSyntax([Problem(label, line, "not UTF-8 text; save it as UTF-8")]) from None
    except OSError as error:
        text = f"cannot be read: {error.strerror or error}"
    raise SpecMissing([Problem(label, None, text)])


def _specs_beside(path: Path) -> str:
    found = sorted(path.parent.glob("*.toml")) if path.parent.is_dir() else []
    return f"; found there: {', '.join(each.name for each in found[:5])}" if found else ""


def parse(source: Source) -> dict[str, Any]:
    try:
        document = tomllib.loads(source.text)
    except tomllib.TOMLDecodeError as error:
        found = _TOML_ERROR.fullmatch(str(error))
        what = found["what"] if found else str(error)
        line = int(found["line"]) if found and found["line"] else source.text.count("\n") + 1
        text = _syntax_words(what, source.text.split("\n")[line - 1])
        raise SpecSyntax([source.problem(line, text)]) from None
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond all sense
        raise SpecSyntax([source.problem(None, f"cannot be read as TOML: {error}")]) from None
    if _is_deep(document):
        text = f"cannot be read as TOML: tables and lists nest more than {DEPTH} deep"
        raise SpecSyntax([source.problem(None, text)])
    return document


def _is_deep(document: dict[str, Any]) -> bool:
    """Whether something stands deeper than a spec has any use for; counted without recursion."""
    level: list[Any] = [document]
    for _ in range(DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return bool(level)


def _syntax_words(what: str, line: str) -> str:
    if what == "Cannot overwrite a value":
        return f"{line.partition('=')[0].strip()} is set twice; keep one"
    if what.startswith("Cannot declare"):
        return f"{line.strip()} stands twice; put its keys under one of them"
    if what == "Invalid value":
        return f"not TOML: {line.strip()}: text needs quotes, true and false are written small"
    if what == "Invalid initial character for a key part":
        return f"not TOML: {line.strip()}: a key is missing here (a {{ table }} keeps to one line)"
    if what in (r"Illegal character '\n'", "Unterminated string"):
        return f"not TOML: {line.strip()}: the quotes are not closed on this line"
    return f"not TOML: {what[:1].lower()}{what[1:]}"


def from_here(python: str | None) -> str | None:
    """A path typed on the command line is relative to where it was typed."""
    return os.path.abspath(python) if python and os.sep in python else python


def written(tables: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [GENERATED]
    for table, values in tables.items():
        given = {key: value for key, value in values.items() if value is not None}
        if given:
            lines += [f"[{table}]", *(f"{key} = {_toml(value)}" for key, value in given.items())]
    return "\n".join(lines) + "\n"


def _toml(value: str | int) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
