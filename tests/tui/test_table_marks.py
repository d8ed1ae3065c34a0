"""Marking runs: one, a range, all that match; the marks stay on their runs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cockpit.tui.app import CockpitApp
from cockpit.tui.widgets import run_table
from cockpit.tui.widgets.line import Line
from cockpit.tui.widgets.run_table import RunTable
from tests.tui.conftest import settled, until
from tests.tui.fake import NOW, FakeSource, income, logs_of, trial

if TYPE_CHECKING:
    import pytest
    from textual.pilot import Pilot

SIZE = (120, 36)


def app_of(count: int = 30) -> CockpitApp:
    runs = income(count)
    return CockpitApp(FakeSource(runs, logs_of(runs)))


def table(app: CockpitApp) -> RunTable:
    return app.screen.query_one(RunTable)


def row(app: CockpitApp, place: int) -> str:
    return table(app).render_line(table(app).header + place).text


def tabs(app: CockpitApp) -> str:
    return str(app.screen.query_one("#tabs", Line).render())


def painted(app: CockpitApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def test_space_marks_a_run_with_a_glyph_and_takes_the_mark_away_again() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "space")
        chosen = table(app).run_id
        assert table(app).marked == (chosen,)
        assert row(app, 1).startswith("▌◆ income#28")
        assert row(app, 0).startswith("   income#29")
        assert "◆ 1 marked" in tabs(app)
        await press(pilot, "space")
        assert table(app).marked == ()
        assert "◆" not in row(app, 1)
        assert "marked" not in tabs(app)


async def test_marks_are_told_in_the_order_in_which_they_were_made() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "j", "space", "k", "k", "space")
        assert table(app).marked == (trial(27).id, trial(29).id)


async def test_a_range_is_seen_while_it_grows_and_marked_by_the_second_v() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "v", "j", "j")
        assert [("◆" in row(app, place)) for place in range(4)] == [True, True, True, False]
        assert table(app).marked == ()
        await press(pilot, "k")
        assert "◆" not in row(app, 2)
        await press(pilot, "v", "j", "j")
        assert table(app).marked == (trial(29).id, trial(28).id)
        assert "◆" not in row(app, 3)


async def test_escape_gives_a_range_up_and_nothing_else() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"#1", "enter", "v", "j", "escape")
        assert table(app).marked == ()
        assert "◆" not in row(app, 0)
        assert table(app).total == 11, "the filter is still there"
        await press(pilot, "escape")
        assert table(app).total == 30


async def test_a_range_over_rows_that_are_not_here_is_marked_whole() -> None:
    runs = [replace(trial(n), started=NOW) for n in range(900)]
    app = CockpitApp(FakeSource(runs))
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "v", "G", "v")
        await until(pilot, lambda: len(table(app).marked) == 900)
        assert "◆ 900 marked" in tabs(app)


async def test_all_that_match_are_marked_and_u_clears() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "slash", *"#1", "enter", "asterisk")
        assert len(table(app).marked) == 11
        await press(pilot, "escape")
        assert table(app).total == 30
        assert len(table(app).marked) == 11
        await press(pilot, "u")
        assert table(app).marked == ()
        assert not any("◆" in row(app, place) for place in range(30))


async def test_more_than_a_screen_can_use_are_not_marked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(run_table, "MOST_MARKED", 20)
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "asterisk")
        assert len(table(app).marked) == 20
        assert "Marked the first 20 of 30 runs; a filter leaves fewer." in painted(app)


async def test_marks_stay_on_their_runs_when_rows_are_sorted_and_come_in() -> None:
    source = FakeSource([trial(n) for n in range(10)])
    app = CockpitApp(source)
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "space")
        marked = table(app).marked
        await press(pilot, "full_stop")
        source.all += [trial(n) for n in range(10, 12)]
        source.bump()
        await until(pilot, lambda: table(app).total == 12)
        assert table(app).marked == marked == (trial(8).id,)
        assert [place for place in range(12) if "◆" in row(app, place)] == [8]


async def test_a_mark_made_on_one_screen_is_there_on_the_other() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "j", "space", "2")
        assert table(app).trials
        assert table(app).marked == (trial(28).id,)
        assert "◆ #28" in row(app, 1)
        await press(pilot, "u", "1")
        await until(pilot, lambda: "◆" not in row(app, 1))


async def test_a_mark_repaints_its_cell_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        regions: list[Any] = []
        refresh = RunTable.refresh

        def spy(self: RunTable, *where: Any, **how: Any) -> Any:
            regions.extend(where or ["all"])
            return refresh(self, *where, **how)

        monkeypatch.setattr(RunTable, "refresh", spy)
        await press(pilot, "space")
        assert [(region.width, region.height) for region in regions] == [(3, 1)]
