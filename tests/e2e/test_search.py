"""What a spec may say about the search, seen from the command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

TRAIN = """
def train(trial):
    with open("ran", "a") as file:
        file.write("x")
    p = trial.params
    return {"auc": p["x"] / 10, "ms": 3.0 * p["x"]}

def constant(trial):
    return {"auc": 0.4, "ms": 1.0}
"""
X = '[params]\nx = { type = "int", low = 1, high = 9, default = 3 }\n'


@pytest.fixture
def ready(project: Project) -> Project:
    project.write("train.py", TRAIN)
    return project


def specify(project: Project, body: str = "", more: str = X, trials: int = 6) -> None:
    project.spec(body, trials=trials, workers=1)
    with (project.folder / "sweep.toml").open("a") as file:
        file.write(more)


def xs(project: Project, sweep: str = "s") -> list[int]:
    runs = project.json("runs", "--sweep", sweep, "--limit", "100")
    return [run["params"]["x"] for run in sorted(runs, key=lambda run: run["number"])]


def test_the_default_point_is_the_baseline_and_the_gain_over_it_is_said(ready: Project) -> None:
    specify(ready)
    said = ready.run("sweep", "sweep.toml").stdout
    assert xs(ready)[0] == 3
    best = max(xs(ready)) / 10
    assert f"+{best - 0.3:.1f} over the baseline (0.3)" in said
    (sweep,) = ready.json("sweeps")
    assert sweep["baseline"]["metrics"]["auc"] == 0.3


def test_a_baseline_of_its_own_function_runs_first_and_is_no_trial(ready: Project) -> None:
    specify(ready)
    text = (ready.folder / "sweep.toml").read_text()
    ready.write(
        "sweep.toml",
        text.replace('"train.py:train"', '"train.py:train"\nbaseline = "train.py:constant"'),
    )
    *lines, _ = map(json.loads, ready.run("sweep", "sweep.toml", "--json").stdout.splitlines())
    assert (lines[0]["number"], lines[0]["metrics"]["auc"]) == (None, 0.4)
    assert len(lines) == 7
    assert ready.json("show", "s#baseline")["metrics"]["auc"] == 0.4
    ready.run("sweep", "--resume", "s", "--trials", "8")
    runs = ready.json("runs", "--limit", "100")
    assert sorted(run["number"] for run in runs if run["number"] is not None) == list(range(8))


def test_without_a_baseline_there_is_none(ready: Project) -> None:
    specify(ready, "baseline = false")
    assert "baseline" not in ready.run("sweep", "sweep.toml").stdout


def test_points_put_in_line_come_first(ready: Project) -> None:
    specify(ready, "baseline = false", X + "[[enqueue]]\nx = 7\n[[enqueue]]\nx = 1\n")
    ready.run("sweep", "sweep.toml")
    assert xs(ready)[:2] == [7, 1]


def test_a_point_in_line_with_a_value_that_the_code_never_asks_for_is_told(ready: Project) -> None:
    ready.write(
        "train.py", "def train(trial):\n    return trial.suggest_int('x', 1, 9) + trial.number\n"
    )
    specify(ready, "baseline = false", "[[enqueue]]\nx = 7\n[[enqueue]]\nx = 8\ny = 2\nz = 3\n")
    said = ready.run("sweep", "sweep.toml").stdout
    assert said.count("for which its code did not ask") == 1
    assert "#1 was to try a value of y, z, for which its code did not ask" in said


def test_a_matrix_is_a_sweep_for_each_cell(ready: Project) -> None:
    axes = """
