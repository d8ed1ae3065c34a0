"""Which runs answered which evaluation sets, and in which files."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from storage.ids import from_text, to_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from storage.session import Session


@dataclass(frozen=True, slots=True)
class Predictions:
    """A run's answers on a version of an evaluation set, as they were handed in."""

    run: str
    """The run's id."""
    evaluation: str
    """The evaluation set's name."""
    dataset: str
    """The digest of its version; empty where the run did not say and nobody knew."""
    path: Path
    """The file; what is in it is read by cockpit.evaluate.predictions."""
    digest: str
    """Of the file's content."""
    rows: int
    columns: tuple[str, ...]
    time: datetime
    """UTC, timezone-aware."""


def predictions(
    session: Session, runs: Sequence[str] | None = None, evaluation: str | None = None
) -> tuple[Predictions, ...]:
    """The answers of these runs (ids; None: of all that are not in the trash), oldest run first."""
    ids = None if runs is None else [from_text(run) for run in runs]
    rows = session.rows(_PREDICTIONS, ids=ids, evaluation=evaluation)
    return tuple(
        Predictions(
            run=to_text(run),
            evaluation=name,
            dataset=dataset,
            path=session.layout.run_folder(to_text(run)) / file,
            digest=digest,
            rows=count,
            columns=tuple(columns),
            time=time.replace(tzinfo=UTC),
        )
        for run, name, dataset, file, digest, count, columns, time in rows
    )


_PREDICTIONS = """
select p.run, p.evaluation, p.dataset, p.file, p.digest, p."rows", p.columns, p.time
from predictions p join runs on runs.id = p.run and runs.trashed is null
where ($ids is null or list_contains($ids, p.run))
    and ($evaluation is null or p.evaluation = $evaluation)
order by p.run, p.evaluation
"""
