"""What the screens ask about runs on evaluation sets, and what comes back: nothing heavy, nothing that changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cockpit.evaluate.slices import SliceTable
    from storage.expressions.terms import Kind


@dataclass(frozen=True, slots=True)
class Asked:
    """Which runs are to be scored, and how."""

    runs: tuple[str, ...]
    """Ids; the base among them."""
    base: str | None = None
    on: str | None = None
    """The evaluation set, as `storage.datasets.find` takes it; None: what cockpit.toml says."""
    metric: str | None = None
    """Or a KPI; None: the first one."""
    more: tuple[str, ...] = ()
    """Conditions that are slices besides those of cockpit.toml."""


@dataclass(frozen=True, slots=True)
class Other:
    """A dataset that an evaluation set could take rows from, or give rows to."""

    label: str
    name: str
    rows: int | None
    evaluation: bool


@dataclass(frozen=True, slots=True)
class Rows:
    """A window onto the rows of a slice, the worst answered first."""

    set: str
    """The evaluation set's version."""
    columns: tuple[str, ...]
    """The key, or `row`; what is right and what was answered; `loss`; then the others."""
    numeric: tuple[bool, ...]
    fixed: int
    """How many of the columns say which row it is and how it was answered."""
    key: int
    """How many of them name the row."""
    values: tuple[tuple[Any, ...], ...]
    offset: int
    of: int
    """Rows in the slice."""
    loss: str
    """What is meant by worse."""
    others: tuple[Other, ...] = ()
    """Data of the same columns as the set's."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Runs on an evaluation set, or why there is nothing to show."""

    problem: str = ""
    """A sentence on why nothing can be shown."""
    lacking: str = ""
    """What there has to be first: a `set`, `runs` that are meant, `predictions` of these runs, or of `any` run."""
    set: str = ""
    """The version that is shown: `adult-eval@v4`."""
    name: str = ""
    rows: int = 0
    sets: tuple[str, ...] = ()
    """The versions that can be shown instead, this one among them."""
    metric: str = ""
    metrics: tuple[str, ...] = ()
    direction: str = "maximize"
    unit: str = ""
    table: SliceTable | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    """Of the runs, by id."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """By a run's id, why it cannot be compared here and what to do."""
    notes: tuple[str, ...] = ()
    """What was derived, and of which runs."""
    slices: Mapping[str, str] = field(default_factory=dict)
    """Those of cockpit.toml."""
    broken: Mapping[str, str] = field(default_factory=dict)
    """By slice, what is wrong with it."""
    columns: Mapping[str, Kind] = field(default_factory=dict)
    values: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The most frequent texts of each column of texts."""
    others: tuple[Other, ...] = ()
