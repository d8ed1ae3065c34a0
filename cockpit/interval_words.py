"""How the intervals of differences were found, in words. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.format import listed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cockpit.evaluate.significance import Difference

_WORDS = {
    "normal": "normal",
    "delong": "DeLong's",
    "mcnemar": "McNemar's",
    "paired bootstrap": "paired bootstrap",
    "multinomial bootstrap": "multinomial bootstrap",
}


def by_what(differences: Iterable[Difference], resamples: int) -> str:
    """`DeLong's and paired bootstrap, 2,000 draws`; empty where no difference has an interval."""
    there = {one.method for one in differences if one.low is not None}
    words = [word for method, word in _WORDS.items() if method in there]
    drawn = f", {resamples:,} draws" * any("bootstrap" in method for method in there)
    return f"{listed(words)}{drawn}" if words else ""
