"""A model from the trial that made it to the rows it is asked about later, as a user types it."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import polars as pl
import pytest

from tests.unit.saved_models import people

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

TOML = """
[data.eval]
path = "eval.parquet"
key = ["id"]
target = "rich"
positive = "yes"
evaluation = true
"""
TRAIN = """
import os, signal
import polars as pl
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

def fit(rows, **params):
    columns = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), ["job"]), (StandardScaler(), ["age", "hours"])
    )
    return make_pipeline(columns, LogisticRegression(**params)).fit(
        rows.select("age", "hours", "job"), rows["rich"].to_numpy()
    )

def train(trial):
    rows = pl.read_parquet("train.parquet")
    model = fit(rows, C=trial.suggest_float("C", 0.1, 1.0))
    if trial.number == 0 or not os.path.exists("again"):
        saved = trial.save_model(model, example=rows.select("age", "hours", "job"), target="rich")
        print(saved.formats, saved.notes)
    if trial.number == 1 and not os.path.exists("again"):
        open("again", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if trial.number == 0:
        trial.log_predictions("eval", **saved(pl.read_parquet(trial.data["eval"])))
    return {"auc": 0.5}
"""


@pytest.fixture
def shop(project: Project) -> Project:
    people(300).write_parquet(project.folder / "train.parquet")
    asked = people(200, seed=9).with_row_index("id")
    asked.write_parquet(project.folder / "eval.parquet")
    project.write("cockpit.toml", TOML)
    project.write("train.py", TRAIN)
    project.spec(trials=2, workers=1)
    return project


def auc(project: Project, *arguments: str) -> tuple[float, list[str]]:
    run = project.json("evaluate", *arguments, "-m", "auc")["runs"][0]
    return run["figures"]["auc"]["value"], run["notes"]


def test_a_trial_s_model_is_asked_scored_and_carried_away(shop: Project) -> None:
    shop.run("sweep", "sweep.toml")
    assert "('onnx', 'skops') ()" in shop.run("logs", "s#0").stdout
    in_training, notes = auc(shop, "s#0")
    assert notes == []
    told = shop.json("predict", "s#0", "eval.parquet", "-o", "out.parquet")
    assert (told["rows"], told["format"], told["unused"]) == (200, "onnx", ["id", "rich"])
    found = pl.read_parquet(shop.folder / "out.parquet")
    assert found.columns == ["id", "age", "hours", "job", "rich", "y_pred", "y_score"]
    shop.run("evaluate", "s#0", "--predictions", "out.parquet")
    assert auc(shop, "s#0") == (in_training, [])

    grown = people(260, seed=9).with_row_index("id")
    grown.write_parquet(shop.folder / "eval.parquet")
    later, notes = auc(shop, "s#0")
    assert "the saved model answers eval@v2 now" in notes[-1]
    assert abs(later - in_training) < 0.1

    shop.run("export", "s#0", "out")
    program = f"import sys; sys.path.insert(0, 'out'); from loader import load; m = load('out/model')\n{CHECK}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", program], cwd=shop.folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    exported = shop.json("predict", "out", "eval.parquet", "-o", "again.parquet")
    assert exported["bundle"] == told["bundle"]
    the_model_of_a_killed_attempt_counts_no_more(shop)
    a_changed_model_is_refused(shop)


CHECK = """
found = m({"age": [40], "hours": [30.5], "job": ["smith"]})
assert found["y_score"].shape == (1, 2)
"""


def the_model_of_a_killed_attempt_counts_no_more(shop: Project) -> None:
    assert shop.json("show", "s#1")["attempt"] == 1
    refused = shop.run("predict", "s#1", "eval.parquet", "-o", "never.parquet", code=2)
    assert "s#1 has no model in the store: trial.save_model" in refused.stderr
    assert not (shop.folder / "never.parquet").exists()
    assert "has no predictions on eval" in shop.run("evaluate", "s#1", code=2).stderr


def a_changed_model_is_refused(shop: Project) -> None:
    run = shop.json("show", "s#0")["id"]
    path = shop.folder / ".cockpit" / "runs" / run / "model" / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    refused = shop.run("predict", "s#0", "eval.parquet", "-o", "out.parquet", code=2)
    assert "model.onnx was changed: it is not the file of the manifest" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert shop.run("export", "s#0", "other", code=2).stderr.count("was changed") == 1
    assert not (shop.folder / "other").exists()


@pytest.mark.parametrize("command", [False, True])
def test_a_script_saves_its_model_too(shop: Project, command: bool) -> None:
    shop.write(
        "script.py",
        "import cockpit, polars as pl\n"
        "from train import fit\n"
        "rows = pl.read_parquet('train.parquet')\n"
        "with cockpit.track('own') as run:\n"
        "    saved = run.save_model(fit(rows), rows, target='rich', positive='no')\n"
        "    run.log_predictions('eval', **saved(pl.read_parquet('eval.parquet')))\n",
    )
    if command:
        shop.run("run", "--name", "own", "--", sys.executable, "script.py")
    else:
        done = subprocess.run([sys.executable, "script.py"], cwd=shop.folder, check=False)
        assert done.returncode == 0
    kept = shop.folder / ".cockpit" / "runs" / shop.json("show", "own")["id"] / "model"
    compared = tomllib.loads((kept / "model.toml").read_text("utf-8"))["compared"]
    assert any(text.endswith("rows of eval") for text in compared), compared
    shop.run("predict", "own", "eval.parquet", "-o", "out.csv", "--keep", "id")
    found = pl.read_csv(shop.folder / "out.csv")
    assert found.columns == ["id", "y_pred", "y_score"]
    assert (found["y_score"] > 0.5).to_list() == (found["y_pred"] == "no").to_list()
    assert command or auc(shop, "own")[0] > 0.7
