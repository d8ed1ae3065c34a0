"""A constraint over a metric, as in `"latency_ms <= 20"`."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cockpit.sweep.spec.table import bad_value

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIMIT = re.compile(r"(?P<metric>[^<>=!]*[^<>=!\s])\s*(?P<op><=|>=)\s*(?P<bound>[^\s<>=]+)")


@dataclass(frozen=True, slots=True)
class Limit:
    """A metric that has to stay on one side of a bound for a trial to be feasible."""

    metric: str
    op: Literal["<=", ">="]
    bound: float

    def __str__(self) -> str:
        return f"{self.metric} {self.op} {repr(self.bound).removesuffix('.0')}"

    def violation(self, metrics: Mapping[str, float]) -> float:
        """How far beyond the bound; feasible at or below 0, as Optuna has it.

        A metric that is missing or NaN is infinitely far, since nobody can say that it holds.
        """
        value = metrics.get(self.metric, math.nan)
        over = value - self.bound if self.op == "<=" else self.bound - value
        return math.inf if math.isnan(over) else over


def limits(value: Any) -> Any:
    """A list of such texts → `Limit`s."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad_value('should be a list of texts, as in ["latency_ms <= 20"]')
    found = tuple(map(_limit, value))
    for place, limit in enumerate(found):
        if limit in found[:place]:
            raise bad_value(f'holds "{limit}" more than once; keep one')
    return found


def _limit(text: str) -> Limit:
    found = _LIMIT.fullmatch(text.strip())
    try:
        bound = float(found["bound"]) if found else math.nan
    except ValueError:
        bound = math.nan
    if found is None or not math.isfinite(bound) or not found["metric"].isprintable():
        raise bad_value('should hold a metric, <= or >=, and a number, as in ["latency_ms <= 20"]')
    return Limit(found["metric"].strip(), "<=" if found["op"] == "<=" else ">=", bound)
