"""Where a model fails: the slices that are worse than the rest, found on one half of the rows, proved on the other.

The worst of hundreds of slices looks worse than it is. So the rows are split in two halves with about the same
losses; the search (cockpit.evaluate.lattice) sees one of them, and how much worse a slice is comes from the other,
with a test of whether it is worse at all: exact for losses of 0 and 1 (Fisher's), else Welch's, one-sided,
corrected for there being several (Benjamini and Hochberg). Slices that repeat a better one (cockpit.evaluate.variants)
are told as its variants.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cockpit.evaluate.encoding import VALUES, Bins, Encoded, encode
from cockpit.evaluate.intervals import difference_of_proportions, normal_quantile
from cockpit.evaluate.lattice import COLUMNS, DEEPEST, Found, rows_of, top_slices
from cockpit.evaluate.significance import benjamini_hochberg
from cockpit.evaluate.variants import variants

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import polars as pl

    from cockpit.evaluate.answers import Array, Floats, Truths

RATE = 0.05
"""Of the slices called confirmed, the share at most that is expected not to be worse."""
LEAST = 10
"""Rows of a slice, in the half that is searched, whatever the share."""
POOL = 20
"""So many slices are looked for, for each that is wanted: most of the best are variants of one another."""


@dataclass(frozen=True, slots=True)
class WeakSlice:
    """Rows with a higher loss than the others."""

    expression: str
    """The predicates, joined by `and`: a condition over the columns."""
    predicates: tuple[str, ...]
    score: float
    """SliceLine's, on the rows that were searched."""
    n: int
    """Its rows, of all that have a loss."""
    judged: int
    """Its rows among those that what follows is from: the half that was not searched; without one, all."""
    loss: float | None
    """The mean in the slice; None where it has no row there."""
    rest: float | None
    """The mean outside."""
    difference: float | None
    """How much higher it is in the slice."""
    low: float | None = None
    """Where the difference's 95 % interval begins; None where there are too few rows, or no half to judge by."""
    high: float | None = None
    p: float | None = None
    """Of the loss being no higher in the slice; one-sided."""
    confirmed: bool | None = None
    """Whether the half that was not searched says the same; None where there is none."""
    variant_of: str | None = None
    """The expression of a better slice that it repeats; None for one that says something of its own."""


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, and how far one may trust that nothing else is there."""

    found: tuple[WeakSlice, ...]
    """The highest score first, variants among them; of slices that are the same rows, the one with the fewest
    predicates."""
    searched: int
    """Slices looked at that have enough rows."""
    least: int
    """What enough rows are, in the part that was searched."""
    columns: tuple[str, ...]
    capped: tuple[tuple[str, str], ...]
    """Columns not searched in full, and why."""
    rows: int
    """Those with a loss; the others were left out."""
    left_out: int
    complete: bool
    """False where the search was cancelled."""

    @property
    def own(self) -> tuple[WeakSlice, ...]:
        """Those that are variants of no other."""
        return tuple(one for one in self.found if one.variant_of is None)


def find_slices(
    frame: pl.DataFrame,
    losses: Floats,
    *,
    columns: Sequence[str] | None = None,
    k: int = 10,
    level: int = DEEPEST,
    alpha: float = 0.95,
    support: float = 0.01,
    bins: Bins = "quantile",
    confirm: bool = True,
    seed: int = 0,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Search:
    """The `k` slices of up to `level` (3) predicates with the highest SliceLine scores, and their variants.

    Of the `POOL` * `k` highest scores: where the variants of few slices fill them, fewer than `k` others are told.
    `losses`: (rows,), none below 0; a row whose loss is NaN or infinite is left out. `columns`: those that the
    predicates may be about; default: all. `alpha`: how much the loss counts against the size. `support`: the
    share of the rows that a slice must have. `bins`: how numbers are cut. `progress` is told the share of the work
    done; when `cancelled` says so, the search ends with what it has. Raises `ValueError` for what cannot be.
    """
    if len(losses) != frame.height or not 1 <= level <= DEEPEST or (losses < 0).any():
        raise ValueError(f"a loss a row, none below 0, and 1 to {DEEPEST} predicates")
    usable = np.isfinite(losses)
    frame, losses = frame.filter(usable), losses[usable]
    encoded, capped = _encoded(frame, columns, bins, math.ceil(support * len(losses)))
    searched = _half(losses, seed) if confirm else np.ones(len(losses), dtype=np.bool_)
    least = max(LEAST, math.ceil(support * np.count_nonzero(searched)))
    codes, sought = [column.codes[searched] for column in encoded], losses[searched]
    found = top_slices(
        codes,
        sought,
        k=POOL * k,
        level=level,
        alpha=alpha,
        least=least,
        distinct=True,
        progress=progress,
        cancelled=cancelled,
    )
    capped += [(encoded[place].name, _ALONE) for place in found.alone]
    judges = ~searched if confirm else searched
    repeats = variants(found.best, codes, sought, k)
    best = found.best[: len(repeats)]
    weak = [_judged(one, encoded, losses, judges, confirm) for one in best]
    weak = [
        one if place is None else replace(one, variant_of=weak[place].expression)
        for one, place in zip(weak, repeats, strict=True)
    ]
    return Search(
        found=_confirmed(weak) if confirm else tuple(weak),
        searched=sum(found.valid),
        least=least,
        columns=tuple(column.name for column in encoded),
        capped=tuple(capped),
        rows=len(losses),
        left_out=int(np.count_nonzero(~usable)),
        complete=found.complete,
    )


def _confirmed(weak: Sequence[WeakSlice]) -> tuple[WeakSlice, ...]:
    """With what the other half says: of a variant only yes where it says so of what it is a variant of, too."""
    own = [one for one in weak if one.variant_of is None]
    proved = benjamini_hochberg([one.p for one in own], RATE)
    sure = {one.expression for one, yes in zip(own, proved, strict=True) if yes}
    others = [one for one in weak if one.variant_of in sure]
    proved = benjamini_hochberg([one.p for one in others], RATE)
    sure |= {one.expression for one, yes in zip(others, proved, strict=True) if yes}
    return tuple(replace(one, confirmed=one.expression in sure) for one in weak)


_ALONE = (
    f"searched alone: only the {COLUMNS} columns with the worst slices of their own are combined"
)


def _encoded(
    frame: pl.DataFrame, columns: Sequence[str] | None, bins: Bins, least: int
) -> tuple[list[Encoded], list[tuple[str, str]]]:
    encoded, capped = list[Encoded](), list[tuple[str, str]]()
    for name in frame.columns if columns is None else columns:
        column = encode(frame[name], bins=bins, least=least)
        if column is None:
            capped.append(
                (name, "not searched: the same in all rows, or of a type without predicates")
            )
            continue
        encoded.append(column)
        if column.left_out:
            what = f"{column.left_out} values beyond the {VALUES} most frequent are in no slice"
            capped.append((name, what))
    return encoded, capped


def _half(losses: Floats, seed: int) -> Truths:
    """(rows,): one of every two rows that are neighbours by loss, by chance."""
    rng = np.random.default_rng(seed)
    mixed = rng.permutation(len(losses))  # so that of equal losses none is first by its place
    order = mixed[np.argsort(losses[mixed], kind="stable")]
    first = rng.random((len(losses) + 1) // 2) < 0.5
    half = np.empty(len(losses), dtype=np.bool_)
    half[order[::2]] = first
    half[order[1::2]] = ~first[: len(losses) // 2]
    return half


def _judged(
    found: Found, encoded: Sequence[Encoded], losses: Floats, judges: Truths, confirm: bool
) -> WeakSlice:
    predicates = tuple(encoded[column].predicates[code - 1] for column, code in found.parts)
    inside = rows_of([column.codes for column in encoded], found.parts)
    within, outside = losses[inside & judges], losses[~inside & judges]
    loss = float(within.mean()) if len(within) else None
    rest = float(outside.mean()) if len(outside) else None
    weak = WeakSlice(
        expression=" and ".join(predicates),
        predicates=predicates,
        score=found.score,
        n=int(np.count_nonzero(inside)),
        judged=len(within),
        loss=loss,
        rest=rest,
        difference=None if loss is None or rest is None else loss - rest,
    )
    if not confirm or min(len(within), len(outside)) < 2:
        return weak
    zero_one = not losses[(losses != 0) & (losses != 1)].size
    low, high, p = (_fisher if zero_one else _welch)(within, outside)
    return replace(weak, low=low, high=high, p=p)


Tested = tuple[float | None, float | None, float | None]


def _fisher(within: Floats, outside: Floats) -> Tested:
    """Exact, given how many rows are wrong in all; the interval is Newcombe's."""
    wrong, others = float(within.sum()), float(outside.sum())
    p = _at_least(int(wrong), len(within), int(wrong + others), len(within) + len(outside))
    low, high = difference_of_proportions(
        (wrong, len(within)), (others, len(outside)), normal_quantile(0.95)
    )
    return low, high, p


