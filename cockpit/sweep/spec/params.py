"""The search space of a spec: what [params] may declare."""

from __future__ import annotations

import json
import math
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field, RootModel, model_validator

from cockpit.sweep.spec.table import Table, bad_table, bad_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Whole = Annotated[int, Field(ge=-(2**53), le=2**53)]
"""Optuna keeps every number as a float, exact up to here."""
Choice = bool | int | float | str


class FloatParam(Table):
    type: Literal["float"]
    low: float
    high: float
    log: bool = False
    step: Annotated[float, Field(gt=0)] | None = None
    default: float | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> FloatParam:
        _check_range(self.low, self.high, self.log, self.step)
        _check_default(self)
        return self


class IntParam(Table):
    type: Literal["int"]
    low: Whole
    high: Whole
    log: bool = False
    step: Annotated[int, Field(gt=0)] = 1
    default: Whole | None = None

    @model_validator(mode="after")
    def _is_a_range(self) -> IntParam:
        step = self.step if "step" in self.model_fields_set else None
        _check_range(self.low, self.high, self.log, step)
        _check_default(self)
        return self


def _choices(value: Any) -> Any:
    if not isinstance(value, list):
        raise bad_value('should be a list, as in ["a", "b"]')
    if not value:
        raise bad_value("is empty; give at least one choice")
    for place, item in enumerate(value):
        if not isinstance(item, bool | int | float | str):
            raise bad_value("should hold only text, numbers, true and false")
        if isinstance(item, float) and not math.isfinite(item):
            raise bad_value("should hold only finite numbers")
        if item in value[:place]:  # 1, 1.0 and true are one value to Python, and to Optuna
            before = value[value.index(item)]
            if type(before) is type(item):
                raise bad_value(f"holds {shown([item])} more than once; keep one")
            raise bad_value(
                f"holds {shown([before])} and {shown([item])}, which are one value; keep one"
            )
    return tuple(value)


def _scalar(value: Any) -> Any:
    if not isinstance(value, bool | int | float | str):
        raise bad_value("should be one of the choices")
    return value


class CategoricalParam(Table):
    type: Literal["categorical"]
    choices: Annotated[tuple[Choice, ...], BeforeValidator(_choices)]
    default: Annotated[Any, BeforeValidator(_scalar)] = None

    @model_validator(mode="after")
    def _has_the_default(self) -> CategoricalParam:
        _check_default(self)
        return self


class BoolParam(Table):
    type: Literal["bool"]
    default: bool | None = None


Param = FloatParam | IntParam | CategoricalParam | BoolParam
PARAMS: tuple[type[Table], ...] = (FloatParam, IntParam, CategoricalParam, BoolParam)


class ParamsTable(RootModel[dict[str, Annotated[Param, Field(discriminator="type")]]]):
    """Parameters by name, in the order of the file."""


def outside(param: Param, value: Any) -> str | None:
    """What is wrong with a value for the parameter, after `name = value`; None where it fits."""
    match param:
        case CategoricalParam():
            fits = any(value == each and type(value) is type(each) for each in param.choices)
            return None if fits else f"is not one of the choices {shown(param.choices)}"
        case BoolParam():
            return None if isinstance(value, bool) else "should be true or false"
    kinds = int if isinstance(param, IntParam) else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds):
        return f"should be a {'whole ' * isinstance(param, IntParam)}number"
    if not param.low <= value <= param.high:  # NaN too
        return f"is not within low {param.low} and high {param.high}"
    nearest = _nearest_step(param, value)
    return None if nearest == value else f"is not on a step; the nearest is {nearest}"


def _nearest_step(param: FloatParam | IntParam, value: float) -> float:
    if param.step is None or (param.step == 1 and isinstance(param, IntParam)):
        return value
    low, by, given = (Decimal(str(number)) for number in (param.low, param.step, value))
    on = low + by * ((given - low) / by).to_integral_value()
    return int(on) if isinstance(param, IntParam) else float(on)


def shown(choices: Iterable[Choice]) -> str:
    """Choices as they stand in TOML."""
    return ", ".join(json.dumps(each, ensure_ascii=False) for each in choices)


def _check_default(param: Param) -> None:
    if param.default is None:
        return
    wrong = outside(param, param.default)
    if wrong:
        raise bad_table(
            f"default {json.dumps(param.default, ensure_ascii=False)} {wrong}", "default"
        )


def _check_range(low: float, high: float, log: bool, step: float | None) -> None:
    """Holds Optuna's own rules, before Optuna is there to say them."""
    if low > high:
        raise bad_table(f"low {low} is above high {high}", "low")
    if not math.isfinite(high - low):
        raise bad_table(f"the range {low} to {high} is too wide for a number to measure", "low")
    if log and low <= 0:
        raise bad_table(f"log = true needs low > 0, and low is {low}", "low")
    if step is None:
        return
    if log:
        raise bad_table("log = true and step cannot go together; keep one of them", "step")
    last = _last_step(low, high, step)
    if last is None:
        raise bad_table(f"step {step} is too small for the range {low} to {high}", "step")
    if last != Decimal(str(high)):
        text = f"step {step} does not end at high {high}; the last value is {last}: set high to it"
        raise bad_table(text, "step")


def _last_step(low: float, high: float, step: float) -> Decimal | None:
    """Reckoned in decimals, as Optuna does; None beyond 28 digits."""
    first, last, by = (Decimal(str(number)) for number in (low, high, step))
    try:
        return first + (last - first) // by * by
    except InvalidOperation:
        return None


def grid(params: Mapping[str, Param]) -> Mapping[str, range | tuple[Choice, ...]]:
    """Every value of every parameter, each of which `values` can count."""
    return {name: _points(param) for name, param in params.items()}


def grid_size(params: Mapping[str, Param]) -> int:
    """How many combinations the grid has."""
    return math.prod(map(values, params.values()))


def values(param: Param) -> int:
    """How many values the parameter has; 0 for a float without a step, which nobody can count."""
    if not isinstance(param, FloatParam):
        return len(_points(param))
    if param.low == param.high:
        return 1
    if param.step is None:
        return 0
    low, high, by = (Decimal(str(number)) for number in (param.low, param.high, param.step))
    return int((high - low) / by) + 1


def _points(param: Param) -> range | tuple[Choice, ...]:
    if isinstance(param, BoolParam):
        return (False, True)
    if isinstance(param, CategoricalParam):
        return param.choices
    if isinstance(param, IntParam):
        return range(param.low, param.high + 1, param.step)
    low, by = (Decimal(str(number)) for number in (param.low, param.step or 0))
    return tuple(float(low + by * place) for place in range(values(param)))
