"""What a run reported, to the last digit: for whoever compares one run with another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.ids import from_text

if TYPE_CHECKING:
    from storage.session import Session


def points(session: Session, run: str) -> dict[str, dict[int, float]]:
    """By metric, its value at each step: the first where there are several, as with Optuna.

    Without the `system.` ones; NaN and ±inf are kept. Raises ValueError where `run` is no id.
    """
    found: dict[str, dict[int, float]] = {}
    for name, step, value in session.rows(_POINTS, run=from_text(run)):
        found.setdefault(name, {}).setdefault(step, value)
    return found


_POINTS = """
select name, step, value from metrics
where run = $run and not starts_with(name, 'system.') order by name, step, time, rowid
"""
