"""Writes sweeps into a new Optuna storage, trial by trial as Optuna itself would have kept them.

The storage is made beside its place and moved there once it is whole.
"""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from copy import copy
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
from optuna.distributions import distribution_to_json
from optuna.storages import JournalStorage, RDBStorage
from optuna.storages.journal import BaseJournalBackend, JournalFileBackend

from storage.errors import UserError
from storage.imported import ORIGIN
from storage.optuna import RunStorage
from storage.store import Store
from storage.sweeps import find_sweep

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from optuna.storages import BaseStorage
    from optuna.trial import FrozenTrial

    from storage.layout import Layout

_SQLITE = (".db", ".sqlite", ".sqlite3")
_JOURNAL = (".log", ".journal", ".jsonl")
_PREFIX = "sqlite:///"


class CannotDump(UserError):
    """The storage cannot be written so; the message is a sentence for the user."""


@dataclass(frozen=True, slots=True)
class Dumped:
    """What was written."""

    studies: tuple[str, ...]
    trials: int
    reports: int
    """Intermediate values."""
    left: int
    """Runs of the sweeps that are no trials: baselines run by a function of their own."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a storage is to be."""

    file: Path
    sqlite: bool
    """Otherwise a journal."""

    @property
    def url(self) -> str:
        """As optuna-dashboard takes it."""
        return f"{_PREFIX}{self.file}" if self.sqlite else str(self.file)


def target_of(text: str) -> Target:
    """The storage that a text names: a sqlite:/// URL, or a file whose ending says its kind.

    Raises `CannotDump`.
    """
    path = Path(text.removeprefix(_PREFIX)).expanduser().absolute()
    ending = path.suffix.lower()
    if text.startswith(_PREFIX) or ending in _SQLITE:
        return Target(path, sqlite=True)
    if "://" in text or ending not in _JOURNAL:
        raise CannotDump(
            f"{text} names no storage that can be written: sqlite:///FILE, or a file that ends in"
            f" {', '.join(_SQLITE)} (sqlite) or {', '.join(_JOURNAL)} (journal)"
        )
    return Target(path, sqlite=False)


def dump(layout: Layout, sweeps: Sequence[str], target: Target, replace: bool = False) -> Dumped:
    """Write sweeps, each as the study of its name. Raises `CannotDump`, `SweepNotFound`."""
    if target.file.exists() and not replace:
        raise CannotDump(f"{target.file} is there already; name another file, or say --replace")
    with Store(layout).session() as session:
        names = list(dict.fromkeys(find_sweep(session, sweep).name for sweep in sweeps))
        rows = session.rows(
            "select count(*) from runs join sweeps on runs.sweep = sweeps.id"
            " where sweeps.name in (select unnest($names)) and number is null",
            names=names,
        )
    source = RunStorage(layout.root)
    partial = target.file.with_name(f".{target.file.name}.part")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        partial.unlink(missing_ok=True)
        write = _sqlite if target.sqlite else _journal
        counts = write(partial, [(name, source) for name in names])
        partial.replace(target.file)
    except OSError as error:
        raise CannotDump(f"{target.file} cannot be written: {error.strerror}") from error
    except sqlite3.DatabaseError as error:
        raise CannotDump(f"{target.file} cannot be written: {error}") from error
    finally:
        partial.unlink(missing_ok=True)
    return Dumped(tuple(names), *counts, rows[0][0])


def _journal(file: Path, studies: Iterable[tuple[str, RunStorage]]) -> tuple[int, int]:
    memory = _InMemory()
    storage, trials, reports = JournalStorage(memory), 0, 0
    for name, source in studies:
        study, found = _study(storage, name, source)
        for trial in found:
            storage.create_new_trial(study, trial)
            trials, reports = trials + 1, reports + len(trial.intermediate_values)
    JournalFileBackend(str(file)).append_logs(
        memory.logs
    )  # forced to the disk once, not for each trial
    return trials, reports


