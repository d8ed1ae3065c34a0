"""What `cockpit.toml` may say of a project: its data and their contracts, slices, KPIs, how runs are judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path  # noqa: TC003
from typing import Annotated, Literal

from pydantic import Field

from cockpit.sweep.spec.table import Table

Scalar = bool | int | float | str
Share = Annotated[float, Field(ge=0, le=1)]


class ColumnRule(Table):
    """`[data.NAME.contract.columns.COLUMN]`: what one column must be like."""

    type: Literal["int", "float", "bool", "text", "date", "time"] | None = None
    min: float | str | None = None
    """Inclusive; a date or a time as ISO text."""
    max: float | str | None = None
    allowed: tuple[Scalar, ...] | None = None
    pattern: str | None = None
    """A regular expression that the whole text matches."""
    nulls: bool | Share = True
    """`false`: none; a share: so many at most."""
    unique: bool = False
    unit: str | None = None
    """Shown beside the column."""


class Fresh(Table):
    """`fresh = { column = "seen_at", within = "7d" }`: the newest row may be so old."""

    column: str
    within: str
    """As spec files write a time: `90s`, `12h`, `7d`."""


class Contract(Table):
    """`[data.NAME.contract]`."""

    check: Literal["off", "warn", "stop"] = "stop"
    """What a sweep does that would start on data that break it."""
    columns: Mapping[str, ColumnRule] = Field(default_factory=dict)
    others: bool = True
    """Whether columns may be there that `columns` does not name."""
    rules: Mapping[str, str] = Field(default_factory=dict)
    """Named conditions over a row's columns that must hold; one that is missing a value holds not."""
    fresh: Fresh | None = None


class DataTable(Table):
    """`[data.NAME]`: a dataset of the project."""

    path: str
    """A file or a pattern (`rows/*.parquet`), from the folder of cockpit.toml."""
    key: tuple[str, ...] = ()
    """Columns that name a row; without, a row is named by its place."""
    target: str | None = None
    """The column of the right answers."""
    positive: Scalar | None = None
    """Of two labels, the one that counts as 1."""
    ignore: tuple[str, ...] = ()
    """Columns that are no features."""
    evaluation: bool = False
    """Whether runs are scored on it; its versions are then kept in the store."""
    contract: Contract | None = None


class Kpi(Table):
    """`[kpis.NAME]`, or its expression alone as a text."""

    expression: str
    """An aggregate over the columns of the evaluation set, `y_true`, `y_pred` and `y_score`."""
    direction: Literal["maximize", "minimize"] = "maximize"
    unit: str | None = None


class ModelTable(Table):
    """`[models.NAME]`: what a version must hold to become what an alias means."""

    on: str | None = None
    """The evaluation set it is judged on; default: that of `[evaluation]`, or the only one."""
    gates: tuple[str, ...] | Mapping[str, str]
    """Comparisons that must hold, in a list or each under a name: see storage.expressions.gates."""
    rules: tuple[str, ...] = ()
    """What goes before the model's own answer, the first that holds: `when age < 18 then 0`."""

    @property
    def named(self) -> Mapping[str, str]:
        """The gates by their names; one that has none is its own."""
        return (
            self.gates if isinstance(self.gates, Mapping) else {gate: gate for gate in self.gates}
        )


class EvaluationTable(Table):
    """`[evaluation]`: how runs are judged."""

    on: str | None = None
    """The evaluation set meant where none is named; default: the only one there is."""
    metrics: tuple[str, ...] = ()
    """Built-in metrics, the first of them the one that counts; default: those of the task."""
    margins: Mapping[str, Annotated[float, Field(gt=0)]] = Field(default_factory=dict)
    """By metric or KPI, the difference that does not matter in practice."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    rows: Annotated[int, Field(ge=1)] = 30
    """A slice with fewer rows is shown and not judged."""


@dataclass(frozen=True, slots=True)
class Project:
    """What cockpit.toml says; all of it empty where there is none."""

    folder: Path
    """Where its relative paths begin."""
    path: Path | None = None
    """The file; None where there is none."""
    text: str = ""
    data: Mapping[str, DataTable] = field(default_factory=dict)
    evaluation: EvaluationTable = field(default_factory=EvaluationTable)
    kpis: Mapping[str, Kpi] = field(default_factory=dict)
    slices: Mapping[str, str] = field(default_factory=dict)
    """By name, a condition over the columns of the evaluation set."""
    models: Mapping[str, ModelTable] = field(default_factory=dict)
