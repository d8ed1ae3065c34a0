"""What a spec names on disk: the function's file, the interpreter, the data."""

from __future__ import annotations

import ast
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.sweep.spec.errors import hint, nearest
from cockpit.sweep.spec.words import show

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.sweep.spec.tables import RunTable
    from cockpit.sweep.spec.words import Fault

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
    path = folder / Path(python).expanduser()
    return path if path.is_file() and os.access(path, os.X_OK) else None


def python_faults(folder: Path, run: RunTable) -> Iterator[Fault]:
    if interpreter(folder, run.python) is None:
        where = f"in {folder}" if os.sep in str(run.python) else "on PATH"
        text = f"[run] python = {show(run.python)}: no such interpreter {where}; "
        yield ("run", "python"), text + "make that environment, or leave python out"


def data_faults(folder: Path, data: Mapping[str, str]) -> Iterator[Fault]:
    for name, file in data.items():
        path = folder / Path(file).expanduser()
        if path.is_dir():
            yield ("data", name), f"[data] {name} = {show(file)} is a folder; name a file"
        elif not path.is_file():
            yield ("data", name), f"[data] {name} = {show(file)} was not found{_beside(path)}"
        elif not os.access(path, os.R_OK):
            yield ("data", name), f"[data] {name} = {show(file)} may not be read by you"


def function_faults(folder: Path, run: RunTable) -> Iterator[Fault]:
    """Reads the user's file and does not run it; what only importing can show is left to the worker."""
    file = _source(folder, run)
    start = f"[run] function = {show(run.function)}"
    if file is None:
        return
    if not file.is_file():
        yield ("run", "function"), f"{start}: {run.place} was not found{_beside(file)}"
        return
    try:
        tree = ast.parse(file.read_bytes(), filename=str(file))
    except (SyntaxError, ValueError) as error:
        if run.python is None:  # another interpreter may know a syntax that ours does not
            line = getattr(error, "lineno", None)
            where = f"{run.place} line {line}" if line else run.place
            yield ("run", "function"), f"{start}: {where} is not Python: {_first_line(error)}"
        return
    except OSError as error:
        yield ("run", "function"), f"{start}: {run.place} cannot be read: {error.strerror}"
        return
    functions, names, complete = top_level(tree)
    if complete and run.name not in names:
        near = hint(run.name, functions or sorted(names))
        yield ("run", "function"), f"{start}: {run.place} has no {run.name}{near}"


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


def _source(folder: Path, run: RunTable) -> Path | None:
    """The file that has the function; None for a module that only the worker can find."""
    path = folder / run.place
    if run.place.endswith(".py") or os.sep in run.place:
        return path
    parts = folder.joinpath(*run.place.split("."))
    places = (parts.with_name(parts.name + ".py"), parts / "__init__.py")
    found = next((place for place in places if place.is_file()), None)
    return path if found is None and path.is_file() else found


def _beside(path: Path) -> str:
    """Where it was looked for, and a file there that may have been meant."""
    if not path.parent.is_dir():
        return f": there is no folder {path.parent}"
    near = nearest(path.name, (each.name for each in path.parent.iterdir() if each.is_file()))
    return f' in {path.parent}; did you mean "{near}"?' if near else f" in {path.parent}"


def _first_line(error: SyntaxError | ValueError) -> str:
    return error.msg if isinstance(error, SyntaxError) else str(error)
