"""Reads MLflow's stores, its database or its `mlruns` folder, without MLflow.

What is taken over, and as what:
- a param, which MLflow keeps as a text, as the number or boolean that it spells (`values.typed`);
- a metric's whole history; one named `system/…` is called `system.…`, which here are what a run used;
- the experiment as the run's tag; a tag of the user's as attribute and, where it is short, as the tag
  `KEY=VALUE`; MLflow's own tags as attributes, its note as the note;
- a version of a registered model as the tags `NAME@VERSION` and `NAME@ALIAS` of its run, and in its attribute
  `registered_models`. Versions of ours they are not: those need a bundle that cockpit saved;
- datasets, logged models and the parent run as attributes.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from cockpit.interop.errors import NothingToImport
from cockpit.interop.files import opened

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cockpit.interop.foreign import Damaged, ForeignRun, Skipped

_NAMES = ("mlflow.db", "mlruns.db", "mlruns")
"""What is looked for in a folder."""


def read(path: Path) -> Iterator[ForeignRun | Damaged | Skipped]:
    """The runs of a database or of a folder, in the order they were started.

    Raises `NothingToImport` where there is no store of MLflow's.
    """
    place = locate(path)
    if place.is_dir():
        from cockpit.interop.mlflow_files import runs
    else:
        from cockpit.interop.mlflow_sqlite import runs
    return runs(place)


def count(path: Path) -> int:
    """How many runs there are, the deleted ones too."""
    place = locate(path)
    if place.is_dir():
        from cockpit.interop.mlflow_files import count_runs
    else:
        from cockpit.interop.mlflow_sqlite import count_runs
    return count_runs(place)


def newest(path: Path) -> tuple[float, ...]:
    """A stamp that differs once something was written."""
    place = locate(path)
    if place.is_dir():
        from cockpit.interop.mlflow_files import stamp

        return stamp(place)
    found: list[float] = []
    for file in (place, place.with_name(f"{place.name}-wal")):
        with suppress(FileNotFoundError):
            about = file.stat()
            found += (about.st_mtime_ns, about.st_size)
    return tuple(found)


def locate(place: Path) -> Path:
    """The file of the database, or the `mlruns` folder, that is meant."""
    if not place.exists():
        raise NothingToImport(f"{place} is not there")
    if place.is_file() or is_folder(place):
        return place
    for name in _NAMES:
        if (inside := place / name).is_file() or is_folder(inside):
            return inside
    raise NothingToImport(
        f"{place} is no store of MLflow's: it has neither mlflow.db nor runs in it"
    )


def is_folder(place: Path) -> bool:
    """Whether it is an `mlruns` folder: experiments are folders with a meta.yaml that says so."""
    for meta in place.glob("*/meta.yaml"):
        with suppress(OSError), opened(meta) as stream:
            if b"experiment_id" in stream.read(4000):
                return True
    return False
