"""What happens on the screen while runs come in, move and fail to be read."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual import events

from cockpit.tui import clock
from cockpit.tui.app import CockpitApp
from cockpit.tui.seam import Unreadable
from cockpit.tui.widgets.run_table import RunTable
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, NOW, FakeSource, income, logs_of, odd, trial


def table(app: CockpitApp) -> RunTable:
    return app.screen.query_one(RunTable)


def painted(app: CockpitApp) -> str:
    lines = app.screen._compositor.render_strips()
    return "\n".join(strip.text for strip in lines)


async def test_the_cursor_stays_on_its_run_when_rows_come_in() -> None:
    source = FakeSource([trial(n) for n in range(30)])
    app = CockpitApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("j", "j", "j", "j")
        chosen = table(app).run_id
        source.all += [trial(n) for n in range(30, 50)]
        source.bump()
        await until(pilot, lambda: table(app).total == 50)
        assert table(app).run.id == chosen  # type: ignore[union-attr]
        assert table(app).cursor == 24
        line = table(app).cursor - table(app).scroll_offset.y
        assert 0 <= line < table(app).room


async def test_an_untouched_cursor_follows_the_newest_run() -> None:
    source = FakeSource([trial(n) for n in range(5)])
    app = CockpitApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        source.all.append(trial(5))
        source.bump()
        await until(pilot, lambda: table(app).total == 6)
        assert table(app).run_id == trial(5).id


async def test_runs_show_up_by_themselves_in_an_empty_store() -> None:
    source = FakeSource()
    app = CockpitApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "the demo: a real sweep" in painted(app)
        source.all.append(trial(0))
        source.bump()
        await until(pilot, lambda: "income#0" in painted(app))
        assert "the demo: a real sweep" not in painted(app)


async def test_only_the_changed_cell_is_painted_again(monkeypatch: pytest.MonkeyPatch) -> None:
    source = FakeSource([trial(n) for n in range(30)])
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await settled(pilot)
        regions: list[Any] = []
        refresh = RunTable.refresh

        def spy(self: RunTable, *where: Any, **how: Any) -> Any:
            regions.extend(where or ["all"])
            return refresh(self, *where, **how)

        monkeypatch.setattr(RunTable, "refresh", spy)
        source.all[25] = replace(source.all[25], metrics={"auc": 0.8881})
        source.bump()
        await until(pilot, lambda: "0.8881" in painted(app))
        assert "all" not in regions
        assert sum(region.area for region in regions) < 2 * 120 + 20


async def test_an_idle_app_paints_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cockpit.tui.screens.base.FRESHEN", 0.05)
    runs = [run for run in income() if run.state != "running"]
    app = CockpitApp(FakeSource(runs, logs_of(runs)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        shown: list[object] = []
        display = app._display

        def spy(*what: Any) -> None:
            shown.append(what)
            display(*what)

        monkeypatch.setattr(app, "_display", spy)
        for key in ("1", "2"):
            await pilot.press(key)
            await settled(pilot)
            await pilot.pause(0.3)
            shown.clear()
            await pilot.pause(0.5)
            assert not shown


async def test_ages_and_times_go_on_while_nothing_arrives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("cockpit.tui.screens.base.FRESHEN", 0.05)
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert "ETA 48s" in painted(app)
        monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=20))
        await until(pilot, lambda: "ETA 28s" in painted(app))
        assert "22s" in painted(app)


async def test_a_store_that_cannot_be_read_is_said_and_got_over() -> None:
    source = FakeSource(income())
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        source.trouble = Unreadable("the store is held by pid 4121 (duckdb), 12 s now")
        source.bump()
        await until(pilot, lambda: app.screen.query_one("#trouble").display)
        await until(pilot, lambda: "held by pid 4121" in painted(app))
        assert "Showing what was there at" in painted(app)
        assert "income#29" in painted(app)
        source.trouble = None
        await until(pilot, lambda: "held by pid" not in painted(app))


async def test_a_hundred_thousand_runs_scroll_to_the_end() -> None:
    runs = [replace(trial(n), started=NOW - timedelta(seconds=n)) for n in range(100_000)]
    source = FakeSource(runs)
    app = CockpitApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert table(app).total == 100_000
        await pilot.press("G")
        await until(pilot, lambda: table(app).run is not None and table(app).cursor == 99_999)
        assert "income#99999" in painted(app)
        await pilot.press("k", "k", "k")
        assert table(app).cursor == 99_996
        assert max(len(app.screen.snapshot.page.runs), 1) <= 300  # type: ignore[attr-defined]


async def test_hostile_names_neither_break_the_layout_nor_reach_the_terminal() -> None:
    runs = odd()
    app = CockpitApp(FakeSource(runs, {run.id: [HOSTILE, "\x1b[2J\x1b]0;x\x07"] for run in runs}))
    for size in ((60, 15), (80, 24), (200, 50)):
        app = CockpitApp(FakeSource(runs, {run.id: [HOSTILE] for run in runs}))
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            for key in ("j", "2", "j", "l", "question_mark"):
                await pilot.press(key)
                await settled(pilot)
                strips = app.screen._compositor.render_strips()
                assert {strip.cell_length for strip in strips} == {size[0]}
                text = "".join(strip.text for strip in strips)
                assert not [char for char in text if ord(char) < 32 or char in "\x7f\u202e\x9b"]


async def test_a_failed_trial_shows_its_reason() -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"#5", "enter")
        await settled(pilot)
        await until(pilot, lambda: "train.py line 14: KeyError 'incme'" in painted(app))


async def test_a_terminal_may_be_resized_to_anything() -> None:
    runs = income()
    app = CockpitApp(FakeSource(runs, logs_of(runs)))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for key in ("1", "2"):
            await pilot.press(key)
            await settled(pilot)
            for size in ((60, 15), (20, 5), (1, 1), (200, 50), (80, 24)):
                await pilot.resize_terminal(*size)
                await pilot.pause()
        assert "0.9312" in painted(app)


@pytest.mark.parametrize("digit", ["2", "3", "4", "5", "6"])
async def test_a_screen_that_is_left_and_opened_again_in_one_burst_is_not_empty(digit: str) -> None:
    runs = income()
    app = CockpitApp(FakeSource(runs, logs_of(runs)))
    app.shared.held.marks.add(run.id for run in runs[:3])
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press(digit)
        await settled(pilot)
        before = app.screen
        for key in ("1", digit):
            app.post_message(events.Key(key, key))
        await until(pilot, lambda: app.screen is not before and len(app.screen_stack) == 2)
        await settled(pilot)


async def test_news_that_come_while_the_app_ends_meet_no_screen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        last = app.in_front.snapshot
        assert last is not None
        prune, seen = app._prune, asyncio.Event()

        async def then(*screens: Any) -> None:
            await prune(*screens)
            app.post_message(app.Arrived(replace(last, size=1)))
            app.call_later(seen.set)
            with suppress(TimeoutError):
                await asyncio.wait_for(seen.wait(), 10)

        monkeypatch.setattr(app, "_prune", then)
    assert seen.is_set()


async def test_a_screen_opened_after_the_reading_stopped_says_so_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = FakeSource(income())
    app = CockpitApp(source)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)

        def broken() -> tuple[int, ...]:
            raise ZeroDivisionError("of our own making")

        monkeypatch.setattr(source, "stamp", broken)
        said = "Reading stopped (ZeroDivisionError: of our own making)"
        await until(pilot, lambda: said in painted(app))
        for key in ("2", "L", "enter"):
            await pilot.press(key)
            await until(pilot, lambda: said in painted(app))
