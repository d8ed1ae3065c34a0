"""Writes Optuna's studies into the store as sweeps that can be gone on with; see `landing`, whose pair it is."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from cockpit.interop.foreign import Damaged, Skipped
from cockpit.interop.landing import PATIENCE, POINTS, Source, Tally, full
from cockpit.interop.optuna_difference import (
    RUNNING,
    Target,
    difference,
    metric_names,
    study_attrs,
)
from cockpit.interop.optuna_studies import ForeignStudy, ForeignTrial
from cockpit.interop.values import Names, name_of
from storage import imported
from storage.drain import drain
from storage.errors import UserError
from storage.events import RunChanged, SweepAttr, SweepChanged, SweepCreated, encode
from storage.faults import StoreReadOnly
from storage.fold import METRIC_NAMES, WORKED_ON, default_metric_names, to_time
from storage.imported_studies import KnownStudy, known_study, known_trials
from storage.spool import SpoolError, SpoolWriter
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from cockpit.interop.landing import Landed
    from storage.events import Event
    from storage.imported_studies import KnownTrial
    from storage.layout import Layout


TRIALS = 2_500
"""So many trials, or `POINTS` points, are taken in at a time."""


class OtherMetric(UserError):
    """What was said of a study's objectives does not go with what is known of them."""


@dataclass(slots=True)
class StudyLanded:
    """A study and the sweep that it is here."""

    study: ForeignStudy
    sweep: str
    """Its name."""
    metrics: tuple[str, ...]
    there: int = 0
    """Trials that the sweep had before, deleted ones too."""
    trials: int = 0
    """Of the study, so far as read."""
    drawn: Counter[tuple[str, str]] = field(default_factory=Counter)
    """How many trials had a param of this name with this distribution (Optuna's JSON)."""


@dataclass(slots=True)
class _Open:
    """The study whose trials are coming in."""

    study: ForeignStudy
    told: StudyLanded
    sweep: int
    known: KnownStudy | None
    worked_on: bool
    """A driver of ours is at it: it is left alone."""
    deleted: frozenset[int]
    """Numbers of trials that were deleted here for good."""
    next: int | None
    """The next free number, where trials of ours are among them; None: the number is the peer's."""
    running: int = 0
    started: list[float] = field(default_factory=list)
    ended: list[float] = field(default_factory=list)


