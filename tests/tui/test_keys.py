"""What the keys do, on both screens."""

from __future__ import annotations

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.screens.help import HelpScreen, explain
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.screens.sweep import SweepScreen
from cockpit.tui.widgets.key_bar import KeyBar
from cockpit.tui.widgets.line import Line
from cockpit.tui.widgets.log_tail import LogTail
from cockpit.tui.widgets.run_table import RunTable
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income, logs_of, trial


def app_of(count: int = 30) -> CockpitApp:
    runs = income(count)
    return CockpitApp(FakeSource(runs, logs_of(runs)))


def table(app: CockpitApp) -> RunTable:
    return app.screen.query_one(RunTable)


async def test_arrows_and_vi_keys_move_the_cursor() -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        for key, row in (("down", 1), ("j", 2), ("k", 1), ("up", 0), ("G", 29), ("g", 0)):
            await pilot.press(key)
            assert table(app).cursor == row, key
        await pilot.press("k")
        assert table(app).cursor == 0
        await pilot.press("pagedown")
        assert table(app).cursor > 10


async def test_sorting_shows_an_arrow_and_reverses() -> None:
    app = app_of()
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        for _ in range(3):
            await pilot.press("s")
        await settled(pilot)
        assert screen.question.query.sort == "auc"
        assert table(app).run_at(0).metrics["auc"] == max(  # type: ignore[union-attr]
            run.metrics["auc"] for run in income() if run.metrics
        )
        titles = table(app).render_line(table(app).header - 1).text
        assert "auc▼" in titles
        await pilot.press("full_stop")
        await settled(pilot)
        assert "auc▲" in table(app).render_line(table(app).header - 1).text
        assert not screen.question.query.descending


async def test_sorting_goes_through_every_column_and_comes_back() -> None:
    app = app_of()
    async with app.run_test(size=(160, 36)) as pilot:
        await settled(pilot)
        first = app.screen.question.query  # type: ignore[attr-defined]
        seen = []
        for _ in [column for column in table(app).columns if column.field]:
            await pilot.press("s")
            await settled(pilot)
            seen.append(app.screen.question.query.sort)  # type: ignore[attr-defined]
        assert len(set(seen)) == len(seen)
        assert app.screen.question.query == first  # type: ignore[attr-defined]


async def test_filter_narrows_as_one_types_and_escape_clears_it() -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"#1")
        await settled(pilot)
        assert table(app).total == 11
        await pilot.press("enter")
        assert app.focused is table(app)
        await pilot.press("escape")
        await settled(pilot)
        assert table(app).total == 30


async def test_half_a_condition_keeps_the_rows_and_says_what_is_missing() -> None:
    source = FakeSource(income(30))
    source.refused = {"#1 >": "something is missing beside '>'"}
    app = CockpitApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"#1")
        await settled(pilot)
        await pilot.press(*" >")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, RunsScreen)
        complaint = screen.query_one("#complaint", Line)
        assert "something is missing" in str(complaint.render())
        assert complaint.region.width > 20
        assert table(app).total == 11
        assert "filter: #1" in str(screen.query_one("#tabs", Line).render())
        await pilot.press("enter")
        assert screen.filtering, "what was not understood stays open for correction"
        await pilot.press("escape")
        await settled(pilot)
        assert table(app).total == 30
        assert not complaint.display


async def test_a_filter_that_matches_nothing_says_so() -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"zzz")
        await settled(pilot)
        nothing = app.screen.query_one("#nothing")
        assert nothing.display
        assert "zzz" in str(nothing.render())


async def test_digits_lead_to_the_screens() -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        assert isinstance(app.screen, SweepScreen)
        await pilot.press("2")
        assert len(app.screen_stack) == 2
        await pilot.press("1")
        assert isinstance(app.screen, RunsScreen)


async def test_brackets_switch_between_sweeps() -> None:
    source = FakeSource([*income(5), *(trial(n, sweep="other") for n in range(3))])
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        screen = app.screen
        assert isinstance(screen, SweepScreen)
        assert screen.title_words() == "Sweep income"
        await pilot.press("left_square_bracket")
        await settled(pilot)
        assert screen.title_words() == "Sweep other"
        assert table(app).total == 3
        await pilot.press("right_square_bracket", "right_square_bracket")
        await settled(pilot)
        assert screen.title_words() == "Sweep income"


async def test_l_enlarges_the_log_and_escape_makes_it_small_again() -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        log = app.screen.query_one(LogTail)
        small = log.size.height
        assert any("iter 180" in line for line in log.lines)
        await pilot.press("l")
        await until(pilot, lambda: log.size.height > small)
        assert app.focused is log
        await pilot.press("escape")
        await until(pilot, lambda: log.size.height == small)
        assert isinstance(app.screen, SweepScreen)


async def test_tab_goes_from_pane_to_pane() -> None:
    app = app_of()
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        assert app.focused is table(app)
        await pilot.press("tab")
        assert isinstance(app.focused, LogTail)
        await pilot.press("tab")
        assert app.focused is table(app)


async def test_help_names_every_key_that_does_something_here() -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        keys = " ".join(entry for entry, _ in explain(app.screen)).split()
        assert {"q", "?", "/", "s", ".", "j", "k", "g", "G", "1", "2", "enter", "esc"} <= {*keys}
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


@pytest.mark.parametrize("key", ["q", "ctrl+c", "ctrl+q"])
async def test_q_quits(key: str) -> None:
    app = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press(key)
        await pilot.pause()
        assert app._exit


@pytest.mark.parametrize("width", [30, 60, 80, 200])
async def test_the_bottom_line_keeps_quit_and_help_at_any_width(width: int) -> None:
    app = app_of()
    async with app.run_test(size=(width, 24)) as pilot:
        await settled(pilot)
        line = app.screen.query_one(KeyBar).render_line(0).text
        assert "? help" in line
        assert "q quit" in line
