"""What an earlier driver left of a sweep that goes on: what it was told, and what is to run again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from optuna.trial import TrialState

from cockpit.sweep.order import TOLD
from cockpit.sweep.trials import BASELINE, Settled, is_feasible
from storage.ids import to_text
from storage.runs import RunQuery, page

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from optuna.trial import FrozenTrial

    from cockpit.sweep.spec import Spec
    from storage.runs import Run
    from storage.session import Session
    from storage.sweeps import Sweep

STOPPED = "the sweep was stopped"
"""Why a trial ended that is to run again when its sweep goes on."""


@dataclass(frozen=True, slots=True)
class Earlier:
    """What there is to know but for the trials themselves, which Optuna's storage has."""

    broken_off: Sequence[tuple[int, int]] = ()
    """(trial's number, attempt) of those that ended only because their driver or worker did."""
    baseline: Run | None = None
    """The sweep's baseline, a trial or not."""
    metrics: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    """What was measured, by the number of a complete trial; only where duplicates are skipped."""
    complete: bool = False
    """Whether the sweep had come to its end by itself."""

    def told(self, trials: Iterable[FrozenTrial], spec: Spec) -> Iterator[Settled | None]:
        """Those of the trials that were told, as they were settled, first told first.

        Of one that is not complete nobody asks more than that it was told: None.
        """
        finished = (trial for trial in trials if trial.state.is_finished())
        for trial in sorted(finished, key=_when_told):
            complete = trial.state == TrialState.COMPLETE
            metrics = self.metrics.get(trial.number, {})
            yield _settled(trial, spec, metrics) if complete else None


def read_earlier(session: Session, sweep: Sweep, spec: Spec) -> Earlier:
    """Find out what the sweep's last driver left."""
    query = RunQuery(sweep=sweep.name, where="state = 'lost' or state = 'stopped'", limit=None)
    ended = page(session, query).runs
    complete = replace(query, where="state = 'complete'")
    told = page(session, complete).runs if spec.sweep.duplicates == "skip" else ()
    return Earlier(
        broken_off=sorted(
            (run.number, run.attempt)
            for run in ended
            if run.number is not None and is_broken_off(run)
        ),
        baseline=sweep.baseline,
        metrics={run.number: run.metrics for run in told if run.number is not None},
        complete=sweep.state == "complete",
    )


def is_broken_off(run: Run) -> bool:
    """Whether a run ended only because its driver or its worker did."""
    return run.state == "lost" or (run.state == "stopped" and run.reason == STOPPED)


def baseline_then(run: Run, spec: Spec) -> Settled:
    """A complete baseline of its own function, as it was settled."""
    return Settled(
        run=run.id,
        number=None,
        state=run.state,
        params=run.params,
        metrics=run.metrics,
        values=tuple(run.metrics[name] for name in spec.sweep.metrics),
        reason=None,
        seconds=run.seconds or 0.0,
        baseline=True,
    )


def _settled(trial: FrozenTrial, spec: Spec, metrics: Mapping[str, float]) -> Settled:
    values = tuple(trial.values)
    return Settled(
        run=to_text(trial._trial_id),
        number=trial.number,
        state="complete",
        params=trial.params,
        metrics={**metrics, **dict(zip(spec.sweep.metrics, values, strict=True))},
        values=values,
        reason=None,
        seconds=0.0,
        baseline=BASELINE in trial.system_attrs,
        feasible=is_feasible(trial),
    )


def _when_told(trial: FrozenTrial) -> int:
    turn: int = trial.system_attrs.get(TOLD, -1)
    return turn
