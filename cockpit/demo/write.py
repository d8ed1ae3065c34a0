"""Writes the demo project, and never over a file the user has changed."""

from __future__ import annotations

import importlib.util
import os
import tempfile
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Literal

from storage.errors import UserError

Outcome = Literal["written", "there", "kept"]
"""`kept`: there is something else under that name, the user's own."""


class DemoError(UserError):
    """The project cannot be written; the text says why and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Written:
    """What became of one file."""

    path: Path
    outcome: Outcome


def write_project(folder: Path) -> tuple[Written, ...]:
    """Writes what is missing, file by file in the order of their names; the folder is made.

    A file appears whole or not at all. Raises DemoError where the folder cannot be written to.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return tuple(
            Written(folder / name, _write(folder / name, content)) for name, content in _project()
        )
    except FileExistsError:
        raise DemoError(f"{folder} is a file; name a folder for the demo") from None
    except OSError as error:
        where = error.filename or folder
        raise DemoError(f"cannot write the demo to {where}: {error.strerror}") from error


def lacking() -> str:
    """What to install before the demo runs under this interpreter; empty where nothing is missing."""
    if importlib.util.find_spec("sklearn"):
        return ""
    return (
        "the demo trains with scikit-learn, which is not installed; "
        "pip install 'experiment-cockpit[demo]' brings it"
    )


def _project() -> list[tuple[str, bytes]]:
    parts = [part for part in (files("cockpit.demo") / "project").iterdir() if part.is_file()]
    return sorted((part.name, part.read_bytes()) for part in parts)


def _write(path: Path, content: bytes) -> Outcome:
    if os.path.lexists(path):
        return "there" if path.is_file() and path.read_bytes() == content else "kept"
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    half = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        half.chmod(0o666 & ~_umask())
        half.rename(path)
    finally:
        half.unlink(missing_ok=True)
    return "written"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
