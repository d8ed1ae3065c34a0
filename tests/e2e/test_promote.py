"""Promotion as it is typed: what is printed, what code it ends with, and that it is never half done."""

from __future__ import annotations

import json
import shutil
import subprocess
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import COCKPIT, Project
from tests.e2e.test_evaluation_story import said, told
from tests.unit.promoted import lab, unfair_rows, weak_rows
from tests.unit.saved_models import people

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = lab(tmp_path_factory.mktemp("promote"))
    for name, rows in {"weak": weak_rows(), "unfair": unfair_rows(), "good": people(2000)}.items():
        found.run(name, rows)
    return found.folder


@pytest.fixture
def project(made: Path, tmp_path: Path) -> Project:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    return Project(tmp_path)


def test_a_model_is_promoted_stopped_forced_and_taken_back(project: Project) -> None:
    assert "no models yet" in said(project, "models")[0]
    out, _ = said(project, "promote", "weak", "--to", "production", "--check")
    assert "weak against nothing: a first promotion on eval@v1" in out
    assert "no models yet" in said(project, "models")[0], "a check changes nothing"
    out, _ = said(project, "promote", "weak", "--to", "production", "--reason", "a start")
    assert "production of income is income@v1 now" in out

    out, _ = said(project, "promote", "unfair", "--to", "production", code=1)
    assert "✗ every slice: accuracy >= incumbent.accuracy - 0.03 where n >= 50" in out
    assert "fails on 1 of 2 slices: 'smiths':" in out
    assert "1 of 4 gates failed; production of income stays where it is" in out
    found = told(project, "promote", "unfair", "--to", "production", "--check", code=1)
    assert (found["passed"], found["promoted"], found["incumbent"]) == (False, False, "income@v1")
    worst = found["evidence"]["gates"][1]["slices"][0]
    assert (worst["slice"], worst["verdict"]) == ("smiths", "fail")
    assert worst["difference"]["high"] < 0
    assert worst["n"] > 400
    markdown, _ = said(project, "promote", "unfair", "--to", "production", "--markdown", code=1)
    assert "| smiths | " in markdown
    assert "FAIL" in markdown

    _, err = said(project, "promote", "unfair", "--to", "production", "--force", code=2)
    assert "--reason" in err
    out, _ = said(
        project, "promote", "unfair", "--to", "production", "--force", "--reason", "asked for"
    )
    assert "income@v2 now, against the gates: 1 of 4 gates failed" in out
    out, _ = said(project, "rollback", "income", "--reason", "smiths call")
    assert "production of income is income@v1 again; it was income@v2" in out
    _, err = said(project, "rollback", "income", code=2)
    assert "nothing was production of income before" in err

    lines = said(project, "history", "income")[0].splitlines()
    assert ["rolled back" in lines[0], "FORCED" in lines[1], "promoted" in lines[2]] == [True] * 3
    assert "smiths call" in lines[0]
    listed = said(project, "models")[0]
    assert "income@v1" in listed
    assert "rolled back" in listed


def test_history_answers_for_every_moment(project: Project) -> None:
    found = [told(project, "promote", name, "--to", "production") for name in ("weak", "good")]
    found.append({"move": told(project, "rollback", "income")})
    times = [datetime.fromisoformat(one["move"]["time"]) for one in found]
    before = (times[0] - timedelta(microseconds=1)).isoformat()
    assert told(project, "history", "income", "--at", before) == []
    for time, version in zip(times, (1, 2, 1), strict=True):
        (one,) = told(project, "history", "income", "--at", time.isoformat())
        assert (one["alias"], one["to"]) == ("production", version)
    between = (times[1] + (times[2] - times[1]) / 2).isoformat()
    said(project, "rollback", "income", code=2)
    back, _ = said(project, "history", "income", "--at", times[2].isoformat())
    assert "as it was judged: " in back, "why it is live is why it was promoted"
    nothing, _ = said(project, "history", "income", "--at", "2020-01-01")
    assert "nothing of income was live at 2020-01-01 00:00:00 UTC" in nothing
    never, _ = said(project, "history", "income", "--alias", "shadow")
    assert "shadow of income was never moved" in never
    out, _ = said(project, "history", "income", "--at", between)
    assert "income@v1 → income@v2" in out
    assert "✓ auc >= incumbent.auc - 0.002" in out
    _, err = said(project, "history", "income", "--at", "soon", code=2)
    assert "--at takes a date" in err


