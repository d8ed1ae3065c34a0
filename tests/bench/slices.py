"""What scoring many slices takes, comparing runs, and finding where a model fails.

Beside it the `sliceline` package, in a process of its own: of the interpreter that COCKPIT_BENCH_SLICELINE
names (it wants no polars), else of this one where it is installed.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

import cockpit
from cockpit.evaluate.answers import Answers
from cockpit.evaluate.encoding import encode
from cockpit.evaluate.evaluation import EvaluationSet
from cockpit.evaluate.lattice import top_slices
from cockpit.evaluate.metrics import default_metrics, measure_many
from cockpit.evaluate.search import find_slices
from cockpit.evaluate.significance import compare
from cockpit.evaluate.slices import table
from cockpit.evaluate.truth import truth_of
from cockpit.project.model import EvaluationTable, Kpi
from storage.datasets import Version
from tests.bench.measure import Figure, median, seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

ADULT = Path(cockpit.__file__).parent / "demo" / "project" / "adult_train.parquet"
RUNS, SLICES, ROWS = 20, 50, 50_000
PROFIT = "sum(case when y_pred and y_true then 120 when y_pred then -15 else 0 end)"
_PEER = """
import json, sys, time, numpy as np
from sliceline import Slicefinder
given = np.load(sys.argv[1])
for level in 1, 2, 3:
    finder = Slicefinder(k=10, max_l=level, min_sup=int(given["least"]), alpha=0.95, verbose=False)
    began = time.perf_counter()
    finder.fit(given["codes"], given["losses"])
    took = time.perf_counter() - began
    scores = sorted((one["slice_score"] for one in finder.top_slices_statistics_), reverse=True)
    print(json.dumps([took, scores[:10]]), flush=True)
