"""What a reader of a peer's files hands over: a run as they knew it, and what could not be read.

A reader is a generator of these, one run at a time; it knows nothing of our store. `landing` writes them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Curve:
    """A metric's whole history, in the order in which it was written; the three arrays are of one length."""

    name: str
    steps: NDArray[np.int64]
    times: NDArray[np.float64]
    """Seconds since 1970, UTC."""
    values: NDArray[np.float64]
    """NaN and infinities included."""


@dataclass(frozen=True, slots=True)
class Artifact:
    """A file that belongs to a run."""

    name: str
    """Its path within the run, with slashes."""
    source: str
    """Where it lies now: a path, or a URL that nothing here opens."""
    bytes: int | None


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """A run as the peer knew it."""

    key: str
    """Names it for ever within the peer's store: a second import finds it by this."""
    name: str
    state: str
    """One of ours: `complete`, `failed`, `running`, `pruned`, `stopped`."""
    endless: bool = False
    """The peer never says that a run ended: `running` is a guess, by how lately something was written."""
    reason: str | None = None
    group: str | None = None
    """The experiment or project it belonged to."""
    started: float | None = None
    ended: float | None = None
    """Seconds since 1970, UTC."""
    params: Mapping[str, Any] = field(default_factory=dict)
    """By name, tables within tables joined by dots."""
    summary: Mapping[str, float] = field(default_factory=dict)
    """Metrics that have no history, only a value; and values that the peer holds to be a curve's last."""
    curves: tuple[Curve, ...] = ()
    tags: tuple[str, ...] = ()
    attrs: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the peer kept by name: its own tags with values, host, user."""
    note: str | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """What they knew of its origin, by the names of `cockpit.sweep.provenance`."""
    artifacts: tuple[Artifact, ...] = ()
    damage: tuple[str, ...] = ()
    """Sentences on what of this run could not be read; the rest of it is here."""


@dataclass(frozen=True, slots=True)
class Damaged:
    """A file, or a run, of which nothing could be read."""

    where: str
    why: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """What was passed over on purpose."""

    what: str
    """In words, for one of them: `deleted run`."""
    count: int = 1
