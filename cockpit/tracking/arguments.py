"""What a command line says of a run by itself: its params, and a name. Pure, but for looking for a file."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Value = bool | int | float | str

_OPTION = re.compile(r"--([A-Za-z][\w.-]*)(?:=(.*))?", re.DOTALL)
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?inf|nan", re.IGNORECASE)
_LAUNCHER = re.compile(
    r"python[\d.]*|pypy[\d.]*|(ba|da|z|k)?sh|Rscript|julia|node|ruby|perl|php|lua"
    r"|torchrun|accelerate|uv|poetry|pipenv|conda|env|nice|nohup|time"
)


def params_of(argv: Sequence[str]) -> dict[str, Value]:
    """The params that a command's own arguments give.

    `--name value` and `--name=value` are params, a dash in the name is an underscore; `--name` before
    another option or at the end is true. Numbers and true/false are typed, what else there is stays
    text. Of a name that comes twice the last one counts; what follows a lone `--` is no option.
    """
    return {name.replace("-", "_"): typed(value) for name, value in _options(argv[1:])}


def typed(text: str) -> Value:
    """`3`, `1e-3` and `true` as what they mean."""
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def stem_of(argv: Sequence[str], folder: Path) -> str:
    """What to call a run of this command: the script's name where it has one, else the program's."""
    program = Path(argv[0])
    if not _LAUNCHER.fullmatch(program.name):
        return program.stem
    for before, argument in itertools.pairwise(argv):
        if before == "-m":
            return argument.rpartition(".")[2]
        script = Path(argument)  # python3.11 has a suffix too
        if argument.startswith("-") or not script.suffix or _LAUNCHER.fullmatch(script.name):
            continue
        if (folder / script).is_file():
            return script.stem
    return program.stem


def _options(arguments: Sequence[str]) -> Iterator[tuple[str, str]]:
    arguments = arguments[: arguments.index("--")] if "--" in arguments else arguments
    for place, argument in enumerate(arguments):
        option = _OPTION.fullmatch(argument)
        if option is None:
            continue
        name, value = option.groups()
        after = arguments[place + 1] if place + 1 < len(arguments) else None
        if value is None:
            value = "true" if after is None or _is_option(after) else after
        yield name, value


def _is_option(argument: str) -> bool:
    """A negative number is a value."""
    return argument.startswith("-") and isinstance(typed(argument), str) and argument != "-"
