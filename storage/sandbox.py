"""Where people's own SQL runs: a DuckDB in memory that sees the store's tables and nothing else.

The store's database is attached read-only, everything acknowledged so far folded in, and what DuckDB could
do beyond reading it is switched off and locked: no file is read or written, no database attached, no
setting changed, no extension loaded, nothing spilled to the disk. A query may take so much time and so many
rows, not more. The store's lock is held for as long as nearly all of them take; one that takes longer is
begun again on a copy, so that nobody has to wait for it.

The views, one row a thing, the trash left out (times are UTC):
- `runs`: id, name, sweep, number, state, reason, params (JSON), metrics (MAP of last values), step, started,
  ended, seconds, tags, note, pinned, attempt, baseline;
- `params`: run, name, value (text), number (null where it is none);
- `metrics`: run, name, step, time, value, every point in the order reported;
- `sweeps`: id, name, state, reason, directions, metrics, trials, workers, sampler, pruner, seed, started,
  ended, seconds;
- `datasets`: digest, name, path, bytes, time of the files of data that were seen, and `rows` where known;
- `predictions`: run, evaluation, dataset (its digest), file, rows, time;
- `models`: model, version (1, 2…), digest, run, bundle (its digest), content (JSON), time of the versions registered;
- `promotions`: model, number, alias, from_version, to_version, how (promote, forced, rollback), who, reason,
  evidence (JSON), time of every move of an alias there ever was.
"""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from storage.deadline import OutOfTime, within
from storage.engine import ctrl_c_as_such
from storage.errors import UserError
from storage.expressions.names import quoted
from storage.expressions.run_filter import SECONDS
from storage.faults import explain
from storage.scratch import scratch
from storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from storage.layout import Layout

TIMEOUT = 60.0
"""Seconds."""
HOLD = 1.0
"""Seconds for which a query may keep other readers out."""

_SETTINGS: dict[str, str | bool | int | float | list[str]] = {
    "memory_limit": "1GB",
    "threads": "2",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "temp_directory": "",
}
_LOCKS = """
set python_enable_replacements = false;
set enable_external_access = false;
set lock_configuration = true;
"""
_VIEWS = f"""
create view sweeps as
select key as id, name, state, reason, directions, metrics, trials, workers, sampler, pruner, seed,
    started, ended, {SECONDS.format("s")} as seconds
from store.sweeps s where trashed is null;

create view runs as
select r.key as id, r.name, s.name as sweep, r.number, r.state, r.reason, r.params, r.metrics, r.step,
    r.started, r.ended, {SECONDS.format("r")} as seconds, r.tags, r.note, r.pinned,
    r.attempt, r.baseline
from store.runs r left join store.sweeps s on r.sweep = s.id where r.trashed is null;

create view params as
select runs.id as run, p.key as name, p.value->>'$' as value, try_cast(p.value->>'$' as double) as number
from runs, json_each(runs.params) p;

create view metrics as
select r.key as run, m.name, m.step, m.time, m.value
from store.metrics m join store.runs r on m.run = r.id where r.trashed is null;

create view datasets as
select digest, name, path, bytes, time, (f.content->>'rows')::bigint as "rows"
from store.datasets left join store.dataset_facts f using (digest);

create view predictions as
select r.key as run, p.evaluation, p.dataset, p.file, p."rows", p.time
from store.predictions p join store.runs r on p.run = r.id where r.trashed is null;

create view models as
select m.model, m.number as version, m.digest, coalesce(r.key, m.content->>'run') as run, m.bundle, m.content, m.time
from store.models m left join store.runs r on m.run = r.id;

create view promotions as
select p.model, p.number, p.alias, f.number as from_version, t.number as to_version, p.how, p.who, p.reason,
    p.evidence, p.time
from store.promotions p
left join store.models f on f.model = p.model and f.digest = p.from_digest
left join store.models t on t.model = p.model and t.digest = p.to_digest;
"""
_ALLOWED = (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN)
_AS_TEXT = {"interval", "bit", "hugeint", "uhugeint", "bignum", "union", "variant"}
"""Types that polars cannot take over."""


class QueryError(UserError):
    """The SQL could not be run; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a query found."""

    frame: pl.DataFrame
    json: tuple[str, ...]
    """Columns whose texts are JSON."""
    cut: bool
    """Whether there were more rows than asked for."""


