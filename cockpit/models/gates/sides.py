"""A model to be judged: its answers as it would give them to anybody."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cockpit.models.bundle import BundleError
from cockpit.models.gates.judging import Side

if TYPE_CHECKING:
    from cockpit.evaluate.evaluation import EvaluationSet, Known
    from cockpit.models.bundle import Bundle


def side(
    known: Known,
    on: EvaluationSet,
    name: str,
    run: str,
    rules: tuple[str, ...],
    bundle: Bundle | str,
    notes: list[str],
) -> Side:
    """A model's answers as it would give them to anybody: its own, its rules gone before them.

    What a run answered in training stands in for a model that is not asked here (a pickle, another framework's files,
    a package that is missing, rows that it does not take), but not for one that was refused, stopped, or failed.
    """
    from cockpit.evaluate.evaluation import NotScored, answers_of
    from cockpit.evaluate.prediction_files import BadPredictions
    from cockpit.models.bundle import BadRows
    from cockpit.models.predicting import score_with
    from cockpit.models.rules import ruled
    from cockpit.models.safety import NotAsked

    told, seen = None, on.frame.drop(on.target)
    why = "its run is gone"
    try:
        if run in known.names:
            told = answers_of(known, on, run)
    except (NotScored, BadPredictions) as error:
        why = str(error)
    try:
        if isinstance(bundle, str):
            raise NotAsked(bundle)
        found = score_with(bundle, on)
        seen = bundle.signature.fitted(on.frame)  # what rules see of rows that are predicted
        notes += _differing(name, told.answers if told else None, found.answers)
    except (BundleError, BadRows) as error:
        unmeasured = f"{name} cannot be measured on {on.version.label}: {error}"
        stands_in = isinstance(error, NotAsked | BadRows) or _is_pickle(bundle)
        if not stands_in:
            return Side(name, None, unmeasured)
        if told is None:
            return Side(name, None, f"{unmeasured}; {why}")
        found = told
        notes.append(f"{name} is judged by what its run answered: {error}")
    notes += [f"{name}: {note}" for note in found.notes]
    return Side(name, ruled(rules, seen, found.answers))


def _is_pickle(bundle: Bundle | str) -> bool:
    return not isinstance(bundle, str) and bundle.signature.formats[0] == "pickle"


def _differing(name: str, told: Any, found: Any) -> list[str]:
    """What there is to say where a model does not answer as its run did."""
    import numpy as np

    if told is None or told.y_pred is None or found.y_pred is None or told.task != found.task:
        return []
    rows = int((~np.isclose(told.y_pred, found.y_pred, rtol=1e-6, atol=1e-9)).sum())
    if not rows:
        return []
    return [
        f"the model of {name} answers {rows:,} rows otherwise than its run did; the model is judged"
    ]
