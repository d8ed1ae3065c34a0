"""Writes what readers of peers' files hand over into the store; whatever is there already is not written again.

It goes through a spool like everything else. What the store has is asked for, what it lacks is written and
folded in, some hundreds of runs at a time and all under the store's lock: two imports at once add nothing
twice, and one that is killed is gone on with by doing it again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Self

from cockpit.interop.difference import Target, difference, last_sign
from cockpit.interop.files import NotCopied, copy
from cockpit.interop.foreign import Damaged, ForeignRun, Skipped
from cockpit.interop.values import Names, name_of
from storage import imported
from storage.drain import drain
from storage.events import RunChanged
from storage.faults import StoreFull, StoreReadOnly
from storage.ids import to_text
from storage.spool import SpoolError, SpoolWriter
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType

    from cockpit.interop.difference import Told
    from storage.layout import Layout
    from storage.session import Session

RUNS, POINTS = 1_000, 200_000
"""So many runs, or points, are taken in at a time."""
PIECE = 4 << 20
"""Bytes that are written at a time."""
PATIENCE = 60.0
"""Seconds to wait for the store."""


@dataclass(frozen=True, slots=True)
class Landed:
    """What an import found, and what of it was new; of a dry run, what would be."""

    runs: int = 0
    """Found."""
    new: int = 0
    changed: int = 0
    """Known before, something of them new."""
    params: int = 0
    """Added, and so below."""
    points: int = 0
    known_points: int = 0
    """There already."""
    artifacts: int = 0
    """Files that the runs refer to."""
    copied: int = 0
    damaged: tuple[str, ...] = ()
    """A sentence for everything that could not be read or copied."""
    skipped: Mapping[str, int] = field(default_factory=dict)
    """What was passed over on purpose, in words."""

    @property
    def same(self) -> int:
        return self.runs - self.new - self.changed


@dataclass(slots=True)
class Tally:
    """`Landed` in the making."""

    runs: int = 0
    new: int = 0
    changed: int = 0
    params: int = 0
    points: int = 0
    known_points: int = 0
    artifacts: int = 0
    copied: int = 0
    damaged: list[str] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)

    def pass_over(self, one: Damaged | Skipped) -> None:
        """Count what is not taken in."""
        if isinstance(one, Damaged):
            self.damaged.append(f"{one.where}: {one.why}")
        else:
            self.skipped[one.what] += one.count

    def add(self, told: Told, new: bool, name: str, damage: Sequence[str]) -> None:
        """Count a run that is taken in; `damage` is what of it could not be read."""
        self.runs += 1
        self.new += new
        self.changed += bool(told.lines) and not new
        self.params += told.params
        self.points += told.points
        self.known_points += told.known_points
        self.damaged += [f"{name}: {sentence}" for sentence in damage]

    def landed(self) -> Landed:
        """As it stands."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        return Landed(**{**said, "damaged": tuple(self.damaged), "skipped": dict(self.skipped)})


@dataclass(frozen=True, slots=True)
class Source:
    """Where runs come from."""

    peer: str
    """As people call it: `mlflow`."""
    place: str
    """An absolute path, or a URL."""
    unique: bool = False
    """The keys name a run whatever `place` it was found from."""


