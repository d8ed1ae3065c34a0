"""The run store's answers to what the screens ask."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import replace
from time import monotonic
from typing import TYPE_CHECKING, TypeVar

from cockpit.tui.comparing import Comparing
from cockpit.tui.data.desk import DataDesk, StoreDesk
from cockpit.tui.judged import Judged
from cockpit.tui.judging import Judging
from cockpit.tui.models.desk import ModelsDesk, StoreModels
from cockpit.tui.seam import Unreadable, gist
from cockpit.tui.weighing import Weigher
from storage.errors import UserError
from storage.expressions.terms import FilterError
from storage.faults import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from cockpit.evaluate.compare import Scores as Scored
    from cockpit.evaluate.evaluation import Known
    from cockpit.origin import Traces
    from cockpit.sweep.importance import Importance, Material
    from cockpit.tui.judged import Asked, Rows
    from storage.datasets import Version
    from storage.groups import RunGroup
    from storage.history import History
    from storage.layout import Layout
    from storage.runs import Curve, RunDetail, RunQuery, RunsPage
    from storage.session import Session
    from storage.sparks import Spark
    from storage.store import Store
    from storage.sweeps import Sweep, SweepView
    from storage.usage import Usage

T = TypeVar("T")

WAIT = 1.0
"""Seconds to wait for somebody else's look at the store to end; theirs take milliseconds."""

REST = 5.0
"""Seconds without a question until DuckDB is let go of; to take it up again costs 16 ms."""

LOG_BYTES = 262_144
"""How much of a log's end is read: enough for every screen, little enough for any log."""


