"""Promotion as it is typed: what is printed, what code it ends with, and that it is never half done."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from storage import models
from storage.care.check import check
from storage.layout import Layout
from storage.store import Store
from tests.e2e.conftest import COCKPIT, Project
from tests.e2e.test_evaluation_story import said, told
from tests.unit.promoted import Lab, lab, unfair_rows, weak_rows
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


def test_what_cannot_be_judged_ends_with_two(project: Project) -> None:
    _, err = said(project, "promote", "nobody", "--to", "production", code=2)
    assert "no run answers to 'nobody'" in err
    _, err = said(project, "promote", "weak", "--model", "incme", "--to", "production", code=2)
    assert "did you mean 'income'?" in err
    project.write("cockpit.toml", '[models.income]\ngates = ["acc > 0.5"]\n')
    _, err = said(project, "promote", "weak", "--to", "production", code=2)
    assert "line 2" in err
    assert "there is no figure 'acc'" in err


STEPS = ("write", "fsync", "fdatasync", "rename", "replace", "mkdir", "flock", "open")
KILLED = f"""
import os, signal, sys
from pathlib import Path
from cockpit.models.promotion import check, promote
from cockpit.project.reading import load_project
from storage.layout import Layout

layout = Layout(Path(".cockpit").absolute())
checked = check(layout, load_project(Path(".")), "income", "good", "production")
last, step = int(sys.argv[1]), 0

def look(frame, event, function):
    global step
    if event == "c_call" and function.__name__ in {STEPS!r}:
        step += 1
        if step == last:
            os.kill(os.getpid(), signal.SIGKILL)

sys.setprofile(look)
promote(layout, checked, "quickly")
sys.setprofile(None)
print(step)
"""


def killed_at(folder: Path, step: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", KILLED, str(step)],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_at_any_step_it_is_before_or_after_never_between(made: Path, tmp_path: Path) -> None:
    first = tmp_path / "first"
    shutil.copytree(made, first)
    (first / "cockpit.toml").write_text("[models.income]\ngates = []\n")
    Lab(first, Layout(first / ".cockpit")).promote("weak")
    whole = tmp_path / "whole"
    shutil.copytree(first, whole)
    out, err = killed_at(whole, 0).communicate(timeout=60)
    assert out.strip().isdecimal(), err
    steps = int(out)
    assert steps > 10
    chosen = sorted({1 + (steps - 1) * part // 7 for part in range(8)})
    outcomes = []
    for step in chosen:
        folder = tmp_path / f"at-{step}"
        shutil.copytree(first, folder)
        process = killed_at(folder, step)
        process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, step
        outcomes.append(settled(Layout(folder / ".cockpit")))
    assert outcomes[0] == 1, "killed at its first step it has changed nothing"
    assert (outcomes, outcomes[-1]) == (sorted(outcomes), 2), "once it has happened it stays so"


def settled(layout: Layout) -> int:
    """The version that is live; all that is told of it is whole."""
    with Store(layout).session() as session:
        version = models.live(session, "income", "production")
        assert version is not None
        moves, total = models.history(session, "income")
        assert [one.number for one in moves] == list(range(total, 0, -1))
        assert moves[0].digest == version.digest
        assert total == version.number
    from cockpit.models.resolving import resolve

    assert resolve(layout, "income@production").bundle.digest == version.bundle
    assert check(Store(layout)).differences == ()
    return version.number


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