class _InMemory(BaseJournalBackend):
    def __init__(self) -> None:
        self.logs: list[dict[str, Any]] = []

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        yield from self.logs[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        self.logs += logs


def _sqlite(file: Path, studies: Iterable[tuple[str, RunStorage]]) -> tuple[int, int]:
    """Optuna makes the tables and the studies; its trials take it 12 ms each, and so are put in many at once."""
    storage = RDBStorage(f"{_PREFIX}{file}")
    try:
        whole = [_study(storage, name, source) for name, source in studies]
    finally:
        storage.engine.dispose()
    trials = reports = 0
    with closing(sqlite3.connect(file, isolation_level=None)) as base:
        base.execute("begin")
        for study, found in whole:
            rows = _Rows()
            for identity, trial in enumerate(found, trials + 1):
                rows.add(identity, study, trial)
            rows.write(base)
            trials, reports = trials + len(found), reports + len(rows.reports)
        base.execute("commit")
    return trials, reports


class _Rows:
    """Trials as the rows of Optuna's tables, schema 12."""

    def __init__(self) -> None:
        self.trials: list[tuple[Any, ...]] = []
        self.params: list[tuple[Any, ...]] = []
        self.values: list[tuple[Any, ...]] = []
        self.reports: list[tuple[Any, ...]] = []
        self.user: list[tuple[Any, ...]] = []
        self.system: list[tuple[Any, ...]] = []

    def add(self, identity: int, study: int, trial: FrozenTrial) -> None:
        times = (_utc(trial.datetime_start), _utc(trial.datetime_complete))
        self.trials.append((identity, trial.number, study, trial.state.name, *times))
        for name, value in trial.params.items():
            distribution = trial.distributions[name]
            internal = distribution.to_internal_repr(value)
            self.params.append((identity, name, internal, distribution_to_json(distribution)))
        for objective, value in enumerate(trial.values or ()):
            self.values.append((identity, objective, *_stored(value)))
        for step, value in trial.intermediate_values.items():
            self.reports.append((identity, step, *_stored(value)))
        for scope, attrs in ((self.user, trial.user_attrs), (self.system, trial.system_attrs)):
            scope.extend((identity, key, json.dumps(value)) for key, value in attrs.items())

    def write(self, base: sqlite3.Connection) -> None:
        for insert, rows in (
            ("trials values (?, ?, ?, ?, ?, ?)", self.trials),
            ("trial_params values (null, ?, ?, ?, ?)", self.params),
            ("trial_values values (null, ?, ?, ?, ?)", self.values),
            ("trial_intermediate_values values (null, ?, ?, ?, ?)", self.reports),
            ("trial_user_attributes values (null, ?, ?, ?)", self.user),
            ("trial_system_attributes values (null, ?, ?, ?)", self.system),
        ):
            base.executemany(f"insert into {insert}", rows)


def _study(storage: BaseStorage, name: str, source: RunStorage) -> tuple[int, list[FrozenTrial]]:
    """Make the study with its attributes; its trials are still to be written."""
    known = source.get_study_id_from_name(name)
    study = storage.create_new_study(source.get_study_directions(known), name)
    for key, value in source.get_study_user_attrs(known).items():
        storage.set_study_user_attr(study, key, value)
    for key, value in source.get_study_system_attrs(known).items():
        if key != ORIGIN:
            storage.set_study_system_attr(study, key, value)
    trials = [copy(trial) for trial in source.get_all_trials(known, deepcopy=False)]
    for trial in trials:
        trial.system_attrs = {k: v for k, v in trial.system_attrs.items() if k != ORIGIN}
    return study, trials


def _stored(value: float) -> tuple[float | None, str]:
    if math.isnan(value):
        return None, "NAN"
    return (
        (value, "FINITE") if math.isfinite(value) else (None, "INF_POS" if value > 0 else "INF_NEG")
    )


def _utc(at: datetime | None) -> str | None:
    """Optuna has naive local times at hand, and UTC in its tables."""
    return None if at is None else at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
