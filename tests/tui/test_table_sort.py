"""Sorting by one column and by several, with keys, clicks and on the command line."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cockpit.cli.main import run as cockpit
from cockpit.tui import commands, order
from cockpit.tui.app import CockpitApp
from cockpit.tui.columns import Column
from cockpit.tui.widgets.line import Line
from cockpit.tui.widgets.run_table import RunTable
from storage import runs
from storage.events import MetricLogged, ParamSet, RunChanged, RunCreated, SweepCreated
from storage.layout import Layout
from storage.runs import RunQuery, SortKey
from storage.selection import ids
from storage.spool import SpoolWriter
from storage.store import Store
from tests.tui.conftest import settled
from tests.tui.fake import FakeSource, income

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

SIZE = (160, 36)
AUC = Column("metric", "auc", "auc", 7, field="auc")
LOSS = Column("metric", "loss", "loss", 7, field="loss")
AGE = Column("age", "", "age", 7, field="started")
WAYS = {"auc": "maximize", "loss": "minimize"}


def app_of() -> CockpitApp:
    return CockpitApp(FakeSource(income()))


def table(app: CockpitApp) -> RunTable:
    return app.screen.query_one(RunTable)


def titles(app: CockpitApp) -> str:
    return table(app).render_line(table(app).header - 1).text


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def test_a_second_column_is_added_turned_around_and_taken_away() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "right", "right", "s")
        assert "state▲" in titles(app)
        await press(pilot, "right", "comma")
        assert "state▲1" in titles(app)
        assert "auc▼2" in titles(app)
        assert "by state, then auc" in str(app.screen.query_one("#tabs", Line).render())
        first = [table(app).run_at(row) for row in range(30)]
        complete = [run.metrics["auc"] for run in first if run and run.state == "complete"]
        assert complete == sorted(complete, reverse=True)
        assert [run.state for run in first if run] == sorted(run.state for run in income())
        await press(pilot, "comma")
        assert "auc▲2" in titles(app)
        await press(pilot, "comma")
        assert "auc▲" not in titles(app)
        assert "state▲ " in titles(app)


async def test_a_click_on_a_title_sorts_and_with_shift_sorts_too() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        places = {column.id: x for column, x in table(app).places()}
        line = table(app).header - 1
        await pilot.click(RunTable, offset=(places["params.amp"] + 1, line))
        await settled(pilot)
        assert app.screen.question.query.sort == "amp"  # type: ignore[attr-defined]
        await pilot.click(RunTable, offset=(places["metrics.auc"] + 1, line), shift=True)
        await settled(pilot)
        query = app.screen.question.query  # type: ignore[attr-defined]
        assert query.order == (SortKey("amp", False), SortKey("auc", True))


async def test_turning_around_turns_all_of_it() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "right", "right", "s", "right", "comma")
        before = [run.id for run in table(app).page.runs if run.metrics]  # type: ignore[union-attr]
        await press(pilot, "full_stop")
        after = [run.id for run in table(app).page.runs if run.metrics]  # type: ignore[union-attr]
        assert after == before[::-1]


async def test_without_a_column_under_the_cursor_the_table_says_how_to_choose_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    monkeypatch.setattr(RunTable, "say", lambda self, sentence: said.append(sentence))
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "comma", "H")
    assert [("←" in sentence, sentence[-1]) for sentence in said] == [(True, "."), (True, ".")]


def test_the_first_order_is_the_one_people_want() -> None:
    assert order.sorted_by(RunQuery(), AUC, WAYS) == RunQuery(sort="auc")
    assert not order.sorted_by(RunQuery(), LOSS, WAYS).descending
    assert not order.sorted_by(RunQuery(), AGE, WAYS).descending
    assert order.sorted_by(RunQuery(sort="auc"), AGE, WAYS) == RunQuery()


def test_sorting_by_one_column_forgets_the_others() -> None:
    both = order.further(RunQuery(sort="auc"), LOSS, WAYS)
    assert both.then == (SortKey("loss", False),)
    assert order.sorted_by(both, AUC, WAYS) == RunQuery(sort="auc")
    assert order.further(RunQuery(), LOSS, WAYS) == RunQuery(sort="loss", descending=False)


def test_the_order_is_remembered_and_shown_as_a_command_that_gives_it() -> None:
    query = order.further(order.further(RunQuery(sort="auc"), LOSS, WAYS), AGE, WAYS)
    assert order.read(json.loads(json.dumps(order.written(query)))) == query.then
    assert order.read([["a", 1], "b"]) == order.read(None) == ()
    query = replace(query, then=(SortKey("loss", True), query.then[1]))
    assert commands.runs(query, WAYS) == (
        "cockpit runs --sort auc --sort 'loss desc' --sort started"
    )


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / ".cockpit")
    writer = SpoolWriter(layout)
    sweep = writer.new_id()
    writer.append(SweepCreated(sweep, "income", ["maximize"], 1.0))
    for number in range(8):
        run = writer.new_id()
        writer.append(
            RunCreated(run, sweep, number, f"income#{number}", "running", 2.0 + number),
            ParamSet(run, "kind", "ab"[number % 2], ""),
            MetricLogged(run, "auc", 0, 3.0, number // 4 / 10),
            RunChanged(
                run, {"state": "complete", "metrics": {"auc": number // 4 / 10}, "ended": 20.0}
            ),
        )
    writer.close()
    return layout


def numbers(page: runs.RunsPage) -> list[int | None]:
    return [run.number for run in page.runs]


def test_the_store_sorts_by_several_keys_each_its_own_way(layout: Layout) -> None:
    query = RunQuery(sort="kind", descending=False, then=(SortKey("auc"), SortKey("number", False)))
    with Store(layout).session() as session:
        assert numbers(runs.page(session, query)) == [4, 6, 0, 2, 5, 7, 1, 3]
        some = RunQuery(sort="kind", where="auc > 0", then=(SortKey("number"),), limit=3)
        assert numbers(runs.page(session, some)) == [7, 5, 6]
        found = runs.page(session, query)
        assert ids(session, query) == tuple(run.id for run in found.runs)


def test_the_command_takes_several_keys(layout: Layout, capsys: pytest.CaptureFixture[str]) -> None:
    store = ["--store", str(layout.root)]

    def asked(*arguments: str) -> list[int]:
        assert cockpit(["runs", "--json", *arguments, *store]) == 0
        return [run["number"] for run in json.loads(capsys.readouterr().out)]

    assert asked("--sort", "kind", "--sort", "number") == [1, 3, 5, 7, 0, 2, 4, 6]
    assert asked("--sort", "kind asc", "--sort", "number desc") == [6, 4, 2, 0, 7, 5, 3, 1]
    assert asked("--sort", "kind", "--sort", "number", "--reverse") == [6, 4, 2, 0, 7, 5, 3, 1]
    assert cockpit(["runs", "--sort", "kind", "--sort", "nubmer", *store]) == 2
    assert "did you mean 'number'" in capsys.readouterr().err
