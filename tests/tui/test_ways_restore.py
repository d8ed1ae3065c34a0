"""The app opens where it was left."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from cockpit.tui.deeds import StoreDeeds
from cockpit.tui.remember import Memory, read
from cockpit.tui.screens.compare import CompareScreen
from cockpit.tui.screens.run import RunScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.screens.sweep import SweepScreen
from cockpit.tui.widgets.side_by_side import SideBySide
from storage.layout import Layout
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income, logs_of
from tests.tui.test_ways import app_of, screen_of

if TYPE_CHECKING:
    from pathlib import Path


async def test_screen_filter_sort_cursor_and_marks_come_back() -> None:
    app, deeds = app_of()
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"#1", "enter", "s", "s", "s", "full_stop")
        await settled(pilot)
        await pilot.press("j", "j", "space", "j")
        await settled(pilot)
        query, run = screen_of(app).question.query, screen_of(app).table.run
        marks = app.shared.held.marks.ids
        assert marks
        await pilot.press("q")
    again, _ = app_of(Memory(**json.loads(json.dumps(asdict(deeds.memory)))))
    async with again.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert screen_of(again).question.query == query
        assert screen_of(again).query_one("#filter-text").value == "#1"  # type: ignore[attr-defined]
        assert run
        await until(pilot, lambda: screen_of(again).table.run_id == run.id)
        assert again.shared.held.marks.ids == marks
        assert again.shared.held.columns == app.shared.held.columns


async def test_the_sweep_that_was_looked_at_is_in_front_again() -> None:
    app, deeds = app_of()
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        await pilot.press("q")
    assert deeds.memory.front == "2"
    again, _ = app_of(deeds.memory)
    async with again.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert isinstance(again.screen, SweepScreen)
        assert again.screen.title_words() == "Sweep income"
        await pilot.press("escape")
        assert isinstance(again.screen, RunsScreen)


async def test_a_sweep_that_is_gone_gives_way_to_one_that_is_there() -> None:
    app, _ = app_of(Memory("2", {"2": {"sweep": "long gone"}}))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, SweepScreen)
        await until(pilot, lambda: screen_of(app).title_words() == "Sweep income")


async def test_a_sweep_that_is_named_goes_before_what_is_remembered() -> None:
    app, _ = app_of(Memory("1", {"1": {"where": "#2"}}))
    app._first_sweep = "income"
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, SweepScreen)


@pytest.mark.parametrize(
    "memory",
    [
        Memory("99", {"1": {"where": 3, "sort": ["auc"], "selected": {}, "descending": "no"}}),
        Memory("1", {"held": {"marks": "all", "columns": {"shown": 3, "widths": "x"}}}),
        Memory("1", {"1": {"sort": "no such column", "selected": "gone"}, "held": {"columns": []}}),
    ],
)
async def test_a_memory_of_other_things_does_no_harm(memory: Memory) -> None:
    app, _ = app_of(memory)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert screen_of(app).table.total == 30


async def test_the_memory_lies_in_the_store(tmp_path: Path) -> None:
    layout = Layout(tmp_path / ".cockpit")
    layout.create()
    runs = income(5)
    app = CockpitApp(FakeSource(runs, logs_of(runs)), deeds=StoreDeeds(layout))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("full_stop", "q")
    assert read(layout.screens).places["1"]["descending"] is False
    other = CockpitApp(FakeSource(runs), deeds=StoreDeeds(layout), settings=Settings(restore=False))
    async with other.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert screen_of(other).question.query.descending


async def test_a_run_is_in_front_again_over_the_sweep_it_was_opened_from() -> None:
    app, deeds = app_of()
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for key in ("2", "j", "j", "enter"):
            await pilot.press(key)
            await settled(pilot)
        assert isinstance(app.screen, RunScreen)
        run = app.screen.question.run
        await pilot.press("tab", "q")
    assert (deeds.memory.below, deeds.memory.front) == (("2",), "run")
    again, _ = app_of(deeds.memory)
    async with again.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert isinstance(again.screen, RunScreen)
        assert (again.screen.question.run, again.screen.pane) == (run, "curves")
        await pilot.press("escape")
        assert isinstance(again.screen, SweepScreen)


async def test_a_comparison_is_in_front_again_as_it_was_left() -> None:
    app, deeds = app_of()
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for key in ("space", "j", "space", "j", "space", "c", "right", "b", "a", "left"):
            await pilot.press(key)
            await settled(pilot)
        assert isinstance(app.screen, CompareScreen)
        asked = app.screen.question
        assert asked.chosen != asked.base == asked.runs[2]
        app.shared.held.marks.clear()  # what is compared is what was marked then
        await pilot.press("q")
    again, _ = app_of(Memory(**json.loads(json.dumps(asdict(deeds.memory)))))
    async with again.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert isinstance(again.screen, CompareScreen)
        assert again.screen.question == asked
        assert again.screen.query_one(SideBySide).chosen == 1
        assert again.screen.command_lines()[0].endswith(" --all")


@pytest.mark.parametrize(
    "memory",
    [
        Memory("3"),
        Memory("3", {"3": {"runs": ["inc000000003"]}}),
        Memory("run", {"run": {"run": 7}}, ("3", "99")),
    ],
)
async def test_what_is_not_enough_to_open_a_screen_opens_the_first(memory: Memory) -> None:
    app, _ = app_of(memory)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, RunsScreen)
