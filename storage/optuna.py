"""Optuna's storage contract, in memory, with every change spooled behind it.

Optuna reads and writes at memory speed and never waits for a database; whoever wants to look folds the
spool into the run store. What the store already holds is read when a study is first asked for.
"""

from __future__ import annotations

import logging
import time
from contextlib import contextmanager
from copy import copy
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from optuna.distributions import (
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
    json_to_distribution,
)
from optuna.storages import InMemoryStorage
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from storage import studies
from storage.events import (
    Event,
    MetricLogged,
    ParamSet,
    RunAttr,
    RunChanged,
    RunCreated,
    RunRestarted,
    SweepAttr,
    SweepCreated,
    SweepDeleted,
)
from storage.fold import METRIC_NAMES, default_metric_names, without_attempt
from storage.layout import FOLDER, Layout, find_store
from storage.spool import SpoolWriter
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from optuna.distributions import BaseDistribution

_MEMORY_LOG = logging.getLogger("optuna.storages._in_memory")
_STATES = {
    TrialState.WAITING: "waiting",
    TrialState.RUNNING: "running",
    TrialState.COMPLETE: "complete",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}
_FROM_STATE = {text: state for state, text in _STATES.items()}
"""What Optuna calls a state; whatever is not here is a FAIL to it."""


