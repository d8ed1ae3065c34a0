"""Models that tests save: small, fit on rows with texts and numbers."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from cockpit.sweep.executors import bundles
from cockpit.sweep.executors.worker import environment

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = environment()


def people(rows: int = 200, seed: int = 1) -> pl.DataFrame:
    """Age (whole), hours (with a fraction), job (a text), and `rich`, which hangs on them."""
    made = random.Random(seed)
    ages = [made.randint(18, 80) for _ in range(rows)]
    hours = [made.uniform(5, 60) for _ in range(rows)]
    jobs = [made.choice(["clerk", "smith", "farmer"]) for _ in range(rows)]
    rich = [
        "yes" if age + hour + 20 * (job == "smith") + made.gauss(0, 15) > 90 else "no"
        for age, hour, job in zip(ages, hours, jobs, strict=True)
    ]
    return pl.DataFrame({"age": ages, "hours": hours, "job": jobs, "rich": rich})


def pipeline(last: Any = None, numbers: Any = None) -> Any:
    """Its preprocessing and a classifier, not fit yet; numbers are scaled where nothing else is said."""
    encoder = (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["job"])
    columns = make_column_transformer(encoder, (numbers or StandardScaler(), ["age", "hours"]))
    return make_pipeline(columns, LogisticRegression() if last is None else last)


def fitted(rows: pl.DataFrame, last: Any = None, numbers: Any = None) -> Any:
    """`pipeline`, fit to tell who is rich."""
    return pipeline(last, numbers).fit(rows.drop("rich"), rows["rich"].to_numpy())


def save(folder: Path, model: Any, example: Any, **options: Any) -> bundles.Saved:
    """As `trial.save_model` does, into `folder`."""
    told: dict[str, Any] = dict.fromkeys(("target", "positive", "columns", "classes", "files"))
    told |= {"unsafe_pickle": False, **options}
    return bundles.save(str(folder), model, example, **told, environment=ENVIRONMENT)


def seal(folder: Path) -> None:
    """Write the manifest that goes with the files as they are now, as somebody with bad intentions would."""
    (folder / "manifest.json").unlink(missing_ok=True)
    bundles._manifest(str(folder))


def claim(folder: Path, **files: Any) -> None:
    """Change what the manifest says of files; None takes one out."""
    path = folder / "manifest.json"
    told = json.loads(path.read_text("utf-8"))
    for name, said in files.items():
        if said is None:
            del told["files"][name]
        else:
            told["files"][name] = said
    path.write_text(json.dumps(told), "utf-8")
