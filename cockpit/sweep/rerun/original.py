"""A run as it is in the store, with all that is needed to make it again or to compare it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cockpit.sweep.rerun.sameness import Figures
from storage.points import points
from storage.runs import detail
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from storage.layout import Layout
    from storage.runs import Run


@dataclass(frozen=True, slots=True)
class Original:
    """A run, where it comes from, and what it reported."""

    run: Run
    provenance: Mapping[str, Any]
    """Empty where nothing is known."""
    figures: Figures


def read(layout: Layout, text: str) -> Original:
    """Find a run; raises `RunNotFound`."""
    with Store(layout).session() as session:
        found = detail(session, text)
        curves = points(session, found.run.id)
    whole = found.run.state == "complete"
    return Original(found.run, found.provenance, Figures(curves, found.run.metrics, whole))
