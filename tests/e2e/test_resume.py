"""A sweep that goes on, or is run once more, makes the very same suggestions."""

from __future__ import annotations

import fcntl
import json
import zlib
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.conftest import eventually

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

CURVE = """
import math, os, time
def train(trial):
    p = trial.params
    value = 0.0
    for step in range(4):
        value = math.exp(-(p["x"] - 0.3) ** 2) * (1 - 0.5 ** (step + 1)) - 0.01 * p["n"]
        trial.report(value, step)
        while os.path.exists(f"hold-{trial.number}"):
            open("held", "a").close()
            time.sleep(0.01)
        if trial.should_prune():
            raise trial.TrialPruned
    return {"auc": value}
"""
PARAMS = """
[params]
x = { type = "float", low = 0.0, high = 1.0 }
n = { type = "int", low = 1, high = 8 }
k = { type = "categorical", choices = ["a", "b"] }
"""


@pytest.fixture
def curve(project: Project) -> Project:
    project.write("train.py", CURVE)
    return project


def specify(project: Project, sampler: str, trials: int, workers: int = 1) -> None:
    project.spec(f"sampler = {sampler}", trials=trials, workers=workers)
    with (project.folder / "sweep.toml").open("a") as file:
        file.write(PARAMS)


def outcome(project: Project, sweep: str) -> dict[int, tuple[Any, ...]]:
    """Of every trial what it was given and what became of it, to the last digit."""
    return {
        run["number"]: (run["params"], run["metrics"], run["state"])
        for run in project.json("runs", "--sweep", sweep, "--limit", "1000")
    }


@pytest.mark.parametrize(
    "sampler, half",
    [
        ('"tpe"', 16),
        ('{ name = "gp", n_startup_trials = 3 }', 5),
        ('"cmaes"', 12),
        ('{ name = "nsgaii", population_size = 6 }', 12),
    ],
    ids=["tpe", "gp", "cmaes", "nsgaii"],
)
def test_two_halves_are_one_whole(curve: Project, sampler: str, half: int) -> None:
    specify(curve, sampler, half)
    curve.run("sweep", "sweep.toml", "--name", "halves")
    said = curve.run("sweep", "--resume", "halves", "--trials", str(2 * half)).stdout
    assert "not those" not in said
    curve.run("sweep", "sweep.toml", "--name", "whole", "--trials", str(2 * half))
    assert len(outcome(curve, "whole")) == 2 * half
    assert outcome(curve, "halves") == outcome(curve, "whole")


def test_what_kill_9_broke_off_runs_again_and_the_whole_is_the_same(curve: Project) -> None:
    specify(curve, '"tpe"', 20)
    curve.run("sweep", "sweep.toml", "--name", "whole")
    hold = curve.write("hold-14", "")
    with curve.start("sweep", "sweep.toml", "--name", "killed") as driver:
        eventually((curve.folder / "held").exists)
        driver.kill()
    hold.unlink()
    assert outcome(curve, "killed")[14][2] == "lost"
    curve.run("sweep", "--resume", "killed")
    assert outcome(curve, "killed") == outcome(curve, "whole")
    assert curve.json("show", "killed#14")["attempt"] == 1


def test_what_ctrl_c_broke_off_runs_again_too(curve: Project) -> None:
    specify(curve, '"tpe"', 16)
    curve.run("sweep", "sweep.toml", "--name", "whole")
    hold = curve.write("hold-12", "")
    with curve.start("sweep", "sweep.toml", "--name", "cut") as driver:
        eventually((curve.folder / "held").exists)
        curve.run("stop", "cut", "--now")
        assert driver.wait(20) == 130
    hold.unlink()
    assert outcome(curve, "cut")[12][2] == "stopped"
    curve.run("sweep", "--resume", "cut")
    assert outcome(curve, "cut") == outcome(curve, "whole")


def test_what_was_drawn_for_code_that_had_not_asked_for_it_yet_is_the_same(
    project: Project,
) -> None:
    project.write(
        "train.py",
        """
import os, time
def train(trial):
    x = trial.suggest_float("x", 0, 1)
    while os.path.exists(f"hold-{trial.number}"):
        open("held", "a").close()
        time.sleep(0.01)
    return x * trial.suggest_float("y", 0, 1)
""",
    )
    project.spec('sampler = { name = "tpe", n_startup_trials = 4 }', trials=12, workers=1)
    project.run("sweep", "sweep.toml", "--name", "whole")
    hold = project.write("hold-8", "")
    with project.start("sweep", "sweep.toml", "--name", "killed") as driver:
        eventually((project.folder / "held").exists)
        driver.kill()
    hold.unlink()
    said = project.run("sweep", "--resume", "killed").stdout
    assert "not those" not in said
    assert outcome(project, "killed") == outcome(project, "whole")


