"""What a spec names on disk: the function's file, the interpreter, the data."""

from __future__ import annotations

import ast
import functools
import glob
import os
import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.sweep.spec.errors import hint, nearest, show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.sweep.spec.errors import Fault
    from cockpit.sweep.spec.tables import RunTable

_VERSION = re.compile(r"[^@/\\]+@(v[0-9]+|([a-z0-9]+:)?[0-9a-f]{4,})")
_OWN_SCOPE = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def interpreter(folder: Path, python: str | None) -> Path | None:
    """The interpreter, its links not followed (a venv's python is one); None where there is none.

    A bare name is sought on PATH, everything else from the spec's folder.
    """
    if python is None:
        return Path(sys.executable)
    if os.sep not in python:
        found = shutil.which(python)
        return Path(found) if found else None
    path = placed(folder, python)
    return path if is_program(path) else None


def python_faults(folder: Path, run: RunTable) -> Iterator[Fault]:
    if interpreter(folder, run.python) is None:
        where = f"in {folder}" if os.sep in str(run.python) else "on PATH"
        text = f"[run] python = {show(run.python)}: no such interpreter {where}; "
        yield ("run", "python"), text + "make that environment, or leave python out"


def is_version(folder: Path, text: str) -> bool:
    """Whether a text of [data] names a registered version, `adult-eval@v4`; a file of that name goes before."""
    return bool(_VERSION.fullmatch(text)) and not os.path.exists(placed(folder, text))


def is_pattern(path: Path | str) -> bool:
    """Whether a path of [data] stands for all files that answer to it; a file of that name goes before."""
    return glob.has_magic(os.fspath(path)) and not os.path.exists(path)


def data_faults(folder: Path, data: Mapping[str, str]) -> Iterator[Fault]:
    for name, file in data.items():
        path = placed(folder, file)
        if is_version(folder, file):
            continue  # whether it is there, only the store knows
        if is_pattern(path):
            found = [each for each in glob.glob(str(path), recursive=True) if os.path.isfile(each)]
            shut = next((each for each in found if not os.access(each, os.R_OK)), None)
            start = f"[data] {name} = {show(file)}"
            if not found:
                yield ("data", name), f"{start}: no file answers to it in {folder}"
            elif shut is not None:
                yield ("data", name), f"{start}: {shut} may not be read by you"
            continue
        if os.path.isdir(path):
            yield ("data", name), f"[data] {name} = {show(file)} is a folder; name a file"
        elif not os.path.exists(path):
            yield ("data", name), f"[data] {name} = {show(file)} was not found{beside(path)}"
        elif not os.path.isfile(path):
            yield ("data", name), f"[data] {name} = {show(file)} is no regular file; name one"
        elif not os.access(path, os.R_OK):
            yield ("data", name), f"[data] {name} = {show(file)} may not be read by you"


def function_faults(
    folder: Path, key: str, target: str, python: str | None = None
) -> Iterator[Fault]:
    """Reads the user's file and does not run it; what only importing can show is left to the worker.

    `key` is that of [run] which names the target, as in `train.py:train`.
    """
    place, _, name = target.rpartition(":")
    file = _source(folder, place)
    here, start = ("run", key), f"[run] {key} = {show(target)}"
    if file is None:
        return
    if not os.path.isfile(file):
        yield here, f"{start}: {place} was not found{beside(file)}"
        return
    try:
        functions, names, complete = _bound(file, file.stat().st_mtime_ns)
    except (SyntaxError, ValueError) as error:
        if python is None:  # another interpreter may know a syntax that ours does not
            line = getattr(error, "lineno", None)
            where = f"{place} line {line}" if line else place
            yield here, f"{start}: {where} is not Python: {_first_line(error)}"
        return
    except RecursionError:
        return  # deeper than our parser goes; the worker will see
    except OSError as error:
        yield here, f"{start}: {place} cannot be read: {error.strerror}"
        return
    if complete and name not in names:
        near = hint(name, functions or sorted(names))
        yield here, f"{start}: {place} has no {name}{near}"


@functools.lru_cache(maxsize=16)
def _bound(file: Path, _modified: int) -> tuple[list[str], set[str], bool]:
    """The file's top level; kept, since the cells of a matrix ask for the same files."""
    return top_level(ast.parse(file.read_bytes(), filename=str(file)))


def top_level(tree: ast.Module) -> tuple[list[str], set[str], bool]:
    """Functions and classes, all names bound, and whether those are all there can be."""
    functions: list[str] = []
    names: set[str] = set()
    complete = True
    stack: list[ast.AST] = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            functions.append(node.name)
            complete = complete and node.name != "__getattr__"
        elif isinstance(node, ast.alias):
            names.add((node.asname or node.name).partition(".")[0])
            complete = complete and node.name != "*"
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, _OWN_SCOPE):
            stack.extend(ast.iter_child_nodes(node))
    return functions, names | set(functions), complete


def _source(folder: Path, place: str) -> Path | None:
    """The file that has the function; None for a module that only the worker can find."""
    path = folder / place
    if place.endswith(".py") or os.sep in place:
        return path
    parts = folder.joinpath(*place.split("."))
    places = (parts.with_name(parts.name + ".py"), parts / "__init__.py")
    found = next((place for place in places if os.path.isfile(place)), None)
    return path if found is None and os.path.isfile(path) else found


def placed(folder: Path, text: str) -> Path:
    """A path as the spec writes it; a ~ of nobody is a name like any other."""
    try:
        return folder / Path(text).expanduser()
    except RuntimeError:
        return folder / text


def is_program(path: Path) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)


def beside(path: Path) -> str:
    """Where a file was looked for, and one there that may have been meant."""
    if not os.path.isdir(path.parent):
        return f": there is no folder {path.parent}"
    try:
        near = nearest(path.name, (each.name for each in path.parent.iterdir() if each.is_file()))
    except OSError:
        return f" in {path.parent}, which cannot be listed"
    return f' in {path.parent}; did you mean "{near}"?' if near else f" in {path.parent}"


def _first_line(error: SyntaxError | ValueError) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)
