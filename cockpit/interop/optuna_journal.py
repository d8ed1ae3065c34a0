"""Reads the file of Optuna's JournalStorage: its operations, done once more in memory. Nothing is locked or written.

What each operation means is as in optuna.storages.journal: a finished trial changes no more, a param whose
distribution does not go with that of earlier trials is not taken.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from cockpit.interop.errors import NothingToImport
from cockpit.interop.foreign import Damaged
from cockpit.interop.optuna_studies import (
    ForeignStudy,
    ForeignTrial,
    as_written_now,
    distribution_of,
    value_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_STATES = ("running", "complete", "pruned", "failed", "waiting")
"""By Optuna's number."""
_FINISHED = frozenset(("complete", "pruned", "failed"))
_CREATE_TRIAL = b'{"op_code":4,'


def read(
    file: Path, wanted: Callable[[str], bool]
) -> Iterator[ForeignStudy | ForeignTrial | Damaged]:
    """The studies whose name is `wanted`, each before its trials. Raises `NothingToImport`."""
    journal = _Journal()
    for number, line in _lines(file):
        try:
            journal.do(json.loads(line))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
            yield Damaged(f"{file}: line {number}", f"no operation of Optuna's ({error})")
    for study in journal.studies.values():
        if not wanted(study.name):
            continue
        yield ForeignStudy(study.name, study.directions, study.user_attrs, study.system_attrs)
        for trial in study.trials:
            yield trial.handed_over()


def count(file: Path) -> int:
    """How many trials were made. Raises `NothingToImport`."""
    return sum(line.startswith(_CREATE_TRIAL) for _, line in _lines(file))


def is_journal(start: bytes) -> bool:
    """Whether a file that begins so is a journal."""
    return start.startswith(b'{"op_code":')


def _lines(file: Path) -> Iterator[tuple[int, bytes]]:
    """Whole lines with their number; the last one may be in the middle of being written."""
    try:
        with file.open("rb") as stream:
            for number, line in enumerate(stream, 1):
                if line.endswith(b"\n"):
                    yield number, line
    except OSError as error:
        raise NothingToImport(f"{file} cannot be read: {error.strerror}") from error


@dataclass(slots=True)
class _Trial:
    key: str
    number: int
    study: _Study
    state: str = "running"
    values: list[float] | None = None
    params: dict[str, Any] = field(default_factory=dict)
    distributions: dict[str, str] = field(default_factory=dict)
    reports: dict[int, float] = field(default_factory=dict)
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)
    started: float | None = None
    ended: float | None = None

    def handed_over(self) -> ForeignTrial:
        return ForeignTrial(
            *(self.key, self.number, self.state, self.values, self.params, self.distributions),
            *(self.reports, self.user_attrs, self.system_attrs, self.started, self.ended),
        )


@dataclass(slots=True)
class _Study:
    name: str
    directions: tuple[str, ...]
    user_attrs: dict[str, Any] = field(default_factory=dict)
    system_attrs: dict[str, Any] = field(default_factory=dict)
    trials: list[_Trial] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)
    """By param, the distribution it had first."""


class _Journal:
    """Studies and trials as the operations so far left them."""

    def __init__(self) -> None:
        self.studies: dict[int, _Study] = {}
        self._made = 0
        self._trials: list[_Trial] = []
        self._do: tuple[Callable[[dict[str, Any]], None], ...] = (
            *(self._create_study, self._delete_study, self._study_user, self._study_system),
            *(self._create_trial, self._param, self._state, self._report),
            *(self._trial_user, self._trial_system, lambda _: None),
        )

    def do(self, log: dict[str, Any]) -> None:
        """One operation; raises what its fields lead to where they are not as they should be."""
        self._do[log["op_code"]](log)

    def _create_study(self, log: dict[str, Any]) -> None:
        if all(study.name != log["study_name"] for study in self.studies.values()):
            ways = tuple("maximize" if way == 2 else "minimize" for way in log["directions"])
            self.studies[self._made] = _Study(log["study_name"], ways)
            self._made += 1

    def _delete_study(self, log: dict[str, Any]) -> None:
        self.studies.pop(log["study_id"], None)

    def _study_user(self, log: dict[str, Any]) -> None:
        if (study := self.studies.get(log["study_id"])) is not None:
            study.user_attrs.update(log["user_attr"])

    def _study_system(self, log: dict[str, Any]) -> None:
        if (study := self.studies.get(log["study_id"])) is not None:
            study.system_attrs.update(log["system_attr"])

    def _create_trial(self, log: dict[str, Any]) -> None:
        if (study := self.studies.get(log["study_id"])) is None:
            return
        trial = _Trial(str(len(self._trials)), len(study.trials), study)
        self._trials.append(trial)
        study.trials.append(trial)
        trial.state = _STATES[log.get("state", 0)]
        trial.started = _seconds(log["datetime_start"])
        trial.ended = _seconds(log.get("datetime_complete"))
        value = log.get("value")
        trial.values = log.get("values") or (None if value is None else [value])
        trial.reports = {
            int(step): each for step, each in log.get("intermediate_values", {}).items()
        }
        trial.user_attrs, trial.system_attrs = (
            log.get("user_attrs", {}),
            log.get("system_attrs", {}),
        )
        for name, internal in log.get("params", {}).items():
            self._give(trial, name, internal, log["distributions"][name])

    def _param(self, log: dict[str, Any]) -> None:
        if (trial := self._updatable(log)) is not None:
            name, text = log["param_name"], log["distribution"]
            if _go_together(trial.study.first.get(name, text), text):
                self._give(trial, name, log["param_value_internal"], text)

    def _give(self, trial: _Trial, name: str, internal: float, text: str) -> None:
        trial.params[name], trial.distributions[name] = (
            value_of(internal, text),
            as_written_now(text),
        )
        trial.study.first.setdefault(name, text)

    def _state(self, log: dict[str, Any]) -> None:
        trial, state = self._updatable(log), _STATES[log["state"]]
        if trial is None or state == trial.state == "running":
            return
        if state == "running":
            trial.started = _seconds(log["datetime_start"])
        elif state in _FINISHED:
            trial.ended = _seconds(log["datetime_complete"])
        trial.state = state
        if log["values"] is not None:
            trial.values = log["values"]

    def _report(self, log: dict[str, Any]) -> None:
        if (trial := self._updatable(log)) is not None:
            trial.reports[int(log["step"])] = log["intermediate_value"]

    def _trial_user(self, log: dict[str, Any]) -> None:
        if (trial := self._updatable(log)) is not None:
            trial.user_attrs.update(log["user_attr"])

    def _trial_system(self, log: dict[str, Any]) -> None:
        if (trial := self._updatable(log)) is not None:
            trial.system_attrs.update(log["system_attr"])

    def _updatable(self, log: dict[str, Any]) -> _Trial | None:
        number: int = log["trial_id"]
        if not 0 <= number < len(self._trials) or self._trials[number].state in _FINISHED:
            return None
        return self._trials[number]


@lru_cache(maxsize=4096)
def _go_together(first: str, text: str) -> bool:
    from optuna.distributions import check_distribution_compatibility

    try:
        check_distribution_compatibility(distribution_of(first), distribution_of(text))
    except ValueError:
        return False
    return True


def _seconds(text: str | None) -> float | None:
    """Times carry their zone; those of versions before 5, which do not, are the machine's own."""
    return None if text is None else datetime.fromisoformat(text).timestamp()
