"""The demo's own story: a better model that is worse on a slice is stopped, forced, and taken back."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import polars as pl
import pytest

from cockpit.demo.write import write_project
from cockpit.tui.judged import Asked
from cockpit.tui.source import StoreSource
from storage.layout import Layout
from tests.e2e.conftest import Project
from tests.e2e.test_evaluation_story import change, said, told

if TYPE_CHECKING:
    from pathlib import Path

TO = ("--to", "production")
SLICES = "every slice: recall >= incumbent.recall - 0.03 where n >= 200"


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The demo's project after its first five trials, of fewer iterations; how busy the machine is decides nothing."""
    project = Project(tmp_path_factory.mktemp("promotion"))
    write_project(project.folder)
    change(project.folder / "sweep.toml", ("trials = 30", "trials = 5"))
    change(project.folder / "train.py", ("ITERATIONS = 200", "ITERATIONS = 80"))
    change(project.folder / "cockpit.toml", ("latency_p99_ms <= 20", "latency_p99_ms <= 5000"))
    project.run("sweep", "sweep.toml")
    return project


def test_a_better_model_that_is_worse_on_a_slice_is_stopped_forced_and_taken_back(
    demo: Project,
) -> None:
    first = told(demo, "promote", "income#4", *TO, "--reason", "the first")
    assert first["passed"]

    out, _ = said(demo, "promote", "income#best", *TO, code=1)
    assert f"✗ {SLICES}" in out
    assert "fails on 1 of 4 slices: 'little schooling'" in out
    assert "n 6,383" in out
    assert "of 5 gates failed; production of income stays where it is" in out
    judged = told(demo, "promote", "income#best", *TO, "--check", code=1)
    auc, slices, *_ = judged["evidence"]["gates"]
    assert auc["verdict"] == "pass"
    assert auc["difference"]["low"] > 0, "it is better over all, and not by chance"
    worst = slices["slices"][0]
    assert (worst["slice"], worst["verdict"], worst["n"]) == ("little schooling", "fail", 6383)
    assert worst["difference"]["value"] < -0.03
    assert worst["difference"]["high"] < 0, "nor is it worse there by chance"

    forced = told(demo, "promote", "income#best", *TO, "--force", "--reason", "for the campaign")
    back = told(demo, "rollback", "income")
    lines = said(demo, "history", "income")[0].splitlines()
    assert ["rolled back" in lines[0], "FORCED" in lines[1], "promoted" in lines[2]] == [True] * 3
    assert "for the campaign" in lines[1]

    moves = (first["move"], forced["move"], back)
    times = [datetime.fromisoformat(move["time"]) for move in moves]
    moment = timedelta(microseconds=1)
    assert told(demo, "history", "income", "--at", (times[0] - moment).isoformat()) == []
    for time, until, version in zip(times, [*times[1:], None], (1, 2, 1), strict=True):
        moments = [time, time + moment] + ([until - moment] if until else [])
        for at in moments:
            (live,) = told(demo, "history", "income", "--at", at.isoformat())
            assert (live["alias"], live["to"]) == ("production", version), at


def test_the_set_grows_and_every_kept_model_answers_the_new_rows(
    demo: Project, tmp_path: Path
) -> None:
    grown = told(
        demo, "eval", "grow", "adult-eval", "--from", "complaints", "-w", "age < 25", "--why", "x"
    )
    assert (grown["version"], grown["added"]) == ("adult-eval@v2", 396)
    assert (grown["others"], grown["models"]) == (5, 5)
    both = ("income#baseline", "income#4")
    found = told(demo, "evaluate", *both, "--on", "adult-eval@v2")
    assert (found["set"], found["rows"]) == ("adult-eval@v2", 13956 + 396)
    for one in found["runs"]:
        assert any("the saved model answers adult-eval@v2 now" in note for note in one["notes"])
        assert one["figures"]["auc"]["value"] > 0.9

    ids = [one["id"] for one in found["runs"]]
    screen = StoreSource(Layout(demo.folder / ".cockpit")).judged(Asked(tuple(ids), ids[0]))
    assert (screen.set, screen.left_out) == ("adult-eval@v2", {})
    assert screen.table is not None
    assert [*screen.table.rows[0].cells] == ids
    compared = told(demo, "compare", *both, "--on", "adult-eval@v2")["evaluation"]
    assert (compared["set"], compared["problems"]) == ("adult-eval@v2", [])

    rows, target = demo.folder / "complaints.parquet", tmp_path / "answers.parquet"
    said(demo, "predict", "income#4", str(rows), "-o", str(target))
    answers = pl.read_parquet(target)
    assert answers["id"].to_list() == pl.read_parquet(rows)["id"].to_list()
    assert answers["y_score"].is_between(0, 1).all()
