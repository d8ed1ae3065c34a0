"""What the screens ask about models: what is registered, what was live when and why, what the gates say now.

The trail is read inside a look at the store; bundles are read and gates are judged in threads of their own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Literal, Protocol, TypeVar

from cockpit.tui.background import Background, Finding
from storage.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cockpit.data.watching import Watch
    from cockpit.models.bundle import Bundle
    from cockpit.models.promotion import Checked
    from cockpit.project.model import Project
    from storage.layout import Layout
    from storage.models import Move, Version
    from storage.session import Session

T = TypeVar("T")
Kind = Literal["gates", "history", "facts"]

VERSIONS = 200
"""The newest of a model that are listed."""
MOVES = 200
"""The newest of a model's history that are listed."""
KEPT = 16
"""Bundles that were read, and judgements, that are remembered."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """A model: its newest versions, and what its aliases mean."""

    name: str
    versions: tuple[Version, ...] = ()
    """The newest first."""
    total: int = 0
    aliases: tuple[Move, ...] = ()
    """Where each of them is now, without evidence."""
    forced: frozenset[str] = frozenset()
    """Digests of versions that an alias was put onto against the gates."""

    def version(self, number: int | None) -> Version | None:
        """The version of a number, where it is listed."""
        return next((one for one in self.versions if one.number == number), None)

    def on(self, version: Version) -> tuple[str, ...]:
        """The aliases that mean a version."""
        return tuple(move.alias for move in self.aliases if move.target == version.number)


@dataclass(frozen=True, slots=True)
class Asked:
    """What cockpit.toml asks of models."""

    gates: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By model, the gates by their names."""
    problem: str = ""
    """What is wrong with cockpit.toml."""


@dataclass(frozen=True, slots=True)
class BundleFacts:
    """What a version's bundle says of itself, and how fast it answers here."""

    formats: tuple[str, ...]
    task: str
    target: str | None
    columns: tuple[tuple[str, str], ...]
    """Names and kinds."""
    classes: tuple[str, ...]
    size: int
    """Bytes."""
    packages: Mapping[str, str]
    p50_ms: float | None = None
    p99_ms: float | None = None
    rows: int = 0
    """So many were asked for the times."""
    slow: str = ""
    """Why there are no times."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A promotion that was judged and not carried out."""

    checked: Checked
    slices: Mapping[str, str]
    """Conditions by name."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A promotion to be judged."""

    model: str
    what: str
    """A run's id, or `income@v3`."""
    alias: str
    attempt: int
    """Whoever asks anew has it judged anew."""


class ModelsDesk(Protocol):
    """Called from the reading thread alone."""

    def stamp(self) -> tuple[int, ...]:
        """Differs when more has been found out, or cockpit.toml was written."""

    def shelves(self) -> tuple[Shelf, ...]:
        """All models that have versions, by name."""

    def moves(self, model: str) -> tuple[tuple[Move, ...], int]:
        """The newest of a model's history, and how many there are."""

    def grounds(self, version: Version) -> Move | None:
        """The last move that put an alias onto a version by judging it."""

    def asked(self) -> Asked:
        """What cockpit.toml says."""

    def facts(self, version: Version) -> Finding:
        """`BundleFacts`, as far as they are known."""

    def judged(self, proposal: Proposal, ended: bool = False) -> Finding:
        """A `Judgement`, as far as it is known; any other that is under way ends, and this one where it is `ended`."""


class Asking(Protocol):
    """Has a question answered inside a look at the store."""

    def __call__(self, question: Callable[[Session], T]) -> T: ...


class StoreModels:
    """Answers from a run store as the commands do."""

    def __init__(self, layout: Layout, ask: Asking) -> None:
        self._layout = layout
        self._ask = ask
        self._facts, self._gates = Background("bundle", kept=KEPT), Background("gates", kept=KEPT)
        self._known: tuple[tuple[int, ...], Asked] | None = None

    def stamp(self) -> tuple[int, ...]:
        return (self._facts.stamp(), self._gates.stamp(), *self._trace())

    def shelves(self) -> tuple[Shelf, ...]:
        from storage import models

        def ask(session: Session) -> tuple[Shelf, ...]:
            return tuple(
                Shelf(
                    one.name,
                    models.versions(session, one.name, VERSIONS),
                    one.versions,
                    one.aliases,
                    models.forced(session, one.name),
                )
                for one in models.models(session)
            )

        return self._ask(ask) if self._layout.exists() else ()

    def moves(self, model: str) -> tuple[tuple[Move, ...], int]:
        from storage.models import history

        return self._ask(lambda session: history(session, model, limit=MOVES))

    def grounds(self, version: Version) -> Move | None:
        from storage.models import grounds

        return self._ask(lambda session: grounds(session, version.model, version.digest))

    def asked(self) -> Asked:
        from cockpit.project.reading import find_project

        trace = self._trace()
        if self._known is None or self._known[0] != trace:
            try:
                tables = find_project(self._layout).models
                asked = Asked({name: table.named for name, table in tables.items()})
            except UserError as error:
                asked = Asked(problem=str(error))
            self._known = trace, asked
        return self._known[1]

    def facts(self, version: Version) -> Finding:
        return self._facts.found(
            version.bundle, partial(_bundle_facts, self._layout, version.bundle)
        )

    def judged(self, proposal: Proposal, ended: bool = False) -> Finding:
        if ended:
            return self._gates.end(proposal)
        self._gates.end_others(proposal)
        return self._gates.found(proposal, partial(_judged, self._layout, proposal))

    def _trace(self) -> tuple[int, ...]:
        try:
            found = os.stat(self._layout.project / "cockpit.toml")
        except OSError:
            return (0, 0)
        return found.st_mtime_ns, found.st_size


def _judged(layout: Layout, proposal: Proposal, watch: Watch) -> Judgement:
    from cockpit.models.promotion import check
    from cockpit.project.reading import find_project

    project: Project = find_project(layout)
    checked = check(layout, project, proposal.model, proposal.what, proposal.alias, watch)
    return Judgement(checked, project.slices)


def _bundle_facts(layout: Layout, digest: str, watch: Watch) -> BundleFacts:
    from cockpit.models.bundle import load_bundle

    bundle = load_bundle(layout.model(digest), digest=digest)
    signature = bundle.signature
    watch.at(1, 2, "its speed")
    p50, p99, rows, slow = _speed(bundle)
    return BundleFacts(
        tuple(signature.formats),
        signature.task,
        signature.target,
        tuple((column.name, str(column.type)) for column in signature.columns),
        tuple(map(str, signature.classes)),
        bundle.size_bytes,
        signature.packages,
        p50,
        p99,
        rows,
        slow,
    )


def _speed(bundle: Bundle) -> tuple[float | None, float | None, int, str]:
    from cockpit.models.predicting import latency

    try:
        found = latency(bundle)
    except UserError as error:
        return None, None, 0, str(error)
    return found.p50_ms, found.p99_ms, found.rows, ""