def test_a_version_tells_where_it_comes_from(project: Project) -> None:
    said(project, "promote", "weak", "--to", "candidate")
    said(project, "promote", "income@candidate", "--to", "production")
    out, _ = said(project, "model", "show", "income@production")
    assert out.startswith("income@v1")
    assert "bundle" in out
    shown = told(project, "model", "show", "income")
    assert [one["name"] for one in shown["versions"]] == ["weak"]
    assert set(shown["aliases"]) == {"candidate", "production"}
    _, err = said(project, "model", "show", "income@shadow", code=2)
    assert "income has no 'shadow'; it has candidate, production, v1" in err


def test_rules_leave_with_an_export_or_nothing_is_written(project: Project) -> None:
    rules = ["when age < 30 and job = 'smith' then 'no'", "when length(job) > 9 then 'no'"]
    for rule in rules:
        toml = f"[models.income]\ngates = []\nrules = [{json.dumps(rule)}]\n"
        project.write("cockpit.toml", toml)
        said(project, "promote", "good", "--to", "shadow")
    _, err = said(project, "export", "income@shadow", "out", code=2)
    assert "length(job) > 9" in err
    assert "--without-rules" in err
    assert not (project.folder / "out").exists()
    _, err = said(project, "export", "income@shadow", "bare", "--without-rules")
    assert "without the 1 rule of its version, as was asked for" in err
    assert not (project.folder / "bare" / "rules.json").exists()
    found = told(project, "export", "income@v1", "out")
    assert (found["rules"], found["left_out"]) == (rules[:1], 0)
    for model, out in (("out", "a.csv"), ("income@v1", "b.csv"), ("bare", "c.csv")):
        said(project, "predict", model, "eval.parquet", "-o", out)
    texts = [(project.folder / name).read_text() for name in ("a.csv", "b.csv", "c.csv")]
    assert texts[0] == texts[1] != texts[2]


def test_what_cannot_be_judged_ends_with_two(project: Project) -> None:
    _, err = said(project, "promote", "nobody", "--to", "production", code=2)
    assert "no run answers to 'nobody'" in err
    _, err = said(project, "promote", "weak", "--model", "incme", "--to", "production", code=2)
    assert "did you mean 'income'?" in err
    project.write("cockpit.toml", '[models.income]\ngates = ["acc > 0.5"]\n')
    _, err = said(project, "promote", "weak", "--to", "production", code=2)
    assert "line 2" in err
    assert "there is no figure 'acc'" in err


def test_what_is_there_already_is_no_failure(project: Project) -> None:
    """A script that promotes twice ends well twice."""
    project.write("cockpit.toml", "[models.income]\ngates = []\n")
    said(project, "promote", "weak", "--to", "production")
    out, _ = said(project, "promote", "weak", "--to", "production")
    assert "income@v1 is production already; nothing is to be done" in out
    found = told(project, "promote", "income@v1", "--to", "production", "--check")
    assert (found["already"], found["promoted"], found["passed"]) == (True, False, None)
    assert len(told(project, "history", "income")) == 1


def test_of_two_commands_at_once_one_wins_and_the_other_says_so(project: Project) -> None:
    said(project, "promote", "weak", "--to", "production")
    project.write("cockpit.toml", "[models.income]\ngates = []\n")
    started = [
        subprocess.Popen(
            [*COCKPIT, "promote", name, "--to", "production", "--json"],
            cwd=project.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in ("good", "unfair")
    ]
    ended: list[tuple[int, str, str]] = []
    for process in started:
        out, err = process.communicate(timeout=60)
        ended.append((process.returncode, out, err))
    moves: list[dict[str, Any]] = told(project, "history", "income")
    winners = [json.loads(out)["move"] for code, out, _ in ended if code == 0]
    assert winners
    assert len(moves) == 1 + len(winners)
    for code, _, err in ended:
        assert code == 0 or "meanwhile; nothing was changed: look again" in err
    # Each was judged against what was there when it moved: nobody's step was skipped.
    assert [(one["from"], one["to"]) for one in reversed(moves)] == [
        (None if place == 0 else place, place + 1) for place in range(len(moves))
    ]
