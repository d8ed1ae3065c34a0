"""Reads Optuna's sqlite database while its study may run: read-only, and never long enough to hold it up.

Optuna's writers wait for each reader, five seconds at most; so a thousand trials are read at a time, each
time in a transaction of some milliseconds.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import defaultdict
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from cockpit.interop.errors import NothingToImport
from cockpit.interop.optuna_studies import (
    STATES,
    ForeignStudy,
    ForeignTrial,
    Unreadable,
    as_written_now,
    attr_of,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SCHEMA = 12
"""Optuna's own version of its tables, since 3.2."""
AT_ONCE = 1_000
"""Trials that are read in one transaction."""
_INFINITE = {"INF_POS": float("inf"), "INF_NEG": float("-inf"), "NAN": float("nan")}
_UTC_SINCE = 5
"""The version of Optuna from which on times are UTC; before they were the machine's own."""


def read(file: Path, wanted: Callable[[str], bool]) -> Iterator[ForeignStudy | ForeignTrial]:
    """The studies whose name is `wanted`, each before its trials. Raises `NothingToImport`."""
    with _opened(file) as base:
        zone = _zone(base, file)
        for identity, name, study in _studies(base, file):
            if not wanted(name):
                continue
            yield study
            yield from _trials(base, file, identity, zone)


def count(file: Path) -> int:
    """How many studies and trials there are. Raises `NothingToImport`."""
    with _opened(file) as base:
        found = base.execute(
            "select (select count(*) from studies) + (select count(*) from trials)"
        )
        return int(found.fetchone()[0])


def is_optuna(file: Path) -> bool:
    """Whether the database is one of Optuna's, by its tables."""
    try:
        with _connected(file) as base:
            rows = base.execute("select name from sqlite_master where type = 'table'")
            return {"studies", "trials", "version_info"} <= {name for (name,) in rows}
    except (sqlite3.DatabaseError, NothingToImport):
        return False


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    try:
        with _connected(file) as base:
            found = base.execute("select schema_version from version_info").fetchone()
            if found is None or found[0] != SCHEMA:
                raise NothingToImport(
                    f"{file} was written by a version of Optuna before 3.2; copy it and bring the copy"
                    " up to date: optuna storage upgrade --storage sqlite:///COPY"
                )
            yield base
    except sqlite3.DatabaseError as error:
        raise NothingToImport(
            f"{file} cannot be read as a database of Optuna's: {error}"
        ) from error


@contextmanager
def _connected(file: Path) -> Iterator[sqlite3.Connection]:
    """Read-only. What a writer that was killed left half done is undone in a copy."""
    if not file.is_file():
        raise NothingToImport(f"{file} is not there")
    base = _connect(file, "ro")
    try:
        base.execute("select 1 from sqlite_master limit 1").fetchone()
    except sqlite3.OperationalError:
        base.close()
        journal = file.with_name(f"{file.name}-journal")
        if not journal.exists():
            raise
        with TemporaryDirectory(prefix="cockpit-") as folder:
            copy = Path(folder) / file.name
            shutil.copyfile(journal, copy.with_name(journal.name))
            shutil.copyfile(file, copy)
            yield from _closing(_connect(copy, "rw"))
        return
    yield from _closing(base)