def _at_least(hits: int, drawn: int, marked: int, rows: int) -> float:
    """The chance of so many marked rows, or more, among those drawn: the upper tail of the hypergeometric."""
    from scipy.special import gammaln, logsumexp

    def choices(of: Array | int, some: Array | int) -> Array:
        of, some = np.asarray(of), np.asarray(some)
        return np.asarray(gammaln(of + 1) - gammaln(some + 1) - gammaln(of - some + 1))

    tail = np.arange(hits, min(drawn, marked) + 1)
    terms = choices(marked, tail) + choices(rows - marked, drawn - tail) - choices(rows, drawn)
    return min(1.0, math.exp(float(logsumexp(terms))))


def _welch(within: Floats, outside: Floats) -> Tested:
    """Welch, Biometrika 34 (1947) 28."""
    from scipy.special import stdtr, stdtrit

    parts = [float(part.var(ddof=1)) / len(part) for part in (within, outside)]
    error = math.sqrt(sum(parts))
    apart = float(within.mean() - outside.mean())
    if error <= 1e-9 * abs(apart):
        return None, None, None
    free = sum(parts) ** 2 / sum(
        part * part / (len(rows) - 1) for part, rows in zip(parts, (within, outside), strict=True)
    )
    reach = float(stdtrit(free, 0.975)) * error
    return apart - reach, apart + reach, float(stdtr(free, -apart / error))
