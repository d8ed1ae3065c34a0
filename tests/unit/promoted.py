"""A project with a model and its gates, and runs that saved models: for the tests of promotion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from cockpit.models.promotion import Checked, check, promote
from cockpit.project.reading import load_project
from cockpit.tracking.plain_run import PlainRun
from storage.layout import Layout
from tests.unit.saved_models import fitted, people, save

if TYPE_CHECKING:
    from pathlib import Path

    from cockpit.project.model import Project
    from storage.models import Move

TOML = """
[data.eval]
path = "eval.parquet"
target = "rich"
positive = "yes"
evaluation = true

[data.eval.contract.columns]
age = { min = 18 }

[slices]
smiths = "job = 'smith'"
others = "job <> 'smith'"

[kpis]
profit = "sum(case when y_pred and y_true then 10 when y_pred then -1 else 0 end)"

[models.income]
gates = [
    "auc >= incumbent.auc - 0.002",
    "every slice: accuracy >= incumbent.accuracy - 0.03 where n >= 50",
    "contract = 'passed'",
    "size_mb <= 5",
]
"""


@dataclass
class Lab:
    """The project."""

    folder: Path
    layout: Layout

    @property
    def project(self) -> Project:
        return load_project(self.folder)

    def run(
        self,
        name: str,
        rows: pl.DataFrame,
        state: str = "complete",
        files: dict[str, Path] | None = None,
    ) -> str:
        """A run that saved a model fit to these rows, or one made of files. Returns its id."""
        run = PlainRun(self.layout)
        run.claim()
        run.begin(name, name)
        run.settle(state, None)
        model = None if files else fitted(rows)
        told = {"files": files} if files else {"positive": "yes"}
        save(self.layout.bundle(run.id), model, rows, target="rich", **told)
        return run.id

    def check(self, what: str, alias: str = "production") -> Checked:
        return check(self.layout, self.project, "income", what, alias)

    def promote(
        self,
        what: str,
        alias: str = "production",
        *,
        force: bool = False,
        reason: str | None = None,
    ) -> Move:
        return promote(self.layout, self.check(what, alias), reason, force)


def lab(folder: Path) -> Lab:
    """Write the project into a folder."""
    (folder / "cockpit.toml").write_text(TOML)
    people(1500, seed=9).write_parquet(folder / "eval.parquet")
    layout = Layout(folder / ".cockpit")
    layout.create()
    return Lab(folder, layout)


def weak_rows() -> pl.DataFrame:
    """Rows by which nothing is learnt of the hours: they are those of others."""
    return people(400, seed=4).with_columns(pl.col("hours").reverse())


def unfair_rows() -> pl.DataFrame:
    """Rows by which much is learnt, but of most smiths that they are not rich."""
    rows = people(2000, seed=5)
    poor = (pl.col("job") == "smith") & (pl.col("hours") < 38)
    return rows.with_columns(pl.when(poor).then(pl.lit("no")).otherwise("rich").alias("rich"))
