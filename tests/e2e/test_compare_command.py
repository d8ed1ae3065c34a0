"""`cockpit compare` puts runs side by side, and tells what of them cannot be compared."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.unit.repositories import commit_all

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

TRAIN = """
def train(trial):
    print("first version")
    return {"auc": trial.params["x"]}
"""


@pytest.fixture
def swept(project: Project) -> Project:
    project.write("train.py", TRAIN)
    project.write("rows.csv", "1\n")
    project.spec(
        '[params]\nx = { type = "float", low = 0, high = 1, default = 0.5 }\n[data]\ntrain = "rows.csv"',
        trials=3,
        workers=1,
    )
    commit_all(project.folder)
    project.run("sweep", "sweep.toml")
    return project


def test_only_what_differs_is_shown_and_all_is_counted(swept: Project) -> None:
    said = swept.run("compare", "s#0", "s#1", "s#best").stdout
    assert re.search(r"^showing \d+ that differ of \d+ \(--all: all\)$", said, re.MULTILINE)
    assert re.search(r"^  auc +0\.5", said, re.MULTILINE)
    assert re.search(r"^  x +0\.5", said, re.MULTILINE)
    assert "▲" in said
    assert "git commit" not in said
    everything = swept.run("compare", "s#0", "s#1", "--all").stdout
    assert re.search(r"^  git commit +[0-9a-f]{12} +[0-9a-f]{12}", everything, re.MULTILINE)
    assert "showing all " in everything


def test_as_json_every_row_is_there(swept: Project) -> None:
    found = swept.json("compare", "s#1", "s#2", "--base", "s#0")
    ids = [run["id"] for run in found["runs"]]
    assert found["base"] == ids[0] == swept.json("show", "s#0")["id"]
    rows = {row["name"]: row for row in found["rows"]}
    assert rows["x"]["values"][ids[0]] == 0.5
    assert rows["x"]["differs"]
    assert not rows["train"]["differs"]
    assert found["differ"] == sum(row["differs"] for row in found["rows"])
    assert len(rows["auc"]["best"]) == 1
    assert found["not_comparable"] == {}


def test_changed_data_and_code_are_told(swept: Project) -> None:
    swept.write("rows.csv", "2\n")
    swept.write("train.py", TRAIN.replace("first", "second"))
    swept.run("sweep", "sweep.toml", "--name", "later")
    said = swept.run("compare", "s#0", "later#0").stdout
    assert "later#0 is not comparable with s#0: other data (train)" in said
    assert re.search(r"^  changes +none +rows\.csv and 1 more", said, re.MULTILINE)
    code = swept.run("compare", "s#0", "later#0", "--diff").stdout
    assert "# what later#0 has besides its commit" in code
    assert '+    print("second version")' in code


def test_one_run_is_no_comparison(swept: Project) -> None:
    ended = swept.run("compare", "s#0", "s#0", code=2)
    assert "a comparison takes two runs or more" in ended.stderr
