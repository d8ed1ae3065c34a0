"""The baseline beside a sweep, what runs use, new states and the store's own words, on the screen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cockpit.tui import phrases
from cockpit.tui.app import CockpitApp
from cockpit.tui.cells import shown_name
from cockpit.tui.charts import best_so_far, reports
from cockpit.tui.plot import draw
from storage.usage import Usage
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income, logs_of, trial
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from storage.runs import Run
    from storage.sweeps import Sweep

LOW = {"auc": 0.9191}


def source_of(*runs: Run) -> FakeSource:
    return FakeSource(runs, logs_of(runs))


def sweep_of(*runs: Run, **changes: object) -> Sweep:
    return replace(source_of(*runs).sweeps()[0], **changes)  # type: ignore[arg-type]


def said(sweep: Sweep) -> str:
    return " ".join(piece.text for piece in phrases.over_baseline(sweep))


async def test_the_gain_over_the_baseline_is_on_both_screens() -> None:
    app = CockpitApp(source_of(*income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("slash", *"#13", "enter")
        await until(
            pilot,
            lambda: "income#13   ✓ complete  attempt 2  +0.0121 over the baseline" in painted(app),
        )
        await pilot.press("escape", "2")
        await until(pilot, lambda: "+0.0121 over ◇ baseline 0.9191" in painted(app))
        assert "─baseline─" in painted(app)
        await pilot.press("G")
        await until(pilot, lambda: "#0 ◇" in painted(app))


@pytest.mark.parametrize(
    "best, direction, words",
    [
        (0.93, "maximize", "+0.01 over ◇ baseline 0.9200"),
        (0.91, "minimize", "+0.01 over ◇ baseline 0.9200"),
        (0.91, "maximize", "0.01 worse than ◇ baseline 0.9200"),
        (0.92, "maximize", "no gain over ◇ baseline 0.9200"),
    ],
)
def test_a_gain_is_a_gain_whichever_way_is_better(best: float, direction: str, words: str) -> None:
    beside = trial(0, baseline=True, metrics={"auc": 0.92})
    sweep = sweep_of(beside, trial(1, metrics={"auc": best}))
    sweep = replace(sweep, directions=(direction,), best=trial(1, metrics={"auc": best}))
    assert said(sweep) == words


def test_a_baseline_that_is_not_complete_says_how_it_stands() -> None:
    assert said(sweep_of(trial(0, "failed", baseline=True), trial(1))) == "◇ baseline ✗ failed"
    assert said(sweep_of(trial(0, "running", baseline=True), trial(1))) == "◇ baseline ● running"
    assert said(sweep_of(trial(0), trial(1))) == ""


def test_the_baseline_of_several_objectives_is_shown_without_a_gain() -> None:
    beside = trial(0, baseline=True, metrics={"auc": 0.9, "size": 3.0})
    sweep = sweep_of(
        beside, metrics=("auc", "size"), directions=("maximize", "minimize"), best=None
    )
    assert said(sweep) == "◇ baseline 0.9000 3.000"


def test_a_baseline_out_of_reach_does_not_flatten_the_picture() -> None:
    runs = [trial(1, metrics={"auc": 0.93}), trial(2), trial(3)]
    near = source_of(trial(0, baseline=True, metrics=LOW), *runs).sweep("income")
    far = replace(
        near, sweep=replace(near.sweep, baseline=trial(0, baseline=True, metrics={"auc": 0.1}))
    )
    for chart in (best_so_far(near), reports(near, None)):
        assert chart.rule is not None
        assert chart.rule.y == LOW["auc"]
    colours = dict.fromkeys(("plain", "accent", "quiet", "faint"), (1, 2, 3))
    assert "baseline" in draw(best_so_far(near), 60, 12, colours).plain
    plain = draw(best_so_far(far), 60, 12, colours).plain
    assert "baseline" not in plain
    assert "0.1" not in plain.split()[0]


def test_a_baseline_of_a_function_is_named_among_the_trials() -> None:
    apart = replace(trial(0, baseline=True), number=None, name="income#baseline")
    assert shown_name(apart, trial=True) == "base ◇"
    assert shown_name(apart, trial=False) == "income#baseline ◇"
    assert shown_name(trial(0, baseline=True), trial=True) == "#0 ◇"


async def test_a_paused_sweep_says_so_on_both_screens() -> None:
    source = source_of(*income())
    source.paused = True
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert "‖ income paused 28/40" in painted(app)
        await pilot.press("2")
        await settled(pilot)
        top = painted(app).splitlines()[0]
        assert "‖ paused  28/40" in top
        assert "2 still run" in top
        assert "ETA" not in top


async def test_what_the_running_trials_use_is_shown() -> None:
    source = source_of(*income())
    source.used = Usage(194.3, 1130.0)
    app = CockpitApp(source)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        assert "cpu 194 %  mem 1.1 GB" in painted(app)
        source.used = None
        source.bump()
        await until(pilot, lambda: "mem 1.1 GB" not in painted(app))


async def test_a_notice_of_the_store_is_shown_until_it_is_put_away() -> None:
    source = source_of(*income())
    source.said = (
        "the store lies on a network file system (nfs)",
        "newest events (1,204 bytes) are missing",
    )
    app = CockpitApp(source)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "The store lies on a network file system (nfs). (esc hides this)" in painted(app)
        await pilot.press("escape")
        await until(pilot, lambda: "Newest events (1,204 bytes)" in painted(app))
        await pilot.press("escape")
        await until(pilot, lambda: "Newest events" not in painted(app))
        source.said = (source.said[0], "newest events (9 bytes) are missing")
        source.bump()
        await pilot.press("2")
        await settled(pilot)
        assert "esc hides" not in painted(app)
        await pilot.press("escape")
        await settled(pilot)
        assert "1 Runs" in painted(app)
