"""A whole curve as lines of a spool, at once. Standard library only.

What `storage.events.encode` writes for each of its points, eight times as fast.
"""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

from storage.events import number_text

if TYPE_CHECKING:
    from collections.abc import Sequence


def point_lines(
    run: int, name: str, steps: Sequence[int], times: Sequence[float], values: Sequence[float]
) -> bytes:
    """A `MetricLogged` line a point; the three are of one length, times in seconds since 1970."""
    head = f'{{"e":"metric","run":{run:d},"name":{json.dumps(name)},"step":'
    texts = map(repr, values) if all(map(math.isfinite, values)) else map(number_text, values)
    return "".join(
        [
            f'{head}{step},"time":{time!r},"value":{text}}}\n'
            for step, time, text in zip(steps, times, texts, strict=True)
        ]
    ).encode()
