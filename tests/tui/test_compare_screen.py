"""Marked runs side by side on the screen: only what differs, against a base, whatever the values are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.screens.compare import CompareScreen
from cockpit.tui.screens.run import RunScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.widgets.explorer import Explorer
from cockpit.tui.widgets.paper import Paper
from cockpit.tui.widgets.side_by_side import SideBySide
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income, logs_of, odd, trial
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.pilot import Pilot

    from storage.runs import Run

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
OTHER_DATA = {"data": {"train": {"digest": "blake3:bb2277", "bytes": 9, "path": "/d/a.parquet"}}}
DIFF = (
    "# from commit a41c9e2f03b1 of income#0 to 77b01c3aa001 of income#2",
    " train.py | 2 +-",
    "diff --git a/train.py b/train.py",
    "--- a/train.py",
    "+++ b/train.py",
    "@@ -1,2 +1,2 @@",
    "-lr = 0.1  # [red]no[/red]",
    "+lr = 0.2\x1b[31m",
    "\tprint(lr)",
)


def source_of(runs: Sequence[Run]) -> FakeSource:
    source = FakeSource(runs, logs_of(runs))
    last = runs[-1].id
    git = {"commit": "77b01c3aa0017c55", "branch": "exp", "dirty": True, "changed": ["train.py"]}
    source.provenance = {last: {"git": git, **OTHER_DATA}}
    source.diffs = {last: DIFF}
    return source


async def opened(pilot: Pilot[None], runs: Sequence[Run]) -> CompareScreen:
    await settled(pilot)
    pilot.app.shared.held.marks.add(run.id for run in runs)  # type: ignore[attr-defined]
    await pilot.press("c")
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, CompareScreen)
    return screen


def three() -> list[Run]:
    return [trial(0), trial(3), trial(2)]


async def test_marking_and_c_compares_and_escape_leads_back() -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("space", "j", "j", "space")
        assert "Compare(2)" in painted(app)
        await pilot.press("c")
        await settled(pilot)
        assert "Compare 2 runs" in painted(app)
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


@pytest.mark.parametrize("key", ["c", "3"])
async def test_without_marks_it_says_what_to_do(key: str) -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press(key)
        await until(pilot, lambda: "mark two runs or more with space, then c" in painted(app))
        await pilot.press("space", key)
        await until(pilot, lambda: "one run is marked; mark another with space" in painted(app))
        await pilot.press("j", "asterisk")
        await until(pilot, lambda: "Compare(30)" in painted(app))
        await pilot.press(key)
        await until(pilot, lambda: "30 runs are more than can be compared at once" in painted(app))
        assert isinstance(app.screen, RunsScreen)


async def test_only_what_differs_is_shown_until_a_shows_all() -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, three())
        assert "showing 10 that differ of 26 (a: all)" in painted(app)
        assert "loss  " not in painted(app)
        await pilot.press("a")
        await until(pilot, lambda: "showing all 26, of which 10 differ" in painted(app))
        assert "log_loss" in painted(app)
        assert screen.values.row is not None
        await pilot.press("a")
        await until(pilot, lambda: "showing 10 that differ" in painted(app))


async def test_brackets_go_from_difference_to_difference() -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, three())
        await pilot.press("a", "g")
        seen = [screen.values.row]
        for _ in range(12):
            await pilot.press("right_square_bracket")
            seen.append(screen.values.row)
        rows = [row for row in seen if row]
        assert all(row.differs for row in rows)
        assert len({row.name for row in rows}) == 10
        await pilot.press("left_square_bracket")
        assert screen.values.row == rows[-2] or screen.values.row.differs  # type: ignore[union-attr]


async def test_differences_are_against_the_base_and_b_sets_it() -> None:
    runs = [trial(1, metrics={"auc": 0.91}), trial(2, metrics={"auc": 0.93})]
    app = CockpitApp(FakeSource(runs))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, runs)
        assert "0.9100" in painted(app)
        assert re.search(r"0\.9300▲ +\+0\.02", painted(app))
        await pilot.press("b")
        await settled(pilot)
        assert screen.question.base == runs[1].id
        await until(pilot, lambda: "-0.02" in painted(app))
        await pilot.press("left", "b")
        await settled(pilot)
        assert screen.question.base == runs[0].id


async def test_runs_on_other_data_are_told_to_be_not_comparable() -> None:
    runs = three()
    app = CockpitApp(source_of(runs))
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, runs)
        told = "income#2 is not comparable with income#0: other data (train)."
        assert told in painted(app)
        assert "≠ data" in painted(app)


async def test_the_curves_are_of_the_metric_under_the_cursor() -> None:
    runs = [trial(n, metrics={"auc": 0.91 + n / 100, "log_loss": 0.3 - n / 100}) for n in (1, 2)]
    app = CockpitApp(FakeSource(runs))
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, runs)
        assert "auc by step" in painted(app)
        assert "A income#1" in painted(app)
        await pilot.press("j")
        await until(pilot, lambda: "log_loss by step" in painted(app))
        await pilot.press("j", "j", "j")
        await settled(pilot)
        assert "log_loss by step" in painted(app), "a param has no curve: the last one stays"


async def test_the_code_of_the_chosen_run_is_laid_beside_the_bases() -> None:
    runs = three()
    app = CockpitApp(source_of(runs))
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(pilot, runs)
        assert "both at commit" in painted(app)
        await pilot.press("right")
        await until(pilot, lambda: "+lr = 0.2␛[31m" in painted(app))
        assert "    print(lr)" in painted(app)


async def test_enter_opens_the_chosen_run() -> None:
    runs = three()
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, runs)
        await pilot.press("right", "enter")
        await settled(pilot)
        assert isinstance(app.screen, RunScreen)
        assert app.screen.question.run == runs[2].id
        await pilot.press("escape")
        assert isinstance(app.screen, CompareScreen)


@pytest.mark.parametrize("size", [(80, 24), (120, 36)])
async def test_tab_goes_from_pane_to_pane(size: tuple[int, int]) -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=size) as pilot:
        await opened(pilot, three())
        for kind in (SideBySide, Explorer, Paper, SideBySide):
            assert isinstance(app.focused, kind)
            assert app.focused.size.height > 3
            await pilot.press("tab")
            await pilot.pause()


async def test_twelve_runs_are_gone_through_on_a_small_terminal() -> None:
    runs = [trial(n) for n in range(12)]
    app = CockpitApp(FakeSource(runs))
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, runs)
        assert "9 more" in painted(app)
        for place in range(2, 12):
            await pilot.press("right")
            assert screen.values.chosen == place
            assert f"income#{place} " in painted(app)
            assert "A income#0" in painted(app), "the base stays"


async def test_what_is_on_the_screen_has_a_command() -> None:
    runs = three()
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, runs)
        first, second = screen.command_lines()
        assert first == f"cockpit compare {' '.join(run.id for run in runs)}"
        assert second == f"cockpit compare {runs[0].id} {runs[1].id} --diff"


async def test_a_run_that_has_gone_is_left_out() -> None:
    source = FakeSource(three())
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, three())
        source.all.pop()
        source.bump()
        await until(pilot, lambda: "income#2" not in painted(app))
        source.all.pop()
        source.bump()
        await until(
            pilot, lambda: "takes two runs or more; 2 of those marked are gone" in painted(app)
        )


async def test_only_the_line_that_changed_is_painted_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    runs = [trial(n, metrics={"auc": auc}) for n, auc in ((0, 0.93), (3, 0.91), (2, 0.9213))]
    source = FakeSource(runs)
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, runs)
        regions: list[Any] = []
        refresh = SideBySide.refresh

        def spy(self: SideBySide, *where: Any, **how: Any) -> Any:
            regions.extend(where or ["all"])
            return refresh(self, *where, **how)

        monkeypatch.setattr(SideBySide, "refresh", spy)
        source.all[2] = replace(runs[2], metrics={"auc": 0.9224})
        source.bump()
        await until(pilot, lambda: "0.9224" in painted(app))
        await pilot.press("j", "right")
        assert "all" not in regions
        assert sum(region.height for region in regions) == 1 + 2 + 2


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (200, 50)])
async def test_odd_values_neither_break_the_layout_nor_reach_the_terminal(
    size: tuple[int, int],
) -> None:
    runs = odd()
    app = CockpitApp(source_of(runs))
    async with app.run_test(size=size) as pilot:
        await opened(pilot, runs)
        for key in ("a", "G", *["right"] * 5, "b", "tab", "tab"):
            await pilot.press(key)
            await pilot.pause()
            strips = app.screen._compositor.render_strips()
            assert {strip.cell_length for strip in strips} == {size[0]}
            text = "".join(strip.text for strip in strips)
            assert not [char for char in text if ord(char) < 32 or char in "\x7f\u202e\x9b"]


def comparing(runs: Sequence[Run], *keys: str) -> Callable[[Pilot[None]], object]:
    async def drive(pilot: Pilot[None]) -> None:
        await opened(pilot, runs)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return drive


@SIZES
def test_three_runs(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    runs = three()
    drive = comparing(runs, "right")
    assert snap_compare(CockpitApp(source_of(runs)), terminal_size=size, run_before=drive)


@SIZES
def test_odd_runs(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    drive = comparing(odd(), "a")
    assert snap_compare(CockpitApp(source_of(odd())), terminal_size=size, run_before=drive)


def test_the_code(snap_compare: Callable[..., bool]) -> None:
    runs = three()
    drive = comparing(runs, "right", "tab", "tab")
    assert snap_compare(CockpitApp(source_of(runs)), terminal_size=(80, 24), run_before=drive)