class Landing:
    """An import at work; each call of `take` is one pass over the source.

    `live`: what goes on elsewhere is shown as running until the landing is closed. Raises `StoreReadOnly`,
    `StoreFull`, and what `storage.store.Store.session` raises.
    """

    def __init__(
        self,
        layout: Layout,
        source: Source,
        *,
        copies: bool = False,
        dry: bool = False,
        live: bool = False,
    ) -> None:
        self._layout, self._source = layout, source
        self._copies, self._dry, self._live = copies and not dry, dry, live
        self._writer = SpoolWriter(layout)
        self._names: Names | None = None
        self._running: dict[int, float | None] = {}
        self._dry_ids = 0
        self._waiting: list[bytes] = []
        self._bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        reason = f"was running in {self._source.peer} when last seen"
        said = {"state": "stopped", "reason": reason}
        try:
            gone = [RunChanged(run, {**said, "ended": at}) for run, at in self._running.items()]
            if gone:
                self._writer.append(*gone)
        except SpoolError as failure:
            raise full(self._layout, failure) from failure
        finally:
            self._writer.close()

    def take(
        self,
        found: Iterable[ForeignRun | Damaged | Skipped],
        told: Callable[[Landed], None] | None = None,
    ) -> Landed:
        """Take in all that a reader finds; `told` hears how far it is, after each piece."""
        tally, self._names = Tally(), None  # others may have given names since
        batch: list[ForeignRun] = []
        points = 0
        for one in found:
            if isinstance(one, Damaged | Skipped):
                tally.pass_over(one)
            else:
                batch.append(one)
                points += sum(len(curve.steps) for curve in one.curves)
            if len(batch) >= RUNS or points >= POINTS:
                self._flush(batch, tally)
                batch, points = [], 0
                if told is not None:
                    told(tally.landed())
        self._flush(batch, tally)
        if told is not None:
            told(tally.landed())
        return tally.landed()

    def _flush(self, batch: list[ForeignRun], tally: Tally) -> None:
        once = {run.key: run for run in batch}
        if not once:
            return
        if self._dry and not self._layout.exists():
            self._compare(None, once, tally)
            return
        self._layout.create()
        with Store(self._layout).session(PATIENCE) as session:
            if session.read_only and not self._dry:
                raise StoreReadOnly(f"{self._layout.root} cannot be written")
            ids = self._compare(session, once, tally)
            if not self._dry:
                drain(session)
        if self._copies:
            for key, run in once.items():
                self._copy(run, ids[key], tally)

    def _compare(
        self, session: Session | None, runs: Mapping[str, ForeignRun], tally: Tally
    ) -> dict[str, int]:
        source = self._source
        asked = None if source.unique else source.place
        known = imported.known(session, source.peer, asked, list(runs)) if session else {}
        if self._names is None:
            self._names = Names(imported.names(session) if session else set())
        ids: dict[str, int] = {}
        try:
            for key, run in runs.items():
                ids[key] = self._one(session, run, known.get(key), tally)
            self._write()
            self._writer.sync()
        except SpoolError as error:
            raise full(self._layout, error) from error
        return ids

    def _one(
        self, session: Session | None, run: ForeignRun, there: imported.Known | None, tally: Tally
    ) -> int:
        assert self._names is not None
        new = there is None or not there.begun
        identity = there.id if there else self._new_id()
        origin = {"peer": self._source.peer, "source": self._source.place, "key": run.key}
        named = self._names.free(name_of(run.name, run.key[:12] or "run")) if new else ""
        target = Target(
            identity,
            named,
            there,
            origin,
            lambda name: imported.points(_open(session), identity, name),
        )
        told = difference(run, target, self._live)
        if not self._dry:
            for lines in told.lines:
                self._say(lines)
            self._follow(run, identity)
        tally.add(told, new, run.name, run.damage)
        tally.artifacts += len(run.artifacts)
        return identity

    def _say(self, lines: bytes) -> None:
        self._waiting.append(lines)
        self._bytes += len(lines)
        if self._bytes > PIECE:
            self._write()

    def _write(self) -> None:
        if self._waiting:
            self._writer.append_lines(b"".join(self._waiting))
            self._waiting, self._bytes = [], 0

    def _new_id(self) -> int:
        if self._dry:
            self._dry_ids += 1
            return self._dry_ids
        return self._writer.new_id()

    def _follow(self, run: ForeignRun, identity: int) -> None:
        if self._live and run.state == "running":
            self._running[identity] = last_sign(run)
        else:
            self._running.pop(identity, None)

    def _copy(self, run: ForeignRun, identity: int, tally: Tally) -> None:
        folder = self._layout.artifacts(to_text(identity))
        for file in run.artifacts:
            try:
                tally.copied += copy(file, folder)
            except NotCopied as error:
                tally.damaged.append(
                    f"{run.name}: {file.name or file.source} was not copied: {error}"
                )
            except OSError as error:
                raise StoreFull(f"{folder} cannot be written: {error.strerror}") from error


def full(layout: Layout, error: SpoolError) -> StoreFull:
    """What to raise where the spool cannot be written."""
    return StoreFull(f"{error.strerror} of {layout.root}; do the import again once there is room")


def _open(session: Session | None) -> Session:
    assert session is not None
    return session