def test_patience_goes_on_where_it_was(curve: Project) -> None:
    specify(curve, '"random"\npatience = 5', 40)
    curve.run("sweep", "sweep.toml", "--name", "whole")
    end = len(outcome(curve, "whole"))
    assert 4 < end < 40
    curve.run("sweep", "sweep.toml", "--name", "halves", "--trials", str(end - 2))
    curve.run("sweep", "--resume", "halves", "--trials", "40")
    assert outcome(curve, "halves") == outcome(curve, "whole")


def test_a_duplicate_of_an_earlier_driver_s_point_keeps_to_the_constraints_too(
    project: Project,
) -> None:
    project.write("train.py", "def train(trial):\n    return {'auc': trial.params['n'], 'ms': 1}\n")
    project.spec(
        'sampler = "random"\nduplicates = "skip"\nconstraints = ["ms <= 2"]', trials=4, workers=1
    )
    with (project.folder / "sweep.toml").open("a") as file:
        file.write('[params]\nn = { type = "int", low = 1, high = 6 }\n')
    project.run("sweep", "sweep.toml")
    project.run("sweep", "--resume", "s", "--trials", "16")
    runs = project.json("runs", "--limit", "100")
    assert {run["state"] for run in runs} == {"complete"}
    assert any("the same params as" in (run["reason"] or "") for run in runs[:12])


def test_a_baseline_that_a_kill_broke_off_runs_again(project: Project) -> None:
    project.write(
        "train.py",
        """
import os, time
def simple(trial):
    while os.path.exists("hold"):
        open("held", "a").close()
        time.sleep(0.01)
    return {"auc": 0.25}
def train(trial):
    return {"auc": trial.params["x"]}
""",
    )
    project.spec('sampler = "random"', trials=3, workers=1, run='baseline = "train.py:simple"')
    with (project.folder / "sweep.toml").open("a") as file:
        file.write('[params]\nx = { type = "float", low = 0.5, high = 1.0 }\n')
    hold = project.write("hold", "")
    with project.start("sweep", "sweep.toml") as driver:
        eventually((project.folder / "held").exists)
        driver.kill()
    hold.unlink()
    assert "over the baseline (0.25)" in project.run("sweep", "--resume", "s").stdout
    (baseline,) = [run for run in project.json("runs") if run["baseline"]]
    assert (baseline["state"], baseline["metrics"]["auc"]) == ("complete", 0.25)
    said = project.run("sweep", "--resume", "s", "--trials", "4").stdout
    assert "over the baseline (0.25)" in said


def test_two_that_go_on_in_the_same_moment_do_not_both(curve: Project) -> None:
    specify(curve, '"random"', 2)
    curve.run("sweep", "sweep.toml")
    (first,) = (curve.folder / ".cockpit" / "sweeps").glob("*.state-a")
    with first.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        done = curve.run("sweep", "--resume", "s", "--trials", "4", code=2)
    assert "another process goes on with the sweep s already" in done.stderr
    assert len(outcome(curve, "s")) == 2


@pytest.mark.parametrize(
    "sampler, trials", [('"tpe"', 24), ('{ name = "gp", n_startup_trials = 3 }', 7)]
)
def test_a_replay_makes_the_suggestions_of_several_workers_again(
    curve: Project, sampler: str, trials: int
) -> None:
    specify(curve, sampler, trials, workers=3)
    curve.run("sweep", "sweep.toml")
    said = curve.run("sweep", "--replay", "s").stdout
    assert "Every suggestion and every result came out the same." in said
    assert outcome(curve, "s-replay") == outcome(curve, "s")


def test_a_replay_with_a_pruner_that_draws_lots_by_the_sweep_s_name(curve: Project) -> None:
    specify(curve, '"tpe"\npruner = { name = "hyperband", max_resource = 4 }', 40, workers=2)
    curve.run("sweep", "sweep.toml")
    curve.run("sweep", "--replay", "s")
    assert outcome(curve, "s-replay") == outcome(curve, "s")
    assert curve.json("show", "s-replay#3")["name"] == "s-replay#3"


def test_a_replay_of_a_search_space_that_the_code_defines(project: Project) -> None:
    project.write(
        "train.py",
        """
def train(trial):
    kind = trial.suggest_categorical("kind", ["line", "wave"])
    x = trial.suggest_float("x", 0, 1)
    if kind == "wave":
        x *= trial.suggest_int("waves", 1, 5)
    return x
""",
    )
    project.spec(trials=30, workers=3)
    project.run("sweep", "sweep.toml")
    project.run("sweep", "--replay", "s")
    assert outcome(project, "s-replay") == outcome(project, "s")


