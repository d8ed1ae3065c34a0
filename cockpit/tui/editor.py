"""The user's own editor, in the terminal that the app leaves to it for so long."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

if TYPE_CHECKING:
    from textual.app import App

LARGEST = 100_000
"""Bytes of a note that are read back; the store takes a tenth of it."""


class EditorFailed(Exception):
    """Nothing was edited; the message is a sentence for the screen."""


def edit_text(app: App[None], before: str, editor: str = "") -> str:
    """What the editor leaves of a text. Raises `EditorFailed`."""
    import tempfile  # ten milliseconds that the first frame need not wait for

    with tempfile.TemporaryDirectory(prefix="cockpit-") as folder:
        path = Path(folder) / "note.md"
        path.write_text(before, encoding="utf-8")
        edit_file(app, path, editor)
        try:
            with path.open("rb") as file:
                return file.read(LARGEST).decode("utf-8", "replace").strip("\n")
        except OSError as error:
            raise EditorFailed(f"the note was not saved: {error.strerror}") from error


def edit_file(app: App[None], path: Path, editor: str = "") -> None:
    """Open a file in the editor and wait for it. Raises `EditorFailed`."""
    import subprocess

    command = editor or os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi"
    try:
        arguments = [*shlex.split(command), str(path)]
        with app.suspend():
            code = subprocess.run(arguments, check=False).returncode
    except SuspendNotSupported:
        raise EditorFailed("there is no terminal here for an editor") from None
    except (OSError, ValueError) as error:
        raise EditorFailed(
            f"{command!r} cannot be started: set editor in the config file, or $EDITOR"
        ) from error
    if code:
        raise EditorFailed(f"{command} ended with code {code}; nothing was changed")
