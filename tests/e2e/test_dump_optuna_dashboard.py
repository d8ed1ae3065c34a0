"""A sweep that was dumped opens in the real optuna-dashboard, whose API answers with the very same trials.

Runs where COCKPIT_PEERS_OPTUNA names a Python that has optuna-dashboard; COCKPIT_PEERS_RUNS may ask for more trials.
"""

from __future__ import annotations

import json
import math
import os
import random
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any

import optuna
import pytest

from tests.e2e.conftest import eventually
from tests.unit.made_studies import storage_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from optuna.trial import FrozenTrial

    from tests.e2e.conftest import Project

PEER = os.environ.get("COCKPIT_PEERS_OPTUNA", "")
TRIALS = int(os.environ.get("COCKPIT_PEERS_RUNS", "20"))
STUDY = "größe | `x`"

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        not PEER, reason="COCKPIT_PEERS_OPTUNA names no Python with optuna-dashboard"
    ),
]


def written(file: Path) -> None:
    """A study of Optuna's own: a third of its trials pruned or failed, NaN and infinities among the reports."""
    chance = random.Random(3)
    study = optuna.create_study(
        storage=storage_of(file), study_name=STUDY, sampler=optuna.samplers.RandomSampler(seed=3)
    )
    for number in range(TRIALS):
        trial = study.ask()
        x = trial.suggest_float("x", -1, 1)
        trial.suggest_categorical("c", ["a", "b|"])
        trial.set_user_attr("note", f"<b>{number}</b>")
        for step in range(5):
            trial.report(math.nan if step == 2 else math.inf if step == 3 else x * step, step)
        state = chance.choice(["COMPLETE", "COMPLETE", "PRUNED", "FAIL"])
        values = x if state == "COMPLETE" else None
        study.tell(trial, values, optuna.trial.TrialState[state])


@pytest.fixture(params=["out.db", "out.log"])
def served(
    request: pytest.FixtureRequest, project: Project
) -> Iterator[tuple[str, list[FrozenTrial]]]:
    """The address of a dashboard over a study that was imported, gone on with, and dumped; and its trials."""
    written(project.folder / "theirs.log")
    project.run("import", "optuna", "theirs.log", "--study", STUDY)
    project.write(
        "train.py", "def objective(trial):\n    return trial.suggest_float('x', -1, 1) ** 2\n"
    )
    more = ("--resume", STUDY, "--trials", str(TRIALS + 5))
    project.run("sweep", "train.py:objective", *more)
    project.run("dump", "optuna", STUDY, "-o", request.param)
    out = project.folder / request.param
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    storage = f"sqlite:///{out}" if out.suffix == ".db" else str(out)
    program = Path(PEER).with_name("optuna-dashboard")
    server = subprocess.Popen(
        [program, storage, "--host", "127.0.0.1", "--port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        address = f"http://127.0.0.1:{port}/api/studies"
        eventually(lambda: answers(address))
        study = optuna.load_study(study_name=STUDY, storage=storage_of(out))
        yield address, study.get_trials(deepcopy=False)
    finally:
        server.terminate()
        server.wait()


def answers(address: str) -> Any:
    try:
        with urllib.request.urlopen(address) as answer:  # noqa: S310 - our own server
            return json.load(answer)
    except OSError:
        return None


def test_the_dashboard_has_the_same_trials(served: tuple[str, list[FrozenTrial]]) -> None:
    address, mine = served
    (summary,) = answers(address)["study_summaries"]
    assert (summary["study_name"], summary["directions"]) == (STUDY, ["minimize"])
    theirs = answers(f"{address}/{summary['study_id']}")["trials"]
    assert len(theirs) == len(mine) == TRIALS + 5
    for one, other in zip(mine, theirs, strict=True):
        assert (one.number, one.state.name.lower()) == (other["number"], other["state"].lower())
        assert (one.values or []) == (other.get("values") or [])
        params = {p["name"]: p["param_external_value"] for p in other["params"]}
        assert {name: str(value) for name, value in one.params.items()} == params
        reports = {r["step"]: float(r["value"]) for r in other.get("intermediate_values", [])}
        assert repr(reports) == repr(one.intermediate_values)
        assert {a["key"]: a["value"] for a in other["user_attrs"]} == one.user_attrs