NAMES_ITS_OWN = CURVE.replace(
    "    p = trial.params\n",
    """    p = {"x": trial.suggest_float("x", 0, 1), "n": trial.suggest_int("n", 1, 8)}
    if p["n"] > 4:
        trial.suggest_categorical("k", ["a", "b"])
""",
)


@pytest.mark.parametrize("code", [CURVE, NAMES_ITS_OWN], ids=["declared", "named by the code"])
def test_a_replay_tells_what_was_ended_by_hand_as_it_was_told_then(
    project: Project, code: str
) -> None:
    project.write("train.py", code)
    if code is CURVE:
        specify(project, '{ name = "tpe", n_startup_trials = 5 }', 24, workers=2)
    else:
        project.spec('sampler = { name = "tpe", n_startup_trials = 5 }', trials=24, workers=2)
    ends = (("kill", 3, "stopped"), ("prune", 8, "pruned"), ("kill", 9, "stopped"))
    for _, number, _ in ends:
        project.write(f"hold-{number}", "")
    with project.start("sweep", "sweep.toml") as driver:
        for do, number, state in ends:
            eventually(lambda number=number: "auc" in _of(project, number).get("metrics", {}))
            project.run(do, f"s#{number}")
            eventually(lambda number=number, state=state: _of(project, number)["state"] == state)
        assert driver.wait(60) == 0
    # What hangs would hang again, were it run.
    said = project.run("sweep", "--replay", "s").stdout
    assert "told again and not run: 3 of 24" in said
    assert "Every suggestion and every result came out the same." in said
    assert outcome(project, "s-replay") == outcome(project, "s")


def _of(project: Project, number: int) -> dict[str, Any]:
    """Nothing where it has not been asked for yet."""
    if not (project.folder / ".cockpit" / "spool").exists():
        return {}
    runs = project.json("runs", "--limit", "100")
    return next((dict(run) for run in runs if run["number"] == number), {})


def test_a_replay_says_what_came_out_otherwise(curve: Project) -> None:
    specify(curve, '"tpe"', 14)
    curve.run("sweep", "sweep.toml")
    curve.write("train.py", CURVE.replace("0.3", "0.4"))
    said = curve.run("sweep", "--replay", "s", code=1).stdout
    assert "#0: the result was" in said


def test_where_it_cannot_go_on_exactly_it_says_why_and_goes_on(curve: Project) -> None:
    specify(curve, '"tpe"', 6)
    curve.run("sweep", "sweep.toml")
    with (curve.folder / "sweep.toml").open("a") as file:
        file.write('more = { type = "bool" }\n')
    said = curve.run("sweep", "sweep.toml", "--resume", "--trials", "9").stdout
    assert "not those of an uninterrupted sweep: the search space changed" in said
    assert len(outcome(curve, "s")) == 9


def test_a_state_that_holds_anything_but_a_sampler_is_not_loaded(curve: Project) -> None:
    specify(curve, '"tpe"', 3)
    curve.run("sweep", "sweep.toml")
    attack = b"cos\nsystem\n(S'touch owned'\ntR."
    for state in (curve.folder / ".cockpit").rglob("*.state-?"):
        header = json.loads(state.read_bytes().partition(b"\n")[0])
        header["checksum"] = zlib.crc32(attack)
        state.write_bytes(json.dumps(header).encode() + b"\n" + attack)
    said = curve.run("sweep", "--resume", "s", "--trials", "5").stdout
    assert "posix.system has no place in a sampler" in said or "os.system has no place" in said
    assert not (curve.folder / "owned").exists()


def test_a_lost_worker_makes_a_new_attempt(curve: Project) -> None:
    curve.write(
        "train.py",
        """
import os, signal
def train(trial):
    trial.report(0.1, 0)
    if not os.path.exists("killed"):
        open("killed", "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    trial.report(0.2, 1)
    return {"auc": 0.2}
""",
    )
    specify(curve, '"random"', 2)
    curve.run("sweep", "sweep.toml")
    assert [run["state"] for run in curve.json("runs")] == ["complete", "complete"]
    assert curve.json("show", "s#0")["attempt"] == 1
    rows = curve.run("sql", "select step from metrics where name = 'auc' order by run, step").stdout
    assert rows.count("1") == rows.count("0") == 2


def test_a_worker_that_is_always_killed_is_lost_in_the_end(curve: Project) -> None:
    curve.write(
        "train.py",
        "import os, signal\ndef train(trial):\n    os.kill(os.getpid(), signal.SIGKILL)\n",
    )
    specify(curve, '"random"', 1)
    curve.run("sweep", "sweep.toml", code=3)
    assert [(run["state"]) for run in curve.json("runs")] == ["lost"]
