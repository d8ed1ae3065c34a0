"""A study of Optuna's, imported, goes on as a sweep: by its own objective, and by the spec that was drafted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import optuna
from optuna.trial import TrialState

from storage.optuna import RunStorage
from tests.unit.made_studies import as_told, storage_of, trials_of

if TYPE_CHECKING:
    from tests.e2e.conftest import Project

OBJECTIVE = """
def objective(trial):
    x = trial.suggest_float("x", -5, 5)
    kind = trial.suggest_categorical("kind", ["a", "b"])
    for step in range(3):
        trial.report(x * x / (step + 1), step)
    return x * x
"""


def test_an_imported_study_goes_on_and_comes_out_again(project: Project) -> None:
    scope: dict[str, object] = {}
    exec(OBJECTIVE, scope)  # noqa: S102 - the very text that the sweep runs
    file = project.folder / "study.log"
    study = optuna.create_study(
        storage=storage_of(file), study_name="hunt", sampler=optuna.samplers.RandomSampler(seed=1)
    )
    study.optimize(scope["objective"], n_trials=12)  # type: ignore[arg-type]
    study.ask()
    study.enqueue_trial({"x": 0.25})
    before = list(map(as_told, study.trials))
    project.write("train.py", OBJECTIVE)

    said = project.run("import", "optuna", "study.log", "--spec", "sweep.toml").stdout
    assert "go on: cockpit sweep sweep.toml --resume" in said
    said = project.run("sweep", "train.py:objective", "--resume", "hunt", "--trials", "16").stdout
    assert "hunt complete" in said
    found = trials_of("hunt", RunStorage(project.folder / ".cockpit"))
    assert list(map(as_told, found[:12])) == before[:12]
    assert (found[12].state, found[13].params["x"]) == (TrialState.FAIL, 0.25)
    assert [trial.state for trial in found[13:]] == [TrialState.COMPLETE] * 3

    refused = project.run(
        "sweep", "train.py:objective", "--resume", "hunt", "--direction", "maximize", code=2
    )
    assert "the sweep hunt is to minimize value, the spec says maximize value" in refused.stderr
    spec = (
        (project.folder / "sweep.toml")
        .read_text()
        .replace("train.py:objective", "train.py:objective")
    )
    project.write("sweep.toml", spec)
    project.run("sweep", "sweep.toml", "--resume", "--trials", "19")
    project.run("import", "optuna", "study.log")
    project.run("dump", "optuna", "hunt", "-o", "out.log")
    out = trials_of("hunt", storage_of(project.folder / "out.log"))
    assert len(out) == 19
    assert set(out[-1].params) == {"x", "kind"}