def _closing(base: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    try:
        yield base
    finally:
        base.close()


def _connect(file: Path, mode: str) -> sqlite3.Connection:
    address = f"file:{quote(str(file))}?mode={mode}"
    base = sqlite3.connect(address, uri=True, timeout=30, isolation_level=None)
    base.text_factory = lambda data: data.decode("utf-8", "replace")
    return base


def _zone(base: sqlite3.Connection, file: Path) -> Any:
    """The time zone of what is written there; None for the machine's own."""
    (version,) = base.execute("select library_version from version_info").fetchone()
    major = str(version).partition(".")[0]
    return UTC if not major.isdigit() or int(major) >= _UTC_SINCE else None


def _studies(base: sqlite3.Connection, file: Path) -> Iterator[tuple[int, str, ForeignStudy]]:
    base.execute("begin")
    rows = base.execute("select study_id, study_name from studies order by study_id").fetchall()
    directions: dict[int, list[str]] = defaultdict(list)
    for study, way in base.execute(_DIRECTIONS):
        directions[study].append("maximize" if way == "MAXIMIZE" else "minimize")
    attrs: dict[str, dict[int, dict[str, Any]]] = {"user": {}, "system": {}}
    for scope, found in attrs.items():
        for study, key, text in base.execute(_STUDY_ATTRS[scope]):
            found.setdefault(study, {})[key] = _attr_or_text(text)
    base.execute("commit")
    for study, name in rows:
        user, system = (attrs[scope].get(study, {}) for scope in ("user", "system"))
        yield study, name, ForeignStudy(name, tuple(directions[study]), user, system)


def _attr_or_text(text: str) -> Any:
    try:
        return attr_of(text)
    except Unreadable:
        return text


def _trials(base: sqlite3.Connection, file: Path, study: int, zone: Any) -> Iterator[ForeignTrial]:
    last = -1
    while True:
        base.execute("begin")
        rows = base.execute(_TRIALS, (study, last, AT_ONCE)).fetchall()
        if rows:
            last, within = rows[-1][0], (study, rows[0][0], rows[-1][0])
            parts = {part: base.execute(sql, within).fetchall() for part, sql in _PARTS.items()}
        base.execute("commit")
        if not rows:
            return
        beside = {part: _by_trial(found) for part, found in parts.items()}
        for row in rows:
            try:
                yield _trial(row, {part: found[row[0]] for part, found in beside.items()}, zone)
            except (ValueError, TypeError, KeyError) as error:
                # It keeps its number: to Optuna a trial's number is its place in the line.
                yield ForeignTrial(str(row[0]), row[1], "failed", damage=(str(error),))


def _by_trial(rows: list[tuple[Any, ...]]) -> Mapping[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row[1:])
    return found


def _trial(
    row: tuple[Any, ...], parts: Mapping[str, list[tuple[Any, ...]]], zone: Any
) -> ForeignTrial:
    identity, number, state, started, ended = row
    damage: list[str] = []
    params, distributions = {}, {}
    for name, internal, text in parts["params"]:
        try:
            params[name], distributions[name] = value_of(internal, text), as_written_now(text)
        except Unreadable as error:
            damage.append(f"param {name}: {error}")
    attrs: dict[str, dict[str, Any]] = {"user": {}, "system": {}}
    for scope, found in attrs.items():
        for key, text in parts[scope]:
            try:
                found[key] = attr_of(text)
            except Unreadable as error:
                damage.append(f"attribute {key}: {error}")
    values = [_INFINITE.get(kind, value) for value, kind in parts["values"]]
    seen = parts["heartbeats"]
    return ForeignTrial(
        key=str(identity),
        number=number,
        state=STATES[state],
        values=values or None,
        params=params,
        distributions=distributions,
        reports={step: _INFINITE.get(kind, value) for step, value, kind in parts["reports"]},
        user_attrs=attrs["user"],
        system_attrs=attrs["system"],
        started=_seconds(started, zone),
        ended=_seconds(ended, zone),
        seen=_seconds(seen[-1][0], UTC) if seen else None,
        damage=tuple(damage),
    )


def _seconds(text: str | None, zone: Any) -> float | None:
    return None if text is None else datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


_DIRECTIONS = "select study_id, direction from study_directions order by study_id, objective"
_STUDY_ATTRS = {
    "user": "select study_id, key, value_json from study_user_attributes",
    "system": "select study_id, key, value_json from study_system_attributes",
}
_TRIALS = """
select trial_id, number, state, datetime_start, datetime_complete from trials
where study_id = ? and trial_id > ? order by trial_id limit ?
"""
_JOIN = "from trials t join {0} p on p.trial_id = t.trial_id where t.study_id = ? and t.trial_id between ? and ?"
_PARTS = {
    "params": "select p.trial_id, param_name, param_value, distribution_json "
    + _JOIN.format("trial_params")
    + " order by p.param_id",
    "values": "select p.trial_id, value, value_type "
    + _JOIN.format("trial_values")
    + " order by p.objective",
    "reports": "select p.trial_id, step, intermediate_value, intermediate_value_type "
    + _JOIN.format("trial_intermediate_values")
    + " order by p.trial_intermediate_value_id",
    "user": "select p.trial_id, key, value_json " + _JOIN.format("trial_user_attributes"),
    "system": "select p.trial_id, key, value_json " + _JOIN.format("trial_system_attributes"),
    "heartbeats": "select p.trial_id, heartbeat " + _JOIN.format("trial_heartbeats"),
}
