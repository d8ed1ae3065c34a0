"""What a sweep found: its best runs, the front of several objectives, what it won, what mattered."""

from __future__ import annotations

import json
import math
import random
from typing import TYPE_CHECKING, Any

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.study import StudyDirection
from optuna.trial import TrialState

from cockpit.cli.main import run as cockpit
from cockpit.gain import figure, gain, words
from cockpit.sweep.after import best, front
from cockpit.sweep.importance import importance, material
from storage.events import (
    MetricLogged,
    ParamSet,
    RunChanged,
    RunCreated,
    SweepAttr,
    SweepCreated,
)
from storage.fold import METRIC_NAMES
from storage.ids import from_text
from storage.optuna import RunStorage
from storage.outcomes import Outcome, outcomes
from storage.spool import SpoolWriter
from storage.store import Store
from storage.sweeps import all_sweeps
from storage.usage import Usage, usage
from tests.unit.stories import tell

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.layout import Layout

TRIALS = 40


def study_of(
    layout: Layout, objective: Callable[[optuna.Trial], Any], *ways: str, trials: int = TRIALS
) -> optuna.Study:
    """Run a study into the store, its objectives called as in the demo."""
    storage = RunStorage(layout.root)
    study = optuna.create_study(
        storage=storage,
        study_name="income",
        directions=[StudyDirection[way.upper()] for way in ways],
        sampler=optuna.samplers.RandomSampler(seed=3),
    )
    storage.set_study_system_attr(study._study_id, METRIC_NAMES, ["auc", "size"][: len(ways)])
    study.optimize(objective, n_trials=trials)
    return study


def bowl(trial: optuna.Trial) -> float:
    lr = trial.suggest_float("lr", 1e-4, 1.0, log=True)
    depth = trial.suggest_int("depth", 1, 12)
    trial.suggest_categorical("loss", ["a", "b"])
    return -(math.log10(lr) ** 2) - 0.01 * depth


def two(trial: optuna.Trial) -> tuple[float, float]:
    x, y = trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)
    trial.set_constraint("sum", x + y - 1.5)
    return x - 0.2 * y, x * x + y


def said(capsys: pytest.CaptureFixture[str], layout: Layout, *words: str) -> tuple[int, str]:
    code = cockpit(["--store", str(layout.root), *words])
    return code, capsys.readouterr().out


POINTS = st.integers(1, 4).flatmap(
    lambda objectives: st.tuples(
        st.lists(
            st.sampled_from(["minimize", "maximize"]), min_size=objectives, max_size=objectives
        ),
        st.lists(
            st.tuples(
                st.lists(
                    st.sampled_from([-math.inf, -1.0, -0.0, 0.0, 1.0, 2.0, 3.0, math.inf]),
                    min_size=objectives,
                    max_size=objectives,
                ),
                st.sampled_from([{}, {"a": 0.0}, {"a": 1.0}, {"a": -1.0, "b": 2.0}]),
            ),
            max_size=30,
        ),
    )
)


@settings(max_examples=150)
@given(POINTS)
def test_the_front_is_the_one_optuna_finds(case: Any) -> None:
    ways, points = case
    told = [Outcome(i, tuple(values), broken) for i, (values, broken) in enumerate(points)]
    study = optuna.create_study(directions=ways)
    for values, broken in points:
        study.add_trial(optuna.trial.create_trial(values=values, constraints=broken))
    found = front(told, ways)
    assert {one.id for one in found} == {trial.number for trial in study.best_trials}
    sign = -1 if ways[0] == "maximize" else 1
    assert [sign * one.values[0] for one in found] == sorted(sign * one.values[0] for one in found)


def test_values_and_constraints_come_back_as_optuna_has_them(layout: Layout) -> None:
    study = study_of(layout, two, "maximize", "minimize")
    with Store(layout).session() as session:
        sweep = best(session, "income", None).sweep
        told = outcomes(session, sweep.id)
        found = best(session, "income", None)
    assert [(list(one.values), dict(one.constraints)) for one in told] == [
        (trial.values, trial.constraints) for trial in study.trials
    ]
    assert {run.number for run in found.runs} == {trial.number for trial in study.best_trials}
    assert found.infeasible == sum(trial.constraints["sum"] > 0 for trial in study.trials) > 0


def test_the_best_of_one_objective_breaks_no_constraint(layout: Layout) -> None:
    def cheating(trial: optuna.Trial) -> float:
        x = trial.suggest_float("x", 0, 1)
        trial.set_constraint("small", x - 0.5)
        return x

    study = study_of(layout, cheating, "maximize")
    with Store(layout).session() as session:
        found = best(session, "income", 5)
    values = sorted((v for v in (trial.value for trial in study.trials) if v <= 0.5), reverse=True)
    assert [run.metrics["auc"] for run in found.runs] == values[:5]
    assert (found.found, found.complete) == (len(values), TRIALS)


