"""What handing predictions over takes, reading them back, and the table of slices made of them."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cockpit.evaluate.evaluation import EvaluationSet
from cockpit.evaluate.prediction_files import read
from cockpit.evaluate.predictions import load
from cockpit.evaluate.slices import table
from cockpit.evaluate.truth import truth_of
from cockpit.project.model import EvaluationTable, Kpi
from cockpit.sweep.executors import worker
from storage.datasets import Version
from tests.bench.measure import Figure, median

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cockpit.evaluate.answers import Answers

RUNS, SLICES, ROWS = 20, 50, 50_000
KNOWN = {"eval": {"rows": ROWS, "key": ["id"]}}
PROFIT = "sum(case when y_pred and y_true then 120 when y_pred then -15 else 0 end)"


def predicting() -> Iterator[Figure]:
    """50,000 predictions from a trial to the table, and 20 runs on 50 slices of them"""
    rng = np.random.default_rng(0)
    frame = pl.DataFrame(
        {
            "id": rng.permutation(ROWS),
            "age": rng.integers(18, 90, ROWS),
            "y": rng.choice(["no", "yes"], ROWS),
        }
    )
    truth = truth_of("eval@v1", frame, "y", "yes")
    version = Version("eval", 1, "blake3:00", "eval.csv", 1, datetime.now(UTC))
    on = EvaluationSet(version, frame, ("id",), truth)
    scores = [1 / (1 + np.exp(-(truth.y_true * 1.5 + rng.normal(size=ROWS)))) for _ in range(RUNS)]
    labels = np.where(scores[0] > 0.7, "yes", "no")
    with tempfile.TemporaryDirectory() as folder:
        log = partial(_log, folder, labels, scores[0], None)
        yield Figure("log_predictions: labels and scores", median(log, 9), "s", 0.05)
        log = partial(_log, folder, labels, scores[0], frame["id"])
        yield Figure("log_predictions: by key", median(log, 9), "s", 0.05)
        file = Path(folder) / "eval.answers"
        back = partial(_load, file, frame, truth)
        yield Figure("read back and put in order by key", median(back, 9), "s")
    answers = {
        str(place): load(pl.DataFrame({"y_score": score}), frame, [], truth).answers
        for place, score in enumerate(scores)
    }
    yield Figure(
        "20 × 50, AUC with intervals", median(partial(_table, on, answers, "auc"), 3), "s", 3.0
    )
    against = partial(_table, on, answers, "auc", base="0")
    yield Figure("20 × 50, AUC against a base", median(against, 3), "s", 3.0)
    kpi = partial(_table, on, answers, "accuracy", kpis={"profit": Kpi(expression=PROFIT)})
    yield Figure("20 × 50, accuracy and a KPI", median(kpi, 3), "s", 3.0)


def _log(folder: str, labels: Any, scores: Any, key: Any) -> None:
    columns = worker.predictions(KNOWN, "eval", labels, scores, key, None)
    worker.keep_predictions(folder, "eval", columns)


def _load(file: Path, frame: pl.DataFrame, truth: Any) -> None:
    load(read(file, ["id"]), frame, ["id"], truth)


def _table(
    on: EvaluationSet,
    answers: dict[str, Answers],
    metric: str,
    base: str | None = None,
    kpis: dict[str, Kpi] | None = None,
) -> None:
    slices = {f"slice {age}": f"age < {age}" for age in range(20, 20 + SLICES)}
    table(on, answers, slices, [metric], kpis or {}, base, EvaluationTable())
