"""A project with an evaluation set of 200 rows, and runs that answer it: for the tests of what is scored."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from cockpit.evaluate.evaluation import EvaluationSet, Known, look, open_set
from cockpit.evaluate.sets import brought_up, current
from cockpit.project.reading import load_project
from cockpit.sweep.executors.seam import Predicted
from cockpit.sweep.executors.worker import keep_predictions, predictions
from cockpit.sweep.predicted import Answered
from cockpit.tracking.plain_run import PlainRun
from storage.events import RunAttr
from storage.ids import from_text
from storage.layout import Layout
from storage.runs import find
from storage.spool import SpoolWriter
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from cockpit.project.model import Project

TOML = """
[data.eval]
path = "eval.csv"
key = ["id"]
target = "bought"
positive = "yes"
evaluation = true

[data.pool]
path = "pool.csv"
key = ["id"]
target = "bought"
positive = "yes"
evaluation = true

[slices]
young = "age < 30"
"old women" = "age >= 60 and sex = 'f'"
nobody = "age > 1000"

[kpis]
profit = "sum(case when y_pred and y_true then 10 when y_pred then -1 else 0 end)"
mean_score = { expression = "avg(y_score)", direction = "minimize" }

[evaluation]
on = "eval"
"""


def people(rows: int, first: int = 0, seed: int = 0) -> pl.DataFrame:
    """Rows of customers, their ids counted from `first`."""
    rng = np.random.default_rng(seed + first)
    return pl.DataFrame(
        {
            "id": np.arange(first, first + rows),
            "age": rng.integers(18, 90, rows),
            "sex": rng.choice(["f", "m"], rows),
            "bought": rng.choice(["no", "yes"], rows, p=[0.7, 0.3]),
        }
    )


@dataclass
class Bought:
    """The project."""

    folder: Path
    layout: Layout

    def write(self, name: str, frame: pl.DataFrame) -> None:
        frame.write_csv(self.folder / f"{name}.csv")

    @property
    def project(self) -> Project:
        return load_project(self.folder)

    def scores(self, name: str = "eval", noise: float = 0.5, seed: int = 0) -> np.ndarray[Any, Any]:
        """Probabilities that are the better the less noise there is."""
        frame = pl.read_csv(self.folder / f"{name}.csv")
        rng = np.random.default_rng(seed)
        truth = (frame["bought"] == "yes").to_numpy()
        return np.clip(0.5 + (truth - 0.5) * 0.6 + rng.normal(0, noise, len(truth)), 0, 1)

    def run(self, name: str, evaluation: str = "eval", **answers: Any) -> str:
        """A run with these answers; by default with scores. Returns its id."""
        run = PlainRun(self.layout)
        run.claim()
        run.begin(name, name)
        run.settle("complete", None)
        self.answer(run.id, evaluation, **answers)
        return run.id

    def answer(self, run: str, evaluation: str = "eval", **answers: Any) -> None:
        """Have the run answer."""
        given = {"y_pred": None, "y_score": None, "key": None, "classes": None, **answers}
        if not answers:
            given["y_score"] = self.scores(evaluation)
        features = given.pop("features", None)
        answered = Answered(self.layout, current(self.layout, self.project))
        columns = predictions(answered.known(), evaluation, **given)
        said = keep_predictions(str(self.layout.predictions(run)), evaluation, columns)
        writer = SpoolWriter(self.layout)
        writer.append(answered.told(run, Predicted(run, 0, evaluation, **said)))
        if features is not None:
            writer.append(RunAttr(from_text(run), "user", "features", features))
        writer.close()

    def known(self, runs: Sequence[str] = ()) -> Known:
        with Store(self.layout).session() as session:
            return look(session, [find(session, text).id for text in runs])

    def open(self, text: str | None = None) -> EvaluationSet:
        brought_up(self.layout, self.project, text)
        return open_set(self.layout, self.project, self.known().versions, text)


def bought(folder: Path) -> Bought:
    """Write the project into a folder, its sets registered."""
    (folder / "cockpit.toml").write_text(TOML)
    made = Bought(folder, Layout(folder / ".cockpit"))
    made.layout.create()
    made.write("eval", people(200))
    made.write("pool", people(300, 1000))
    current(made.layout, made.project)
    return made


def copied(made: Bought, folder: Path) -> Bought:
    """The project once more, for one test."""
    shutil.copytree(made.folder, folder, dirs_exist_ok=True)
    return Bought(folder, Layout(folder / ".cockpit"))