"""


def metrics() -> Iterator[Figure]:
    """Metrics of 20 runs on 50 slices of 50,000 rows, and two runs compared"""
    runs = [_answers(seed) for seed in range(RUNS)]
    masks = np.random.default_rng(99).random((SLICES, ROWS)) < np.linspace(0.02, 1, SLICES)[:, None]

    def measured(names: tuple[str, ...], confidence: float | None) -> None:
        for run in runs:
            measure_many(names, run, masks, confidence)

    yield Figure("AUC", median(partial(measured, ("auc",), None), 3), "s", 3.0)
    usual = default_metrics("binary")
    took = median(partial(measured, usual, 0.95), 3)
    yield Figure(f"{', '.join(usual)}, with intervals", took, "s", 3.0)
    if importlib.util.find_spec("sklearn"):
        yield Figure("scikit-learn, AUC", RUNS * seconds(partial(_sklearn, runs[0], masks)), "s")
    first, second = runs[:2]
    for name, resamples in (("accuracy", 0), ("accuracy", 10_000), ("auc", 0), ("log_loss", 0)):
        found = compare(name, first, second, resamples=resamples)
        what = f"two runs, {name}: {found.method}"
        yield Figure(
            what, median(partial(compare, name, first, second, resamples=resamples), 5), "s"
        )


def slices() -> Iterator[Figure]:
    """A table of slices; the ten of Adult with the highest SliceLine scores; 500,000 rows of 12 columns"""
    yield from _table()
    adult = pl.read_parquet(ADULT)
    encoded = [encode(column, values=200) for column in adult.drop("income")]
    codes = [column.codes for column in encoded if column is not None]
    rich = (adult["income"] == ">50K").to_numpy()
    losses = ((adult["marital_status"] == "Married-civ-spouse").to_numpy() != rich).astype(
        np.float64
    )
    least = len(losses) // 100
    peers = _peer(np.column_stack(codes), losses, least)
    sums = [0.0, 0.0]
    for level in (1, 2, 3):
        ours = partial(top_slices, codes, losses, k=10, level=level, least=least)
        took = median(ours, 9)
        yield Figure(f"cockpit, up to {level} predicates", took, "s")
        if peers:
            theirs, scores = next(peers)
            off = max(abs(a.score - b) for a, b in zip(ours().best, scores, strict=True))
            yield Figure("  sliceline", theirs, "s")
            yield Figure("  how much faster", theirs / took, "times")
            yield Figure("  greatest difference of a score", off, "", 1e-9)
            sums = [sums[0] + theirs, sums[1] + took]
    if peers:
        yield Figure("how much faster, all three", sums[0] / sums[1], "times", 100.0, at_least=True)
    for kind in ("errors", "log losses", "no slice worse"):
        done = subprocess.run(
            [sys.executable, "-m", __name__, kind], capture_output=True, text=True, check=True
        )
        took, found, memory = json.loads(done.stdout)
        yield Figure(f"500,000 rows, {kind}: the search alone", took, "s", 4.0)
        yield Figure("  in two halves, with columns made codes", found, "s", 4.0)
        yield Figure("  peak memory", memory, "GB", 1.5)


def _table() -> Iterator[Figure]:
    truth = _answers(0).y_true
    frame = pl.DataFrame({"x": np.random.default_rng(1).random(ROWS), "y": truth})
    version = Version("eval", 1, "blake3:00", "eval.csv", 1, datetime.now(UTC))
    on = EvaluationSet(version, frame, (), truth_of("eval@v1", frame, "y", None))
    runs = {f"run {seed}": _answers(seed) for seed in range(RUNS)}
    held = {f"below {share:.2f}": f"x < {share}" for share in np.linspace(0.02, 1, SLICES)}
    kpis = {"profit": Kpi(expression=PROFIT)}

    def made(metrics: tuple[str, ...]) -> None:
        table(on, runs, held, metrics, kpis, "run 0", EvaluationTable())

    what = f"{SLICES} slices x {RUNS} runs x {ROWS:,} rows"
    took = median(partial(made, ("accuracy",)), 3)
    yield Figure(f"{what}: accuracy and a KPI, judged", took, "s", 3.0)
    began = time.process_time()
    made(())
    yield Figure("  the KPI alone, of the processor", time.process_time() - began, "s", 1.9)


def _answers(seed: int) -> Answers:
    truth = (np.random.default_rng(0).random(ROWS) < 0.24).astype(np.int64)
    raw = np.random.default_rng(seed).normal(size=ROWS) + 2 * truth - 1
    return Answers("binary", truth, (raw > 0).astype(np.int64), 1 / (1 + np.exp(-raw)))


def _sklearn(answers: Answers, masks: Any) -> None:
    from sklearn.metrics import roc_auc_score

    assert answers.y_score is not None
    for mask in masks:
        roc_auc_score(answers.y_true[mask], answers.y_score[mask])


def _peer(codes: Any, losses: Any, least: int) -> Iterator[tuple[float, list[float]]] | None:
    python = os.environ.get("COCKPIT_BENCH_SLICELINE")
    if python is None and importlib.util.find_spec("sliceline"):
        python = sys.executable
    return None if python is None else _peers_levels(python, codes, losses, least)


def _peers_levels(
    python: str, codes: Any, losses: Any, least: int
) -> Iterator[tuple[float, list[float]]]:
    with tempfile.NamedTemporaryFile(suffix=".npz") as file:
        np.savez(file, codes=codes, losses=losses, least=least)
        file.flush()
        asked = [python, "-W", "ignore", "-c", _PEER, file.name]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
    for line in done.stdout.splitlines():
        took, scores = json.loads(line)
        yield took, scores


def _big(kind: str) -> tuple[float, float, float]:
    """Seconds of the search in all rows, of the whole in two halves, and GB."""
    rng, rows = np.random.default_rng(0), 500_000
    columns: dict[str, Any] = {f"number{i}": rng.normal(size=rows) for i in range(6)}
    for i in range(6):
        columns[f"text{i}"] = rng.choice([f"v{j}" for j in range(4 + 3 * i)], rows)
    frame = pl.DataFrame(columns)
    worse = (frame["text0"] == "v1").to_numpy() & (frame["number0"] > 0.5).to_numpy()
    worse = worse & (kind != "no slice worse")
    losses = rng.exponential(size=rows) * (1 + 6 * worse)
    if kind == "errors":
        losses = (rng.random(rows) < 0.1 + 0.6 * worse).astype(np.float64)
    encoded = [encode(column, least=rows // 100) for column in frame]
    codes = [column.codes for column in encoded if column is not None]
    alone = seconds(lambda: top_slices(codes, losses, k=10, least=rows // 100))
    whole = seconds(lambda: find_slices(frame, losses))
    return alone, whole, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2


if __name__ == "__main__":
    print(json.dumps(_big(sys.argv[1])))
