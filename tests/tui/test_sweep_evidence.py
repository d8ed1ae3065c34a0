"""The charts of the Sweep screen: which stand where, and what the reader chooses among them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.sweep.importance import Importance, Share
from cockpit.tui import weighing
from cockpit.tui.app import CockpitApp
from cockpit.tui.weighing import Weigher
from cockpit.tui.widgets.chart import Chart
from cockpit.tui.widgets.evidence import Choice, Evidence, roomy
from cockpit.tui.widgets.text_chart import TextChart
from storage.usage import Usage
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, FakeSource, income, logs_of, trial

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from textual.pilot import Pilot

    from cockpit.tui.plot import Plot

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
SHARES = {"learning_rate": 0.61, "max_leaf_nodes": 0.22, "max_depth": 0.11, "l2": 0.06, "amp": 0.0}


def weighed(shares: dict[str, float] = SHARES, reason: str = "") -> Importance:
    found = tuple(Share(param, share, 18) for param, share in shares.items())
    return Importance("income", ("auc",), 18, found, reason)


def source_of(importance: Importance | None) -> FakeSource:
    runs = income()
    source = FakeSource(runs, logs_of(runs))
    source.weighed = importance
    source.used = Usage(194.3, 1130.0)
    return source


def painted(app: CockpitApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


@asynccontextmanager
async def watching(
    source: FakeSource, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[tuple[CockpitApp, Pilot[None]]]:
    app = CockpitApp(source)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        await settled(pilot)
        yield app, pilot


async def test_i_shows_one_chart_after_the_other_and_comes_round() -> None:
    async with watching(source_of(weighed())) as (app, pilot):
        titles = ["auc by step", "importance   of 18", "params by auc", "auc by time"]
        titles += ["auc by learning_rate", "auc by max_leaf_nodes"]
        for title in titles:
            await until(pilot, lambda title=title: title in painted(app))  # type: ignore[misc]
            await pilot.press("i")
        for _ in range(app.screen.query_one(Evidence).choices.__len__() - len(titles)):
            await pilot.press("i")
        await until(pilot, lambda: "auc by step" in painted(app))
        await pilot.press("less_than_sign")
        await until(pilot, lambda: "auc by amp" in painted(app))


async def test_a_wide_screen_shows_the_importance_beside_the_others() -> None:
    async with watching(source_of(weighed()), (200, 50)) as (app, pilot):
        line = next(line for line in painted(app).splitlines() if "best auc so far" in line)
        assert "auc by step" in line
        assert "importance   of 18 trials" in line
        assert Choice("importance") not in app.screen.query_one(Evidence).choices
        assert "0.61" in painted(app)
        await pilot.resize_terminal(80, 24)
        await settled(pilot)
        assert "importance" not in "\n".join(painted(app).splitlines()[:-1])
        assert Choice("importance") in app.screen.query_one(Evidence).choices


async def test_nothing_is_weighed_that_is_not_shown() -> None:
    source = source_of(weighed())
    async with watching(source) as (app, pilot):
        source.bump()
        await settled(pilot)
        assert source.weighings == 0
        await pilot.press("i")
        await until(pilot, lambda: "0.61" in painted(app))
        await pilot.press("less_than_sign")
        await settled(pilot)
        done = source.weighings
        source.bump()
        await settled(pilot)
        assert source.weighings == done


async def test_without_an_importance_its_reason_stands_there() -> None:
    reason = "there is one complete trial yet, and it takes two to tell them apart"
    async with watching(source_of(weighed({}, reason))) as (app, pilot):
        await pilot.press("i")
        await until(pilot, lambda: "there is one complete trial yet" in painted(app))


async def test_params_that_never_vary_have_no_slice() -> None:
    async with watching(source_of(None)) as (app, _):
        slices = [one.param for one in app.screen.query_one(Evidence).choices if one.param]
        assert "loss" not in slices
        assert "learning_rate" in slices


async def test_reports_of_running_trials_do_not_repaint_the_text_charts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = source_of(weighed())
    async with watching(source, (200, 50)) as (app, pilot):
        await pilot.press("i")
        await settled(pilot)
        painted_again: list[TextChart] = []
        monkeypatch.setattr(TextChart, "refresh", lambda self, *a, **k: painted_again.append(self))
        source.all[-1] = replace(source.all[-1], metrics={"auc": 0.9071}, step=45)
        source.bump()
        await until(pilot, lambda: "0.9071" in painted(app))
        assert not painted_again


async def test_hostile_params_neither_act_nor_break_the_charts() -> None:
    values = [HOSTILE, "[/x]", "\x1b[2J", 3, None, True]
    runs = [trial(n, params={HOSTILE: values[n % 6], "x[/red]": n}) for n in range(12)]
    source = FakeSource(runs)
    source.weighed = weighed({HOSTILE: 0.9, "x[/red]": 0.1})
    for size in ((60, 15), (80, 24), (200, 50)):
        async with watching(source, size) as (app, pilot):
            for _ in range(6):
                await pilot.press("i")
                await pilot.pause()
                strips = app.screen._compositor.render_strips()
                assert {strip.cell_length for strip in strips} == {size[0]}
                text = "".join(strip.text for strip in strips)
                assert not [char for char in text if ord(char) < 32 or char in "\x7f\u202e\x9b"]


async def test_a_growing_curve_does_not_move_all_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    windows: list[Any] = []
    show = Chart.show

    def spy(self: Chart, title: str, plot: Plot, note: str = "") -> None:
        if self.id == "second":
            windows.append(plot.window)
        show(self, title, plot, note)

    monkeypatch.setattr(Chart, "show", spy)
    source = FakeSource([trial(0, "running", step=120)])
    async with watching(source) as (app, pilot):
        for step in (150, 190, 250):
            source.all[0] = trial(0, "running", step=step, metrics={"auc": 0.9 + step / 1e4})
            source.bump()
            await until(pilot, lambda step=step: f"{0.9 + step / 1e4:.4f}" in painted(app))  # type: ignore[misc]
        source.all[0] = trial(0, step=250)
        source.bump()
        await until(pilot, lambda: "✓ complete" in painted(app))
    assert set(windows) == {(0.0, 200.0), (0.0, 500.0), None}


@pytest.mark.parametrize(
    ("last", "end"), [(0, 1), (1, 1), (3, 5), (99, 100), (100, 100), (101, 200), (0.03, 0.05)]
)
def test_an_axis_of_what_grows_has_some_room(last: float, end: float) -> None:
    assert roomy(last) == pytest.approx(end)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_the_importance_is_weighed_seldom_and_never_while_the_store_is_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock, read = Clock(), list[int]()
    monkeypatch.setattr(weighing, "monotonic", clock)
    monkeypatch.setattr("cockpit.sweep.importance.importance", lambda material: material)
    weigher = Weigher()

    def look(complete: int) -> Any:
        def material() -> Any:
            read.append(complete)
            return f"of {complete}"

        return weigher.importance("s", complete, material)

    first = weigher.stamp()
    assert look(5) is None
    second = weigher.stamp()
    assert second != first
    assert look(5) == "of 5"
    assert weigher.stamp() == second
    assert look(6) == "of 5", "too early"
    assert weigher.stamp() == second
    assert read == [5]
    clock.now += weighing.PAUSE
    third = weigher.stamp()
    assert third != second, "time to read again, though nothing else is new"
    assert look(6) == "of 5"
    assert weigher.stamp() != third
    assert look(6) == "of 6"
    assert read == [5, 6]


def pressing(*keys: str) -> Callable[[Pilot[None]], Any]:
    async def drive(pilot: Pilot[None]) -> None:
        for key in ("", "2", *keys):
            await settled(pilot)
            if key:
                await pilot.press(key)
        await settled(pilot)

    return drive


@SIZES
@pytest.mark.parametrize("presses", [1, 2, 4])
def test_evidence_picture(
    snap_compare: Callable[..., bool], size: tuple[int, int], presses: int
) -> None:
    app = CockpitApp(source_of(weighed()))
    drive = pressing(*["i"] * presses)
    assert snap_compare(app, terminal_size=size, run_before=drive)
