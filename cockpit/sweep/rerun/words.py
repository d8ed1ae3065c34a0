"""How the things of a rerun are named in a sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

NAMED = 5
"""The most that are named one by one."""


def few(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b, c, d, e and 12 more`."""
    more = len(names) - NAMED
    shown = [*names[:NAMED], *[f"{more} more"] * (more > 0)]
    return " and ".join(filter(None, [", ".join(shown[:-1]), *shown[-1:]]))
