"""Runs put together by a sweep, a param or a field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from cockpit.cli.main import run as cockpit
from storage.events import ParamSet, RunChanged, RunCreated, SweepAttr, SweepChanged, SweepCreated
from storage.expressions.terms import NothingToSortBy
from storage.groups import groups
from storage.runs import RunQuery
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.layout import Layout
    from storage.session import Session
    from storage.spool import SpoolWriter

LOSS = {"a": [0.5, 0.3], "b": [0.4, 0.2, None]}


@pytest.fixture
def filled(layout: Layout, writer: SpoolWriter) -> Layout:
    for name, losses in LOSS.items():
        sweep = writer.new_id()
        writer.append(
            SweepCreated(sweep, name, ["minimize"], 1.0),
            SweepAttr(sweep, "system", "study:metric_names", ["loss"]),
            SweepChanged(sweep, {"state": "complete", "ended": 90.0}),
        )
        for number, loss in enumerate(losses):
            run = writer.new_id()
            writer.append(RunCreated(run, sweep, number, f"{name}#{number}", "running", 2.0))
            if number < 2:
                writer.append(ParamSet(run, "depth", number, ""))
            changes = {"state": "failed" if loss is None else "complete", "ended": 5.0}
            if loss is not None:
                changes |= {"values": [loss], "metrics": {"loss": loss}}
            writer.append(RunChanged(run, changes))
    return layout


@pytest.fixture
def session(filled: Layout) -> Iterator[Session]:
    with Store(filled).session() as opened:
        yield opened


def test_sweeps_come_best_first_with_their_number_best_and_mean(session: Session) -> None:
    best, other = groups(session, RunQuery(), "sweep", "loss")
    assert (best.value, best.runs, best.best, best.mean) == ("b", 3, 0.2, pytest.approx(0.3))
    assert (other.value, other.runs, other.best, other.mean) == ("a", 2, 0.3, pytest.approx(0.4))
    run = session.rows("select name from runs where key = $key", key=best.best_run)
    assert run == [("b#1",)]


def test_a_param_groups_by_its_values_and_by_having_none(session: Session) -> None:
    found = groups(session, RunQuery(where="state <> 'waiting'"), "depth", "loss")
    assert [(one.value, one.runs, one.best) for one in found] == [
        ("1", 2, 0.2),
        ("0", 2, 0.4),
        (None, 1, None),
    ]


def test_the_filter_and_the_sweep_of_the_query_hold(session: Session) -> None:
    found = groups(session, RunQuery(sweep="b", where="loss < 0.3"), "state", "loss")
    assert [(one.value, one.runs) for one in found] == [("complete", 1)]


def test_what_no_run_has_groups_nothing(session: Session) -> None:
    with pytest.raises(NothingToSortBy, match="nonesuch"):
        groups(session, RunQuery(), "nonesuch", "loss")


def test_the_command_lists_the_groups(filled: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(filled.root)]
    assert cockpit(["runs", "--group-by", "sweep", "--json", *store]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(one["value"], one["runs"], one["best"]) for one in told] == [
        ("b", 3, 0.2),
        ("a", 2, 0.3),
    ]
    assert cockpit(["runs", "--group-by", "depth", "--metric", "loss", *store]) == 0
    out = capsys.readouterr().out
    assert "best loss" in out
    assert "mean loss" in out
    assert cockpit(["runs", "--group-by", "dept", *store]) == 2
    assert "did you mean 'depth'" in capsys.readouterr().err
