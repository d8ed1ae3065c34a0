"""What identifies a run besides its parameters: code, data, seed, packages, machine.

Environment variables are never part of it: they hold secrets.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import socket
import subprocess
import sys
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import cockpit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from cockpit.sweep.spec import Spec

NAMES_KEPT = 200
GIT_SECONDS = 10.0
ALGORITHM = "blake2b"
STORE_FOLDER = ".cockpit"

_GIT_PLACES = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")
"""Set inside a git hook; they would name another repository than the spec's."""


@dataclass(frozen=True, slots=True)
class Git:
    """The repository that holds the spec's folder."""

    commit: str | None
    """None before the first commit."""
    branch: str | None
    """None on a detached head."""
    dirty: bool | None
    """Whether a file differs from the commit or is unknown to it; None where git took too long."""
    changed: tuple[str, ...] = ()
    """Names from the repository's top; the first `NAMES_KEPT`."""
    untracked: tuple[str, ...] = ()
    names_left_out: int = 0


@dataclass(frozen=True, slots=True)
class DataFile:
    """A data file of the spec, by its content."""

    path: str
    bytes: int
    digest: str
    """`blake2b:` and 64 hex digits."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the sweep runs."""

    host: str
    platform: str
    cores: int
    """That this process may use."""
    memory: int
    """Bytes."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """All that is known of where a sweep's runs come from."""

    git: Git | None
    """None outside a repository, or where git is not installed."""
    seed: int | None
    spec: str
    """The spec's text."""
    spec_digest: str
    data: Mapping[str, DataFile]
    environment: Mapping[str, Any]
    """The worker's interpreter, its version, platform and packages."""
    machine: Machine
    command: tuple[str, ...]
    """What the user typed."""
    cockpit: str
    """cockpit's version."""
    python: str
    """The version of the Python that runs cockpit."""

    def to_json(self) -> dict[str, Any]:
        """Plain values, as they are stored."""
        plain: dict[str, Any] = json.loads(_canonical(asdict(self)))
        return plain


def collect(
    spec: Spec, environment: Mapping[str, Any], command: Sequence[str] | None = None
) -> Provenance:
    """Looks at everything once; reads every data file whole.

    `environment` is what the worker said of itself. Raises SpecInvalid where a data file has gone.
    """
    return Provenance(
        git=git_state(spec.folder),
        seed=spec.sweep.seed,
        spec=spec.text,
        spec_digest=f"{ALGORITHM}:{_blake2b(spec.text.encode()).hexdigest()}",
        data={name: _data_file(spec, name, path) for name, path in spec.data.items()},
        environment=dict(environment),
        machine=_machine(),
        command=tuple(map(_text, sys.argv if command is None else command)),
        cockpit=cockpit.__version__,
        python=platform.python_version(),
    )


def digest(provenance: Provenance) -> str:
    """16 hex digits; equal for equal provenance."""
    canonical = _canonical(asdict(provenance)).encode()
    return hashlib.blake2b(canonical, digest_size=8).hexdigest()


def git_state(folder: Path) -> Git | None:
    """The state of the repository that holds the folder."""
    status = _git(folder, "status", "--porcelain=v2", "--branch", "-z", "--no-renames")
    if status is None:
        commit = _git(folder, "rev-parse", "--verify", "--quiet", "HEAD")
        return None if commit is None else Git(commit.strip(), None, None)
    head: dict[str, str] = {}
    changed, untracked = [], []
    for line in filter(None, status.split("\0")):
        kind, _, rest = line.partition(" ")
        if kind == "#":
            key, _, head[key] = rest.partition(" ")
        elif kind == "?":
            untracked.append(rest)
        else:
            changed.append(rest.split(" ", 9 if kind == "u" else 7)[-1])
    return _git_of(head, changed, untracked)


def _git_of(head: Mapping[str, str], changed: Sequence[str], untracked: Iterable[str]) -> Git:
    others = [name for name in untracked if STORE_FOLDER not in name.split("/")]
    commit, branch = head.get("branch.oid"), head.get("branch.head")
    return Git(
        commit=None if commit == "(initial)" else commit,
        branch=None if branch == "(detached)" else branch,
        dirty=bool(changed or others),
        changed=tuple(changed[:NAMES_KEPT]),
        untracked=tuple(others[:NAMES_KEPT]),
        names_left_out=max(0, len(changed) - NAMES_KEPT) + max(0, len(others) - NAMES_KEPT),
    )


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None where it is absent, refuses or takes too long."""
    environment = {k: v for k, v in os.environ.items() if k not in _GIT_PLACES}
    environment |= {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    command = ["git", "--no-pager", "-C", os.fspath(folder), "-c", "core.fsmonitor=false"]
    try:
        done = subprocess.run(
            [*command, *arguments],
            capture_output=True,
            stdin=subprocess.DEVNULL,
            env=environment,
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.decode(errors="backslashreplace")


def _data_file(spec: Spec, name: str, path: Path) -> DataFile:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, _blake2b)
            size = file.tell()
    except OSError as error:
        text = f"[data] {name}: {path} cannot be read: {error.strerror}"
        raise spec.invalid(("data", name), text) from None
    return DataFile(_text(os.fspath(path)), size, f"{ALGORITHM}:{found.hexdigest()}")


def _machine() -> Machine:
    usable = getattr(os, "sched_getaffinity", None)  # not on macOS
    return Machine(
        host=socket.gethostname(),
        platform=platform.platform(),
        cores=len(usable(0)) if usable else os.cpu_count() or 1,
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
    )


def _blake2b(data: bytes = b"") -> hashlib.blake2b:
    return hashlib.blake2b(data, digest_size=32)


def _text(name: str) -> str:
    """A name the file system gave, without the lone surrogates that no JSON reader takes."""
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
