"""[sweep]: what is sought, how, and when that is enough."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from cockpit.sweep.spec.limit import Limit, limits
from cockpit.sweep.spec.search import CmaEs, NoPruner, NsgaIII, PrunerSetting, SamplerSetting, Tpe
from cockpit.sweep.spec.table import Table, bad_table, bad_value
from cockpit.sweep.spec.units import seconds

TRIALS = 30
"""How many trials a sweep has that does not say when to end."""
NAME_LENGTH = 100
EXHAUSTIVE = ("grid", "brute_force")
"""Samplers that try every point once, so that no other may come between."""


def _one_or_several(value: Any) -> Any:
    if isinstance(value, str):
        return (value,)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_value("should be text, or a list of texts")
    if not value:
        raise bad_value("is empty; name at least one")
    return tuple(value)


def _metrics(value: Any) -> Any:
    names = _one_or_several(value)
    for place, name in enumerate(names):
        if not name.strip() or not name.isprintable():
            raise bad_value("should hold names of visible characters")
        if name in names[:place]:
            raise bad_value(f'names "{name}" more than once; keep one')
    return names


def sweep_name(value: Any) -> Any:
    """A name that a shell, a file and `SWEEP#NUMBER` can hold."""
    if not isinstance(value, str):
        return value
    if not value or value != value.strip() or not value.isprintable() or len(value) > NAME_LENGTH:
        raise bad_value("should be 1 to 100 visible characters, without a blank at either end")
    if value.startswith("-") or set(value) & set("#/\\"):
        raise bad_value("should have no #, / or \\ in it, nor - at its start; set [sweep] name")
    return value


class SweepTable(Table):
    """What is sought, and how."""

    name: Annotated[str, BeforeValidator(sweep_name)]
    metrics: Annotated[tuple[str, ...], BeforeValidator(_metrics)] = Field(
        ("value",), alias="metric"
    )
    """What the code returns or prints, the objectives; also the names its reports go by."""
    directions: Annotated[
        tuple[Literal["maximize", "minimize"], ...], BeforeValidator(_one_or_several)
    ] = Field(("minimize",), alias="direction")
    """One for each metric."""
    time: Annotated[float, BeforeValidator(seconds)] | None = None
    """Seconds, after which nothing more is asked for."""
    patience: Annotated[int, Field(ge=1)] | None = None
    """Trials, whatever came of them, without a better one, after which nothing more is asked for."""
    trials: Annotated[int, Field(ge=1)] | None = TRIALS
    """None: as many as `time` and `patience` let be."""
    sampler: SamplerSetting = Tpe()
    pruner: PrunerSetting | None = None
    """None: median where there is one metric, no pruning where there are several."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] | None = None
    duplicates: Literal["run", "skip"] = "run"
    """`skip`: a point that was told before is not run again."""
    baseline: bool = True
    """Whether the default point, or the baseline of [run], runs first."""
    constraints: Annotated[tuple[Limit, ...], BeforeValidator(limits)] = ()

    @property
    def pruner_name(self) -> str:
        if self.pruner is not None:
            return self.pruner.name
        return "median" if len(self.metrics) == 1 else "none"

    @model_validator(mode="before")
    @classmethod
    def _another_budget_is_enough(cls, table: Any) -> Any:
        if isinstance(table, dict) and "trials" not in table and {"time", "patience"} & set(table):
            return {**table, "trials": None}
        return table

    @model_validator(mode="after")
    def _each_metric_has_a_direction(self) -> SweepTable:
        metrics, directions = len(self.metrics), len(self.directions)
        if metrics != directions:
            text = f"{metrics} metric{'s' * (metrics > 1)} but {directions} direction"
            text += f"{'s' * (directions > 1)}; give one direction for each metric, in a list"
            raise bad_table(
                text, "direction" if "directions" in self.model_fields_set else "metric"
            )
        return self

    @model_validator(mode="after")
    def _reference_points_fit(self) -> SweepTable:
        points = self.sampler.reference_points if isinstance(self.sampler, NsgaIII) else None
        if points and len(points[0]) != len(self.metrics):
            text = f"reference_points have {len(points[0])} numbers each, for {len(self.metrics)}"
            raise bad_table(f"{text} metrics; give one number for each metric", "sampler")
        return self

    @model_validator(mode="after")
    def _several_metrics_can_be_searched(self) -> SweepTable:
        if len(self.metrics) == 1:
            return self
        if isinstance(self.sampler, CmaEs):
            text = 'sampler = "cmaes" is for one metric; "nsgaii" and "tpe" take several'
            raise bad_table(text, "sampler")
        if not isinstance(self.pruner, NoPruner | None):
            text = f'pruner = "{self.pruner_name}" is for one metric; leave it out with several'
            raise bad_table(text, "pruner")
        if self.patience is not None:
            text = "patience is for one metric, which has one best; set trials or time with several"
            raise bad_table(text, "patience")
        return self
