"""Runs of one config with different seeds: what they have in common is a mean, and how far it may be off. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

from cockpit import format as fmt
from cockpit.compare import is_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cockpit.compare import Comparison
    from storage.runs import RunDetail

SEED = "seed"
METRICS = ("metrics", "evaluation", "kpis")
"""The groups of a comparison whose values are worth a mean."""


@dataclass(frozen=True, slots=True)
class Mean:
    """Of a metric over seeds."""

    group: str
    metric: str
    mean: float
    low: float
    high: float
    """Student's t interval."""
    n: int
    """Seeds."""


@dataclass(frozen=True, slots=True)
class Seeded:
    """Runs alike in params, data and code, each with another seed."""

    runs: tuple[int, ...]
    """Their places in the comparison."""
    seeds: tuple[Any, ...]
    means: tuple[Mean, ...]


def seeded(
    found: Comparison, details: Sequence[RunDetail], confidence: float = 0.95
) -> tuple[Seeded, ...]:
    """The configs of which the comparison has several seeds; `details` are those of its runs, in their order."""
    groups: list[tuple[Any, list[int]]] = []
    for place, one in enumerate(details):
        config = _config(one)
        alike = next((places for other, places in groups if other == config), None)
        if alike is None:
            groups.append((config, [place]))
        elif seed_of(one) not in [seed_of(details[other]) for other in alike]:
            alike.append(place)
    told = [places for _, places in groups if len(places) > 1]
    return tuple(
        Seeded(
            tuple(places),
            tuple(seed_of(details[place]) for place in places),
            tuple(_means(found, places, confidence)),
        )
        for places in told
        if all(seed_of(details[place]) is not None for place in places)
    )


def seed_of(one: RunDetail) -> Any:
    """The param `seed` of a run, else the seed that it was started with; None where it has none."""
    return one.run.params.get(SEED, one.provenance.get(SEED))


def seed_lines(
    found: Sequence[Seeded], names: Sequence[str], confidence: float = 0.95
) -> list[str]:
    """`income#0 and other#0 differ by their seed alone: auc 0.9261 ± 0.0012, …`."""
    lines = []
    for one in found:
        runs = fmt.listed([fmt.plain(names[place]) for place in one.runs])
        means = ", ".join(
            f"{fmt.plain(each.metric)} {fmt.number(each.mean, keep_zeros=True)}"
            f" ± {fmt.number(float(f'{each.high - each.mean:.2g}'))}"
            for each in one.means
        )
        if means:
            lines.append(
                f"{runs} differ in their seed alone: {means}"
                f" (mean of {len(one.runs)} seeds, {100 * confidence:g} %)"
            )
    return lines


def _config(one: RunDetail) -> Any:
    known = one.provenance
    git = known.get("git") or {}
    data = known.get("data") or {}
    return (
        {name: value for name, value in one.run.params.items() if name != SEED},
        {name: file["digest"] for name, file in data.items()},
        (git.get("commit"), (git.get("diff") or {}).get("digest")),
    )


def _means(found: Comparison, places: Sequence[int], confidence: float) -> list[Mean]:
    from cockpit.evaluate.significance import over_seeds

    means: list[Mean] = []
    for row in found.rows:
        values = [row.values[place] for place in places]
        if row.group not in METRICS or not all(is_number(v) and isfinite(v) for v in values):
            continue
        if row.group == "metrics" and not row.direction:
            continue
        mean, low, high = over_seeds(values, confidence)
        if mean is not None and low is not None and high is not None:
            # "on adult-eval@v1, 16,281 rows"
            where = f" {row.title.partition(',')[0]}" if row.group == "evaluation" else ""
            means.append(Mean(row.group, row.name + where, mean, low, high, len(values)))
    return means
