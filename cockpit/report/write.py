"""Writes reports into files: whole or not at all, the pictures before the text that shows them."""

from __future__ import annotations

import os
import re
import tempfile
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cockpit.report.render import Rendered, render
from cockpit.report.subjects import gather
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.report.render import Charts
    from storage.layout import Layout

FOLDER = "reports"
"""Below the project's folder, where nobody says where to."""
MARK = "<!-- cockpit report "
"""How every file begins that was written here: no other is written over."""


class CannotWrite(UserError):
    """A report cannot be written there; the message says why."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What was written."""

    path: Path
    pictures: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Pasted:
    """What was written, and the same to be pasted where its pictures are not."""

    path: Path
    text: str
    """With charts of text."""


def save(layout: Layout, subject: str, ids: Sequence[str], on: str | None = None) -> Pasted:
    """Gather, render and write a report into the project's `reports/`, where each thing has a file of its own.

    `ids` are as `gather` takes them, and tell what the file is of: the same ids replace it. Raises what gathering
    does, and `CannotWrite`.
    """
    report = gather(layout, subject, ids, on)
    path = _own_path(layout.project / FOLDER, _stem(subject, report.name), _mark(subject, ids))
    write(path, subject, ids, report, "svg")
    return Pasted(path, render(subject, report, "text").text)


def save_text(layout: Layout, subject: str, ids: Sequence[str], name: str, text: str) -> Pasted:
    """Write markdown that is there already into `reports/`, as `save` does. Raises `CannotWrite`."""
    mark = _mark(subject, ids)
    path = _own_path(layout.project / FOLDER, _stem(subject, name), mark)
    _put(path, Rendered(text), mark)
    return Pasted(path, text)


def _stem(subject: str, name: str) -> str:
    """A file's name for a report, without its ending: `run-income-17`."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", f"{subject}-{name}")[:80].strip("-.")


def _own_path(folder: Path, stem: str, mark: str) -> Path:
    """The first of `STEM.md`, `STEM-2.md`… that is of the same thing, or is not there."""
    paths = (folder / f"{stem}{f'-{n}' if n > 1 else ''}.md" for n in count(1))
    return next(path for path in paths if not path.exists() or _begins(path, mark))


def _begins(path: Path, mark: str) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(mark.encode())) == mark.encode()
    except OSError:
        return False


def write(
    path: Path,
    subject: str,
    ids: Sequence[str],
    report: Any,
    charts: Charts,
    template: Path | None = None,
) -> Saved:
    """Render what was gathered into `path`, its pictures into the folder `STEM_files` beside it.

    Raises `BadTemplate` before anything is written, and `CannotWrite`.
    """
    done = render(subject, report, charts, _folder(path).name, template)
    return _put(path, done, _mark(subject, ids))


def _folder(path: Path) -> Path:
    """Where the pictures lie."""
    return path.with_name(f"{path.stem}_files")


def _put(path: Path, done: Rendered, mark: str) -> Saved:
    try:
        _check(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        return _written(path, _folder(path), done, mark)
    except OSError as error:
        where = error.filename or path
        raise CannotWrite(f"the report cannot be written to {where}: {error.strerror}") from None


def _mark(subject: str, ids: Sequence[str]) -> str:
    """What the report is of, in a comment that nothing can end early; another for every other thing."""
    told = " ".join(quote(text, safe="@#,:+/") for text in (subject, *ids))
    return f"{MARK}{told.replace('--', '-%2D')} -->\n"


def _check(path: Path) -> None:
    if path.is_dir():
        raise CannotWrite(f"{path} is a folder; name a file, as {path / 'report.md'}")
    if path.exists() and not _begins(path, MARK):
        raise CannotWrite(
            f"{path} is there and is no report of cockpit's, so it is not written over: name another file"
        )


def _written(path: Path, folder: Path, done: Rendered, mark: str) -> Saved:
    if done.files:
        folder.mkdir(exist_ok=True)
    for name, content in sorted(done.files.items()):
        _replace(folder / name, content)
    _replace(path, mark + done.text)
    return Saved(path, tuple(folder / name for name in sorted(done.files)))


def _replace(path: Path, content: str) -> None:
    """A file in the place of another, at once."""
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:40]}-", dir=path.parent)
    half = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content.encode())
            file.flush()
            os.fsync(file.fileno())
        mask = os.umask(0)
        os.umask(mask)
        half.chmod(0o666 & ~mask)
        half.replace(path)
    finally:
        half.unlink(missing_ok=True)
