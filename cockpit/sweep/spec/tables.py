"""The tables of a spec: [sweep], [run], [limits], [executor]; people keep these files for years."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel, model_validator

from cockpit.sweep.spec.params import ParamsTable
from cockpit.sweep.spec.search import CmaEs, NoPruner, PrunerSetting, SamplerSetting, Tpe
from cockpit.sweep.spec.table import Table, bad_table, bad_value

TRIALS = 30
"""How many trials a sweep has that does not say."""

_DURATION = re.compile(
    r"(?:(?P<h>\d+(?:\.\d+)?)h)?\s*(?:(?P<m>\d+(?:\.\d+)?)m)?\s*(?:(?P<s>\d+(?:\.\d+)?)s)?"
)
_FUNCTION = re.compile(r"(?P<place>.+):(?P<name>[^:]+)")


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


def _sweep_name(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if not value or value != value.strip() or not value.isprintable() or len(value) > 100:
        raise bad_value("should be 1 to 100 visible characters, without a blank at either end")
    if value.startswith("-") or set(value) & set("#/\\"):
        raise bad_value("should have no #, / or \\ in it, nor - at its start; set [sweep] name")
    return value


def seconds(value: Any) -> Any:
    """`90`, `"90s"`, `"10m"`, `"1h30m"` → seconds."""
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        parts = found.groupdict() if found and value.strip() else {}
        value = sum(
            float(parts[unit]) * size
            for unit, size in (("h", 3600), ("m", 60), ("s", 1))
            if parts.get(unit)
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise bad_value('should be a time such as "10m", "90s" or "1h30m", or a number of seconds')
    return float(value)


def _function(value: Any) -> Any:
    if isinstance(value, str):
        found = _FUNCTION.fullmatch(value)
        if not found or not found["name"].isidentifier():
            raise bad_value('should name a file and a function in it, as in "train.py:train"')
    return value


class SweepTable(Table):
    """What is sought, and how."""

    name: Annotated[str, BeforeValidator(_sweep_name)]
    metrics: Annotated[tuple[str, ...], BeforeValidator(_metrics)] = Field(
        ("value",), alias="metric"
    )
    """What the function returns, the objectives; also the names its reports go by."""
    directions: Annotated[
        tuple[Literal["maximize", "minimize"], ...], BeforeValidator(_one_or_several)
    ] = Field(("minimize",), alias="direction")
    """One for each metric."""
    trials: int = Field(TRIALS, ge=1)
    sampler: SamplerSetting = Tpe()
    pruner: PrunerSetting | None = None
    """None: median where there is one metric, no pruning where there are several."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] | None = None

    @property
    def pruner_name(self) -> str:
        if self.pruner is not None:
            return self.pruner.name
        return "median" if len(self.metrics) == 1 else "none"

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
    def _several_metrics_can_be_searched(self) -> SweepTable:
        if len(self.metrics) > 1 and isinstance(self.sampler, CmaEs):
            text = 'sampler = "cmaes" is for one metric; "nsgaii" and "tpe" take several'
            raise bad_table(text, "sampler")
        if len(self.metrics) > 1 and not isinstance(self.pruner, NoPruner | None):
            text = f'pruner = "{self.pruner_name}" is for one metric; leave it out with several'
            raise bad_table(text, "pruner")
        return self


class RunTable(Table):
    """The user's code, and the interpreter it runs under."""

    function: Annotated[str, BeforeValidator(_function)]
    """`file.py:name`, the file relative to the spec."""
    python: str | None = None
    """As written in the file; `Spec.python` is the interpreter itself."""

    @property
    def place(self) -> str:
        """The file (or the module) that has the function."""
        return self.function.rpartition(":")[0]

    @property
    def name(self) -> str:
        """The function in it."""
        return self.function.rpartition(":")[2]


class DataTable(RootModel[dict[str, str]]):
    """Data files by name."""


class LimitsTable(Table):
    """When a trial is ended from outside."""

    timeout: Annotated[float, BeforeValidator(seconds)] | None = None
    """Seconds."""


class ExecutorTable(Table):
    """Where trials run."""

    workers: Annotated[int, Field(ge=1, le=1024)] = 1


TABLES: dict[str, type[Table] | type[RootModel[Any]]] = {
    "sweep": SweepTable,
    "run": RunTable,
    "params": ParamsTable,
    "data": DataTable,
    "limits": LimitsTable,
    "executor": ExecutorTable,
}
