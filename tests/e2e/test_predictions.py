"""Predictions from a trial, a command or a script to the table of `cockpit evaluate`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Project

TOML = """
[data.eval]
path = "eval.csv"
key = ["id"]
target = "y"
evaluation = true
[slices]
low = "id < 20"
[kpis]
hits = "sum(y_pred * y_true)"
"""


@pytest.fixture
def shop(project: Project) -> Project:
    rows = "".join(f"{i},{int(i % 3 == 0)}\n" for i in range(60))
    project.write("eval.csv", "id,y\n" + rows)
    project.write("cockpit.toml", TOML)
    return project


def accuracy(project: Project, *runs: str) -> list[float | None]:
    found = project.json("evaluate", *runs, "-m", "accuracy")
    return [run["figures"]["accuracy"]["value"] for run in found["runs"]]


def test_trials_answer_and_are_measured(shop: Project) -> None:
    shop.spec(trials=2, workers=1)
    shop.write(
        "train.py",
        "def train(trial):\n"
        "    rows = [line.split(',') for line in open(trial.data['eval']).read().split()[1:]]\n"
        "    right = [int(y) for _, y in rows]\n"
        "    if trial.number:\n"
        "        right[0] = 1 - right[0]\n"
        "    trial.log_predictions('eval', right, [0.25 + y / 2 for y in right], features=['id'])\n"
        "    return {'auc': 0.5}\n",
    )
    shop.run("sweep", "sweep.toml")
    found = shop.json("evaluate", "s#0", "s#1")
    assert (found["set"], found["rows"], found["task"]) == ("eval@v1", 60, "binary")
    first, second = found["runs"]
    assert first["figures"]["accuracy"]["value"] == 1.0
    assert second["figures"]["accuracy"]["value"] == pytest.approx(59 / 60)
    assert second["figures"]["accuracy"]["difference"]["method"] == "mcnemar"
    assert (first["figures"]["hits"]["value"], second["figures"]["hits"]["value"]) == (20, 19)
    printed = shop.run("evaluate", "s#0", "s#1").stdout
    assert "eval@v1  60 rows  binary by y" in printed
    assert shop.json("show", "s#0")["user_attrs"]["features"] == ["id"]
    shop.run("rerun", "s#1", "--here")
    assert accuracy(shop, "s#1", "@latest") == [pytest.approx(59 / 60)] * 2


def test_a_wrong_length_fails_the_trial_with_a_sentence(shop: Project) -> None:
    shop.spec(trials=1, workers=1)
    shop.write(
        "train.py", "def train(trial):\n    trial.log_predictions('eval', [1])\n    return 1\n"
    )
    shop.run("sweep", "sweep.toml", code=3)
    run = shop.json("show", "s#0")
    assert "train.py line 2: ValueError: 1 predictions for the 60 rows of eval" in run["reason"]
    assert "has no predictions on eval" in shop.run("evaluate", "s#0", code=2).stderr


def test_what_a_killed_attempt_answered_counts_no_more(shop: Project) -> None:
    shop.spec(trials=1, workers=1, run="")
    shop.write(
        "train.py",
        "import os, signal\n"
        "def train(trial):\n"
        "    if not os.path.exists('again'):\n"
        "        trial.log_predictions('eval', [0] * 60)\n"
        "        open('again', 'w').close()\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return 1\n",
    )
    shop.run("sweep", "sweep.toml")
    assert shop.json("show", "s#0")["attempt"] == 1
    assert "has no predictions on eval" in shop.run("evaluate", "s#0", code=2).stderr


COMMAND = (
    "import os, sys\n"
    "folder = os.environ['COCKPIT_RUN_DIR'] + '/predictions'\n"
    "os.makedirs(folder, exist_ok=True)\n"
    "if not os.path.exists('again'):\n"
    "    open(folder + '/eval.csv', 'w').write('id,y_pred\\n' + ''.join(f'{i},0\\n' for i in range(60)))\n"
    "    open('again', 'w').close()\n"
    "    os.kill(os.getpid(), 9)\n"
    "if sys.argv[1:] == ['answer']:\n"
    "    open(folder + '/eval.csv', 'w').write('id,y_pred\\n' + ''.join(f'{i},1\\n' for i in reversed(range(60))))\n"
    "    open(folder + '/evil.csv', 'w').write('y_pred\\n1\\n')\n"
    "print('{\"auc\": 0.5}')\n"
)


@pytest.mark.parametrize("answers", [True, False])
def test_a_command_s_files_are_the_last_attempt_s_own(shop: Project, answers: bool) -> None:
    argv = [sys.executable, "train.py", *(["answer"] if answers else [])]
    shop.write("train.py", COMMAND)
    shop.write(
        "sweep.toml",
        '[sweep]\nname = "s"\nmetric = "auc"\ndirection = "maximize"\ntrials = 1\n'
        f"[run]\ncommand = {json.dumps(argv)}\n",
    )
    done = shop.run("sweep", "sweep.toml")
    assert shop.json("show", "s#0")["attempt"] == 1
    if answers:
        assert "no evaluation set is called 'evil'" in done.stdout + done.stderr
        assert accuracy(shop, "s#0") == [pytest.approx(20 / 60)]
    else:
        assert "has no predictions on eval" in shop.run("evaluate", "s#0", code=2).stderr


def test_a_plain_command_and_a_tracked_script_answer_too(shop: Project) -> None:
    shop.write("again", "")
    shop.write("train.py", COMMAND)
    done = shop.run("run", "--name", "plain", "--", sys.executable, "train.py", "answer")
    assert "predictions/evil.csv is not kept" in done.stderr
    assert accuracy(shop, "plain") == [pytest.approx(20 / 60)]
    script = (
        "import cockpit\n"
        "with cockpit.track('own') as run:\n"
        "    run.log_predictions('eval', [i % 3 == 0 for i in range(60)])\n"
    )
    shop.write("own.py", script)
    shop.run("run", "--name", "tracked", "--", sys.executable, "own.py")
    assert accuracy(shop, "tracked") == [1.0]


def test_a_file_is_attached_to_a_run_that_said_nothing(shop: Project, tmp_path: Path) -> None:
    shop.run("run", "--name", "plain", "--", "true")
    file = tmp_path / "late.json"
    file.write_text(json.dumps({"id": list(range(60)), "y_score": [0.9] * 60}))
    done = shop.run("evaluate", "plain", "--predictions", str(file))
    assert "60 predictions of late.json kept with plain, on eval@v1" in done.stderr
    assert "y_pred is y_score >= 0.5" in done.stdout
    file.write_text(json.dumps({"y_pred": ["a"] * 60}))
    done = shop.run("evaluate", "plain", "--predictions", str(file), code=2)
    assert "y_pred has 'a', which y of eval@v1 never is" in done.stderr
    assert accuracy(shop, "plain") == [pytest.approx(20 / 60)]


def slices(found: Any) -> dict[str, int]:
    return {each["name"]: each["n"] for each in found["slices"]}


def test_slices_are_shown_saved_found_and_grown_by(shop: Project, tmp_path: Path) -> None:
    shop.write("pool.csv", "id,y\n" + "".join(f"{i},1\n" for i in range(50, 80)))
    shop.write("cockpit.toml", TOML.replace("[slices]", POOL + "[slices]"))
    for name, right in (("one", 60), ("two", 30)):
        file = tmp_path / f"{name}.csv"
        labels = [int(i % 3 == 0) if i < right else int(i % 3 > 0) for i in range(60)]
        file.write_text("y_pred\n" + "".join(f"{label}\n" for label in labels))
        shop.run("run", "--name", name, "--", "true")
        shop.run("evaluate", name, "--on", "eval", "--predictions", str(file))
    found = shop.json("slices", "one", "two", "-m", "accuracy")
    assert slices(found) == {"all rows": 60, "low": 20}
    cell = found["slices"][0]["runs"][found["runs"][1]["id"]]
    assert (cell["value"], cell["difference"]["verdict"]) == (0.5, "worse")
    saved = shop.run("slices", "one", "--where", "id >= 40", "--save", "high", "-m", "accuracy")
    assert "the slice 'high' (20 rows) was written" in saved.stderr
    found = shop.json("slices", "two", "-m", "accuracy")
    assert [each["name"] for each in found["slices"]] == ["all rows", "high", "low"]
    rows = shop.json("slices", "two", "--where", "high", "--rows", "3")
    assert ([row["id"] for row in rows["rows"]], rows["of"]) == ([40, 41, 42], 20)
    assert "no 'ide'; did you mean id?" in shop.run("slices", "two", "-w", "ide > 3", code=2).stderr
    weak = shop.json("slices", "two", "--find", "--top", "1")
    assert weak["searched"] == 0  # the key is no feature
    grown = shop.json(
        "eval", "grow", "eval", "--from", "pool", "--where", "id > 55", "--why", "they fail"
    )
    assert (grown["version"], grown["added"], grown["there"], grown["others"]) == (
        "eval@v2",
        20,
        4,
        2,
    )
    nothing = ("eval", "grow", "eval", "--from", "pool", "--where", "id > 55", "--why", "again")
    assert "has the 24 rows chosen already" in shop.run(*nothing, code=1).stderr
    assert [each["label"] for each in shop.json("eval", "list")] == ["eval@v2", "pool@v1"]
    shown = shop.run("eval", "show", "eval").stdout
    assert "+20 of pool@v1 where id > 55: they fail" in shown
    refused = shop.run("slices", "one", "two", code=2).stderr
    assert "all of them are scored on eval@v1: --on eval@v1" in refused
    shop.run("slices", "one", "two", "--on", "eval@v1")


POOL = """
[data.pool]
path = "pool.csv"
key = ["id"]
target = "y"
positive = 1
evaluation = true
[evaluation]
on = "eval"
"""