class StudyLanding:
    """An import of studies at work; each call of `take` is one pass over the storage.

    `live`: what goes on elsewhere is shown as running until the landing is closed. Raises `StoreReadOnly`,
    `StoreFull`, `OtherMetric`, and what `storage.store.Store.session` raises.
    """

    def __init__(
        self,
        layout: Layout,
        source: Source,
        *,
        dry: bool = False,
        live: bool = False,
        metrics: tuple[str, ...] = (),
    ) -> None:
        """`metrics`: what the objectives are called where the study does not say it."""
        self._layout, self._source = layout, source
        self._dry, self._live, self._metrics = dry, live, metrics
        self._writer = SpoolWriter(layout)
        self._going: dict[int, float | None] = {}
        self._going_sweeps: set[int] = set()
        self._dry_ids = 0
        self.studies: list[StudyLanded] = []
        """Of the last pass, in their order."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            said = {"state": "stopped", "reason": RUNNING}
            gone: list[Event] = [
                RunChanged(run, {**said, "ended": at}) for run, at in self._going.items()
            ]
            gone += [SweepChanged(sweep, dict(said)) for sweep in self._going_sweeps]
            if gone:
                self._writer.append(*gone)
        finally:
            self._writer.close()

    def take(
        self,
        found: Iterable[ForeignStudy | ForeignTrial | Damaged | Skipped],
        told: Callable[[Landed], None] | None = None,
    ) -> Landed:
        """Take in all that a reader finds; `told` hears how far it is, after each piece."""
        tally, batch, points = Tally(), list[ForeignTrial](), 0
        opened: _Open | None = None
        self.studies = []
        for one in found:
            if isinstance(one, Damaged | Skipped):
                tally.pass_over(one)
            elif isinstance(one, ForeignStudy):
                self._flush(opened, batch, tally, last=True)
                opened, batch, points = self._open(one, tally), [], 0
            else:
                batch.append(one)
                points += len(one.reports)
                if len(batch) >= TRIALS or points >= POINTS:
                    self._flush(opened, batch, tally)
                    batch, points = [], 0
                    if told is not None:
                        told(tally.landed())
        self._flush(opened, batch, tally, last=True)
        if told is not None:
            told(tally.landed())
        return tally.landed()

    def _open(self, study: ForeignStudy, tally: Tally) -> _Open:
        given = metric_names(study, self._metrics)
        names = given or tuple(default_metric_names(len(study.directions)))
        if len(names) != len(study.directions):
            raise OtherMetric(
                f"the study {study.name} has {len(study.directions)} objectives;"
                f" --metrics names {len(names)}"
            )
        if self._dry and not self._layout.exists():
            return self._begun(study, names, None, _sweep_name(study.name))
        self._layout.create()
        with Store(self._layout).session(PATIENCE) as session:
            if session.read_only and not self._dry:
                raise StoreReadOnly(f"{self._layout.root} cannot be written")
            place = (self._source.peer, self._source.place, study.name)
            known = known_study(session, *place)
            named = Names(imported.names(session)).free(_sweep_name(study.name))
            if known and known.metrics:
                self._check_metrics(study, known, given)
                named, names = known.name, given or known.metrics
            opened = self._begun(study, names, known, named)
            if opened.worked_on:
                tally.damaged.append(
                    f"{opened.told.sweep} is being worked on here: nothing of the study {study.name} was"
                    f" taken in; stop it first (cockpit stop {opened.told.sweep})"
                )
                return opened
            self._say(b"".join(map(encode, self._beginning(opened))))
            if not self._dry:
                drain(session)
        return opened

    def _check_metrics(
        self, study: ForeignStudy, known: KnownStudy, given: tuple[str, ...]
    ) -> None:
        if given and known.metrics != given and not study.system_attrs.get(METRIC_NAMES):
            raise OtherMetric(
                f"{known.name} was imported with {', '.join(known.metrics)} for its metrics;"
                " say these with --metrics, or nothing"
            )

    def _begun(
        self, study: ForeignStudy, names: tuple[str, ...], known: KnownStudy | None, name: str
    ) -> _Open:
        told = StudyLanded(study, name, names, known.next if known else 0)
        self.studies.append(told)
        return _Open(
            study,
            told,
            known.id if known else self._new_id(),
            known,
            worked_on=known is not None and known.continued and known.state in WORKED_ON,
            deleted=known.deleted if known else frozenset(),
            next=known.next if known is not None and known.strange else None,
        )

    def _beginning(self, opened: _Open) -> Iterable[Event]:
        study, sweep, known = opened.study, opened.sweep, opened.known
        if known is None:
            origin = {"peer": self._source.peer, "source": self._source.place, "key": study.name}
            yield SweepAttr(sweep, "system", imported.ORIGIN, origin)
        if known is None or not known.metrics:  # an import that was cut off at once
            name, ways = opened.told.sweep, list(study.directions)
            yield SweepCreated(sweep, name, ways, time.time())
            if self._metrics and METRIC_NAMES not in study.system_attrs:
                yield SweepAttr(sweep, "system", METRIC_NAMES, list(opened.told.metrics))
        yield from study_attrs(study, sweep, known)

    def _flush(
        self, opened: _Open | None, batch: list[ForeignTrial], tally: Tally, last: bool = False
    ) -> None:
        if opened is None or opened.worked_on:
            return
        if self._dry and not self._layout.exists():
            self._compare(opened, batch, {}, tally)
            return
        with Store(self._layout).session(PATIENCE) as session:
            keys = [trial.key for trial in batch]
            known = known_trials(session, opened.sweep, keys) if opened.known and keys else {}
            self._compare(opened, batch, known, tally)
            if last:
                self._say(b"".join(map(encode, self._ending(opened))))
            if not self._dry:
                self._sync()
                drain(session)

    def _compare(
        self,
        opened: _Open,
        batch: list[ForeignTrial],
        known: dict[str, KnownTrial],
        tally: Tally,
    ) -> None:
        lines: list[bytes] = []
        for trial in batch:
            there = known.get(trial.key)
            if there is None and opened.next is None and trial.number in opened.deleted:
                tally.skipped["trial that was deleted here"] += 1
                continue
            told = difference(trial, self._target(opened, trial, there), self._live)
            lines += told.lines
            opened.told.trials += 1
            opened.told.drawn.update(trial.distributions.items())
            opened.running += trial.state == "running"
            opened.started += [trial.started] if trial.started else []
            opened.ended += [trial.ended] if trial.ended else []
            tally.add(told, there is None, f"trial {trial.number}", trial.damage)
        self._say(b"".join(lines))

    def _target(self, opened: _Open, trial: ForeignTrial, known: KnownTrial | None) -> Target:
        number = trial.number
        if known is not None:
            identity, number = known.id, known.number
        else:
            identity = self._new_id()
            if opened.next is not None:
                number, opened.next = opened.next, opened.next + 1
        if self._live and not self._dry:
            if trial.state == "running":
                self._going[identity] = trial.seen or trial.started
            else:
                self._going.pop(identity, None)
        origin = {"peer": self._source.peer, "source": self._source.place, "key": trial.key}
        name = f"{opened.told.sweep}#{number}"
        return Target(identity, opened.sweep, number, name, known, origin, opened.told.metrics)

    def _ending(self, opened: _Open) -> Iterable[Event]:
        """How the sweep stands, once all its trials are known; one that goes on here is left as it is."""
        known = opened.known
        if known is not None and known.continued:
            return
        live = self._live and opened.running > 0
        if not self._dry:
            (self._going_sweeps.add if live else self._going_sweeps.discard)(opened.sweep)
        state, reason, ended = "complete", None, max(opened.ended, default=None)
        if opened.running:
            state, reason = ("running", None) if live else ("stopped", RUNNING)
            ended = None if live else ended
        started = min(opened.started, default=None)
        wanted: dict[str, Any] = {"state": state, "reason": reason, "ended": ended}
        if started is not None:
            wanted["started"] = started
        if known is None or any(
            getattr(known, name) != (to_time(value) if name in ("started", "ended") else value)
            for name, value in wanted.items()
        ):
            yield SweepChanged(opened.sweep, wanted)

    def _say(self, lines: bytes) -> None:
        if self._dry or not lines:
            return
        try:
            self._writer.append_lines(lines)
        except SpoolError as error:
            raise full(self._layout, error) from error

    def _sync(self) -> None:
        try:
            self._writer.sync()
        except SpoolError as error:
            raise full(self._layout, error) from error

    def _new_id(self) -> int:
        if self._dry:
            self._dry_ids += 1
            return self._dry_ids
        return self._writer.new_id()


def _sweep_name(study: str) -> str:
    """A name that a spec can have, too."""
    return name_of(study.replace("/", "-").replace("\\", "-").lstrip("-"), "study")