class StoreSource:
    """Answers from a run store; the heavy libraries are imported by the first question."""

    def __init__(self, layout: Layout) -> None:
        self.project = layout.project.resolve().name
        self._layout = layout
        self.data: DataDesk = StoreDesk(layout)
        self.models: ModelsDesk = StoreModels(layout, self._ask)
        self._store: Store | None = None
        self._open: ExitStack | None = None
        self._session: Session | None = None
        self._notices: dict[str, str] = {}
        self._weigher = Weigher()
        self._judging = Judging(layout, self._known)
        self._comparing = Comparing()
        self._asked_at: float | None = None

    def stamp(self) -> tuple[int, ...]:
        self._rest()
        # Looking makes no store: where there is none yet, its coming is the news.
        return self._asked().stamp() if self._layout.exists() else ()

    @contextmanager
    def reading(self) -> Iterator[None]:
        with ExitStack() as self._open:
            try:
                yield
            finally:
                self._open = self._session = None

    def runs(self, query: RunQuery) -> RunsPage:
        from storage.runs import RunsPage, page

        if not self._layout.exists():
            return RunsPage(0, 0, 0, (), (), (), {}, {})
        return self._ask(lambda session: page(session, query))

    def ids(self, query: RunQuery) -> tuple[str, ...]:
        from storage.selection import ids

        return self._ask(lambda session: ids(session, query)) if self._layout.exists() else ()

    def groups(self, query: RunQuery, by: str, metric: str) -> tuple[RunGroup, ...]:
        from storage.groups import groups

        return self._ask(lambda session: groups(session, query, by, metric))

    def sparks(self, runs: Sequence[str], name: str) -> Mapping[str, Spark]:
        from storage.sparks import sparks

        return self._ask(lambda session: sparks(session, runs, name))

    def sweeps(self) -> tuple[Sweep, ...]:
        from storage.sweeps import all_sweeps

        return self._ask(all_sweeps) if self._layout.exists() else ()

    def sweep(self, name: str) -> SweepView:
        from storage.sweeps import view

        return self._ask(lambda session: view(session, name))

    def usage(self, sweep_id: str) -> Usage | None:
        from storage.usage import usage

        return self._ask(lambda session: usage(session, sweep_id))

    def importance(self, name: str, complete: int) -> Importance | None:
        def read() -> Material:
            from cockpit.sweep.importance import material

            return self._ask(lambda session: material(session, name))

        return self._weigher.importance(name, complete, read)

    def importance_stamp(self) -> int:
        return self._weigher.stamp()

    def curve(self, run_id: str, name: str, points: int) -> Curve:
        from storage.runs import curve

        return self._ask(lambda session: curve(session, run_id, name, points))

    def details(self, run_ids: Sequence[str]) -> tuple[RunDetail, ...]:
        from storage.runs import details

        return self._ask(lambda session: details(session, run_ids)) if self._layout.exists() else ()

    def curve_names(self, run_ids: Sequence[str]) -> tuple[str, ...]:
        from storage.curves import curve_names

        return self._ask(lambda session: curve_names(session, run_ids))

    def histories(self, run_ids: Sequence[str], name: str, points: int) -> tuple[History, ...]:
        from storage.history import history

        return self._ask(lambda session: history(session, run_ids, name, points))

    def traces(self, found: RunDetail) -> Traces:
        from cockpit.origin import answered, traces

        predictions = self._ask(lambda session: answered(session, found.run.id))
        return traces(found, self._layout, predictions)

    def code_diff(self, base: RunDetail, other: RunDetail) -> tuple[str, ...]:
        from cockpit.code_diff import code_diff

        return code_diff(self._layout, base, other)

    def log_stamp(self, run_id: str) -> tuple[int, ...]:
        return file_stamp(self._layout.log(run_id))

    def log_tail(self, run_id: str, lines: int) -> tuple[str, ...]:
        try:
            with self._layout.log(run_id).open("rb") as file:
                start = max(0, file.seek(0, 2) - LOG_BYTES)
                file.seek(start)
                text = file.read(LOG_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise Unreadable(
                f"The log of run {run_id} cannot be read: {error.strerror}."
            ) from error
        return tuple(text.split("\n")[1 if start else 0 :])[-lines - 1 :]

    def judged(self, asked: Asked) -> Judged:
        if not self._layout.exists():
            return Judged(lacking="runs")
        return self._apart(lambda: self._judging.judged(asked))

    def matching(self, label: str, condition: str) -> int:
        return self._apart(lambda: self._judging.matching(label, condition))

    def slice_rows(
        self, run: str, label: str, condition: str | None, offset: int, limit: int
    ) -> Rows:
        return self._apart(lambda: self._judging.rows(run, label, condition, offset, limit))

    def project_stamp(self) -> tuple[int, ...]:
        return file_stamp(self._layout.project / "cockpit.toml")

    def answered(self, run_ids: Sequence[str]) -> Known | None:
        from storage.predictions import predictions

        def ask(session: Session) -> Known | None:
            if not predictions(session, run_ids):
                return None  # and nothing heavy need be imported
            from cockpit.evaluate.evaluation import look

            return look(session, run_ids)

        return self._ask(ask) if self._layout.exists() else None

    def scores(self, known: Known, base: str) -> tuple[Scored | None, bool]:
        return self._comparing.scores(known, base, self.project_stamp())

    def scores_stamp(self) -> int:
        return self._comparing.stamp()

    def datasets(self) -> tuple[Version, ...]:
        from storage.datasets import versions

        return self._ask(versions) if self._layout.exists() else ()

    def size(self) -> int:
        return self._layout.size() if self._layout.exists() else 0

    def notices(self) -> tuple[str, ...]:
        return tuple(self._notices.values())

    def _rest(self) -> None:
        """Give back what DuckDB keeps between two looks, a quarter of all memory, while nothing happens."""
        if self._asked_at is not None and monotonic() - self._asked_at > REST:
            from storage.engine import end_idle

            end_idle()
            self._asked_at = None

    def _asked(self) -> Store:
        if self._store is None:
            from storage.store import Store

            self._store = Store(self._layout)
        return self._store

    def _ask(self, question: Callable[[Session], T]) -> T:
        try:
            if self._open is None:
                with self._asked().session(WAIT) as session:
                    self._listen(session)
                    return question(session)
            if self._session is None:
                self._session = self._open.enter_context(self._asked().session(WAIT))
                self._listen(self._session)
            return question(self._session)
        except FilterError:
            raise
        except UserError as error:
            raise Unreadable(str(error)) from error
        finally:
            self._asked_at = monotonic()

    def _known(self, runs: Sequence[str] | None) -> Known:
        from cockpit.evaluate.evaluation import look
        from storage.predictions import predictions

        def ask(session: Session) -> Known:
            known = look(session, runs or ())
            return known if runs is not None else replace(known, predictions=predictions(session))

        known = self._ask(ask)
        self._leave()
        return known

    def _apart(self, work: Callable[[], T]) -> T:
        """Do what takes its time while nobody has to wait for the store."""
        self._leave()
        try:
            return work()
        except StoreError as error:
            raise Unreadable(str(error)) from error

    def _leave(self) -> None:
        """End the look at the store; the next question begins another."""
        if self._open is not None:
            self._open.close()
            self._session = None

    def _listen(self, session: Session) -> None:
        for notice in session.notices:
            self._notices[gist(notice)] = notice


def file_stamp(path: Path) -> tuple[int, ...]:
    """Differs when a file does; empty where there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return ()
    return (found.st_size, found.st_mtime_ns)
