"""[[enqueue]]: points to be tried before the sampler's own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cockpit.sweep.spec.errors import hint, show
from cockpit.sweep.spec.params import FloatParam, outside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.sweep.spec.errors import Fault
    from cockpit.sweep.spec.params import Param


def points_faults(raw: Any, params: Mapping[str, Param], free: bool) -> Iterator[Fault]:
    """What is wrong with the points; with `free`, the code declares its parameters itself."""
    if not isinstance(raw, list) or not all(isinstance(point, dict) for point in raw):
        text = "[enqueue] should be written [[enqueue]], once for each point, its values below it"
        yield ("enqueue",), text
        return
    for place, point in enumerate(raw):
        here = ("enqueue", place)
        if not point:
            yield here, "[[enqueue]] is empty; name a parameter and its value below it"
        for name, value in point.items():
            wrong = _wrong(name, value, params, free)
            if wrong:
                yield (*here, name), f"[[enqueue]] {wrong}"


def point_of(raw: Mapping[str, Any], params: Mapping[str, Param]) -> dict[str, Any]:
    """The point as the sampler has it: a float parameter's value is a float."""
    return {
        name: float(value) if isinstance(params.get(name), FloatParam) else value
        for name, value in raw.items()
    }


def _wrong(name: str, value: Any, params: Mapping[str, Param], free: bool) -> str | None:
    if name in params:
        wrong = outside(params[name], value)
        return wrong and f"{name} = {show(value)} {wrong}"
    if not free:
        return f"{name} is not in [params]{hint(name, params)}"
    if isinstance(value, bool | int | float | str):
        return None
    return f"{name} = {json.dumps(value, default=str)[:60]} should be text, a number, true or false"