[[matrix]]
low = { params = { x = { high = 3 } } }
high = { params = { x = { low = 7, default = 8 } } }
[[matrix]]
short = { sweep = { trials = 2 } }
long = { sweep = { trials = 3 } }
"""
    specify(ready, more=X + axes)
    ready.run("sweep", "sweep.toml")
    found = {sweep["name"]: sweep["counts"]["complete"] for sweep in ready.json("sweeps")}
    assert found == {"s-low-short": 2, "s-low-long": 3, "s-high-short": 2, "s-high-long": 3}
    assert max(xs(ready, "s-low-long")) <= 3
    assert min(xs(ready, "s-high-long")) >= 7


def test_patience_ends_a_sweep_and_says_so(ready: Project) -> None:
    more = X + "[[enqueue]]\nx = 9\n"
    specify(ready, "baseline = false\npatience = 4", more, trials=100)
    said = ready.run("sweep", "sweep.toml").stdout
    assert "nothing better came in 4 trials" in said
    assert len(xs(ready)) == 5
    (sweep,) = ready.json("sweeps")
    assert sweep["state"] == "complete"


def test_time_ends_a_sweep_and_says_so(ready: Project) -> None:
    specify(ready, 'time = "1s"', trials=1_000_000)
    text = (ready.folder / "sweep.toml").read_text().replace("trials = 1000000\n", "")
    ready.write("sweep.toml", text)
    said = ready.run("sweep", "sweep.toml").stdout
    assert "its time (1s) was used up" in said
    assert xs(ready)


def test_a_point_that_was_told_is_not_run_again(ready: Project) -> None:
    specify(ready, "duplicates = 'skip'", trials=40)
    ready.run("sweep", "sweep.toml")
    different = len(set(xs(ready)))
    assert len((ready.folder / "ran").read_text()) == different < 40
    reasons = [run["reason"] for run in ready.json("runs", "--limit", "100") if run["reason"]]
    assert len(reasons) == 40 - different
    assert "the same params as #" in reasons[0]


NOTHING_LEFT = "It ended since there is no other point to try."


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_space_of_few_points_ends_a_sweep_that_skips_duplicates(
    ready: Project, sampler: str
) -> None:
    specify(ready, f"duplicates = 'skip'\nsampler = '{sampler}'", trials=5000)
    assert NOTHING_LEFT in ready.run("sweep", "sweep.toml", "--workers", "2").stdout
    assert set(xs(ready)) == set(range(1, 10))
    assert ready.json("sweeps")[0]["reason"] in NOTHING_LEFT
    assert NOTHING_LEFT in ready.run("sweep", "--resume", "s").stdout
    assert len(ready.json("runs", "--limit", "9999")) < 1000


def test_a_space_that_was_tried_whole_is_not_begun_again(ready: Project) -> None:
    specify(ready, "sampler = 'brute_force'", trials=30)
    assert NOTHING_LEFT in ready.run("sweep", "sweep.toml").stdout
    assert NOTHING_LEFT in ready.run("sweep", "--resume", "s").stdout
    assert sorted(xs(ready)) == list(range(1, 10))


def test_a_sampler_that_cannot_go_on_ends_the_sweep_with_a_sentence(ready: Project) -> None:
    ready.write(
        "train.py",
        TRAIN.replace(
            "    return {", "    p['x'] > 3 and trial.set_constraint('c', 0.0)\n    return {", 1
        ),
    )
    specify(ready, "sampler = { name = 'gp', n_startup_trials = 3 }\n")
    said = ready.run("sweep", "sweep.toml", code=2).stderr
    assert "the sampler gp cannot suggest a trial (The number of constraints must" in said
    (sweep,) = ready.json("sweeps")
    assert sweep["state"] == "stopped"
    assert sweep["reason"].startswith("the sampler gp cannot suggest a trial")
    assert "cockpit sweep --resume s --set sweep.sampler=…" in said
    ready.run("sweep", "--resume", "s", "--set", "sweep.sampler=random")
    assert ready.json("sweeps")[0]["counts"] == {"complete": 6}


def test_constraints_are_kept_to(ready: Project) -> None:
    specify(ready, 'constraints = ["ms <= 15"]', trials=12)
    said = ready.run("sweep", "sweep.toml").stdout
    assert "Best auc 0.5 (#" in said
    assert ready.json("best", "s")["runs"][0]["params"]["x"] == 5
    assert ready.json("show", "s#best")["params"]["x"] == 5
    assert ready.json("sweeps")[0]["best"]["params"]["x"] == 5


def test_where_every_run_breaks_a_constraint_that_is_said(ready: Project) -> None:
    specify(
        ready, 'constraints = ["ms <= 3"]', "[params]\nx = { type = 'int', low = 1, high = 2 }\n"
    )
    assert "every complete one breaks" not in ready.run("sweep", "sweep.toml").stdout
    more = ("--set", "sweep.constraints=['ms <= 0.5']", "--name", "t")
    assert (
        "every complete one breaks a constraint" in ready.run("sweep", "sweep.toml", *more).stdout
    )
    assert "6 of them break" in ready.run("best", "t", code=3).stdout


def test_a_constraint_about_what_is_not_returned_fails_the_trial(ready: Project) -> None:
    specify(ready, 'constraints = ["megabytes <= 15"]', trials=1)
    ready.run("sweep", "sweep.toml", code=3)
    assert "no 'megabytes'" in ready.json("runs")[0]["reason"]


def test_several_objectives_have_a_front(ready: Project) -> None:
    specify(ready, trials=20)
    text = (ready.folder / "sweep.toml").read_text()
    text = text.replace('metric = "auc"', 'metric = ["auc", "ms"]')
    ready.write(
        "sweep.toml", text.replace('direction = "maximize"', 'direction = ["maximize", "minimize"]')
    )
    ready.run("sweep", "sweep.toml")
    front = ready.json("best", "s")["runs"]
    assert {run["params"]["x"] for run in front} == set(xs(ready))


def test_a_constraint_may_be_about_what_is_only_logged(ready: Project) -> None:
    ready.write(
        "train.py",
        "def train(trial):\n"
        "    trial.log(ms=3.0 * trial.params['x'])\n"
        "    return {'auc': trial.params['x'] / 10}\n",
    )
    specify(ready, 'constraints = ["ms <= 12"]\nsampler = "grid"', trials=9)
    ready.run("sweep", "sweep.toml")
    assert ready.json("best", "s")["runs"][0]["params"]["x"] == 4


def test_a_range_wider_than_a_float_fails_the_trial_alone(ready: Project) -> None:
    ready.write(
        "train.py", "def train(trial):\n    return trial.suggest_float('y', -1.7e308, 1.7e308)\n"
    )
    specify(ready, more="", trials=2)
    ready.run("sweep", "sweep.toml")
    drawn = ready.json("show", "s#1")
    assert drawn["state"] == "failed"
    assert "train.py line 2: OverflowError" in drawn["reason"]
