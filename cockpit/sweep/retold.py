"""What ended from outside is not run again in a replay: it draws its params and is told as it was then.

Somebody killed or pruned it, or its worker was lost. Were it run again it would come to another end, the sampler
would hear something else, and every suggestion after it would be another one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from optuna.distributions import CategoricalDistribution, IntDistribution

from cockpit.sweep.executors.seam import Finished, Outcome, Report, Suggest
from cockpit.sweep.order import SUGGESTED
from storage.runs import RunQuery, page

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from cockpit.sweep.executors.seam import Event
    from cockpit.sweep.trials import Live
    from storage.session import Session

BY_HAND = "pruned by the user"
"""Why a trial was pruned that no pruner had anything against."""


def ended_from_outside(session: Session, sweep: str) -> dict[int, Outcome]:
    """How those trials of a sweep ended that did so neither by their own code nor by their pruner, by number."""
    query = RunQuery(sweep=sweep, where="state in ('lost', 'stopped', 'pruned')", limit=None)
    return {
        run.number: Outcome("pruned" if run.state == "pruned" else "cancelled", reason=run.reason)
        for run in page(session, query).runs
        if run.number is not None and (run.state != "pruned" or run.reason == BY_HAND)
    }


def retold(live: Live, then: FrozenTrial, outcome: Outcome) -> Iterator[Event]:
    """What the trial's worker would say if all went as it did `then`."""
    turns: Mapping[str, int] = then.system_attrs.get(SUGGESTED, {})
    for name in sorted(turns, key=lambda name: turns[name]):
        if name in then.distributions:  # else it was ended before it had its value
            kind, options = _asked(then.distributions[name])
            yield Suggest(live.key, live.attempt, name, kind, options)
    for step, value in sorted(then.intermediate_values.items()):
        yield Report(live.key, live.attempt, value, step)
    yield Finished(live.key, live.attempt, outcome)


def _asked(distribution: BaseDistribution) -> tuple[Any, dict[str, Any]]:
    """A param as code asks for it: its kind and its options."""
    if isinstance(distribution, CategoricalDistribution):
        return "categorical", {"choices": distribution.choices}
    kind = "int" if isinstance(distribution, IntDistribution) else "float"
    options = ("low", "high", "step", "log")
    return kind, {option: getattr(distribution, option) for option in options}
