"""Watches the data in a thread of its own and hands over one frozen snapshot at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from threading import Event, Lock
from typing import TYPE_CHECKING, TypeVar

from cockpit.tui import clock
from cockpit.tui.source import Unreadable
from storage.expressions.terms import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator
    from datetime import datetime

    from cockpit.tui.source import Source
    from storage.runs import Curve, Run, RunQuery, RunsPage
    from storage.sweeps import Sweep, SweepView
    from storage.usage import Usage

T = TypeVar("T")

POLL = 0.3
"""Seconds between two looks at the stamp."""
PATIENCE = 1.5
"""Seconds until a store that could not be read is tried again."""
POINTS = 400
"""Of a run's curve: two for each column of a wide terminal."""
KEPT = 64
"""Answers remembered until the data changes; a page of runs is some hundred kilobytes."""


@dataclass(frozen=True, slots=True)
class Question:
    """What a screen shows and so wants to know."""

    query: RunQuery
    into_sweep: bool = False
    """Look into the query's sweep too; where it names none, the newest that runs."""
    selected: str | None = None
    """Id of the run under the cursor; its curve and its log are wanted too."""
    log_lines: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one screen paints, as it was at one moment."""

    question: Question
    at: datetime
    """UTC."""
    page: RunsPage
    where: str
    """The filter of the page: the last that was understood."""
    complaint: str
    """What is the matter with the filter that was asked for; empty where nothing is."""
    sweeps: tuple[Sweep, ...]
    view: SweepView | None
    curve: Curve | None
    log: tuple[str, ...]
    size: int
    """Bytes of the store."""
    usage: Usage | None = None
    """Of the view's running trials."""
    notices: tuple[str, ...] = ()
    """What the store had to say about itself."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """The data could not be read just now."""

    sentence: str


class Feed:
    """The loop of the reading thread. `ask` and `close` may be called from any thread."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._question: Question | None = None
        self._lock = Lock()
        self._wake = Event()
        self._closed = False
        self._answers: dict[Hashable, object] = {}
        self._stamp: tuple[int, ...] | None = None
        self._understood: dict[str | None, str] = {}

    def ask(self, question: Question) -> None:
        """Change what is read; an unread earlier question is dropped."""
        with self._lock:
            if question == self._question:
                return
            self._question = question
        self._wake.set()

    def close(self) -> None:
        self._closed = True
        self._wake.set()

    def news(self) -> Iterator[Snapshot | Trouble]:
        """Snapshots, each as soon as the data or the question has changed; ends with `close`."""
        told: object = None
        while not self._closed:
            self._wake.clear()
            pause = POLL
            with self._lock:
                question = self._question
            try:
                found = self._look(question, told) if question else None
            except Unreadable as error:
                self._stamp, told, pause = None, None, PATIENCE
                yield Trouble(str(error))
            else:
                if found:
                    told, snapshot = found
                    yield snapshot
            self._wake.wait(pause)

    def _look(self, question: Question, told: object) -> tuple[object, Snapshot] | None:
        # The stamp first: what is written while we read is news for the next look.
        stamp = self._source.stamp()
        log = self._log_stamp(question)
        if (seen := (stamp, log, question)) == told:
            return None
        if stamp != self._stamp:
            self._answers.clear()
        with self._source.reading():
            snapshot = self._read(question, log)
        self._stamp = stamp
        return seen, snapshot

    def _log_stamp(self, question: Question) -> tuple[int, ...]:
        wanted = question.selected if question.log_lines else None
        return self._source.log_stamp(wanted) if wanted else ()

    def _read(self, question: Question, log: tuple[int, ...]) -> Snapshot:
        source = self._source
        sweeps = self._once("sweeps", source.sweeps)
        query = question.query
        if question.into_sweep and query.sweep is None and sweeps:
            query = replace(query, sweep=newest(sweeps).name)
        known = query.sweep in [sweep.name for sweep in sweeps]
        name = query.sweep if question.into_sweep and known else None
        page, where, complaint = self._page(query)
        view = self._once(("view", name), lambda: source.sweep(name)) if name else None
        curve, lines = self._selected(question, page, sweeps, log)
        size = self._once("size", source.size)
        usage = None
        if view and view.sweep.counts.get("running"):
            usage = self._once(("usage", name), lambda: source.usage(view.sweep.id))
        return Snapshot(
            question=question,
            at=clock.now(),
            page=page,
            where=where,
            complaint=complaint,
            sweeps=sweeps,
            view=view,
            curve=curve,
            log=lines,
            size=size,
            usage=usage,
            notices=source.notices(),
        )

    def _page(self, query: RunQuery) -> tuple[RunsPage, str, str]:
        """The page, its filter, and a complaint: half a condition is typed on the way to a whole one."""
        try:
            page = self._once(query, lambda: self._source.runs(query))
        except FilterError as error:
            last = replace(query, where=self._understood.pop(query.sweep, ""))
            page, where, _ = self._page(last)
            return page, where, str(error)
        self._understood[query.sweep] = query.where
        return page, query.where, ""

    def _selected(
        self,
        question: Question,
        page: RunsPage,
        sweeps: tuple[Sweep, ...],
        log: tuple[int, ...],
    ) -> tuple[Curve | None, tuple[str, ...]]:
        run = next((run for run in page.runs if run.id == question.selected), None)
        if run is None:
            return None, ()
        lines: tuple[str, ...] = ()
        if question.log_lines:
            lines = self._once(
                ("log", run.id, log, question.log_lines),
                lambda: self._source.log_tail(run.id, question.log_lines),
            )
        name = headline(run, sweeps)
        if name is None:
            return None, lines
        curve = self._once(
            ("curve", run.id, name), lambda: self._source.curve(run.id, name, POINTS)
        )
        return curve, lines

    def _once(self, key: Hashable, ask: Callable[[], T]) -> T:
        """The answer, asked once for each state of the data."""
        if key not in self._answers:
            if len(self._answers) >= KEPT:
                self._answers.clear()
            self._answers[key] = ask()
        return self._answers[key]  # type: ignore[return-value]  # the key says the type


def newest(sweeps: tuple[Sweep, ...]) -> Sweep:
    """The newest that runs, else the newest that is paused, else the newest."""
    for state in ("running", "paused"):
        for sweep in sweeps:
            if sweep.state == state:
                return sweep
    return sweeps[0]


def headline(run: Run, sweeps: tuple[Sweep, ...]) -> str | None:
    """The metric a run is known by: its sweep's first objective, else the first it has."""
    for sweep in sweeps:
        if sweep.name == run.sweep and sweep.metrics:
            return sweep.metrics[0]
    return next(iter(run.metrics), None)
