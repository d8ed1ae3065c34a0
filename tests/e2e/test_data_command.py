"""`cockpit data` as a user types it, and the data of a sweep as its trials get them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pexpect
import polars as pl
import pytest

from tests.e2e.conftest import COCKPIT, clean

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

ROWS = pl.DataFrame(
    {
        "id": range(100),
        "age": [20 + n % 50 for n in range(100)],
        "workclass of the person": ["Private", "State-gov", "?", "Self-employed"] * 25,
        "income": [">50K", "<=50K"] * 50,
    }
)
TRAIN = """
import json
def train(trial):
    with open("data.json", "w") as file:
        json.dump(trial.data, file)
    return {"auc": 0.5}
"""
PROJECT = """
[data.eval]
path = "rows.parquet"
key = ["id"]
target = "income"
positive = ">50K"
evaluation = true
"""


@pytest.fixture
def rows(project: Project) -> Project:
    ROWS.write_parquet(project.folder / "rows.parquet")
    return project


def test_a_dataset_is_registered_listed_and_shown(rows: Project) -> None:
    said = rows.run(
        "data", "register", "train", "rows.parquet", "--key", "id", "--target", "income"
    )
    assert said.stdout.startswith("train@v1 is new: 100 rows × 4 columns")
    assert "25 rows have '?': a missing value?" in said.stdout
    assert (
        "train@v1 is what it was already"
        in rows.run("data", "register", "train", "rows.parquet").stdout
    )
    ROWS.head(50).write_csv(rows.folder / "part.csv")
    done = rows.json("data", "register", "train", "part.csv", "--keep")
    assert (done["new"], done["label"], done["rows"], done["format"]) == (
        True,
        "train@v2",
        50,
        "csv",
    )
    (known,) = [one for one in rows.json("data", "list") if one["label"] == "train@v1"]
    assert (known["rows"], known["columns"], known["key"]) == (100, 4, ["id"])
    assert re.search(
        r"^train@v2 +50 +4 .* part\.csv", rows.run("data", "list").stdout, re.MULTILINE
    )
    listed = rows.run("data", "list", "train").stdout
    assert listed.index("train@v2") < listed.index("train@v1")

    shown = rows.json("data", "show", "train@v1")
    age = next(column for column in shown["columns"] if column["name"] == "age")
    assert (age["min"], age["max"], age["distinct"], sum(age["counts"])) == (20, 69, 50, 100)
    assert [each["what"] for each in shown["remarks"] if each["what"] != "id"] == ["placeholder"]
    text = rows.run("data", "show", "train").stdout
    assert "kept in the store" in text
    assert text.index("! workclass of the person") < text.index("\ncolumn ")
    assert re.search(r"^age +50 +int +20 [▁-▇]+ 69  mean 44\.5", text, re.MULTILINE)


def test_mistakes_are_said_in_a_sentence(rows: Project) -> None:
    def complaint(*arguments: str) -> str:
        return rows.run("data", *arguments, code=2).stderr

    assert 'did you mean "rows.parquet"?' in complaint("register", "x", "rows.parqet")
    assert 'no column "idd"' in complaint("register", "x", "rows.parquet", "--key", "idd")
    assert "no dataset answers to 'x'" in complaint("show", "x")
    assert "no dataset answers to 'x'" in complaint("list", "x")
    assert "[data.x] path = …" in complaint("register", "x")
    rows.write("cockpit.toml", "[dta.x]\n")
    said = complaint("register", "x", "rows.parquet")
    assert 'cockpit.toml line 1: [dta] is not a known table; did you mean "data"?' in said
    assert "No datasets in" in rows.run("data", "list").stdout


def test_the_tables_can_be_read_in_80_columns(rows: Project) -> None:
    rows.run("data", "register", "a-dataset-with-a-name", "rows.parquet")
    for arguments in (("list",), ("show", "a-dataset-with-a-name")):
        child = pexpect.spawn(
            COCKPIT[0],
            [*COCKPIT[1:], "data", *arguments],
            cwd=str(rows.folder),
            env=clean() | {"TERM": "dumb"},
            dimensions=(24, 80),
            encoding="utf-8",
        )
        said = child.read()
        child.close()
        lines = [line.rstrip("\r\n") for line in said.splitlines()]
        assert max(map(len, lines)) <= 80
        assert "100" in said
        if arguments[0] == "show":
            assert re.search(r"^age +50 +int +20 [▁-▇]+ 69", said, re.MULTILINE)


def test_evaluation_sets_and_registered_versions_reach_the_trials(rows: Project) -> None:
    rows.write("cockpit.toml", PROJECT)
    rows.write("train.py", TRAIN)
    rows.run("data", "register", "old", "rows.parquet", "--keep")
    rows.spec('[data]\ntrain = "old@v1"\n', trials=1, workers=1)
    rows.run("sweep", "sweep.toml")
    given = json.loads((rows.folder / "data.json").read_text())
    assert set(given) == {"train", "eval"}
    assert all(pl.read_parquet(path).equals(ROWS) for path in given.values())
    (version,) = [one for one in rows.json("data", "list") if one["name"] == "eval"]
    assert (version["rows"], version["key"], version["kept"]) == (100, ["id"], given["eval"])
    known = rows.json("show", "s#0")["provenance"]["data"]
    assert {name: file["digest"] for name, file in known.items()} == {
        "train": version["digest"],
        "eval": version["digest"],
    }

    ROWS.head(60).write_parquet(rows.folder / "rows.parquet")
    rows.run("sweep", "sweep.toml")
    assert [one["label"] for one in rows.json("data", "list", "eval")] == ["eval@v1", "eval@v2"]
    given = json.loads((rows.folder / "data.json").read_text())
    assert (pl.read_parquet(given["eval"]).height, pl.read_parquet(given["train"]).height) == (
        60,
        100,
    )
    (rows.folder / "data.json").unlink()
    rows.run("rerun", "s#0", "--here")
    given = json.loads((rows.folder / "data.json").read_text())
    assert pl.read_parquet(given["eval"]).height == 100


def test_a_sweep_whose_data_are_not_there_does_not_begin(rows: Project) -> None:
    rows.write("train.py", TRAIN)
    rows.spec('[data]\ntrain = "old@v1"\n')
    assert "no run store" in rows.run("sweep", "sweep.toml", code=2).stderr
    rows.run("data", "register", "old", "rows.parquet")
    ROWS.head(1).write_parquet(rows.folder / "rows.parquet")
    said = rows.run("sweep", "sweep.toml", code=2).stderr
    assert re.search(
        r"sweep\.toml line \d+: \[data\] train: the content of old@v1 is not kept", said
    )
    rows.write("cockpit.toml", PROJECT.replace("rows.parquet", "gone.parquet"))
    rows.write(
        "sweep.toml", (rows.folder / "sweep.toml").read_text().replace("old@v1", "rows.parquet")
    )
    assert "gone.parquet was not found" in rows.run("sweep", "sweep.toml", code=2).stderr
    assert rows.json("sweeps") == []
