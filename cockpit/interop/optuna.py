"""Optuna's studies, of a sqlite database or of a JournalStorage's file, without changing either."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.interop import optuna_journal, optuna_sqlite
from cockpit.interop.errors import NothingToImport

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cockpit.interop.foreign import Damaged
    from cockpit.interop.optuna_studies import ForeignStudy, ForeignTrial

_SQLITE = b"SQLite format 3"


class Studies:
    """Reads the studies of these names, all where there are none; see `cockpit.interop.peers.Reader`."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._names = names

    def read(self, path: Path) -> Iterator[ForeignStudy | ForeignTrial | Damaged]:
        """Each study before its trials. Raises `NothingToImport`, of an unknown name too."""
        seen: set[str] = set()

        def wanted(name: str) -> bool:
            seen.add(name)
            return not self._names or name in self._names

        read = optuna_sqlite.read if _is_sqlite(path) else optuna_journal.read
        yield from read(path, wanted)
        for name in self._names:
            if name not in seen:
                there = ", ".join(sorted(seen)) or "none"
                raise NothingToImport(f"{path} has no study {name!r}; there are: {there}")
        if not seen:
            raise NothingToImport(f"{path} holds no study")

    def count(self, path: Path) -> int:
        """How many studies and trials there are, whatever their names."""
        return optuna_sqlite.count(path) if _is_sqlite(path) else optuna_journal.count(path)

    def newest(self, path: Path) -> tuple[float, ...]:
        """When it was written to, and how large it is; sqlite's log counts too."""
        try:
            about = path.stat()
        except FileNotFoundError as error:
            raise NothingToImport(f"{path} is not there") from error
        log = path.with_name(f"{path.name}-wal")
        size = log.stat().st_size if log.exists() else 0
        return about.st_mtime, about.st_size, size


ALL = Studies()
read, count, newest = ALL.read, ALL.count, ALL.newest


def is_optuna(path: Path) -> bool:
    """Whether a file is one of Optuna's storages, by its content."""
    with path.open("rb") as stream:
        start = stream.read(len(_SQLITE))
    return optuna_sqlite.is_optuna(path) if start == _SQLITE else optuna_journal.is_journal(start)


def _is_sqlite(path: Path) -> bool:
    if path.is_dir():
        raise NothingToImport(f"{path} is a folder; name the file of Optuna's storage")
    try:
        with path.open("rb") as stream:
            start = stream.read(len(_SQLITE))
    except OSError as error:
        raise NothingToImport(f"{path} cannot be read: {error.strerror}") from error
    if start != _SQLITE and not optuna_journal.is_journal(start):
        raise NothingToImport(f"{path} is neither a sqlite database nor a journal of Optuna's")
    return start == _SQLITE
