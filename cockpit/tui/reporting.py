"""What a screen has a report of, and what came of saving it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storage.runs import Run

Subject = Literal["run", "sweep", "compare", "model", "promotion", "data"]


@dataclass(frozen=True, slots=True)
class Report:
    """What `cockpit report` is asked for."""

    subject: Subject
    ids: tuple[str, ...]
    called: str
    """As people call it."""
    on: str | None = None
    """The evaluation set's version, where it is not for the report to choose."""


@dataclass(frozen=True, slots=True)
class SavedReport:
    """Where a report lies, and what it says."""

    path: Path
    shown: str
    """The path from the project's folder."""
    text: str
    """To be pasted elsewhere: its charts are text."""


def of_runs(marked: Sequence[str], run: Run | None, on: str | None = None) -> Report | None:
    """The comparison of several runs that are marked, the first the base; else the one run."""
    if len(marked) > 1:
        return Report("compare", tuple(marked), f"{len(marked)} runs", on)
    return Report("run", (run.id,), run.name, on) if run else None
