"""Which data a model was trained on, as its run recorded them, and how far an evaluation set has moved from them.

A run records the digest of each of its data (`[data]` of its sweep, by name); evaluation sets among them are no
training data. Rows are read where the content still lies; else the profile that the store keeps of a version does
for PSI and Jensen-Shannon, in the bins of its histogram, or by its frequent values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from cockpit.data.columns import ColumnProfile
    from cockpit.data.effects import Counts, Effect
    from cockpit.evaluate.evaluation import EvaluationSet
    from cockpit.project.model import Project
    from storage.datasets import Version
    from storage.layout import Layout

LEAST = 0.05
"""Share of the old rows that a bin of a kept histogram has at least; its neighbours are taken to it."""


@dataclass(frozen=True, slots=True)
class Trained:
    """What a model was trained on, as far as it is known."""

    versions: tuple[Version, ...] = ()
    why: str = "its run recorded no data: name them in [data] of the sweep"
    """Why there is none."""


@dataclass(frozen=True, slots=True)
class Moved:
    """How far a column of the evaluation set is from a column of the training data."""

    value: float
    column: str
    note: str


def trained_on(
    data: Mapping[str, str], there: Sequence[Version], on: Version, project: Project
) -> Trained:
    """The versions behind the data that a run recorded, digests by name, but for evaluation sets."""
    sets = {on.name, *(name for name, table in project.data.items() if table.evaluation)}
    others = {name: digest for name, digest in data.items() if name not in sets}
    # The set itself under another name counts only where there is nothing else.
    asked = {name: digest for name, digest in others.items() if digest != on.digest} or others
    if not asked:
        if not data:
            return Trained()
        named = ", ".join(sorted(data))
        return Trained((), f"its run recorded no data but evaluation sets ({named})")
    found: list[Version] = []
    for name, digest in asked.items():
        alike = [one for one in there if one.digest == digest]
        alike.sort(key=lambda one: one.name != name)
        if not alike:
            return Trained((), f"the store knows nothing of {name}, {digest[:19]}…")
        found.append(alike[0])
    return Trained(tuple(found), "")


def moved(
    layout: Layout, project: Project, on: EvaluationSet, trained: Trained, effect: str
) -> Iterator[Moved]:
    """The effect (`psi`, `js`, `ks`) of each feature that the set shares with the training data.

    Raises `DataGone` where neither rows nor a profile that would do are kept, and `DataError`.
    """
    from cockpit.data.contract import features_of
    from cockpit.data.files import DataGone
    from cockpit.data.versions import open_version

    table = project.data.get(on.version.name)
    there = on.frame.columns
    features = set(features_of(table, there) if table else there) - {on.target, *on.key}
    for version in trained.versions:
        where = f"{version.label} against {on.version.label}"
        try:
            old = open_version(layout, version)
            found = _by_rows(old, on.frame, features, effect)
        except DataGone:
            profile = _profile(version)
            if effect == "ks" or not profile:
                raise
            where = f"{where}, by its kept profile"
            found = _by_profile(profile, on.frame, features, effect)
        for name, measured in found:
            yield Moved(measured.value, name, f"{name}, {where}")


def _by_rows(
    old: pl.LazyFrame, new: pl.DataFrame, features: set[str], effect: str
) -> Iterator[tuple[str, Effect]]:
    from cockpit.data.drift import drift

    shared = [name for name in old.collect_schema().names() if name in features]
    if not shared:
        return
    for column in drift(old, new.lazy(), columns=shared).columns:
        if (measured := column.effect(effect)) is not None:
            yield column.name, measured


def _profile(version: Version) -> tuple[ColumnProfile, ...]:
    from cockpit.data.columns import from_facts

    return from_facts(version.facts)


def _by_profile(
    old: Sequence[ColumnProfile], new: pl.DataFrame, features: set[str], effect: str
) -> Iterator[tuple[str, Effect]]:
    from cockpit.data.effects import jensen_shannon, psi

    measure = psi if effect == "psi" else jensen_shannon
    for column in old:
        if column.name not in features:
            continue
        counts = _counts(column, new[column.name])
        if counts is not None and len(counts[0]) > 1 and counts[0].sum() and counts[1].sum():
            yield column.name, measure(*counts)


def _counts(old: ColumnProfile, new: pl.Series) -> tuple[Counts, Counts] | None:
    """Counts of old and new rows in the same bins; None where the profile says too little."""
    if old.type in ("int", "float") and new.dtype.is_numeric():
        return _binned(old, new) if len(old.counts) > 1 else None
    if old.type not in ("text", "bool") or not old.top or new.dtype.is_numeric():
        return None
    values = [_word(value) for value, _ in old.top]
    found = new.drop_nulls().cast(pl.String).str.to_lowercase() if old.type == "bool" else None
    found = new.drop_nulls().cast(pl.String) if found is None else found
    after = [int((found == value).sum()) for value in values]
    before = [count for _, count in old.top]
    rest = max(0, old.rows - old.nulls - sum(before)), found.len() - sum(after)
    if any(rest):
        before, after = [*before, rest[0]], [*after, rest[1]]
    return np.array(before, dtype=np.int64), np.array(after, dtype=np.int64)


def _word(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _binned(old: ColumnProfile, new: pl.Series) -> tuple[Counts, Counts]:
    values = new.cast(pl.Float64).fill_nan(None).drop_nulls().to_numpy()
    before = np.array(old.counts, dtype=np.int64)
    places = np.searchsorted(np.array(old.edges[1:-1], dtype=np.float64), values, side="right")
    after = np.bincount(places, minlength=len(before)).astype(np.int64)
    parts = np.cumsum(before) / max(1, before.sum()) // LEAST
    _, starts = np.unique(np.append(-1, parts[:-1]), return_index=True)
    return np.add.reduceat(before, starts), np.add.reduceat(after, starts)
