"""Brings a database up to this program's schema: one numbered SQL file a step, a backup before them."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from storage.faults import StoreError, StoreReadOnly, StoreTooNew

if TYPE_CHECKING:
    from storage.session import Session

KEPT = 2
"""How many backups of earlier schemas are kept."""


@cache
def steps() -> tuple[str, ...]:
    """The SQL of each migration, the first brings an empty database to schema 1."""
    entries = sorted(
        (entry for entry in files("storage.schema").iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    return tuple(entry.read_text(encoding="utf-8") for entry in entries)


def version(session: Session) -> int:
    """The database's schema; 0 where it is empty. Raises `StoreTooNew`."""
    found = session.schema()
    if found > len(steps()):
        raise StoreTooNew(
            f"{session.layout.root} was written by a newer cockpit (schema {found}, this one "
            f"knows {len(steps())}); upgrade cockpit, or point --store elsewhere"
        )
    return found


def migrate(session: Session) -> None:
    """Apply the steps that are missing, each in a transaction of its own."""
    before = version(session)
    if before == len(steps()):
        return
    if session.read_only:
        raise StoreReadOnly(
            f"{session.layout.root} is of an earlier cockpit (schema {before}) and cannot be "
            "written; look at a copy of it, or ask its owner to open it once"
        )
    if before:
        _back_up(session, before)
    for number, sql in enumerate(steps()[before:], before + 1):
        with session.transaction():
            session.write(
                "create table if not exists migrations(version integer, applied timestamp)"
            )
            session.write(sql)
            session.write("insert into migrations values ($n, now()::timestamp)", n=number)


def _back_up(session: Session, schema: int) -> None:
    layout = session.layout
    try:
        session.copy_to(layout.new_backup(f"schema-{schema}"))
    except (OSError, StoreError) as error:
        raise StoreError(
            f"{layout.root} has to be brought to a new schema, and the backup before that could "
            f"not be written: {error}"
        ) from error
    for old in layout.kept_backups("schema-")[:-KEPT]:
        old.unlink()
