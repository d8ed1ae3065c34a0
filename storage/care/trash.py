"""Deleting in two steps: into the trash, from where it comes back, and out of it for good."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from storage import care, retention
from storage.annotate import say
from storage.care.check import check
from storage.errors import UserError
from storage.events import RunChanged, RunDeleted, SweepChanged, SweepDeleted
from storage.ids import from_text
from storage.runs import find

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.events import Event
    from storage.layout import Layout
    from storage.session import Session
    from storage.store import Store


@dataclass(frozen=True, slots=True)
class Target:
    """A sweep with all its runs, or one run."""

    kind: str
    """`sweep` or `run`."""
    id: str
    name: str
    state: str
    runs: int
    points: int
    trashed: datetime | None
    """UTC, timezone-aware; None where it is not in the trash."""


@dataclass(frozen=True, slots=True)
class Purged:
    """What deleting for good gave back."""

    before: int
    """Bytes of database, spools and the runs' folders."""
    after: int
    proven: bool
    """Whether the check passed; where not, the spools stay as a way back."""


class TrashError(UserError):
    """What was named cannot be deleted or brought back; the message is a sentence for the user."""


def outside(session: Session, texts: Iterable[str]) -> list[Target]:
    """Find the sweeps and runs that are meant and not in the trash. Raises `TrashError` or `RunNotFound`."""
    return _each_once(_outside(session, text) for text in texts)


def inside(session: Session, texts: Iterable[str]) -> list[Target]:
    """Find the sweeps and runs that are meant and in the trash. Raises `TrashError`."""
    return _each_once(_inside(session, text) for text in texts)


def anywhere(session: Session, texts: Iterable[str]) -> list[Target]:
    """Find the sweeps and runs that are meant, in the trash first. Raises `TrashError` or `RunNotFound`."""
    return _each_once(
        _inside(session, text) if _trashed(session, text) else _outside(session, text)
        for text in texts
    )


def in_trash(session: Session) -> list[Target]:
    """What lies in the trash, newest first: sweeps, and the runs that were thrown away by themselves."""
    return sorted(
        [
            *_sweeps(session, "trashed is not null"),
            *_runs(session, _ALONE),
        ],
        key=lambda target: target.trashed or datetime.min.replace(tzinfo=UTC),
        reverse=True,
    )


def throw(session: Session, wanted: Sequence[Target]) -> None:
    """Move to the trash. Raises `TrashError` where something of it is running."""
    _refuse_running(session, wanted)
    _mark(session, wanted, time.time())


def take_back(session: Session, wanted: Sequence[Target]) -> None:
    """Bring back from the trash; a sweep brings the runs that went with it."""
    _mark(session, wanted, None)


def purge(store: Store, wanted: Sequence[Target], timeout: float = care.PATIENCE) -> Purged:
    """Delete for good: rows, points, logs and run folders; then give the disk space back.

    The spools that told of it go once a check has passed. Raises `TrashError` where something is running.
    """
    layout = store.layout
    with store.session(timeout) as session:
        _refuse_running(session, wanted)
        before = layout.size() + _folder_bytes(layout)
        say(session, _deletions(session, wanted))
        retention.clear_folders(session)
    for target in wanted:
        if target.kind == "sweep":
            layout.release(target.name)
            layout.sweep_log(target.name).unlink(missing_ok=True)
            for state in layout.sampler(target.id):
                state.unlink(missing_ok=True)
            shutil.rmtree(layout.control(target.id), ignore_errors=True)
    proven = check(store, timeout).passed
    care.compact(store, timeout=timeout)
    return Purged(before, layout.size() + _folder_bytes(layout), proven)


def _outside(session: Session, text: str) -> Target:
    sweeps = _sweeps(session, "name = $text and trashed is null", text=text)
    runs = _runs(session, "name = $text and trashed is null", text=text)
    if sweeps and runs:
        raise TrashError(
            f"{text!r} is a sweep ({sweeps[0].id}) and a run ({runs[0].id}): write the id"
        )
    if not sweeps and not runs and len(text) >= 3:
        sweeps = _sweeps(session, "starts_with(key, $text) and trashed is null", text=text)
    if len(sweeps) == 1:
        return sweeps[0]
    return _runs(session, "key = $key", key=find(session, text).id)[0]


