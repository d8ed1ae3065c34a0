"""What people add to runs: tags, notes, pins, names. Each is an event, so that it outlives the tables.

A writer is opened for each change and closed after it: spools are folded in the order in which their writers
began, and so a later change stays the later one however often the tables are made anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from storage.drain import drain
from storage.errors import UserError
from storage.events import RunChanged
from storage.faults import StoreFull, StoreReadOnly
from storage.ids import from_text
from storage.runs import find
from storage.spool import SpoolError, SpoolWriter

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from storage.events import Event
    from storage.runs import Run
    from storage.session import Session

LONGEST_NAME = 100
LONGEST_NOTE = 10_000


class AnnotationError(UserError):
    """A tag, a note or a name that cannot be; the message is a sentence for the user."""


def tag(session: Session, texts: Iterable[str], name: str, remove: bool = False) -> list[Run]:
    """Give runs a tag, or take it from them; returns the runs meant. Raises `RunNotFound`."""
    wanted = cleaned(name, "a tag")
    return _change(session, texts, {"untag" if remove else "tag": wanted})


def pin(session: Session, texts: Iterable[str], pinned: bool = True) -> list[Run]:
    """Pin runs, or let them go; returns the runs meant. Raises `RunNotFound`."""
    return _change(session, texts, {"pinned": pinned})


def note(session: Session, text: str, content: str) -> Run:
    """Write a run's note, lines and all; an empty one takes it away. Raises `RunNotFound`."""
    lines = content.replace("\r\n", "\n").replace("\t", "    ").split("\n")
    kept = "\n".join(_printable(line).rstrip() for line in lines).strip("\n")
    if len(kept) > LONGEST_NOTE:
        raise AnnotationError(
            f"the note has {len(kept):,} characters; {LONGEST_NOTE:,} are the most"
        )
    return _change(session, [text], {"note": kept or None})[0]


def rename(session: Session, text: str, name: str) -> Run:
    """Give a run a name that no other run and no sweep has, in the trash neither. Raises `RunNotFound`."""
    wanted = cleaned(name, "a name")
    if "#" in wanted or wanted.startswith("@"):
        raise AnnotationError(
            f"{wanted!r} cannot be a name: # and @ are for SWEEP#NUMBER, SWEEP#best and @latest"
        )
    run = find(session, text)
    taken = session.rows(
        "select 'run ' || key from runs where name = $name and key <> $key"
        " union all select 'sweep ' || key from sweeps where name = $name",
        name=wanted,
        key=run.id,
    )
    if taken:
        raise AnnotationError(f"{wanted!r} is the name of {taken[0][0]} already")
    return _change(session, [run.id], {"name": wanted})[0]


def cleaned(text: str, what: str) -> str:
    """A name without what cannot be seen: 1–100 printable characters. Raises `AnnotationError`."""
    kept = " ".join(_printable(text).split())
    if not 0 < len(kept) <= LONGEST_NAME:
        raise AnnotationError(
            f"{what} has 1 to {LONGEST_NAME} printable characters, this one has {len(kept)}"
        )
    return kept


def say(session: Session, events: Sequence[Event]) -> None:
    """Write events to a spool of their own, on the disk when this returns, and fold them in.

    Raises `StoreReadOnly` or `StoreFull`.
    """
    if session.read_only:
        raise StoreReadOnly(f"{session.layout.root} cannot be written")
    writer = SpoolWriter(session.layout)
    try:
        writer.append(*events)
    except SpoolError as error:
        raise StoreFull(
            f"{error.strerror} of {session.layout.root}; nothing was changed"
        ) from error
    finally:
        writer.close()
    drain(session)


def _change(session: Session, texts: Iterable[str], changes: dict[str, Any]) -> list[Run]:
    found = {run.id: run for run in (find(session, text) for text in texts)}
    say(session, [RunChanged(from_text(key), changes) for key in found])
    return list(found.values())


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)