class RunStorage(InMemoryStorage):
    """An Optuna storage over a store folder.

    `folder` is the store folder itself (`.cockpit`), or a project that holds one; by default the one found
    upwards from the working directory. A study belongs to the process that works on it: what other
    processes add to it meanwhile is seen by every reader of the store, but not by this object.
    """

    def __init__(self, folder: str | Path | None = None, spool: SpoolWriter | None = None) -> None:
        super().__init__()
        self._layout = _layout(folder)
        self._spool = spool or SpoolWriter(self._layout)
        self._held: list[Event] | None = None
        """What `at_once` has still to write."""
        self._details: dict[int, dict[str, Any]] = {}
        self._titles: dict[int, str] = {}
        """What studies are called that pose as others to Optuna."""
        self._stored: set[int] = set()
        """Studies of the store whose trials were not asked for yet."""
        self._load_studies()

    def __getstate__(self) -> dict[Any, Any]:
        state: dict[Any, Any] = super().__getstate__()
        del state["_spool"]
        return state

    def __setstate__(self, state: dict[Any, Any]) -> None:
        super().__setstate__(state)
        self._spool = SpoolWriter(self._layout)

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Write what changes meanwhile when the block ends, in one go: all of it, or nothing where it fails."""
        with self._lock:
            held: list[Event] = []
            self._held = held
            try:
                yield
            finally:
                self._held = None
            if held:
                self._spool.append(*held)

    def _append(self, *events: Event) -> None:
        if self._held is None:
            self._spool.append(*events)
        else:
            self._held.extend(events)

    def describe(self, trial_id: int, **details: Any) -> None:
        """Say more about a trial's end than Optuna knows, in the same event as its end.

        Fields of `RunChanged`: `state` (`stopped`, say, where Optuna knows only FAIL), `reason`,
        `metrics`, `resources`.
        """
        self._details[trial_id] = details

    def restart(self, trial_id: int, attempt: int) -> None:
        """Try a trial again, `attempt` counted from 0: it runs, with its params and with nothing reported."""
        with self._lock:
            trial = copy(self._get_trial(trial_id))
            trial.state, trial.values, trial.intermediate_values = TrialState.RUNNING, None, {}
            trial.datetime_start, trial.datetime_complete = _local(datetime.now(UTC)), None
            trial.system_attrs = without_attempt(trial.system_attrs)
            self._set_trial(trial_id, trial)
            self._details.pop(trial_id, None)
            study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
            self._find_best(study_id)
            self._append(RunRestarted(trial_id, attempt, time.time()))

    def _find_best(self, study_id: int) -> None:
        study = self._studies[study_id]
        study.best_trial_id = None
        for trial in study.trials:
            self._update_cache(trial._trial_id, study_id)

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        with self._lock:
            self._max_study_id = self._spool.new_id() - 1
            study_id = self._in_memory(directions, study_name)
            self._append(
                SweepCreated(
                    study_id,
                    self._studies[study_id].name,
                    [direction.name.lower() for direction in directions],
                    time.time(),
                )
            )
            return study_id

    def pose_as(self, study_id: int, name: str) -> None:
        """Let Optuna take a study for one of another name: some pruners draw their lots by it.

        Everybody else knows it by its own.
        """
        with self._lock:
            self._titles[study_id] = self._studies[study_id].name
            self._studies[study_id].name = name

    def delete_study(self, study_id: int) -> None:
        with self._lock:
            super().delete_study(study_id)
            self._append(SweepDeleted(study_id))

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        with self._lock:
            super().set_study_user_attr(study_id, key, value)
            self._append(SweepAttr(study_id, "user", str(key), value))

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        with self._lock:
            super().set_study_system_attr(study_id, key, value)
            self._append(SweepAttr(study_id, "system", str(key), value))

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        with self._lock:
            self._check_study_id(study_id)
            self._max_trial_id = self._spool.new_id() - 1
            trial_id = int(super().create_new_trial(study_id, template_trial))
            self._append(*self._as_events(study_id, self._get_trial(trial_id)))
            return trial_id

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        with self._lock:
            super().set_trial_param(trial_id, param_name, param_value_internal, distribution)
            value = distribution.to_external_repr(param_value_internal)
            self._append(_param(trial_id, param_name, value, distribution))

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        with self._lock:
            changed = bool(super().set_trial_state_values(trial_id, state, values))
            if changed:
                study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
                self._append(self._outcome(study_id, self._get_trial(trial_id), time.time()))
            return changed

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        with self._lock:
            super().set_trial_intermediate_value(trial_id, step, intermediate_value)
            study_id, _ = self._trial_id_to_study_id_and_number[trial_id]
            name = self._metric_names(study_id)[0]
            self._append(MetricLogged(trial_id, name, step, time.time(), float(intermediate_value)))

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self._lock:
            super().set_trial_user_attr(trial_id, key, value)
            self._append(RunAttr(trial_id, "user", str(key), value))

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        with self._lock:
            super().set_trial_system_attr(trial_id, key, value)
            self._append(RunAttr(trial_id, "system", str(key), value))

    def _metric_names(self, study_id: int) -> list[str]:
        study = self._studies[study_id]
        return list(
            study.system_attrs.get(METRIC_NAMES) or default_metric_names(len(study.directions))
        )

    def _as_events(self, study_id: int, trial: FrozenTrial) -> list[Event]:
        run, started = trial._trial_id, trial.datetime_start
        study = self._titles.get(study_id, self._studies[study_id].name)
        name = f"{study}#{trial.number}"
        events: list[Event] = [
            RunCreated(
                run,
                study_id,
                trial.number,
                name,
                _STATES[trial.state],
                started.timestamp() if started else None,
            )
        ]
        for param, distribution in trial.distributions.items():
            events.append(_param(run, param, trial.params[param], distribution))
        for scope, attrs in (("user", trial.user_attrs), ("system", trial.system_attrs)):
            events.extend(RunAttr(run, scope, key, value) for key, value in attrs.items())
        metric, now = self._metric_names(study_id)[0], time.time()
        for step, value in trial.intermediate_values.items():
            events.append(MetricLogged(run, metric, step, now, float(value)))
        if trial.state.is_finished():
            ended = trial.datetime_complete
            events.append(self._outcome(study_id, trial, ended.timestamp() if ended else now))
        return events

    def _outcome(self, study_id: int, trial: FrozenTrial, now: float) -> RunChanged:
        changes: dict[str, Any] = {"state": _STATES[trial.state]}
        if trial.values is not None:
            values = [float(value) for value in trial.values]
            changes["values"] = values
            if trial.state == TrialState.COMPLETE:
                names = self._metric_names(study_id)
                changes["metrics"] = dict(zip(names, values, strict=False))
        if trial.state == TrialState.RUNNING:
            changes["started"] = now
        elif trial.state.is_finished():
            changes["ended"] = now
            details = self._details.pop(trial._trial_id, {})
            metrics = {**details.pop("metrics", {}), **changes.get("metrics", {})}
            changes.update(details, **({"metrics": metrics} if metrics else {}))
        return RunChanged(trial._trial_id, changes)

    def _load_studies(self) -> None:
        store = Store(self._layout)
        if not self._layout.exists():
            return
        with store.session() as session:
            for stored in studies.studies(session):
                directions = [StudyDirection[way.upper()] for way in stored.directions]
                self._max_study_id = stored.id - 1
                study_id = self._in_memory(directions, stored.name)
                self._studies[study_id].user_attrs = stored.user_attrs
                self._studies[study_id].system_attrs = stored.system_attrs
                self._stored.add(study_id)

    def _in_memory(self, directions: Sequence[StudyDirection], name: str | None) -> int:
        _MEMORY_LOG.disabled = True  # it tells of a study "in memory", which is not where ours is
        try:
            return int(super().create_new_study(directions, name))
        finally:
            _MEMORY_LOG.disabled = False

    def _check_study_id(self, study_id: int) -> None:
        super()._check_study_id(study_id)
        if study_id in self._stored:
            self._stored.discard(study_id)
            self._load_trials(study_id)

    def _load_trials(self, study_id: int) -> None:
        with Store(self._layout).session() as session:
            stored = studies.trials(session, study_id)
        for trial in stored:
            self._max_trial_id = trial.id - 1
            super().create_new_trial(study_id, _frozen(trial))


def _layout(folder: str | Path | None) -> Layout:
    if folder is None:
        return find_store()
    path = Path(folder).expanduser().absolute()
    return Layout(path / FOLDER if (path / FOLDER).is_dir() else path)


_numeric_json = lru_cache(maxsize=1024)(distribution_to_json)


def _param(run: int, name: str, value: Any, distribution: BaseDistribution) -> ParamSet:
    if isinstance(distribution, (FloatDistribution, IntDistribution)):
        return ParamSet(run, name, value, _numeric_json(distribution))
    try:
        text = distribution_to_json(distribution)
    except TypeError:
        text = ""  # choices that JSON cannot hold: the value is kept, the study cannot be reloaded
    return ParamSet(run, name, value, text)


def _frozen(stored: studies.StoredTrial) -> FrozenTrial:
    distributions = {k: json_to_distribution(v) for k, v in stored.distributions.items()}
    state = _FROM_STATE.get(stored.state, TrialState.FAIL)
    return FrozenTrial(
        number=stored.number,
        trial_id=stored.id,
        state=state,
        value=None,
        values=stored.values,
        params={k: v for k, v in stored.params.items() if k in distributions},
        distributions=distributions,
        user_attrs=stored.user_attrs,
        system_attrs=stored.system_attrs,
        intermediate_values=stored.intermediate_values,
        datetime_start=_local(stored.started),
        datetime_complete=_local(stored.ended or stored.started) if state.is_finished() else None,
    )


def _local(moment: datetime | None) -> datetime | None:
    """Optuna keeps naive local times."""
    return None if moment is None else moment.astimezone().replace(tzinfo=None)
