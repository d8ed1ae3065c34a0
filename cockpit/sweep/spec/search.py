"""The samplers and pruners a spec may name, and their options.

Optuna is not imported here, so that a bad spec fails fast. Names, options and defaults are Optuna's
own (a test holds them together); what TOML cannot say (a function, a sampler inside a sampler) and
what Optuna has deprecated is left out.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, model_validator

from cockpit.sweep.spec.table import Table, bad_table, bad_value


def _resource(value: Any) -> int | str:
    if value == "auto" or (type(value) is int and value >= 1):
        return value  # type: ignore[no-any-return]
    raise bad_value('should be a whole number from 1 up, or "auto"')


def _points(value: Any) -> Any:
    rows = value if isinstance(value, list) else []
    numbers = [cell for row in rows if isinstance(row, list) for cell in row]
    whole = rows and all(isinstance(row, list) and len(row) == len(rows[0]) > 0 for row in rows)
    if not whole or not all(type(n) in (int, float) and math.isfinite(n) for n in numbers):
        raise bad_value("should be a list of points, as in [[1.0, 0.0], [0.5, 0.5]]")
    return tuple(tuple(map(float, row)) for row in rows)


Points = tuple[tuple[float, ...], ...]
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Resource = Annotated[int | str, PlainValidator(_resource)]


def _by_name(value: Any) -> Any:
    return {"name": value} if isinstance(value, str) else value


class Setting(Table):
    """A sampler or a pruner, by its name."""

    name: str

    @property
    def needs(self) -> tuple[str, ...]:
        """Modules that Optuna needs for it and does not bring along; the extra has its name."""
        return ()

    def given(self) -> dict[str, Any]:
        """The options the user wrote; Optuna knows the others."""
        names = sorted(self.model_fields_set - {"name"})
        return {name: getattr(self, name) for name in names}


class Tpe(Setting):
    name: Literal["tpe"] = "tpe"
    n_startup_trials: Count = 10
    n_ei_candidates: Positive = 24
    multivariate: bool | None = None
    group: bool = False
    constant_liar: bool = True

    @model_validator(mode="after")
    def _group_is_multivariate(self) -> Tpe:
        if self.group and self.multivariate is False:
            raise bad_table(
                "group = true needs multivariate = true, or multivariate left out", "group"
            )
        return self


class Random(Setting):
    name: Literal["random"]


class Gp(Setting):
    name: Literal["gp"]
    n_startup_trials: Count = 10
    deterministic_objective: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return ("scipy", "torch")


class CmaEs(Setting):
    name: Literal["cmaes"]
    n_startup_trials: Count = 1
    consider_pruned_trials: bool = False
    popsize: Annotated[int, Field(ge=2)] | None = None
    use_separable_cma: bool = False
    with_margin: bool = False
    lr_adapt: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return ("cmaes", "scipy") if self.with_margin else ("cmaes",)

    @model_validator(mode="after")
    def _is_one_kind(self) -> CmaEs:
        kinds = ("use_separable_cma", "with_margin", "lr_adapt")
        chosen = [kind for kind in kinds if getattr(self, kind)]
        if len(chosen) > 1:
            text = f"{chosen[0]} and {chosen[1]} cannot go together; keep one of them"
            raise bad_table(text, chosen[1])
        return self


class Uniform(Setting):
    name: Literal["uniform"]
    swapping_prob: Share = 0.5


class BlxAlpha(Setting):
    name: Literal["blxalpha"]
    alpha: Annotated[float, Field(ge=0)] = 0.5


class Sbx(Setting):
    name: Literal["sbx"]
    eta: Annotated[float, Field(ge=0)] | None = None
    uniform_crossover_prob: Share = 0.5
    use_child_gene_prob: Annotated[float, Field(gt=0, le=1)] = 0.5


class Vsbx(Setting):
    name: Literal["vsbx"]
    eta: Annotated[float, Field(ge=0)] | None = None
    uniform_crossover_prob: Share = 0.5
    use_child_gene_prob: Annotated[float, Field(gt=0, le=1)] = 0.5


class Spx(Setting):
    name: Literal["spx"]
    epsilon: Annotated[float, Field(ge=0)] | None = None


class Undx(Setting):
    name: Literal["undx"]
    sigma_xi: Annotated[float, Field(ge=0)] = 0.5
    sigma_eta: Annotated[float, Field(ge=0)] | None = None


class Polynomial(Setting):
    name: Literal["polynomial"]
    eta: Annotated[float, Field(ge=0)] = 20.0


CrossoverSetting = Annotated[
    Annotated[Uniform | BlxAlpha | Sbx | Spx | Undx | Vsbx, Field(discriminator="name")],
    BeforeValidator(_by_name),
]
MutationSetting = Annotated[
    Annotated[Polynomial, Field(discriminator="name")], BeforeValidator(_by_name)
]


class Genetic(Setting):
    population_size: Annotated[int, Field(ge=2)] = 50
    mutation: MutationSetting | None = None
    """None: a parameter that mutates is drawn anew."""
    mutation_prob: Share | None = None
    crossover: CrossoverSetting | None = None
    """None: uniform, with `swapping_prob`."""
    crossover_prob: Share = 0.9
    swapping_prob: Share = 0.5

    @model_validator(mode="after")
    def _has_enough_parents(self) -> Genetic:
        needed = 3 if isinstance(self.crossover, Spx | Undx) else 2
        if self.population_size < needed:
            text = (
                f"crossover {self.crossover and self.crossover.name} needs a population_size of 3"
            )
            raise bad_table(text, "population_size")
        return self


class NsgaII(Genetic):
    name: Literal["nsgaii"]


class NsgaIII(Genetic):
    name: Literal["nsgaiii"]
    reference_points: Annotated[Points | None, BeforeValidator(_points)] = None
    """A point an objective wide each; None: spread evenly by `dividing_parameter`."""
    dividing_parameter: Positive = 3


class Qmc(Setting):
    name: Literal["qmc"]
    qmc_type: Literal["sobol", "halton"] = "sobol"
    scramble: bool = False

    @property
    def needs(self) -> tuple[str, ...]:
        return ("scipy",)


class Grid(Setting):
    name: Literal["grid"]


class BruteForce(Setting):
    name: Literal["brute_force"]
    avoid_premature_stop: bool = False


class Median(Setting):
    name: Literal["median"] = "median"
    n_startup_trials: Count = 5
    n_warmup_steps: Count = 0
    interval_steps: Positive = 1
    n_min_trials: Positive = 1


class Percentile(Setting):
    name: Literal["percentile"]
    percentile: Annotated[float, Field(ge=0, le=100)]
    n_startup_trials: Count = 5
    n_warmup_steps: Count = 0
    interval_steps: Positive = 1
    n_min_trials: Positive = 1


class Hyperband(Setting):
    name: Literal["hyperband"]
    min_resource: Positive = 1
    max_resource: Resource = "auto"
    reduction_factor: Annotated[int, Field(ge=2)] = 3
    bootstrap_count: Count = 0

    @model_validator(mode="after")
    def _bootstrap_needs_a_maximum(self) -> Hyperband:
        if self.bootstrap_count and self.max_resource == "auto":
            raise bad_table(
                'bootstrap_count needs a max_resource other than "auto"', "bootstrap_count"
            )
        return self

    @model_validator(mode="after")
    def _has_a_bracket(self) -> Hyperband:
        if isinstance(self.max_resource, int) and self.max_resource < self.min_resource:
            text = f"max_resource {self.max_resource} is below min_resource {self.min_resource}"
            raise bad_table(f"{text}, so that nothing would be pruned", "max_resource")
        return self


class SuccessiveHalving(Setting):
    name: Literal["successive_halving"]
    min_resource: Resource = "auto"
    reduction_factor: Annotated[int, Field(ge=2)] = 4
    min_early_stopping_rate: Count = 0
    bootstrap_count: Count = 0

    @model_validator(mode="after")
    def _bootstrap_needs_a_minimum(self) -> SuccessiveHalving:
        if self.bootstrap_count and self.min_resource == "auto":
            raise bad_table(
                'bootstrap_count needs a min_resource other than "auto"', "bootstrap_count"
            )
        return self


class Patient(Setting):
    name: Literal["patient"]
    patience: Count
    min_delta: Annotated[float, Field(ge=0)] = 0.0
    wrapped: PrunerSetting | None = None
    """Asked only once the patience is over; without it a trial that has stalled is pruned."""


class Threshold(Setting):
    name: Literal["threshold"]
    lower: float | None = None
    upper: float | None = None
    n_warmup_steps: Count = 0
    interval_steps: Positive = 1

    @model_validator(mode="after")
    def _has_a_bound(self) -> Threshold:
        if self.lower is None and self.upper is None:
            raise bad_table("pruner threshold needs lower, upper or both")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise bad_table(f"lower {self.lower} is above upper {self.upper}", "lower")
        return self


class Wilcoxon(Setting):
    name: Literal["wilcoxon"]
    p_threshold: Share = 0.1
    n_startup_steps: Count = 2

    @property
    def needs(self) -> tuple[str, ...]:
        return ("scipy",)


class NoPruner(Setting):
    name: Literal["none"]


AnySampler = Tpe | Random | Gp | CmaEs | NsgaII | NsgaIII | Qmc | Grid | BruteForce
AnyPruner = (
    Median | Percentile | Hyperband | SuccessiveHalving | Patient | Threshold | Wilcoxon | NoPruner
)
SamplerSetting = Annotated[
    Annotated[AnySampler, Field(discriminator="name")], BeforeValidator(_by_name)
]
PrunerSetting = Annotated[
    Annotated[AnyPruner, Field(discriminator="name")], BeforeValidator(_by_name)
]
Patient.model_rebuild()

SAMPLERS: tuple[type[Setting], ...] = (
    Tpe, Random, Gp, CmaEs, NsgaII, NsgaIII, Qmc, Grid, BruteForce,
)  # fmt: skip
PRUNERS: tuple[type[Setting], ...] = (
    Median, Percentile, Hyperband, SuccessiveHalving, Patient, Threshold, Wilcoxon, NoPruner,
)  # fmt: skip
CROSSOVERS: tuple[type[Setting], ...] = (Uniform, BlxAlpha, Sbx, Spx, Undx, Vsbx)
MUTATIONS: tuple[type[Setting], ...] = (Polynomial,)
