"""What a newcomer is told by the bottom line in a small terminal, and right after a sweep was started."""

from __future__ import annotations

from pathlib import Path

from rich.cells import cell_len

from cockpit.tui.app import CockpitApp
from cockpit.tui.data.page import sentence
from cockpit.tui.screens.starting import show_started
from cockpit.tui.widgets.key_bar import KeyBar
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income
from tests.tui.fake_control import FakeControl
from tests.tui.test_live import painted


def foot(app: CockpitApp) -> str:
    bar = app.screen.query_one(KeyBar)
    return " ".join(bar.words.content(bar.content_size.width).plain.split())


async def test_the_smallest_foot_names_notes_and_launching() -> None:
    app = CockpitApp(FakeSource(income()), control=FakeControl(Path("nowhere")))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        keys = "enter open space mark c compare / filter n note L launch ? help q quit"
        assert foot(app) == keys


async def test_the_foot_of_the_filter_says_how_to_leave_it() -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"auc")
        await settled(pilot)
        assert "enter keep it" in foot(app)
        assert "esc clear it" in foot(app)
        await pilot.press("enter")
        await settled(pilot)
        assert "filter: auc" in painted(app)
        await pilot.press("slash", "escape")
        await settled(pilot)
        assert "filter: auc" not in painted(app)
        assert "enter open" in foot(app)


async def test_a_sweep_that_has_said_nothing_yet_is_starting() -> None:
    source = FakeSource([])
    app = CockpitApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        show_started(app, app.shared, "income", "started")
        await until(pilot, lambda: "starting income …" in painted(app))
        await settled(pilot)
        assert "starting income …" in painted(app)
        assert "No runs yet" not in painted(app)
        source.all = income()
        source.bump()
        await until(pilot, lambda: "best auc" in painted(app))
        assert "starting income" not in painted(app)


def test_wide_characters_take_two_cells_of_a_sentence() -> None:
    text = "weil " + "漢字" * 40 + " so ist"
    lines = [line for ((line, _),) in sentence(text, 30)]
    assert max(map(cell_len, lines)) <= 30
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
