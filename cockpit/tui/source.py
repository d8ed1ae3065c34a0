"""The seam to the data: what the screens ask, and the run store's answers."""

from __future__ import annotations

import re
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Protocol, TypeVar

from storage.errors import UserError
from storage.expressions.terms import FilterError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from storage.layout import Layout
    from storage.runs import Curve, RunQuery, RunsPage
    from storage.session import Session
    from storage.store import Store
    from storage.sweeps import Sweep, SweepView
    from storage.usage import Usage

T = TypeVar("T")

WAIT = 1.0
"""Seconds to wait for somebody else's look at the store to end; theirs take milliseconds."""

LOG_BYTES = 262_144
"""How much of a log's end is read: enough for every screen, little enough for any log."""


class Unreadable(Exception):
    """The data cannot be read now; the message is a sentence for the screen."""


class Source(Protocol):
    """Answers the screens' questions. Called from one thread that is not the screen's.

    Each method may raise `Unreadable`.
    """

    project: str
    """Name of the project's folder."""

    def stamp(self) -> tuple[int, ...]:
        """Differs when there is something new to read; costs a few stat calls."""

    def reading(self) -> AbstractContextManager[None]:
        """The questions asked inside share one look at the store."""

    def runs(self, query: RunQuery) -> RunsPage:
        """Raises `FilterError` too, where the query's filter cannot be understood."""

    def sweeps(self) -> tuple[Sweep, ...]:
        """Newest first."""

    def sweep(self, name: str) -> SweepView: ...

    def usage(self, sweep_id: str) -> Usage | None:
        """What the sweep's running trials use now."""

    def curve(self, run_id: str, name: str, points: int) -> Curve: ...

    def log_stamp(self, run_id: str) -> tuple[int, ...]:
        """Differs when the run's log has grown."""

    def log_tail(self, run_id: str, lines: int) -> tuple[str, ...]:
        """The last lines, as written; empty where there is no log."""

    def size(self) -> int:
        """Bytes of the store."""

    def notices(self) -> tuple[str, ...]:
        """Sentences of the store about itself, heard while it was read; each kind once."""


class StoreSource:
    """Answers from a run store; the heavy libraries are imported by the first question."""

    def __init__(self, layout: Layout) -> None:
        self.project = layout.project.resolve().name
        self._layout = layout
        self._store: Store | None = None
        self._open: ExitStack | None = None
        self._session: Session | None = None
        self._notices: dict[str, str] = {}

    def stamp(self) -> tuple[int, ...]:
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

    def sweeps(self) -> tuple[Sweep, ...]:
        from storage.sweeps import all_sweeps

        return self._ask(all_sweeps) if self._layout.exists() else ()

    def sweep(self, name: str) -> SweepView:
        from storage.sweeps import view

        return self._ask(lambda session: view(session, name))

    def usage(self, sweep_id: str) -> Usage | None:
        from storage.usage import usage

        return self._ask(lambda session: usage(session, sweep_id))

    def curve(self, run_id: str, name: str, points: int) -> Curve:
        from storage.runs import curve

        return self._ask(lambda session: curve(session, run_id, name, points))

    def log_stamp(self, run_id: str) -> tuple[int, ...]:
        try:
            found = self._layout.log(run_id).stat()
        except FileNotFoundError:
            return ()
        return (found.st_size, found.st_mtime_ns)

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

    def size(self) -> int:
        return self._layout.size() if self._layout.exists() else 0

    def notices(self) -> tuple[str, ...]:
        return tuple(self._notices.values())

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

    def _listen(self, session: Session) -> None:
        for notice in session.notices:
            self._notices[gist(notice)] = notice


def gist(notice: str) -> str:
    """What a notice is about: one that is said again with another figure is no other notice."""
    return re.sub(r"\d[\d,]*", "#", notice)
