"""Times and sizes as people write them: `"1h30m"`, `"512MB"`."""

from __future__ import annotations

import re
from typing import Any

from cockpit.sweep.spec.table import bad_value

_DURATION = re.compile(
    r"(?:(?P<d>\d+(?:\.\d+)?)d)?\s*(?:(?P<h>\d+(?:\.\d+)?)h)?\s*"
    r"(?:(?P<m>\d+(?:\.\d+)?)m)?\s*(?:(?P<s>\d+(?:\.\d+)?)s)?",
    re.ASCII,
)
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgt]i?b?|b)?", re.ASCII | re.IGNORECASE)
_POWERS = "bkmgt"
LEAST_SIZE = 10**6
"""Bytes; no process lives on less, so a smaller number is one whose unit was forgotten."""


def seconds(value: Any) -> Any:
    """`90`, `"90s"`, `"10m"`, `"1h30m"`, `"7d"` → seconds."""
    if isinstance(value, str):
        found = _DURATION.fullmatch(value.strip())
        parts = found.groupdict() if found and value.strip() else {}
        value = sum(
            float(parts[unit]) * size
            for unit, size in (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
            if parts.get(unit)
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise bad_value('should be a time such as "10m", "90s" or "1h30m", or a number of seconds')
    return float(value)


def size(value: Any) -> Any:
    """`"4GB"` (1000s), `"512MiB"` (1024s), a number of bytes → bytes."""
    number = value
    if isinstance(value, str):
        found = _SIZE.fullmatch(value.strip())
        unit = (found["unit"] or "b").lower() if found else "b"
        base = 1024 if "i" in unit else 1000
        number = float(found["number"]) * base ** _POWERS.index(unit[0]) if found else None
    if isinstance(number, bool) or not isinstance(number, int | float) or not number < 1e18:
        raise bad_value('should be a size such as "4GB" or "512MB", or a number of bytes')
    if number < LEAST_SIZE:
        raise bad_value('should be at least "1MB"; write it with its unit, as in "4GB"')
    return int(number)
