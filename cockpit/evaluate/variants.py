"""Which weak slices only repeat a better one: mostly its rows, told by other predicates.

Going from the best slice down, a slice is a variant of a better one that is none itself where

- at least half of the rows that either has are rows of both (Jaccard's index), or
- at least two thirds of its rows are the better one's, and it is not worse than that one, or
- at least two thirds of the better one's rows are its own, and the rest of it is not worse than all rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cockpit.evaluate.lattice import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.evaluate.answers import Floats, Truths
    from cockpit.evaluate.lattice import Codes, Found

SAME = 0.5
"""Of the rows that either of two slices has, the share in both from which on they are the same."""
WITHIN = 2 / 3
"""Of the rows of a slice, the share in another from which on it lies within that."""
WORSE = 1.05
"""By so much the mean loss of a slice within another must be higher to say more than that."""


def variants(
    found: Sequence[Found], columns: Sequence[Codes], losses: Floats, k: int
) -> tuple[int | None, ...]:
    """For each slice, by which place before it it is a variant of; None where it is one of its own.

    `found`: the best first, of the rows of `columns` and `losses` (rows,). Ends behind the last slice before the
    one that would be the `k`+1st of its own, so the answer may be shorter than `found`.
    """
    mean = float(losses.mean()) if len(losses) else 0.0
    own: list[tuple[int, Truths]] = []
    told: list[int | None] = []
    for place, one in enumerate(found):
        rows = rows_of(columns, one.parts)
        better = (at for at, there in own if _repeats(one, rows, found[at], there, losses, mean))
        variant = next(better, None)
        if variant is None:
            if len(own) == k:
                break
            own.append((place, rows))
        told.append(variant)
    return tuple(told)


def _repeats(
    one: Found, rows: Truths, better: Found, there: Truths, losses: Floats, mean: float
) -> bool:
    shared = rows & there
    both = int(np.count_nonzero(shared))
    if both >= SAME * (one.rows + better.rows - both):
        return True
    if both >= WITHIN * one.rows and one.losses / one.rows <= WORSE * better.losses / better.rows:
        return True
    if both < WITHIN * better.rows:
        return False
    rest = one.losses - float(losses[shared].sum())
    return rest <= mean * (one.rows - both)
