"""`cockpit show` says what a run is, where it comes from, and what makes it again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.unit.repositories import commit_all

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Project

TRAIN = """
import os
def train(trial):
    os.makedirs(os.path.join(os.environ["COCKPIT_RUN_DIR"], "plots"))
    for name in ("model.bin", "plots/roc.svg"):
        with open(os.path.join(os.environ["COCKPIT_RUN_DIR"], name), "wb") as file:
            file.write(b"x" * 1500)
    print("trained")
    return {"auc": trial.params["x"]}
"""


@pytest.fixture
def swept(project: Project) -> Project:
    project.write("train.py", "one = 1\n")
    project.write("rows.csv", "1\n")
    project.spec(
        '[params]\nx = { type = "float", low = 0, high = 1, default = 0.5 }\n[data]\ntrain = "rows.csv"',
        trials=2,
        workers=1,
    )
    commit_all(project.folder)
    project.write("train.py", TRAIN)
    project.write("notes.txt", "")
    project.run("sweep", "sweep.toml")
    return project


def test_a_run_is_shown_with_all_that_makes_it(swept: Project) -> None:
    said = swept.run("show", "s#0").stdout
    identity = swept.json("show", "s#0")["id"]
    assert re.search(rf"^s#0  ✓ complete  \S+  id {identity}  the baseline$", said, re.MULTILINE)
    for line in (
        r"  x  0\.5",
        r"  cpu time     \d+ ms|  cpu time     \S+s",
        r"  peak memory  \S+ MB",
        r"artifacts \(\.cockpit/runs/\w+/artifacts\)",
        r"  model\.bin      1\.5 KB",
        r"  plots/roc\.svg  1\.5 KB",
        r"  git         [0-9a-f]{40} on work, with changes",
        r"  changed     train\.py",
        r"  diff        \d+ B  \.cockpit/diffs/[0-9a-f]{16}\.patch",
        r"  untracked   notes\.txt",
        r"  data train  blake3:[0-9a-f]{12}…  2 B  rows\.csv",
        rf"  cockpit rerun {identity}",
        r"  # a git worktree of [0-9a-f]{12}, its diff applied",
        r"  # its spec, 1 param fixed, seed 1, data checked by content",
        r"  trained",
    ):
        assert re.search(rf"^(?:{line})$", said, re.MULTILINE), f"{line}\n{said}"


def test_changes_too_large_to_keep_are_told_with_the_command(swept: Project) -> None:
    swept.write("train.py", TRAIN + "#\n" * 3_000_000)
    started = swept.run("sweep", "sweep.toml", "--name", "t")
    assert "the work tree has more changes than are kept" in started.stdout + started.stderr
    said, again = swept.run("show", "t#0").stdout, swept.json("show", "t#0")["again"]
    assert again.endswith(" --force")
    for line in (
        r"  diff        not kept, larger than 5\.0 MB",
        rf"  {again}",
        r"  # a git worktree of [0-9a-f]{12}, not all of its changes: they were not kept",
    ):
        assert re.search(rf"^(?:{line})$", said, re.MULTILINE), f"{line}\n{said}"
    refused = swept.run(*again.removesuffix(" --force").split()[1:], code=2)
    assert "--force goes on without what is missing" in refused.stderr


def test_no_line_of_ours_is_wider_than_a_terminal(swept: Project) -> None:
    lines = swept.run("show", "s#0").stdout.splitlines()
    own = [line for line in lines if not line.lstrip().startswith(("python ", "command"))]
    assert max(map(len, own)) <= 80


def test_as_json_it_is_all_there(swept: Project) -> None:
    shown = swept.json("show", "s#0")
    assert shown["baseline"] is True
    assert shown["attempt"] == 0
    assert shown["again"] == f"cockpit rerun {shown['id']}"
    assert shown["artifacts"]["files"] == {"model.bin": 1500, "plots/roc.svg": 1500}
    diff = shown["provenance"]["git"]["diff"]
    assert diff["digest"].startswith("blake3:")
    assert diff["bytes"] > 0
    assert diff["truncated"] is False


def test_what_a_run_prints_cannot_act_on_the_terminal(project: Project) -> None:
    project.write(
        "train.py", "def train(t):\n    print('\\x1b]0;title\\x07\\x1b[2Jgone')\n    return 1\n"
    )
    project.spec("baseline = false", trials=1)
    project.run("sweep", "sweep.toml")
    said = project.run("show", "s#0").stdout
    assert "\x1b" not in said
    assert "gone" in said


def test_a_run_whose_log_file_has_gone_still_shows_how_it_ended(project: Project) -> None:
    project.write("train.py", "def train(t):\n    print('before')\n    raise ValueError('no')\n")
    project.spec("baseline = false", trials=1)
    project.run("sweep", "sweep.toml", code=3)
    log: Path = project.folder / ".cockpit/runs" / project.json("show", "s#0")["id"] / "log.txt"
    log.unlink()
    said = project.run("show", "s#0").stdout
    assert "log (its file is gone)" in said
    assert "  before" in said