def ask(layout: Layout, sql: str, *, limit: int | None = None, timeout: float = TIMEOUT) -> Answer:
    """Answer one SELECT over the views, with at most `limit` rows, within `timeout` seconds.

    Raises `QueryError`, or `StoreError` where the store cannot be opened.
    """
    try:
        return _ask(layout, sql, limit, timeout)
    except OutOfTime:
        raise QueryError(
            f"the query was ended after {timeout:g} s; allow it more time (--timeout)"
        ) from None


def _ask(layout: Layout, sql: str, limit: int | None, timeout: float) -> Answer:
    end = time.monotonic() + timeout
    with ExitStack() as copied:
        with Store(layout).held() as held:
            with held.session():
                pass  # opened and closed again: now everything acknowledged is in the tables
            alone = (
                held.writable and timeout > HOLD
            )  # else all may look at once, or it is over soon
            try:
                return _answer(layout, layout.database, sql, limit, HOLD if alone else timeout)
            except OutOfTime:
                if not alone:
                    raise
            file = copied.enter_context(scratch(layout, "sql")) / layout.database.name
            try:
                shutil.copyfile(layout.database, file)
            except OSError:  # no room for it: then the others do have to wait
                return _answer(layout, layout.database, sql, limit, end - time.monotonic())
        return _answer(layout, file, sql, limit, end - time.monotonic())


def _answer(layout: Layout, file: Path, sql: str, limit: int | None, timeout: float) -> Answer:
    connection = duckdb.connect(config=_SETTINGS)
    try:
        with ctrl_c_as_such():
            _prepare(connection, layout, file)
            _check(connection, sql)
            return _run(connection, sql, limit, timeout)
    finally:
        connection.close()


def _prepare(connection: duckdb.DuckDBPyConnection, layout: Layout, file: Path) -> None:
    try:
        connection.execute(f"attach {quoted(str(file))} as store (read_only)")
    except duckdb.Error as error:
        raise (explain(error, layout, opening=True) or error) from error
    connection.execute(_VIEWS)
    connection.execute(_LOCKS)


def _check(connection: duckdb.DuckDBPyConnection, sql: str) -> None:
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise _in_words(error) from error
    if len(statements) != 1:
        raise QueryError(f"one statement at a time, please; there are {len(statements)}")
    if statements[0].type not in _ALLOWED:
        kind = statements[0].type.name.lower()
        raise QueryError(
            f"only SELECT can be run here, for the store is read and not changed; this is {kind}"
        )


def _run(
    connection: duckdb.DuckDBPyConnection, sql: str, limit: int | None, timeout: float
) -> Answer:
    try:
        return within(timeout, connection, lambda: _read(connection, sql, limit))
    except duckdb.Error as error:
        raise _in_words(error) from error


def _read(connection: duckdb.DuckDBPyConnection, sql: str, limit: int | None) -> Answer:
    found = connection.sql(sql)
    columns = [_taken_over(n, t) for n, t in zip(found.columns, found.types, strict=True)]
    found = found.project(", ".join(columns))
    if limit is not None:
        found = found.limit(limit + 1)
    json = tuple(n for n, t in zip(found.columns, found.types, strict=True) if str(t) == "JSON")
    frame = pl.DataFrame(found.materialize())
    if limit is None or frame.height <= limit:
        return Answer(frame, json, cut=False)
    return Answer(frame.head(limit), json, cut=True)


def _taken_over(name: str, kind: duckdb.sqltypes.DuckDBPyType) -> str:
    quoted = '"' + name.replace('"', '""') + '"'
    return f"{quoted}::varchar as {quoted}" if _kinds(kind) & _AS_TEXT else quoted


def _kinds(kind: duckdb.sqltypes.DuckDBPyType) -> set[str]:
    nested = kind.children if kind.id in ("list", "array", "struct", "map", "union") else []
    inner = [child for _, child in nested if isinstance(child, duckdb.sqltypes.DuckDBPyType)]
    return {kind.id}.union(*(_kinds(child) for child in inner))


def _in_words(error: duckdb.Error) -> QueryError:
    """DuckDB's own message without its prefix; it names the place and what was meant."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return QueryError("the query needs more than the 1 GB of memory it may have")
    if isinstance(error, duckdb.PermissionException):
        return QueryError(
            "the query reaches beyond the store: no file, address or setting can be used here"
        )
    return QueryError(str(error).strip())