def _inside(session: Session, text: str) -> Target:
    found = _trashed(session, text)
    if len(found) == 1:
        return found[0]
    if found:
        names = ", ".join(f"{target.kind} {target.name} ({target.id})" for target in found)
        raise TrashError(f"{text!r} could be {names}; write more of the id")
    raise TrashError(f"there is no {text!r} in the trash (cockpit trash lists it)")


def _trashed(session: Session, text: str) -> list[Target]:
    """What in the trash has this name, else what has an id that starts so."""
    found: list[Target] = []
    for where in ("name = $text", "len($text) >= 3 and starts_with(key, $text)"):
        if not found:
            found = _sweeps(session, f"{where} and trashed is not null", text=text)
            found += _runs(session, f"{where} and {_ALONE}", text=text)
    return found


def _each_once(found: Iterable[Target]) -> list[Target]:
    return list({target.id: target for target in found}.values())


_ALONE = """
trashed is not null and not exists (
    from sweeps where sweeps.id = runs.sweep and sweeps.trashed is not distinct from runs.trashed)
"""


def _sweeps(session: Session, where: str, **params: Any) -> list[Target]:
    return _targets(
        session,
        "select 'sweep', key, name, state,"
        " (select count(*) from runs where runs.sweep = sweeps.id),"
        " (select count(*) from metrics semi join runs on runs.id = metrics.run and runs.sweep = sweeps.id),"
        f" trashed from sweeps where {where} order by id",
        params,
    )


def _runs(session: Session, where: str, **params: Any) -> list[Target]:
    return _targets(
        session,
        "select 'run', key, name, state, 1, (select count(*) from metrics where metrics.run = runs.id),"
        f" trashed from runs where {where} order by id",
        params,
    )


def _targets(session: Session, sql: str, params: dict[str, Any]) -> list[Target]:
    return [
        Target(kind, key, name, state, runs, points, trashed and trashed.replace(tzinfo=UTC))
        for kind, key, name, state, runs, points, trashed in session.rows(sql, **params)
    ]


def _refuse_running(session: Session, wanted: Sequence[Target]) -> None:
    for target in wanted:
        running = session.rows(_RUNNING, id=from_text(target.id))
        if running:
            pid = f" (pid {running[0][0]})" if running[0][0] else ""
            raise TrashError(
                f"the {target.kind} {target.name} is running{pid}; stop it first, then delete it"
            )


_RUNNING = """
select driver->>'pid' from sweeps where id = $id and (
    state in ('running', 'paused') or exists (from runs where runs.sweep = sweeps.id and runs.state = 'running'))
union all
select driver->>'pid' from runs left join sweeps on sweeps.id = runs.sweep where runs.id = $id and (
    runs.state = 'running' or (runs.state = 'waiting' and sweeps.state in ('running', 'paused')))
"""


def _mark(session: Session, wanted: Sequence[Target], now: float | None) -> None:
    events: list[Event] = []
    for target in wanted:
        identity = from_text(target.id)
        if target.kind == "run":
            events.append(RunChanged(identity, {"trashed": now}))
            continue
        events.append(SweepChanged(identity, {"trashed": now}))
        # Runs that were thrown away by themselves, before, stay where they are.
        with_it = session.rows(
            "select id from runs where sweep = $id and trashed is not distinct from"
            " (select trashed from sweeps where id = $id)",
            id=identity,
        )
        events += [RunChanged(run, {"trashed": now}) for (run,) in with_it]
    say(session, events)


def _deletions(session: Session, wanted: Sequence[Target]) -> list[Event]:
    events: list[Event] = []
    for target in wanted:
        identity = from_text(target.id)
        if target.kind == "sweep":
            events.append(SweepDeleted(identity))
        else:
            place = session.rows("select sweep, number from runs where id = $id", id=identity)
            events += [RunDeleted(identity, sweep, number) for sweep, number in place]
    return events


def _folder_bytes(layout: Layout) -> int:
    return sum(
        file.stat().st_size
        for folder in layout.run_folders()
        for file in folder.rglob("*")
        if file.is_file()
    )
