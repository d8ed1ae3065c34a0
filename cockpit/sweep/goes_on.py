"""Whether a spec can go on with a sweep that is there: the same objectives, params that still go together."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from optuna.distributions import check_distribution_compatibility, json_to_distribution

from cockpit.sweep.space import distributions
from storage.errors import UserError
from storage.ids import from_text

if TYPE_CHECKING:
    from cockpit.sweep.spec import Spec
    from storage.session import Session
    from storage.sweeps import Sweep


class CannotGoOn(UserError):
    """The spec seeks something else than the sweep did; the message is a sentence for the user."""


def check_goes_on(spec: Spec, sweep: Sweep, session: Session) -> None:
    """Raises `CannotGoOn` where Optuna would refuse the next trial, or its result would mean something else."""
    then, now = (
        [f"{way} {metric}" for way, metric in zip(ways, metrics, strict=False)]
        for ways, metrics in (
            (sweep.directions, sweep.metrics),
            (spec.sweep.directions, spec.sweep.metrics),
        )
    )
    if then and then != now:
        raise CannotGoOn(
            f"the sweep {sweep.name} is to {', '.join(then)}, the spec says {', '.join(now)};"
            " set [sweep] metric and direction (--set sweep.metric=…) to what it is, or start another sweep"
        )
    declared = distributions(spec)
    if not declared:
        return
    rows = session.rows(
        "select distinct distributions from runs where sweep = $sweep and number is not null",
        sweep=from_text(sweep.id),
    )
    known = {pair for (text,) in rows for pair in json.loads(text).items()}
    for name, text in sorted(known):
        if name not in declared:
            continue
        earlier = json_to_distribution(text)
        try:
            check_distribution_compatibility(earlier, declared[name])
        except ValueError as error:
            raise CannotGoOn(
                f"[params] {name} cannot become {declared[name]!r} in the sweep {sweep.name}, where it is"
                f" {earlier!r}; write it as it was, or start another sweep"
            ) from error
