"""Files of data: which ones a path or a pattern names, in which format, and what their content is called.

DataError       a file that is not there, cannot be read, or does not hold what it should
└── DataGone    the content that was meant lies nowhere any more
"""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.sweep.provenance.data import as_text, digest_of
from cockpit.sweep.spec.errors import printable
from cockpit.sweep.spec.files import beside
from storage.errors import UserError

if TYPE_CHECKING:
    from cockpit.sweep.provenance.data import DataFile, Hashes

FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".ndjson": "ndjson",
    ".jsonl": "ndjson",
}
"""By the end of a file's name."""
PACKED = (".gz", ".zst")
"""Ends that may follow those of a text format."""


class DataError(UserError):
    """Data that cannot be read; one sentence: which file, what is wrong, what to do."""


class DataGone(DataError):
    """The content of a version is neither kept nor where it was."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a path or a pattern holds."""

    path: str
    """Absolute; a pattern stays one."""
    bytes: int
    digest: str
    """Of the file; of several, that of the lines `name NUL digest`, sorted by name."""
    files: tuple[tuple[str, DataFile], ...]
    """Each by its name, relative to `base_of` the pattern."""

    @property
    def is_one(self) -> bool:
        """Whether it is a single file that was named as such."""
        return len(self.files) == 1 and self.files[0][1].path == self.path


def content_of(path: str | Path, hashes: Hashes) -> Content:
    """Hash what a path or a pattern names; a file that has not changed since is not read again.

    Raises `DataError`, also where a file is being written to.
    """
    absolute = os.path.abspath(os.path.expanduser(path))
    base = base_of(absolute)
    found = []
    for file in files_of(absolute):
        try:
            found.append((as_text(os.fspath(file.relative_to(base))), hashes.data_file(file)))
        except OSError as error:
            sentence = f"{file} cannot be read: {error.strerror or error}"
            raise DataError(printable(sentence)) from error
    total = sum(file.bytes for _, file in found)
    if os.path.isfile(absolute):
        return Content(found[0][1].path, total, found[0][1].digest, tuple(found))
    lines = "\n".join(f"{name}\0{file.digest}" for name, file in sorted(found))
    digest = digest_of(lines.encode())
    return Content(as_text(absolute), total, digest, tuple(found))


def files_of(path: str | Path) -> tuple[Path, ...]:
    """The files that a path or a pattern (`rows/*.parquet`) names, in order of name.

    A file whose name holds a `*` goes before the pattern. Raises `DataError` where there are none.
    """
    text = os.fspath(path)
    if os.path.isfile(text):
        return (Path(text),)
    if os.path.isdir(text):
        raise DataError(f"{printable(text)} is a folder; name its files, as in {text}/*.parquet")
    found = sorted(file for file in glob.glob(text, recursive=True) if os.path.isfile(file))
    if not found and glob.has_magic(text):
        raise DataError(f"no file answers to {printable(text)}")
    if not found and os.path.exists(text):
        raise DataError(f"{printable(text)} is no file, but a pipe or a device; save it as a file")
    if not found:
        raise DataError(printable(f"{text} was not found{beside(Path(text))}"))
    return tuple(map(Path, found))


def base_of(path: str | Path) -> Path:
    """The folder that the names of the files of a path or a pattern are relative to."""
    here = Path(path)
    if os.path.isfile(path) or not glob.has_magic(os.fspath(path)):
        return here.parent
    while glob.has_magic(os.fspath(here)):
        here = here.parent
    return here


def format_of(path: str | Path) -> str:
    """`parquet`, `csv`, `tsv` or `ndjson`, by the end of the name. Raises `DataError`."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    packed = bool(suffixes) and suffixes[-1] in PACKED
    known = FORMATS.get(suffixes[-2 if packed else -1] if len(suffixes) > packed else "")
    if known is None or (packed and known == "parquet"):
        ends = ", ".join(FORMATS)
        raise DataError(
            f"what {printable(os.fspath(path))} holds cannot be told from its name; known: {ends}"
            " (text ones may be packed, .csv.gz)"
        )
    return known


def suffix_of(path: str | Path) -> str:
    """The end of a name that tells its format, the packing with it: `.csv.gz`."""
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    return "".join(suffixes[-2:] if suffixes[-1:] and suffixes[-1] in PACKED else suffixes[-1:])
