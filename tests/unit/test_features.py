"""Which columns a run's model takes, who says so, and that a set without them is refused by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli
from cockpit.data.versions import register
from cockpit.evaluate.evaluation import NotScored, answers_of, run_features
from cockpit.evaluate.features import Features
from storage.events import ProvenanceSeen, RunChanged
from storage.ids import from_text
from storage.spool import SpoolWriter
from tests.unit.saved_models import fitted, save
from tests.unit.saved_models import people as rich_people
from tests.unit.scored_runs import Bought, bought, people

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shop(tmp_path: Path) -> Bought:
    return bought(tmp_path)


def declare(shop: Bought, more: str = "", target: str = "bought") -> None:
    """Have cockpit.toml know the training data."""
    path = shop.folder / "cockpit.toml"
    table = f'[data.train]\npath = "train.csv"\nkey = ["id"]\ntarget = "{target}"\n{more}\n'
    path.write_text(f"{path.read_text()}\n{table}")


def trained(shop: Bought, columns: dict[str, Any], name: str = "one") -> str:
    """A run that used `train.csv` with these columns besides."""
    rows = people(50).with_columns(**columns)
    shop.write("train", rows)
    run = shop.run(name)
    path = str(shop.folder / "train.csv")
    seen = register(shop.layout, "train", path, project=shop.project).version
    content = {"data": {"train": {"digest": seen.digest, "path": path, "bytes": seen.bytes}}}
    writer = SpoolWriter(shop.layout)
    writer.append(
        ProvenanceSeen(f"of {run}", content),
        RunChanged(from_text(run), {"provenance": f"of {run}"}),
    )
    writer.close()
    return run


def features(shop: Bought, run: str) -> Features:
    return run_features(shop.known([run]), run, "bought")


def refused(shop: Bought, run: str) -> str:
    with pytest.raises(NotScored) as caught:
        answers_of(shop.known([run]), shop.open(), run)
    return str(caught.value)


def test_other_columns_of_the_training_data_are_an_error_that_names_them(shop: Bought) -> None:
    declare(shop)
    run = trained(shop, {"income": pl.lit(3), "aeg": pl.lit(1)})
    found = features(shop, run)
    assert found == Features(("age", "sex", "income", "aeg"), "data", "train@v1")
    said = refused(shop, run)
    assert "one was trained on train@v1 with the columns 'income', 'aeg'" in said
    assert "eval@v1 has not" in said
    assert "ignore of [data.train]" in said


def test_what_is_ignored_or_the_key_is_no_feature(shop: Bought) -> None:
    declare(shop, 'ignore = ["split"]')
    run = trained(shop, {"split": pl.lit("train")})
    assert features(shop, run).columns == ("age", "sex")
    assert len(answers_of(shop.known([run]), shop.open(), run).answers) == 200


@pytest.mark.parametrize("how", ["not declared", "another target", "another name"])
def test_where_nobody_says_it_nothing_is_refused(shop: Bought, how: str) -> None:
    if how != "not declared":
        declare(shop, target="sex" if how == "another target" else "bought")
    run = trained(shop, {"more": pl.lit(1)})
    if how == "another name":
        path = shop.folder / "cockpit.toml"
        moved = path.read_text().replace("[data.train]", "[data.other]")
        path.write_text(moved.replace("train.csv", "other.csv"))
    assert features(shop, run) == Features()
    assert "not known" in features(shop, run).words
    assert len(answers_of(shop.known([run]), shop.open(), run).answers) == 200


def test_what_the_code_said_goes_first_then_the_model(shop: Bought) -> None:
    declare(shop)
    run = trained(shop, {"more": pl.lit(1)})
    made = rich_people()
    save(shop.layout.bundle(run), fitted(made), made.drop("rich"))
    assert features(shop, run) == Features(("age", "hours", "job"), "model")
    assert "the model of one needs the columns 'hours', 'job', which eval@v1" in refused(shop, run)
    shop.answer(run, y_score=np.full(200, 0.5), features=["age"])
    assert features(shop, run) == Features(("age",), "told")
    assert len(answers_of(shop.known([run]), shop.open(), run).answers) == 200


def test_a_damaged_model_says_nothing_of_features(shop: Bought) -> None:
    run = shop.run("one")
    folder = shop.layout.bundle(run)
    folder.mkdir(parents=True)
    for text in ("columns = 3", "columns = [{}]", "\0", ""):
        (folder / "model.toml").write_text(text)
        assert features(shop, run) == Features(), text


def test_the_command_says_which_it_was(shop: Bought) -> None:
    declare(shop)
    told = trained(shop, {}, name="one")
    unknown = shop.run("two")

    def said(*more: str) -> str:
        asked = ["evaluate", told, unknown, *more, "--store", str(shop.layout.root)]
        done = CliRunner().invoke(cli, asked, catch_exceptions=False, env={"COLUMNS": "200"})
        assert done.exit_code == 0, done.output
        return done.output

    lines = said()
    assert "one: features 2 columns, those of train@v1, by cockpit.toml" in lines
    assert "two: features not known: log_predictions(…, features=…)" in lines
    runs = json.loads(said("--json"))["runs"]
    assert [run["features"]["source"] for run in runs] == ["data", "unknown"]
