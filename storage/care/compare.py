"""Compares two stores' tables: what the spools say anew (`main`) with what stands in the store (`stored`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storage.fold import UNBEGUN

if TYPE_CHECKING:
    from storage.session import Session

EXAMPLES = 5
"""How many differences of one kind are named."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing of which the spools say something else than the tables."""

    table: str
    kind: str
    """`missing` in the tables, `extra` in them, `changed`, or `cut` (a spool file)."""
    what: str
    """Which run, sweep or file, by its id or name."""
    column: str
    told: str
    """What the spools say."""
    stored: str
    """What stands in the table."""
    count: int
    """How many there are of this kind, table and column; only the first few are named."""


def compare(session: Session, whole: bool) -> list[Difference]:
    """Find what differs; where spools were removed earlier (not `whole`), only what is told whole counts."""
    found: list[Difference] = []
    for table in ("sweeps", "runs"):
        found += _rows(session, table, whole)
        found += _columns(session, table, whole)
    found += _points(session, whole)
    for table, columns in _SETS.items():
        found += _sets(session, table, columns, whole)
    return found


_SETS = {
    "names": "sweep, kind, name",
    "provenance": "digest, content",
    "datasets": "digest, name, path",
    "dataset_facts": "digest, content",
    "dataset_growth": "name, digest, parent",
    "predictions": "run, evaluation, dataset, digest",
    "models": "model, number, digest, run",
    "promotions": "model, number, alias, from_digest, to_digest, how, time",
    "quarantine": "file, position, problem, line",
    "deleted": "id",
}
_LATER = {"name", "tags", "note", "pinned", "trashed"}
"""What another writer may have changed since, in a spool that is no longer there."""
_SETTLED = {"state", "reason", "ended"}
"""What a reader changes by itself once a process has died."""
_KEY = {"sweeps": "len(a.directions) > 0", "runs": f"a.reason is distinct from '{UNBEGUN}'"}
"""Whether the row's beginning was told."""


def _rows(session: Session, table: str, whole: bool) -> list[Difference]:
    found = _found(
        session,
        (table, "missing", ""),
        f"select a.key, a.name, null from {table} a anti join stored.{table} b using (id)",
    )
    if whole:
        found += _found(
            session,
            (table, "extra", ""),
            f"select b.key, null, b.name from stored.{table} b anti join {table} a using (id)",
        )
    return found


def _columns(session: Session, table: str, whole: bool) -> list[Difference]:
    found: list[Difference] = []
    for (column,) in session.rows(
        "select column_name from duckdb_columns() where table_name = $table"
        " and database_name = current_database() order by column_index",
        table=table,
    ):
        if not whole and column in _LATER:
            continue
        mine, other = _normal(table, "a", column), _normal(table, "b", column)
        settled = " and not (a.state in ('running', 'paused') and b.state in ('lost', 'complete'))"
        sql = (
            f"select a.key, {mine}::varchar, {other}::varchar from {table} a"
            f" join stored.{table} b using (id) where {mine} is distinct from {other}"
            f"{settled if column in _SETTLED else ''}{'' if whole else f' and {_KEY[table]}'}"
        )
        found += _found(session, (table, "changed", column), sql)
    return found


def _normal(table: str, row: str, column: str) -> str:
    """A map's order is that of arrival, which depends on when somebody looked."""
    name = f'{row}."{column}"'
    return f"list_sort(map_entries({name}))" if (table, column) == ("runs", "metrics") else name


def _points(session: Session, whole: bool) -> list[Difference]:
    """Points are compared run by run and metric by metric: how many, and the sum of their hashes."""
    session.write("create temp table told as " + _SUMMED.format(of="metrics"))
    session.write("create temp table held as " + _SUMMED.format(of="stored.metrics"))
    begun = f"run in (select id from runs a where {_KEY['runs']})"
    changed = "b.points is distinct from a.points or b.content is distinct from a.content"
    fewer = "coalesce(b.points, 0) < a.points"
    wrong = changed if whole else f"case when {begun} then {changed} else {fewer} end"
    found = _found(
        session,
        ("metrics", "changed", "points"),
        "select coalesce(runs.key, run::varchar) || ' ' || name,"
        " coalesce(a.points, 0)::varchar, coalesce(b.points, 0)::varchar"
        f" from told a {'full' if whole else 'left'} join held b using (run, name)"
        f" left join stored.runs on runs.id = run where {wrong}",
    )
    session.write("drop table told")
    session.write("drop table held")
    return found


_SUMMED = """
select run, name, count(*) as points, sum(hash(step, time, value)::hugeint) as content
from {of} group by run, name
"""


def _sets(session: Session, table: str, columns: str, whole: bool) -> list[Difference]:
    ways = [("missing", "", "stored.")] + ([("extra", "stored.", "")] if whole else [])
    found: list[Difference] = []
    # A run whose beginning is no longer told has no sweep to name its params and metrics under.
    told = " where sweep is not null" if table == "names" and not whole else ""
    for kind, of, without in ways:
        sql = (
            f"select concat_ws(' ', {columns}), null, null from (select {columns} from"
            f" {of}{table}{told} except select {columns} from {without}{table})"
        )
        found += _found(session, (table, kind, ""), sql)
    return found


def _found(session: Session, label: tuple[str, str, str], sql: str) -> list[Difference]:
    table, kind, column = label
    rows = session.rows(f"select *, count(*) over () from ({sql}) order by 1 limit {EXAMPLES}")
    return [
        Difference(table, kind, str(what), column, _short(told), _short(stored), count)
        for what, told, stored, count in rows
    ]


def _short(text: str | None) -> str:
    if text is None:
        return "nothing"
    return text if len(text) <= 80 else f"{text[:79]}…"
