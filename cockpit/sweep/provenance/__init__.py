"""What identifies a run besides its parameters: code, data, seed, packages, machine.

Environment variables are never part of it: they hold secrets.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import os
import platform
import socket
import sys
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import cockpit
from cockpit.sweep.provenance.data import ALGORITHM, DataFile, Hashes, as_text, digest_of
from cockpit.sweep.provenance.git import Diff, DiffNotKept, Git, diff_path, git_state
from storage.events import DatasetSeen

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence
    from pathlib import Path

    from cockpit.sweep.spec import Spec
    from storage.layout import Layout

__all__ = [
    "ALGORITHM",
    "DataFile",
    "Diff",
    "DiffNotKept",
    "Git",
    "Machine",
    "Provenance",
    "collect",
    "collect_plain",
    "datasets",
    "diff_path",
    "digest",
    "digest_json",
    "git_state",
    "machine",
]


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the runs are made."""

    host: str
    platform: str
    cores: int
    """That this process may use."""
    memory: int
    """Bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """All that is known of where a sweep's runs, or a plain run, come from."""

    git: Git | None
    """None outside a repository, or where git is not installed."""
    seed: int | None = None
    spec: str | None = None
    """The spec's text; None for a plain run, here and below."""
    spec_digest: str | None = None
    spec_path: str | None = None
    """None too where the sweep was asked for by its function alone."""
    spec_folder: str
    """Absolute: the spec's folder, where its relative paths begin; where a plain run was started."""
    overrides: Mapping[str, Any] = field(default_factory=dict)
    """What the command line said instead of the spec: `sweep.trials` to 60."""
    cell: str | None = None
    """Which of the spec's `[[matrix]]`."""
    data: Mapping[str, DataFile] = field(default_factory=dict)
    environment: Mapping[str, Any]
    """The worker's interpreter, its version, platform and packages."""
    machine: Machine
    command: tuple[str, ...]
    """What the user typed; of a plain run, the command that was tracked."""
    metrics_from: Mapping[str, Any] | None = None
    """Of a plain run's command, where its metrics were read from: the fields of `work.MetricSources`."""
    cockpit: str
    """cockpit's version."""
    optuna: str | None = None
    """Optuna's version."""
    python: str
    """The version of the Python that runs cockpit."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they are stored."""
        plain: dict[str, Any] = json.loads(_canonical(asdict(self)))
        return plain


def collect(
    spec: Spec,
    environment: Mapping[str, Any],
    command: Sequence[str] | None = None,
    layout: Layout | None = None,
) -> Provenance:
    """Looks at everything once; reads every data file whole that is new or has changed.

    `environment` is what the worker said of itself. The store `layout` keeps the diff of a changed
    work tree and the digests known so far. Raises SpecInvalid where a data file has gone, and
    DiffNotKept (an OSError too) where the store has no room.
    """
    return Provenance(
        git=git_state(spec.folder, layout),
        seed=spec.sweep.seed,
        spec=spec.text,
        spec_digest=digest_of(spec.text.encode()),
        spec_path=None if spec.path is None else as_text(os.path.abspath(spec.path)),
        spec_folder=as_text(os.path.abspath(spec.folder)),
        overrides=dict(spec.overrides),
        cell=spec.cell,
        data=_data(spec, layout),
        environment=dict(environment),
        machine=machine(),
        command=tuple(map(as_text, sys.argv if command is None else command)),
        cockpit=cockpit.__version__,
        optuna=importlib.metadata.version("optuna"),
        python=platform.python_version(),
    )


def collect_plain(
    folder: Path,
    command: Sequence[str],
    environment: Mapping[str, Any],
    layout: Layout | None = None,
    metrics_from: Mapping[str, Any] | None = None,
) -> Provenance:
    """As `collect`, for a run that no spec describes: `command`, started in `folder`."""
    return Provenance(
        git=git_state(folder, layout),
        spec_folder=as_text(os.path.abspath(folder)),
        environment=dict(environment),
        machine=machine(),
        command=tuple(map(as_text, command)),
        metrics_from=metrics_from,
        cockpit=cockpit.__version__,
        python=platform.python_version(),
    )


def datasets(provenance: Provenance, known: Container[str] = ()) -> list[DatasetSeen]:
    """The data files as dataset versions, for the store; without those whose names are `known` to be."""
    now = time.time()
    return [
        DatasetSeen(file.digest, name, file.path, file.bytes, now)
        for name, file in provenance.data.items()
        if name not in known
    ]


def digest(provenance: Provenance) -> str:
    """16 hex digits; equal for equal provenance."""
    return digest_json(asdict(provenance))


def digest_json(content: Mapping[str, Any]) -> str:
    """As `digest`, of a provenance as it is stored."""
    return hashlib.blake2b(_canonical(content).encode(), digest_size=8).hexdigest()


def machine() -> Machine:
    """The machine we are on."""
    usable = getattr(os, "sched_getaffinity", None)  # not on macOS
    return Machine(
        host=socket.gethostname(),
        platform=platform.platform(),
        cores=len(usable(0)) if usable else os.cpu_count() or 1,
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
    )


def _data(spec: Spec, layout: Layout | None) -> dict[str, DataFile]:
    from cockpit.sweep.spec.files import is_pattern  # who has a spec has it already

    hashes = Hashes(None if layout is None else layout.hashes)
    found: dict[str, DataFile] = {}
    for name, path in spec.data.items():
        if name in spec.kept:
            found[name] = spec.kept[name]
            continue
        if is_pattern(path):
            found[name] = _of_pattern(spec, name, path, hashes)
            continue
        try:
            found[name] = hashes.data_file(path)
        except OSError as error:
            text = f"[data] {name}: {path} cannot be read: {error.strerror}"
            raise spec.invalid(("data", name), text) from None
    hashes.save()
    return found


def _of_pattern(spec: Spec, name: str, path: Path, hashes: Hashes) -> DataFile:
    """All files that answer to a pattern, as one content."""
    from cockpit.data.files import DataError, content_of  # which knows this package

    try:
        content = content_of(path, hashes)
    except DataError as error:
        raise spec.invalid(("data", name), f"[data] {name}: {error}") from None
    return DataFile(content.path, content.bytes, content.digest)


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
