"""Figures with intervals and differences, as text and as JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from cockpit.format import MISSING, number, plain
from cockpit.gain import figure

if TYPE_CHECKING:
    from cockpit.evaluate.metrics import Figure
    from cockpit.evaluate.significance import Difference

VERDICTS = {"better": "▲", "worse": "▼", "equivalent": "≈", "unclear": "~", "not judged": MISSING}
"""What the marks beside differences mean."""


def percent(share: float) -> str:
    """`95 %`."""
    return f"{100 * share:g} %"


def figure_text(
    found: Figure,
    difference: Difference | None = None,
    *,
    interval: bool = True,
    unit: str | None = None,
) -> Text:
    """`0.9312 [0.9271, 0.9353]`, or `0.9308 −0.0004 ≈`; what has no value says why."""
    if found.value is None:
        return Text(plain(found.reason or MISSING), style="dim")
    text = number(found.value, keep_zeros=True)
    if unit:
        text += f" {plain(unit)}"
    if difference is not None and difference.value is not None:
        within = ""
        if interval and difference.low is not None and difference.high is not None:
            within = f" [{figure(difference.low)}, {figure(difference.high)}]"
        text += f"  {figure(difference.value)}{within} {VERDICTS[difference.verdict]}"
    elif interval and found.low is not None:
        low, high = (number(bound or 0.0, keep_zeros=True) for bound in (found.low, found.high))
        text += f" [{low}, {high}]"
    return Text(text)


def figure_as_json(found: Figure) -> dict[str, Any]:
    """A figure as `--json` prints it."""
    return {
        "value": found.value,
        "low": found.low,
        "high": found.high,
        "n": found.n,
        "reason": found.reason,
    }


def difference_as_json(found: Difference | None) -> dict[str, Any]:
    """A difference from the base, as a part of what `--json` prints; nothing for the base itself."""
    if found is None:
        return {}
    return {
        "difference": {
            "value": found.value,
            "low": found.low,
            "high": found.high,
            "p": found.p,
            "method": found.method,
            "verdict": found.verdict,
            "reason": found.reason,
        }
    }
