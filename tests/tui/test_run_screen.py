"""One run on the screen: all there is on it, pane by pane, live, whatever its values are."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.screens.run import RunScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.screens.sweep import SweepScreen
from cockpit.tui.widgets.curves import Curves
from cockpit.tui.widgets.explorer import Explorer
from cockpit.tui.widgets.log_tail import LogTail
from cockpit.tui.widgets.paper import Paper, Sheet
from cockpit.tui.widgets.run_table import RunTable
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, FakeSource, income, logs_of, odd, trial
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from storage.runs import Run

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
NOTED = trial(
    7,
    metrics={"auc": 0.9312, "log_loss": 0.2741},
    tags=("keep", "wide"),
    note="wide leaves help the tail\nask Zoë",
    attempt=1,
)


def source_of(*runs: Run) -> FakeSource:
    return FakeSource(runs, logs_of(runs))


async def opened(pilot: Pilot[None]) -> RunScreen:
    await settled(pilot)
    await pilot.press("enter")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, RunScreen)
    await until(pilot, lambda: bool(screen.query_one(Curves).children))
    return screen


async def test_enter_opens_the_run_and_escape_leads_back_to_its_row() -> None:
    app = CockpitApp(source_of(*income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("j", "j")
        chosen = app.screen.query_one(RunTable).run_id
        screen = await opened(pilot)
        assert screen.question.run == chosen
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)
        assert app.screen.query_one(RunTable).run_id == chosen


async def test_enter_in_a_sweeps_table_opens_the_trial_and_2_leads_back_to_the_sweep() -> None:
    app = CockpitApp(source_of(*income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        sweep = app.screen
        await opened(pilot)
        await pilot.press("2")
        assert app.screen is sweep


async def test_2_leads_from_a_run_to_its_own_sweep() -> None:
    others = [trial(n, sweep="other") for n in range(3)]
    app = CockpitApp(source_of(*income(5), *others))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"other#1", "enter")
        await settled(pilot)
        await opened(pilot)
        await pilot.press("2")
        await settled(pilot)
        assert isinstance(app.screen, SweepScreen)
        assert app.screen.title_words() == "Sweep other"
        assert app.screen.query_one(RunTable).run_id == others[1].id


async def test_all_there_is_on_a_run_is_there() -> None:
    app = CockpitApp(source_of(trial(0, baseline=True, metrics={"auc": 0.9191}), NOTED))
    async with app.run_test(size=(200, 60)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"#7", "enter")
        await settled(pilot)
        await opened(pilot)
        for said in (
            "Run income#7",
            "attempt 2",
            "+0.0121 over the baseline",
            "+keep  +wide",
            "wide leaves help the tail",
            "ask Zoë",
            "log_loss  0.2741",
            "learning_rate",
            "peak memory",
            "216.2 MB",
            "adult-eval@v4  16,281 rows: y_pred, y_score",
            "model.joblib   1.2 MB",
            "a41c9e2f03b17c55 on main, clean",
            "cockpit rerun inc000000007",
            "auc by step",
            "log_loss by step",
            "the machine, as sampled while it ran",
            "memory_mb by step",
            "iter 180 auc 0.9180",
        ):
            assert said in painted(app), said


async def test_the_objectives_curve_comes_first_and_the_machines_last() -> None:
    app = CockpitApp(source_of(trial(0), replace(NOTED, metrics={"log_loss": 0.27, "auc": 0.93})))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        assert screen.snapshot is not None
        names = [curve.name for curve in screen.snapshot.curves]
        assert names == ["auc", "log_loss", "system.memory_mb"]


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_tab_goes_from_pane_to_pane(size: tuple[int, int]) -> None:
    app = CockpitApp(source_of(*income()))
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot)
        for kind in (Paper, Explorer, LogTail, Paper):
            assert isinstance(app.focused, kind)
            assert app.focused.size.height > 3
            assert screen.has_class("-one") == (size == (80, 24))
            await pilot.press("tab")
            await pilot.pause()
        await pilot.press("shift+tab")
        assert screen.pane == "origin"


async def test_l_gives_the_log_the_screen_and_takes_it_back() -> None:
    app = CockpitApp(source_of(*income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        log = app.screen.query_one(LogTail)
        small = log.size.height
        await pilot.press("l")
        await until(pilot, lambda: log.size.height > 2 * small)
        assert app.focused is log
        await pilot.press("escape")
        await until(pilot, lambda: log.size.height == small)
        assert isinstance(app.screen, RunScreen)


async def test_the_charts_are_gone_through_by_key() -> None:
    app = CockpitApp(source_of(trial(0), NOTED))
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("tab")
        curves = app.screen.query_one(Curves)
        for key, place in (("j", 1), ("j", 2), ("j", 2), ("k", 1)):
            await pilot.press(key)
            assert curves.current == place, key


async def test_a_run_is_followed_while_it_runs() -> None:
    runs = income()
    source = source_of(*runs)
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        now = replace(runs[-1], metrics={"auc": 0.9388}, state="complete")
        source.all[-1] = now
        source.logs = {**source.logs, now.id: [*source.logs[now.id], "saved the model"]}
        source.bump()
        await until(pilot, lambda: "0.9388" in painted(app) and "saved the model" in painted(app))
        assert "✓ complete" in painted(app)


async def test_only_the_lines_that_changed_are_painted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = income()
    source = source_of(*runs)
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        regions: list[Any] = []
        refresh = Sheet.refresh

        def spy(self: Sheet, *where: Any, **how: Any) -> Any:
            regions.extend(where or ["all"])
            return refresh(self, *where, **how)

        monkeypatch.setattr(Sheet, "refresh", spy)
        source.all[-1] = replace(runs[-1], metrics={"auc": 0.8881})
        source.bump()
        await until(pilot, lambda: "0.8881" in painted(app))
        assert "all" not in regions
        assert sum(region.height for region in regions) == 1


async def test_a_run_that_has_gone_says_so() -> None:
    source = source_of(*income(5))
    app = CockpitApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        source.all = source.all[:-1]
        source.bump()
        await until(pilot, lambda: "in the trash, or gone" in painted(app))
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (200, 50)])
async def test_odd_runs_neither_break_the_panes_nor_reach_the_terminal(
    size: tuple[int, int],
) -> None:
    for run in odd():
        app = CockpitApp(FakeSource([run], {run.id: [HOSTILE]}))
        async with app.run_test(size=size) as pilot:
            await settled(pilot)
            await pilot.press("enter")
            await settled(pilot)
            for _ in range(4):
                await pilot.press("tab")
                await pilot.pause()
                strips = app.screen._compositor.render_strips()
                assert {strip.cell_length for strip in strips} == {size[0]}
                text = "".join(strip.text for strip in strips)
                assert not [char for char in text if ord(char) < 32 or char in "\x7f\u202e\x9b"]


def pressing(*keys: str) -> Callable[[Pilot[None]], object]:
    async def drive(pilot: Pilot[None]) -> None:
        await opened(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return drive


@SIZES
def test_a_run(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    app = CockpitApp(source_of(trial(0, baseline=True, metrics={"auc": 0.9191}), NOTED))
    assert snap_compare(app, terminal_size=size, run_before=pressing())


def test_a_runs_curves(snap_compare: Callable[..., bool]) -> None:
    app = CockpitApp(source_of(trial(0), NOTED))
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing("tab"))


@SIZES
def test_a_run_with_odd_names(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    odd_one = replace(odd()[2], note=HOSTILE, tags=("漢字🧪", "[bold]x[/]"))
    assert snap_compare(CockpitApp(source_of(odd_one)), terminal_size=size, run_before=pressing())
