"""One user's way through it: where does the model fail, keep that, grow the set by it, and what is comparable then."""

from __future__ import annotations

import contextlib
import io
import json
import shutil
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from cockpit.cli.main import run
from cockpit.demo.write import write_project
from tests.e2e.conftest import Project

if TYPE_CHECKING:
    from pathlib import Path

SECOND = 'name = "second"'


def said(project: Project, *arguments: str, code: int = 0) -> tuple[str, str]:
    """What a command prints and what it complains of, asked within this process."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(project.folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        found = run([*arguments])
    assert found == code, (found, out.getvalue(), err.getvalue())
    return out.getvalue(), err.getvalue()


def told(project: Project, *arguments: str, code: int = 0) -> Any:
    return json.loads(said(project, *arguments, "--json", code=code)[0])


def change(path: Path, *pairs: tuple[str, str]) -> None:
    text = path.read_text()
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)


def without_models(project: Project) -> None:
    """As if no run had saved its model."""
    for folder in (project.folder / ".cockpit" / "runs").glob("*/model"):
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo's project, its sweep a small one."""
    project = Project(tmp_path_factory.mktemp("story"))
    write_project(project.folder)
    change(project.folder / "sweep.toml", ("trials = 30", "trials = 3"))
    change(project.folder / "train.py", ("ITERATIONS = 200", "ITERATIONS = 20"))
    project.run("sweep", "sweep.toml")
    return project


@pytest.fixture
def demo(swept: Project, tmp_path: Path) -> Project:
    shutil.copytree(swept.folder, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)


def test_a_weak_slice_is_found_saved_and_tested_for_ever(demo: Project) -> None:
    sliced = told(demo, "slices", "income#best")
    names = [one["name"] for one in sliced["slices"]]
    assert names[0] == "all rows"
    assert {"young women", "self-employed"} <= set(names)
    assert "young women" in said(demo, "slices", "income#0", "income#1")[0]

    scored = told(demo, "evaluate", "income#0", "income#1")
    assert (scored["set"], scored["rows"]) == ("adult-eval@v1", 13956)
    assert {"auc", "recall", "precision", "profit"} == set(scored["runs"][1]["figures"])

    search = told(demo, "slices", "income#best", "--find", "--top", "3", "--level", "1")
    worst = next(one for one in search["found"] if one["confirmed"])
    assert worst["loss"] > worst["rest"]
    said(demo, "slices", "income#best", "-w", worst["expression"], "--save", "the worst")
    assert "# where to look closer" in (demo.folder / "cockpit.toml").read_text()
    again = told(demo, "slices", "income#best")
    saved = next(one for one in again["slices"] if one["name"] == "the worst")
    assert saved["n"] == worst["n"]

    grow = ("eval", "grow", "adult-eval", "--from", "complaints", "-w", "age > 60")
    grown = told(demo, *grow, "--why", "they complained")
    assert grown["version"] == "adult-eval@v2"
    assert grown["rows"] == 13956 + grown["added"]
    assert grown["added"] > 10
    assert "nothing was changed" in said(demo, *grow, "--why", "again", code=1)[1]

    assert "the saved model answers adult-eval@v2 now" in said(demo, "slices", "income#best")[0]
    without_models(demo)
    _, refused = said(demo, "slices", "income#best", code=2)
    assert "is scored on adult-eval@v1, not on adult-eval@v2" in refused
    assert "--on adult-eval@v1" in refused
    assert "adult-eval@v1" in said(demo, "slices", "income#best", "--on", "adult-eval@v1")[0]

    difference = told(demo, "data", "diff", "adult-eval@v1", "adult-eval@v2")
    assert (difference["added"], difference["removed"]) == (grown["added"], 0)
    assert told(demo, "data", "drift", "adult-eval@v1", "adult-eval@v2")["drifted"] == []


def test_runs_on_different_versions_are_never_put_side_by_side(demo: Project) -> None:
    grow = ("eval", "grow", "adult-eval", "--from", "complaints", "-w", "age > 0", "--why", "new")
    said(demo, *grow)
    change(demo.folder / "sweep.toml", ('name = "income"', SECOND), ("trials = 3", "trials = 1"))
    demo.run("sweep", "sweep.toml")
    assert told(demo, "show", "second#0")["predictions"][0]["set"] == "adult-eval@v2"
    runs = ("income#0", "income#1", "second#0")
    found = told(demo, "compare", *runs)
    assert (found["evaluation"]["set"], found["evaluation"]["problems"]) == ("adult-eval@v1", [])

    without_models(demo)
    found = told(demo, "compare", *runs, "--on", "adult-eval@v2")
    assert found["evaluation"]["set"] == "adult-eval@v2"
    problems = found["evaluation"]["problems"]
    old = [one["id"] for one in found["runs"][:2]]
    for id_, name, problem in zip(old, runs[:2], problems, strict=True):
        assert problem.startswith(f"{name} is scored on adult-eval@v1, not on adult-eval@v2")
        assert f"cockpit evaluate {id_} --on adult-eval@v1" in problem
    scored = [row for row in found["rows"] if row["group"] in ("evaluation", "kpis", "slices")]
    assert {row["group"] for row in scored} == {"evaluation", "kpis", "slices"}
    assert not [row["name"] for row in scored if set(old) & set(row["values"])]
    out, _ = said(demo, "compare", "income#0", "second#0", "--on", "adult-eval@v2")
    assert "is scored on adult-eval@v1" in out


def test_broken_data_stop_the_next_sweep(demo: Project) -> None:
    assert "keeps its contract" in said(demo, "data", "check", "adult-eval")[0]
    shown = told(demo, "data", "show", "adult-eval")
    assert shown["rows"] == 13956
    file = demo.folder / "adult_test.parquet"
    frame = pl.read_parquet(file)
    frame.with_columns(age=pl.col("age") * 100).write_parquet(file)
    report = told(demo, "data", "check", "adult-eval", code=1)
    assert not report["passed"]
    stopped, _ = said(demo, "sweep", "sweep.toml", code=2)
    assert "nothing was started" in stopped + _
    drift = told(demo, "data", "drift", "adult-eval@v1", "adult_test.parquet")
    assert drift["drifted"] == ["age"]
    changed = told(demo, "data", "diff", "adult-eval@v1", "adult_test.parquet")
    assert changed["differs"]