def test_what_is_in_the_trash_is_not_the_best(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    study_of(layout, bowl, "maximize")
    first = json.loads(said(capsys, layout, "best", "income", "--json")[1])["runs"][0]
    said(capsys, layout, "delete", "--yes", first["id"])
    second = json.loads(said(capsys, layout, "best", "income", "--json")[1])["runs"][0]
    assert second["metrics"]["auc"] < first["metrics"]["auc"]


def test_best_shows_params_and_the_front_a_table(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    study = study_of(layout, two, "maximize", "minimize")
    code, text = said(capsys, layout, "best", "income")
    assert code == 0
    assert "on the Pareto front of auc (maximize) and size (minimize)" in text
    assert "of them break a constraint" in text
    shown = [line.split()[0] for line in text.splitlines() if line.startswith("income#")]
    ranked = sorted(study.best_trials, key=lambda trial: -trial.values[0])
    assert shown == [f"income#{trial.number}" for trial in ranked]
    code, text = said(capsys, layout, "best", "income", "-n", "2")
    assert f"2 of {len(ranked)} on the Pareto front" in text


def test_where_nothing_is_complete_that_is_said(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    study_of(layout, lambda trial: math.nan, "maximize", trials=2)
    code, text = said(capsys, layout, "best", "income")
    assert (code, text) == (3, "income has no complete run yet.\n")
    code, text = said(capsys, layout, "importance", "income")
    assert code == 3
    assert "no complete trial yet" in text
    assert json.loads(said(capsys, layout, "importance", "income", "--json")[1])["reason"]


def test_a_sweep_that_is_not_there_is_a_sentence(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    study_of(layout, bowl, "maximize", trials=1)
    assert cockpit(["--store", str(layout.root), "best", "nope"]) == 2
    assert cockpit(["--store", str(layout.root), "importance", "income", "--metric", "acu"]) == 2
    assert "did you mean 'auc'?" in capsys.readouterr().err


@pytest.mark.parametrize(
    "best_value, baseline, way, won",
    [
        (0.9312, 0.9191, "maximize", 0.0121),
        (0.2, 0.25, "minimize", 0.05),
        (1.0, 1.5, "maximize", -0.5),
    ],
)
def test_a_gain_is_positive_whichever_way_is_better(
    best_value: float, baseline: float, way: str, won: float
) -> None:
    assert gain(best_value, baseline, way) == pytest.approx(won)


def test_a_gain_reads_as_a_gain() -> None:
    assert words(gain(0.9312, 0.9191, "maximize")) == "+0.0121 over the baseline"
    assert words(gain(0.25, 0.2, "minimize")) == "0.05 worse than the baseline"
    assert words(0.0) == "no gain over the baseline"
    assert (figure(-0.003), figure(0.0), figure(12345.0)) == ("-0.003", "±0", "+12.3k")


def test_the_importance_is_optunas_and_asking_writes_nothing(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    study = study_of(layout, bowl, "maximize")
    before = sorted(layout.spool.rglob("*"))
    _, text = said(capsys, layout, "importance", "income", "--json")
    assert sorted(layout.spool.rglob("*")) == before
    theirs = optuna.importance.get_param_importances(study)
    assert json.loads(text)["importance"] == pytest.approx(theirs)
    _, text = said(capsys, layout, "importance", "income")
    lines = text.splitlines()
    assert lines[1].split()[0] == "lr"
    assert lines[1].count("█") > lines[2].count("█")
    assert "Rough" in text


def test_a_sweep_that_still_runs_is_weighed_as_far_as_it_is(layout: Layout) -> None:
    study = study_of(layout, bowl, "maximize")
    study.ask()
    with Store(layout).session() as session:
        read = material(session, "income")
    assert importance(read).trials == TRIALS


def test_a_param_of_some_trials_is_weighed_among_them(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    def conditional(trial: optuna.Trial) -> float:
        kind = trial.suggest_categorical("kind", ["tree", "line"])
        if kind == "tree":
            return trial.suggest_float("depth", 0, 1)
        return 0.1 * trial.suggest_float("slope", 0, 1)

    study = study_of(layout, conditional, "maximize")
    trees = sum(trial.params["kind"] == "tree" for trial in study.trials)
    _, text = said(capsys, layout, "importance", "income")
    line = next(line for line in text.splitlines() if line.lstrip().startswith("depth"))
    assert line.endswith(f"in {trees} of {TRIALS}")


def test_of_several_objectives_one_can_be_weighed(layout: Layout) -> None:
    study = study_of(layout, two, "maximize", "minimize")
    with Store(layout).session() as session:
        both, size = material(session, "income"), material(session, "income", "size")
    assert importance(both).objectives == ("auc", "size")
    with pytest.warns(UserWarning, match="low `target` values"):
        theirs = optuna.importance.get_param_importances(
            study, target=lambda trial: trial.values[1]
        )
    found = importance(size)
    assert {one.param: one.share for one in found.shares} == pytest.approx(theirs)
    assert study.trials[0].state == TrialState.COMPLETE


def test_trials_that_came_out_the_same_have_nothing_to_tell(layout: Layout) -> None:
    def flat(trial: optuna.Trial) -> float:
        return 0.0 * trial.suggest_float("x", 0, 1) + 0.5

    study_of(layout, flat, "maximize", trials=5)
    with Store(layout).session() as session:
        read = material(session, "income")
    assert importance(read).reason == "all 5 complete trials have the same auc"


def test_trials_without_a_finite_value_are_not_said_to_be_missing(layout: Layout) -> None:
    study_of(
        layout, lambda trial: math.inf * (1 + trial.suggest_int("x", 0, 9)), "maximize", trials=5
    )
    with Store(layout).session() as session:
        read = material(session, "income")
    assert importance(read).reason.startswith("there is no complete trial with finite values yet")


def test_choices_the_store_cannot_keep_are_said(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    shuffle = random.Random(1)

    def odd(trial: optuna.Trial) -> float:
        trial.suggest_categorical("scale", [print, len])
        return trial.suggest_float("x", 0, 1) + shuffle.random()

    with pytest.warns(UserWarning, match="[Cc]hoices"):
        study_of(layout, odd, "maximize", trials=6)
    _, text = said(capsys, layout, "importance", "income")
    assert text.splitlines()[-1].endswith("scale.")


def told(layout: Layout) -> None:
    """A sweep that minimises a loss: a baseline of a function of its own, and two trials."""
    spool = SpoolWriter(layout)
    sweep, beside, first, second = (spool.new_id() for _ in range(4))
    spool.append(
        SweepCreated(sweep, "income", ["minimize"], 1.0),
        SweepAttr(sweep, "system", METRIC_NAMES, ["loss"]),
        RunCreated(beside, sweep, None, "income#baseline", "running", 2.0),
        RunChanged(beside, {"baseline": True, **_complete(0.25)}),
        RunCreated(first, sweep, 0, "income#0", "running", 3.0),
        ParamSet(first, "lr", 0.1, ""),
        RunChanged(first, _complete(0.2)),
        RunCreated(second, sweep, 1, "income#1", "running", 4.0),
        *[
            MetricLogged(second, f"system.{name}", step, 5.0, value)
            for name, values in {"cpu_percent": (10.0, 97.0), "memory_mb": (900.0, 1100.0)}.items()
            for step, value in enumerate(values)
        ],
    )
    spool.close()


def _complete(value: float) -> dict[str, Any]:
    return {"state": "complete", "values": [value], "metrics": {"loss": value}, "ended": 9.0}


def test_the_commands_say_what_was_won_over_the_baseline(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    told(layout)
    code, text = said(capsys, layout, "best", "income")
    assert code == 0
    assert text.startswith(
        "income: best loss (minimize) 0.2000 by #0, +0.05 over the baseline, out of 1 complete run."
    )
    assert text.splitlines()[-1].split() == ["lr", "0.1", "·"]
    found = json.loads(said(capsys, layout, "best", "income", "--json")[1])
    assert found["baseline"]["name"] == "income#baseline"
    assert found["runs"][0]["gains"] == pytest.approx({"loss": 0.05})
    assert found["complete"] == 1
    _, text = said(capsys, layout, "sweeps")
    assert "over baseline" in text
    assert "+0.05" in text
    assert json.loads(said(capsys, layout, "sweeps", "--json")[1])[0]["gain"] == pytest.approx(0.05)


def test_a_baseline_trial_is_named_one_in_the_table(
    layout: Layout, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(layout, runs=2)
    run = json.loads(said(capsys, layout, "runs", "--json")[1])[1]
    spool = SpoolWriter(layout)
    spool.append(RunChanged(from_text(run["id"]), {"baseline": True, "state": "oom"}))
    spool.close()
    _, text = said(capsys, layout, "runs")
    assert "income#0 (baseline)" in text
    assert "⊠ oom" in text
    found = json.loads(said(capsys, layout, "runs", "--json")[1])
    assert [(one["baseline"], one["attempt"]) for one in found] == [(False, 0), (True, 0)]


def test_what_running_trials_use_is_the_sum_of_their_last_samples(layout: Layout) -> None:
    told(layout)
    with Store(layout).held() as held, held.session(settle=False) as session:
        sweep = all_sweeps(session)[0]
        assert usage(session, sweep.id) == Usage(97.0, 1100.0)
