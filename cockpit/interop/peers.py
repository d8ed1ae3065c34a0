"""The peers by name: what reads each, and how its things are told from others'."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import unquote, urlsplit

from cockpit.interop.errors import NothingToImport
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit.interop.foreign import Damaged, ForeignRun, Skipped


class Reader(Protocol):
    """What the module of a peer has."""

    def read(self, path: Path) -> Iterator[ForeignRun | Damaged | Skipped]:
        """All that lies there."""
        ...

    def count(self, path: Path) -> int:
        """How many runs there are, without reading them."""
        ...

    def newest(self, path: Path) -> float | tuple[float, ...]:
        """A stamp that differs once something was written."""
        ...


@dataclass(frozen=True, slots=True)
class Peer:
    """One we can move from."""

    name: str
    module: str
    patterns: tuple[str, ...]
    """What lies in a folder of its own, or is called so itself."""
    unique: bool
    """Its keys name a run whatever folder it was found from."""
    folders: bool = True
    """Whether a folder may hold it, or only a file be it."""

    @property
    def reader(self) -> Reader:
        """Its module, imported when it is asked for."""
        return cast("Reader", importlib.import_module(self.module))


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "mlflow",
            "cockpit.interop.mlflow",
            ("mlflow.db", "mlruns", "mlruns.db", "*/*/meta.yaml", "*/meta.yaml"),
            unique=True,
        ),
        Peer(
            "wandb",
            "cockpit.interop.wandb",
            ("*.wandb", "*/*.wandb", "wandb/*/*.wandb"),
            unique=True,
        ),
        Peer(
            "tensorboard",
            "cockpit.interop.tensorboard",
            ("*tfevents*", "*/*tfevents*", "*/*/*tfevents*", "*/*/*/*tfevents*"),
            unique=True,
        ),
        Peer("optuna", "cockpit.interop.optuna", (), unique=False, folders=False),
        Peer("csv", "cockpit.interop.table", ("*.csv", "*.tsv"), unique=False, folders=False),
    )
}


def place_of(text: str) -> Path:
    """The absolute path that a text names: a path, or a `sqlite:` or `file:` URL. Raises `UserError`."""
    if text.startswith("sqlite:///"):
        text = unquote(text.removeprefix("sqlite:///").partition("?")[0])
    elif text.startswith("file:"):
        text = unquote(urlsplit(text).path)
    elif "://" in text:
        raise UserError(
            f"{text} cannot be read from here: name the database file or the folder it keeps its runs in"
        )
    return Path(text).expanduser().resolve()


def guess(place: Path) -> Peer:
    """The peer whose things lie there, the first that fits. Raises `NothingToImport`."""
    if not place.exists():
        raise NothingToImport(f"{place} is not there")
    if place.is_file():
        try:
            with place.open("rb") as stream:
                start = stream.read(16)
        except OSError as error:
            raise NothingToImport(f"{place} cannot be read: {error.strerror}") from error
        if start.startswith((b"SQLite format 3", b'{"op_code":')):
            from cockpit.interop.optuna import is_optuna

            return PEERS["optuna" if is_optuna(place) else "mlflow"]
    for peer in PEERS.values():
        if (place.is_file() or peer.folders) and any(_fits(place, p) for p in peer.patterns):
            return peer
    raise NothingToImport(
        f"{place} holds nothing that is known here; say what it is: cockpit import {'|'.join(PEERS)} PATH"
    )


def others(place: Path, taken: Peer) -> list[Peer]:
    """The other peers that have something in the folder, not deep in it: there may be much there."""
    return [
        peer
        for peer in PEERS.values()
        if peer is not taken and place.is_dir() and peer.folders
        if any(_fits(place, p) for p in peer.patterns if p.count("*/") < 2)
    ]


def _fits(place: Path, pattern: str) -> bool:
    if place.is_dir() and next(place.glob(pattern), None) is not None:
        return True
    return "/" not in pattern and place.match(pattern)
