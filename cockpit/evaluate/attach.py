"""Takes a file for the predictions of a run that has ended."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from cockpit.evaluate.prediction_files import BadPredictions, keep, read
from cockpit.evaluate.predictions import load
from storage.annotate import say
from storage.events import PredictionsSeen
from storage.ids import from_text
from storage.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.evaluate.evaluation import EvaluationSet
    from storage.layout import Layout


def attach(layout: Layout, run: str, on: EvaluationSet, path: Path) -> int:
    """Keep a file's predictions with a run (its id), once they fit the set; returns how many rows.

    They take the place of what the run said of the set before. Raises `BadPredictions`.
    """
    found = read(path, on.key)
    load(found, on.frame, on.key, on.truth)
    try:
        file, digest = keep(layout, run, on.version.name, found)
    except OSError as error:
        raise BadPredictions(
            f"{layout.predictions(run)} cannot be written: {error.strerror}"
        ) from error
    seen = PredictionsSeen(
        run=from_text(run),
        evaluation=on.version.name,
        dataset=on.version.digest,
        file=file,
        digest=digest,
        rows=found.height,
        columns=found.columns,
        time=time.time(),
    )
    with Store(layout).session() as session:
        say(session, [seen])
    return found.height
