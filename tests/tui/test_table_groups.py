"""Runs put together by a column, as a list of groups, and one group's runs in the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.tui import grouping
from cockpit.tui.app import CockpitApp
from cockpit.tui.screens.run import RunScreen
from cockpit.tui.source import StoreSource
from cockpit.tui.widgets.group_list import GroupList
from cockpit.tui.widgets.run_table import RunTable
from storage.events import ParamSet, RunChanged, RunCreated, SweepAttr, SweepCreated
from storage.layout import Layout
from storage.spool import SpoolWriter
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, FakeSource, income, odd, trial
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot

KINDS = ["a", "b'c", "0.5", None]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "demo" / ".cockpit")
    writer = SpoolWriter(layout)
    for name in ("one", "two"):
        sweep = writer.new_id()
        writer.append(
            SweepCreated(sweep, name, ["maximize"], 1.0),
            SweepAttr(sweep, "system", "study:metric_names", ["auc"]),
        )
        for number, kind in enumerate(KINDS):
            run = writer.new_id()
            writer.append(RunCreated(run, sweep, number, f"{name}#{number}", "running", 2.0))
            if kind is not None:
                writer.append(ParamSet(run, "the kind", kind, ""))
            value = number / 10 + (name == "two")
            changes = {
                "state": "complete",
                "values": [value],
                "metrics": {"auc": value},
                "ended": 5.0,
            }
            writer.append(RunChanged(run, changes))
    writer.close()
    return layout


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def groups_of(pilot: Pilot[None]) -> GroupList:
    screen = pilot.app.screen
    assert isinstance(screen, GroupList)
    await until(pilot, lambda: bool(screen.list.groups))
    return screen


async def test_enter_unfolds_a_group_beneath_its_line_and_folds_it_again(layout: Layout) -> None:
    app = CockpitApp(StoreSource(layout))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "z")
        screen = await groups_of(pilot)
        lines = screen.list
        assert lines.count() == 2
        await press(pilot, "enter")
        await until(pilot, lambda: lines.count() == 6)
        shown = [lines.line(row, 70)[0].split() for row in range(6)]
        assert [words[:2] for words in shown] == [
            ["▾", "two"],
            *(["✓", f"two#{number}"] for number in (3, 2, 1, 0)),
            ["▸", "one"],
        ], "the best first"
        await press(pilot, "j", "j", "enter")
        await until(pilot, lambda: isinstance(app.screen, RunScreen))
        await until(pilot, lambda: "Run two#2" in painted(app))
        await press(pilot, "escape", "z")
        screen = await groups_of(pilot)
        await press(pilot, "enter")
        await until(pilot, lambda: screen.list.count() == 6)
        await press(pilot, "enter")
        await until(pilot, lambda: screen.list.count() == 2)


async def test_o_says_the_command_for_the_groups(layout: Layout) -> None:
    app = CockpitApp(StoreSource(layout))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        told = "cockpit runs --group-by sweep --metric auc"
        await press(pilot, "o", "o", "o", "o")
        await until(pilot, lambda: told in painted(app))
        await press(pilot, "z")
        await groups_of(pilot)
        await press(pilot, "o")
        await until(pilot, lambda: f"$ {told}" in painted(app))


async def test_sweeps_fold_into_lines_and_a_slash_filters_to_one(layout: Layout) -> None:
    app = CockpitApp(StoreSource(layout))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        table = app.screen.query_one(RunTable)
        await press(pilot, "z")
        await groups_of(pilot)
        lines = [line for line in painted(app).split("\n") if "│" in line]
        assert any("best auc" in line and "mean auc" in line for line in lines)
        assert any("two" in line and "1.300" in line and "1.150" in line for line in lines)
        await press(pilot, "j", "slash")
        await until(pilot, lambda: table.total == 4)
        assert {run.sweep for run in table.page.runs} == {"one"}  # type: ignore[union-attr]
        assert "filter: sweep = 'one'" in painted(app)
        await press(pilot, "escape")
        await until(pilot, lambda: table.total == 8)


async def test_each_group_of_a_param_has_its_runs(layout: Layout) -> None:
    app = CockpitApp(StoreSource(layout))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        table = app.screen.query_one(RunTable)
        table.at = "params.the kind"
        table.lay_out()
        for place in range(len(KINDS)):
            await press(pilot, "z")
            screen = await groups_of(pilot)
            group = screen.list.groups[place]
            await press(pilot, *["j"] * place, "slash")
            await until(pilot, lambda: table.total == 2)
            kinds = {run.params.get("the kind") for run in table.page.runs}  # type: ignore[union-attr]
            assert {None if kind is None else str(kind) for kind in kinds} == {group.value}
            await press(pilot, "escape")
            await until(pilot, lambda: table.total == 8)


async def test_new_runs_come_into_the_groups_while_one_looks() -> None:
    source = FakeSource(income())
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "z")
        screen = await groups_of(pilot)
        source.all.append(trial(31))
        source.bump()
        await until(pilot, lambda: screen.list.groups[0].runs == 31)
        await press(pilot, "escape")
        assert app.screen.query_one(RunTable).total == 31


async def test_a_column_of_measurements_makes_no_groups() -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "right", "right", "right", "z")
        assert not isinstance(app.screen, GroupList)
        assert "Choose a param, the state or the sweep to group by" in painted(app)


async def test_values_of_any_kind_are_listed_without_harm() -> None:
    app = CockpitApp(FakeSource(odd()))
    async with app.run_test(size=(60, 15)) as pilot:
        await settled(pilot)
        app.screen.query_one(RunTable).at = "params.x[/red]"
        app.screen.query_one(RunTable).lay_out()
        await press(pilot, "z")
        await groups_of(pilot)
        text = painted(app)
        assert {len(line) for line in text.split("\n")} <= {60, 59, 58}
        assert HOSTILE not in text
        assert "\x1b" not in text


@pytest.mark.parametrize(
    ("where", "by", "value", "narrowed"),
    [
        ("", "state", "failed", "state = 'failed'"),
        ("auc > 1 or lr < 2", "params.lr", "0.1", '(auc > 1 or lr < 2) and params."lr" = 0.1'),
        ("", 'params.a"b', None, 'params."a""b" is null'),
        ("", "params.x", "nan", "params.\"x\" = 'nan'"),
        ("", "params.x", "true", 'params."x" = true'),
    ],
)
def test_the_filter_of_a_group_says_what_it_holds(
    where: str, by: str, value: str | None, narrowed: str
) -> None:
    assert grouping.narrowed(where, by, value) == narrowed


def test_words_stay_words_in_the_filter_of_a_group() -> None:
    found = grouping.narrowed("wide tail", "state", "failed")
    assert found.startswith("(name ilike '%wide%' or tag ilike '%wide%'")
    assert found.endswith("and state = 'failed'")
