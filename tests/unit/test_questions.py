"""What people ask of runs and sweeps, answered from a store with a story in it."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from cockpit.cli.main import run as cockpit
from storage import runs, sweeps
from storage.events import (
    Event,
    MetricLogged,
    ParamSet,
    ProvenanceSeen,
    RunChanged,
    RunCreated,
    SweepAttr,
    SweepChanged,
    SweepCreated,
)
from storage.expressions.terms import NothingToSortBy
from storage.runs import RunNotFound, RunQuery
from storage.store import Store
from storage.sweeps import SweepNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout
    from storage.session import Session
    from storage.spool import SpoolWriter

AUC = [0.5, 0.9, math.nan, 0.7, None, 0.8]
STATES = ["complete", "complete", "complete", "pruned", "failed", "running"]


@pytest.fixture
def ids(writer: SpoolWriter) -> list[int]:
    sweep, other = writer.new_id(), writer.new_id()
    made = [writer.new_id() for _ in AUC]
    events: list[Event] = [
        SweepCreated(sweep, "income", ["maximize"], 10.0),
        SweepAttr(sweep, "system", "study:metric_names", ["auc"]),
        SweepChanged(
            sweep, {"trials": 9, "sampler": "tpe", "seed": 7, "driver": {"pid": 5, "host": "h"}}
        ),
        ProvenanceSeen("d", {"seed": 7}),
    ]
    for number, (run, auc, state) in enumerate(zip(made, AUC, STATES, strict=True)):
        events.append(RunCreated(run, sweep, number, f"income#{number}", "running", 20.0 + number))
        events.append(ParamSet(run, "lr", 10.0**-number, ""))
        events.append(ParamSet(run, "a/b~c", str(number), ""))
        if auc is not None:
            events.append(MetricLogged(run, "auc", 4, 30.0, auc))
        if state != "running":
            changes = {"state": state, "ended": 40.0 + number, "provenance": "d"}
            if state == "complete":
                changes |= {"values": [auc], "metrics": {"auc": auc, "ms": number}}
            events.append(RunChanged(run, changes))
    lone = writer.new_id()
    events += [SweepCreated(other, "two", ["minimize", "maximize"], 50.0)]
    events += [RunCreated(lone, other, 0, "two#0", "running", 51.0)]
    events += [
        RunChanged(lone, {"state": "complete", "values": [1.0, 2.0], "metrics": {"value_0": 1.0}})
    ]
    writer.append(*events)
    return made


BASELINE = {"baseline": True, "state": "complete", "values": [0.95], "ended": 70.0}


@pytest.fixture
def session(layout: Layout, ids: list[int]) -> Iterator[Session]:
    with Store(layout).session() as opened:
        yield opened


def names(page: runs.RunsPage) -> list[str]:
    return [run.name for run in page.runs]


def test_the_newest_run_comes_first(session: Session) -> None:
    page = runs.page(session, RunQuery())
    assert names(page) == ["two#0", *(f"income#{n}" for n in (5, 4, 3, 2, 1, 0))]
    assert (page.total, page.stored) == (7, 7)


def test_by_a_metric_the_best_comes_first_and_what_has_none_last(session: Session) -> None:
    page = runs.page(session, RunQuery(sweep="income", sort="auc"))
    assert names(page) == [f"income#{n}" for n in (1, 5, 3, 0, 4, 2)]
    upwards = runs.page(session, RunQuery(sweep="income", sort="auc", descending=False))
    assert names(upwards) == [f"income#{n}" for n in (0, 3, 5, 1, 4, 2)]


@pytest.mark.parametrize("key", ["lr", "number", "name", "started", "a/b~c"])
def test_any_field_and_any_param_sorts(session: Session, key: str) -> None:
    one = names(runs.page(session, RunQuery(sweep="income", sort=key)))
    other = names(runs.page(session, RunQuery(sweep="income", sort=key, descending=False)))
    assert one == other[::-1]


def test_a_window_is_a_part_of_the_whole(session: Session) -> None:
    whole = names(runs.page(session, RunQuery(sort="number", limit=None)))
    page = runs.page(session, RunQuery(sort="number", offset=2, limit=3))
    assert names(page) == whole[2:5]
    assert (page.total, page.offset) == (7, 2)


def test_text_finds_names_whatever_their_case(session: Session) -> None:
    assert names(runs.page(session, RunQuery(where="TWO"))) == ["two#0"]
    assert runs.page(session, RunQuery(where="50%")).total == 0


def test_a_page_knows_the_columns_and_the_best(session: Session, ids: list[int]) -> None:
    page = runs.page(session, RunQuery(sweep="income"))
    assert page.params == ("lr", "a/b~c")
    assert page.metrics == ("auc", "ms")
    assert page.directions == {"auc": "maximize"}
    assert page.best == {"auc": runs.find(session, "income#1").id}


@pytest.mark.parametrize("text", ["income#1", "income#best"])
def test_a_run_is_found_by_the_names_people_use(session: Session, text: str) -> None:
    found = runs.find(session, text)
    assert found.number == 1
    assert runs.find(session, found.id) == runs.find(session, found.id[:6])


def test_the_latest_run_is_the_newest(session: Session) -> None:
    assert runs.find(session, "@latest").name == "two#0"


@pytest.mark.parametrize("text", ["", "x", "income#99", "two#best", "zzzzzzzzzzzz", "inc%"])
def test_a_run_that_is_not_there_is_said_not_to_be(session: Session, text: str) -> None:
    with pytest.raises(RunNotFound, match="no run answers to"):
        runs.find(session, text)


def test_a_run_carries_its_provenance(session: Session) -> None:
    assert runs.detail(session, "income#0").provenance == {"seed": 7}
    assert runs.detail(session, "income#5").provenance == {}


def test_a_running_run_counts_its_seconds_up_to_now(session: Session) -> None:
    assert runs.find(session, "income#0").seconds == 20.0
    running = runs.find(session, "income#5").seconds
    assert running is not None
    assert running > 1e9


def test_a_thinned_curve_keeps_its_spikes_and_its_ends(layout: Layout, writer: SpoolWriter) -> None:
    run = writer.new_id()
    values = [math.sin(step / 300) for step in range(5_000)]
    values[1234], values[4321], values[17] = 50.0, -50.0, math.nan
    writer.append(RunCreated(run, None, None, "long", "running", 1.0))
    writer.append(
        *(MetricLogged(run, "loss", step, 1.0, value) for step, value in enumerate(values))
    )
    with Store(layout).session() as session:
        curve = runs.curve(session, runs.find(session, "long").id, "loss", points=100)
    assert len(curve.steps) == len(curve.values) <= 110
    assert (max(curve.values), min(curve.values)) == (50.0, -50.0)
    assert curve.steps[0] < 100
    assert curve.steps[-1] > 4_900
    assert list(curve.steps) == sorted(curve.steps)


def test_a_short_curve_is_not_thinned(session: Session) -> None:
    run = runs.find(session, "income#1").id
    assert (runs.curve(session, run, "auc").steps, runs.curve(session, run, "auc").values) == (
        (4,),
        (0.9,),
    )
    assert runs.curve(session, run, "nothing").steps == ()


def test_sweeps_are_listed_with_their_counts_and_their_best(session: Session) -> None:
    two, income = sweeps.all_sweeps(session)
    assert (two.name, two.best, two.directions) == ("two", None, ("minimize", "maximize"))
    assert income.counts == {"complete": 3, "pruned": 1, "failed": 1, "running": 1}
    assert income.settled == 5
    assert income.best is not None
    assert income.best.name == "income#1"
    assert (income.trials, income.sampler, income.seed, income.driver["pid"]) == (9, "tpe", 7, 5)


def test_a_view_holds_the_best_so_far_over_complete_trials_only(session: Session) -> None:
    view = sweeps.view(session, "income")
    assert view.best_so_far == ((0, 0.5), (1, 0.9))
    assert [(n, state) for n, _, state in view.values] == [
        (0, "complete"),
        (1, "complete"),
        (3, "pruned"),
        (5, "running"),
    ]
    assert [curve.number for curve in view.curves] == [5, 3, 1, 0]
    assert [run.number for run in view.page.runs] == [5, 4, 3, 2, 1, 0]


def test_a_sweep_that_is_not_there_is_said_not_to_be(session: Session) -> None:
    with pytest.raises(SweepNotFound, match="there are: income, two"):
        sweeps.view(session, "outcome")


@pytest.mark.parametrize(
    "key, numbers",
    [
        ("metrics.auc", [1, 5, 3, 0, 4, 2]),
        ("params.lr", [0, 1, 2, 3, 4, 5]),
        ("params.a/b~c", [5, 4, 3, 2, 1, 0]),
        ("ms", [2, 1, 0, 5, 4, 3]),
        ("tag", [4, 1, 5, 3, 2, 0]),
        ("note", [3, 5, 4, 2, 1, 0]),
        ("step", [5, 3, 2, 1, 0, 4]),
        ("reason", [5, 4, 3, 2, 1, 0]),
    ],
)
def test_every_column_sorts_with_what_is_missing_last(
    layout: Layout, writer: SpoolWriter, ids: list[int], key: str, numbers: list[int]
) -> None:
    writer.append(RunChanged(ids[1], {"tag": "b"}), RunChanged(ids[4], {"tag": "c"}))
    writer.append(RunChanged(ids[3], {"note": "here"}))
    with Store(layout).session() as session:
        found = runs.page(session, RunQuery(sweep="income", sort=key))
    assert [run.number for run in found.runs] == numbers


def test_pinned_runs_come_first_where_that_is_asked_for(
    layout: Layout, writer: SpoolWriter, ids: list[int]
) -> None:
    writer.append(RunChanged(ids[0], {"pinned": True}))
    with Store(layout).session() as session:
        assert names(runs.page(session, RunQuery(sweep="income")))[0] == "income#5"
        first = runs.page(session, RunQuery(sweep="income", pinned_first=True))
        by_auc = runs.page(
            session, RunQuery(sweep="income", sort="auc", pinned_first=True, limit=2)
        )
    assert names(first) == [f"income#{n}" for n in (0, 5, 4, 3, 2, 1)]
    assert names(by_auc) == ["income#0", "income#1"]


def test_what_no_run_has_cannot_be_sorted_by(session: Session) -> None:
    with pytest.raises(NothingToSortBy, match="'nope'"):
        runs.page(session, RunQuery(sort="nope"))


def test_a_filter_narrows_the_columns_and_the_best_too(session: Session) -> None:
    page = runs.page(session, RunQuery(where="number < 1 and sweep = 'income'"))
    assert (page.total, page.stored) == (1, 7)
    assert page.best == {"auc": page.runs[0].id}
    assert page.metrics == ("auc", "ms")
    assert "value_0" in runs.page(session, RunQuery(where="two")).metrics


def test_the_best_of_several_sweeps_is_the_best_of_all(
    layout: Layout, writer: SpoolWriter, ids: list[int]
) -> None:
    later, run = writer.new_id(), writer.new_id()
    writer.append(
        SweepCreated(later, "later", ["maximize"], 60.0),
        SweepChanged(later, {"metrics": ["auc"]}),
        RunCreated(run, later, 0, "later#0", "running", 61.0),
        RunChanged(run, {"state": "complete", "values": [0.95], "ended": 70.0}),
    )
    with Store(layout).session() as session:
        page = runs.page(session, RunQuery())
        assert page.best["auc"] == runs.find(session, "later#0").id
        assert set(page.best) == {"auc", "value_0", "value_1"}


def test_what_is_in_the_trash_is_nowhere(
    layout: Layout, writer: SpoolWriter, ids: list[int]
) -> None:
    writer.append(RunChanged(ids[1], {"trashed": 90.0}))
    with Store(layout).session() as session:
        page = runs.page(session, RunQuery(sweep="income"))
        assert (page.total, page.stored) == (5, 6)
        assert page.best == {"auc": runs.find(session, "income#0").id}
        assert runs.find(session, "income#best").number == 0
        with pytest.raises(RunNotFound):
            runs.find(session, "income#1")
        income = sweeps.find_sweep(session, "income")
        assert (income.counts["complete"], income.best and income.best.number) == (2, 0)
        assert sweeps.view(session, "income").best_so_far == ((0, 0.5),)


def test_a_sweep_in_the_trash_is_not_listed(
    layout: Layout, writer: SpoolWriter, ids: list[int]
) -> None:
    sweep = writer.new_id()
    writer.append(SweepCreated(sweep, "gone", ["minimize"], 70.0))
    writer.append(SweepChanged(sweep, {"trashed": 90.0}))
    with Store(layout).session() as session:
        assert [one.name for one in sweeps.all_sweeps(session)] == ["two", "income"]
        assert "gone" in sweeps.sweep_names(session)
        with pytest.raises(SweepNotFound, match=r"there are: income, two$"):
            sweeps.find_sweep(session, "gone")


def run_command(capsys: pytest.CaptureFixture[str], layout: Layout, *arguments: str) -> list[str]:
    assert cockpit(["runs", *arguments, "--json", "--store", str(layout.root)]) == 0
    return [run["name"] for run in json.loads(capsys.readouterr().out)]


def test_the_command_filters_and_sorts(
    layout: Layout, ids: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    condition = "lr <= 0.1 and state in ('complete', 'pruned')"
    found = run_command(capsys, layout, "--where", condition, "--sort", "auc")
    assert found == ["income#1", "income#3", "income#2"]
    upwards = run_command(capsys, layout, "-w", condition, "--sort", "params.lr", "--reverse")
    assert upwards == ["income#3", "income#2", "income#1"]
    assert run_command(capsys, layout, "-w", "TWO") == ["two#0"]


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["-w", "acu > 1"], "cockpit: there is no 'acu'; did you mean auc? (column 1)"),
        (["-w", "auc >"], "cockpit: something is missing beside '>' (column 5)"),
        (["--sort", "acu"], "did you mean 'auc'?"),
    ],
)
def test_the_command_says_what_it_did_not_understand(
    layout: Layout,
    ids: list[int],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    sentence: str,
) -> None:
    assert cockpit(["runs", *arguments, "--store", str(layout.root)]) == 2
    assert sentence in capsys.readouterr().err


def test_the_command_says_that_nothing_matches(
    layout: Layout, ids: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cockpit(["runs", "-w", "auc > 2", "--store", str(layout.root)]) == 0
    assert capsys.readouterr().out == "none of 7 runs matches\n"


def test_a_sweep_shows_what_it_is_measured_against_beside_its_trials(
    layout: Layout, writer: SpoolWriter, ids: list[int]
) -> None:
    with Store(layout).session() as session:
        assert sweeps.find_sweep(session, "income").baseline is None
        (sweep,) = session.rows("select id from sweeps where name = 'income'")[0]
    run = writer.new_id()
    writer.append(
        RunCreated(run, sweep, None, "income#baseline", "running", 60.0),
        RunChanged(run, BASELINE),
        MetricLogged(run, "auc", 4, 61.0, 0.95),
    )
    with Store(layout).session() as session:
        view = sweeps.view(session, "income")
        assert view.sweep.baseline == runs.find(session, "income#baseline")
        # It is no trial: neither the best of them, nor one of those that were asked for.
        assert (
            view.sweep.best == runs.find(session, "income#best") == runs.find(session, "income#1")
        )
        assert sum(view.sweep.counts.values()) == len(AUC)
        assert None not in {number for number, _, _ in view.values}
        assert None not in {curve.number for curve in view.curves}
        assert view.page.total == len(AUC) + 1
        assert view.page.best == {"auc": runs.find(session, "income#1").id}
    writer.append(RunChanged(run, {"name": "the simple one"}), SweepChanged(sweep, {"name": "pay"}))
    with Store(layout).session() as session:
        assert runs.find(session, "pay#baseline").name == "the simple one"


def test_trial_0_may_be_the_baseline(layout: Layout, writer: SpoolWriter, ids: list[int]) -> None:
    writer.append(RunChanged(ids[0], {"baseline": True}))
    with Store(layout).session() as session:
        zero = runs.find(session, "income#0")
        assert sweeps.find_sweep(session, "income").baseline == zero
        assert runs.find(session, "income#baseline") == zero


def test_a_renamed_trial_still_answers_to_its_number_and_its_sweep_to_its_new_name(
    layout: Layout, writer: SpoolWriter, ids: list[int]
) -> None:
    with Store(layout).session() as session:
        (sweep,) = session.rows("select id from sweeps where name = 'income'")[0]
    writer.append(RunChanged(ids[1], {"name": "odd"}), SweepChanged(sweep, {"name": "pay"}))
    with Store(layout).session() as session:
        found = runs.find(session, "odd")
        assert (found.number, found.sweep) == (1, "pay")
        assert found == runs.find(session, "pay#1")
        # Trials keep the names they were given.
        assert runs.find(session, "income#3") == runs.find(session, "pay#3")
        assert sweeps.find_sweep(session, "pay").name == "pay"
        with pytest.raises(SweepNotFound):
            sweeps.find_sweep(session, "income")


def test_what_a_run_uses_is_a_curve_and_no_metric_of_it(
    layout: Layout, writer: SpoolWriter, ids: list[int]
) -> None:
    for second in (2, 4):
        writer.append(MetricLogged(ids[1], "system.cpu_percent", second, 30.0 + second, 50.0))
    with Store(layout).session() as session:
        page = runs.page(session, RunQuery(sweep="income"))
        assert "system.cpu_percent" not in page.metrics
        run = runs.find(session, "income#1")
        assert (run.step, dict(run.metrics)) == (4, {"auc": 0.9, "ms": 1.0})
        curve = runs.curve(session, run.id, "system.cpu_percent")
        assert (curve.steps, curve.values) == ((2, 4), (50.0, 50.0))
        with pytest.raises(NothingToSortBy):
            runs.page(session, RunQuery(sort="system.cpu_percent"))


def test_all_there_is_on_several_runs_comes_in_the_order_asked(session: Session) -> None:
    stored = runs.page(session, RunQuery()).runs[:3]
    asked = [stored[2].id, stored[0].id, "zzzzzzzzzzzz"]
    assert [found.run.id for found in runs.details(session, asked)] == asked[:2]
    assert runs.details(session, []) == ()
    one, same = runs.details(session, [stored[1].id])[0], runs.detail(session, stored[1].id)
    assert (one.ended, one.provenance, one.log) == (same.ended, same.provenance, same.log)


def test_the_values_of_a_sweeps_trials_are_a_sequence_of_them() -> None:
    rows = [(0, 0.5, "complete"), (1, 0.25, "pruned"), (4, 0.75, "of a later program")]
    values = sweeps.TrialValues(rows)
    assert list(values) == rows
    assert (values[-1], values[:2], len(values)) == (rows[2], tuple(rows[:2]), 3)
    assert values == sweeps.TrialValues(rows)
    assert values != sweeps.TrialValues(rows[:2])
    assert not sweeps.TrialValues([])
