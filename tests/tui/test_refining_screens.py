"""Intervals that are there at once and refined behind the screen: told, ended, begun again, and never for nobody."""

from __future__ import annotations

import json
from threading import Event
from typing import TYPE_CHECKING

import pytest

from cockpit.cli.main import run as command
from cockpit.evaluate.resampling import Cancelled
from cockpit.tui.screens import compare as compare_screen
from cockpit.tui.screens import slices as slices_screen
from cockpit.tui.screens.compare import CompareScreen
from tests.tui.conftest import settled, until
from tests.tui.scored import Shop, app_on, lines_of, opened, press, said

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.evaluate.slices import SliceTable


class Slow:
    """Refines nothing until it is ended; tells once how far it is."""

    def __init__(self) -> None:
        self.begun = 0
        self.ended = Event()

    def __call__(
        self,
        what: SliceTable,
        *,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> SliceTable:
        self.begun += 1
        self.ended.clear()
        pause = Event()
        progress(0.42)
        while not cancelled():
            pause.wait(0.01)
        self.ended.set()
        raise Cancelled


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Slow:
    made = Slow()
    monkeypatch.setattr(slices_screen, "_refined", made)
    monkeypatch.setattr("cockpit.tui.refiner.PAUSE", 0.0)
    return made


async def test_a_normal_interval_gives_way_to_the_drawn_one(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, runs[0], runs[2])
    async with app.run_test(size=(200, 30)) as pilot:
        screen = await opened(pilot)
        assert "intervals: DeLong's" in said(app), "of AUC nothing is drawn"
        await press(pilot, "m", "m")
        judged = screen.snapshot.judged if screen.snapshot else None
        assert judged is not None
        assert judged.table is not None
        soon = judged.table.rows[0].cells[runs[2]].differences["log_loss"]
        assert soon.method == "normal"
        await until(pilot, lambda: "intervals: paired bootstrap, 2,000 draws" in said(app))
        assert screen.judged is not None
        assert screen.judged.table is not None
        drawn = screen.judged.table.rows[0].cells[runs[2]].differences["log_loss"]
        assert drawn.method == "paired bootstrap"
        assert drawn.value == soon.value
        assert (drawn.low, drawn.high) != (soon.low, soon.high)
        assert "(p" in said(app)
        assert not screen.able("refine"), "what is refined needs no key"


async def test_a_kpi_is_judged_and_refined(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, runs[0], runs[2])
    async with app.run_test(size=(200, 30)) as pilot:
        await opened(pilot)
        await press(pilot, "M")
        assert "by profit" in said(app)
        assert "▲ better" in lines_of(app, "all rows")[0]
        await until(pilot, lambda: "intervals: paired bootstrap, 2,000 draws" in said(app))
        assert "▲ better" in lines_of(app, "all rows")[0]


async def test_i_ends_it_and_begins_it_again(shop: Shop, slow: Slow) -> None:
    made, runs = shop
    app = app_on(made.layout, runs[0], runs[2])
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "m", "m")
        await until(pilot, lambda: "refining intervals 42 % (i ends it)" in said(app))
        await press(pilot, "i")
        await until(pilot, slow.ended.is_set)
        assert "refining" not in said(app)
        assert "▲ better" in lines_of(app, "all rows")[0], "what was there at once stays"
        before = slow.begun
        await press(pilot, "s")
        assert slow.begun == before, "what was ended begins by its key alone"
        assert screen.able("refine")
        await press(pilot, "i")
        await until(pilot, lambda: "refining intervals 42 %" in said(app))
        assert slow.begun == before + 1


async def test_what_is_asked_anew_ends_it_and_so_does_another_screen(
    shop: Shop, slow: Slow
) -> None:
    made, runs = shop
    app = app_on(made.layout, runs[0], runs[2])
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        await press(pilot, "m")
        await until(pilot, lambda: slow.begun == 1)
        await press(pilot, "m")
        await until(pilot, lambda: slow.begun == 2)
        assert "by log_loss" in said(app)
        await press(pilot, "1")
        await until(pilot, slow.ended.is_set)
        assert slow.begun == 2, "nobody looks at what nobody sees"


async def test_compare_refines_its_scores_and_repaints_nothing_when_it_is_done(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, runs = shop
    app = app_on(made.layout, runs[0], runs[2])
    async with app.run_test(size=(160, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "3")
        screen = app.screen
        assert isinstance(screen, CompareScreen)
        await until(pilot, lambda: "paired bootstrap" in said(app))
        assert "2,000 draws" in said(app)
        assert screen.refined is not None
        found = screen.refined.found
        assert found is not None
        row = next(row for row in found.rows if row.group == "kpis")
        assert row.judged[1] is not None
        assert row.judged[1].method == "paired bootstrap"
        assert "refining" not in said(app)
        painted: list[object] = []
        monkeypatch.setattr(screen.values, "show", painted.append)
        await pilot.pause(1.2)
        assert not painted


async def test_compare_says_how_far_it_is_and_i_ends_it(
    shop: Shop, slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compare_screen, "_refined", slow)
    made, runs = shop
    app = app_on(made.layout, runs[0], runs[2])
    async with app.run_test(size=(160, 50)) as pilot:
        await settled(pilot)
        await press(pilot, "3")
        await until(pilot, lambda: "refining intervals 42 % (i ends it)" in said(app))
        assert "intervals: normal" in said(app)
        await press(pilot, "i")
        await until(pilot, slow.ended.is_set)
        assert "refining" not in said(app)


@pytest.mark.parametrize("words", [
    ["slices", "{first}", "{third}", "-m", "profit"],
    ["slices", "{first}", "{third}", "-m", "log_loss"],
    ["compare", "{first}", "{third}"],
])  # fmt: skip
def test_the_commands_draw_rows_where_they_are_asked_to_and_say_so(
    shop: Shop, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    made, (first, _, third, _) = shop
    typed = [word.format(first=first, third=third) for word in words]
    typed += ["--store", str(made.layout.root)]
    assert command(typed) == 0
    soon = capsys.readouterr().out
    assert command([*typed, "--resamples", "300"]) == 0
    drawn = capsys.readouterr().out
    assert "normal" in soon
    assert "draws" not in soon
    assert "paired bootstrap" in drawn
    assert "300 draws" in drawn
    assert "▲" in soon
    assert command([*typed, "--resamples", "300", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told.get("resamples") or told["evaluation"]["resamples"]) == 300
