"""What can be done to a sweep from its screen, and when."""

from __future__ import annotations

from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.sweep.control import Request
from cockpit.tui.app import CockpitApp
from cockpit.tui.screens.ask import AskPoint, Confirm, ConfirmStop
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.screens.sweep import SweepScreen
from cockpit.tui.widgets.entry import Entry
from cockpit.tui.widgets.key_bar import shown_keys
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, FakeSource, income, logs_of, trial
from tests.tui.fake_control import FakeControl

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from storage.runs import Run

STEERS = {"P", "R", "+", "w", "K", "x", "E", "S"}


def painted(app: CockpitApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def keys(app: CockpitApp) -> set[str]:
    return {key for key, _, _ in shown_keys(app.screen)} & STEERS


class Watched:
    """An app on the Sweep screen of `income`, the cursor on its newest trial."""

    def __init__(self, app: CockpitApp, source: FakeSource, pilot: Pilot[None]) -> None:
        self.app, self.source, self.pilot = app, source, pilot
        assert isinstance(app.shared.control, FakeControl)
        self.control = app.shared.control

    async def asks(self, *asked: Any) -> None:
        await until(self.pilot, lambda: self.control.asked == list(asked))


@asynccontextmanager
async def watching(
    folder: Path, runs: list[Run], paused: bool = False, size: tuple[int, int] = (120, 36)
) -> AsyncIterator[Watched]:
    source = FakeSource(runs, logs_of(runs))
    source.paused = paused
    app = CockpitApp(source, control=FakeControl(folder))
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("2")
        await settled(pilot)
        await settled(pilot)
        yield Watched(app, source, pilot)


def ended() -> list[Run]:
    return [replace(run, state="complete") if run.state == "running" else run for run in income()]


async def test_a_running_sweep_is_paused_and_a_paused_one_goes_on(tmp_path: Path) -> None:
    async with watching(tmp_path, income()) as watched:
        await watched.pilot.press("P")
        await watched.asks(("income", Request("pause")))
        await until(watched.pilot, lambda: "income: done" in painted(watched.app))
    async with watching(tmp_path, income(), paused=True) as watched:
        await watched.pilot.press("P")
        await watched.asks(("income", Request("continue")))


async def test_keys_are_only_where_they_do_something(tmp_path: Path) -> None:
    async with watching(tmp_path, income()) as watched:
        assert keys(watched.app) == {"P", "+", "w", "K", "x", "E", "S"}
        await watched.pilot.press("j", "j", "j", "j")
        await settled(watched.pilot)
        assert keys(watched.app) == {"P", "+", "w", "E", "S"}, "that trial does not run"
        await watched.pilot.press("K", "x", "R")
        assert isinstance(watched.app.screen, SweepScreen)
    async with watching(tmp_path, ended()) as watched:
        assert keys(watched.app) == {"R"}
        await watched.pilot.press("P", "plus", "w", "K", "x", "E", "S")
        assert isinstance(watched.app.screen, SweepScreen)
        assert watched.control.asked == []


async def test_without_a_control_no_key_is_offered() -> None:
    app = CockpitApp(FakeSource(income()))
    async with app.run_test(size=(120, 36)) as pilot:
        await pilot.press("2")
        await settled(pilot)
        assert not keys(app)


@pytest.mark.parametrize(
    ("key", "typed", "request_"),
    [
        ("plus", "", Request("add", count=10)),
        ("plus", "25", Request("add", count=25)),
        ("w", "", Request("workers", count=2)),
        ("w", "4", Request("workers", count=4)),
    ],
)
async def test_a_number_is_asked_for_in_the_bottom_line(
    tmp_path: Path, key: str, typed: str, request_: Request
) -> None:
    async with watching(tmp_path, income()) as watched:
        await watched.pilot.press(key)
        if typed:
            await watched.pilot.press("ctrl+u", *typed)
        await watched.pilot.press("enter")
        await watched.asks(("income", request_))


@pytest.mark.parametrize("typed", ["0", "x", "-3", "1.5", "9999999999"])
async def test_what_is_no_number_is_said_and_not_asked(tmp_path: Path, typed: str) -> None:
    async with watching(tmp_path, income()) as watched:
        await watched.pilot.press("plus", "ctrl+u", *typed, "enter")
        await until(watched.pilot, lambda: "no whole number from 1" in painted(watched.app))
        await watched.pilot.press("plus", "escape")
        assert watched.control.asked == []


@pytest.mark.parametrize(("key", "do"), [("K", "kill"), ("x", "prune")])
async def test_ending_a_trial_names_it_and_is_confirmed(tmp_path: Path, key: str, do: str) -> None:
    async with watching(tmp_path, income()) as watched:
        await watched.pilot.press(key)
        assert isinstance(watched.app.screen, Confirm)
        assert "income#29 now?" in painted(watched.app)
        await watched.pilot.press("n")
        await watched.pilot.press(key, "escape")
        assert watched.control.asked == []
        await watched.pilot.press(key, "y")
        await watched.asks((trial(29).id, Request(do)))


@pytest.mark.parametrize(("answer", "now"), [("l", False), ("e", True)])
async def test_stopping_names_the_sweep_and_offers_both_ways(
    tmp_path: Path, answer: str, now: bool
) -> None:
    async with watching(tmp_path, income()) as watched:
        await watched.pilot.press("S")
        assert isinstance(watched.app.screen, ConfirmStop)
        shown = painted(watched.app)
        assert "Stop income?" in shown
        assert "2 trials running" in shown
        assert "let trials end" in shown
        assert "end them now" in shown
        await watched.pilot.press("escape")
        assert isinstance(watched.app.screen, SweepScreen)
        await watched.pilot.press("S", answer)
        await watched.asks(("income", Request("stop", now=now)))


async def test_a_point_is_made_from_the_selected_trial(tmp_path: Path) -> None:
    async with watching(tmp_path, income()) as watched:
        await watched.pilot.press("E")
        assert isinstance(watched.app.screen, AskPoint)
        entries = list(watched.app.screen.query(Entry))
        params = trial(29).params
        assert [entry.place for entry in entries] == list(params)
        await watched.pilot.press("ctrl+u", *"0.05", "down", "ctrl+u", "enter")
        point = dict(params) | {"learning_rate": 0.05}
        del point["max_depth"]
        await watched.asks(("income", Request("enqueue", params=point)))
        await until(watched.pilot, lambda: isinstance(watched.app.screen, SweepScreen))
        await until(watched.pilot, lambda: "income: done" in painted(watched.app))


async def test_a_point_that_cannot_be_stays_open_with_the_reason(tmp_path: Path) -> None:
    async with watching(tmp_path, income()) as watched:
        watched.control.refuses = "income: learning_rate cannot be 'x'"
        await watched.pilot.press("E", "ctrl+u", "x", "enter")
        await until(watched.pilot, lambda: "cannot be 'x'" in painted(watched.app))
        assert isinstance(watched.app.screen, AskPoint)
        await watched.pilot.press("y")
        assert "cannot be 'x'" not in painted(watched.app)
        await watched.pilot.press("escape")
        assert isinstance(watched.app.screen, SweepScreen)


async def test_what_is_refused_is_a_sentence_on_the_screen(tmp_path: Path) -> None:
    async with watching(tmp_path, income()) as watched:
        watched.control.refuses = "the sweep did not answer within 5 s; nothing was done"
        await watched.pilot.press("P")
        await until(watched.pilot, lambda: "did not answer within 5 s" in painted(watched.app))


async def test_an_answer_is_shown_where_one_has_gone_meanwhile(tmp_path: Path) -> None:
    async with watching(tmp_path, income()) as watched:
        watched.control.gate.clear()
        await watched.pilot.press("P")
        await until(watched.pilot, lambda: "asking income to pause" in painted(watched.app))
        await watched.pilot.press("escape")
        assert isinstance(watched.app.screen, RunsScreen)
        watched.control.gate.set()
        await until(watched.pilot, lambda: "income: done" in painted(watched.app))


async def test_an_ended_sweep_goes_on_and_a_complete_one_asks_for_more(tmp_path: Path) -> None:
    async with watching(tmp_path, ended()) as watched:
        await watched.pilot.press("R")
        await until(watched.pilot, lambda: "how many more" in painted(watched.app))
        await watched.pilot.press("ctrl+u", "5", "enter")
        await watched.asks(("income", 35))
    stopped = ended()
    async with watching(tmp_path, stopped) as watched:
        watched.source.ended = "stopped"
        watched.source.bump()
        await until(watched.pilot, lambda: "■ stopped" in painted(watched.app))
        await watched.pilot.press("R")
        await watched.asks(("income", None))


async def test_hostile_params_neither_act_nor_break_the_sheet(tmp_path: Path) -> None:
    runs = [trial(0, "running", params={HOSTILE: HOSTILE, "[/x]": "\x1b[2J", "n": None})]
    for size in ((60, 15), (80, 24), (200, 50)):
        async with watching(tmp_path, runs, size=size) as watched:
            for key in ("E", "escape", "S", "escape", "K"):
                await watched.pilot.press(key)
                await watched.pilot.pause()
                strips = watched.app.screen._compositor.render_strips()
                assert {strip.cell_length for strip in strips} == {size[0]}
                text = "".join(strip.text for strip in strips)
                assert not [char for char in text if ord(char) < 32 or char in "\x7f\u202e\x9b"]


@pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
@pytest.mark.parametrize("key", ["S", "E"])
def test_sheet_picture(
    snap_compare: Callable[..., bool], tmp_path: Path, size: tuple[int, int], key: str
) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        for pressed in ("2", key):
            await settled(pilot)
            await pilot.press(pressed)
        await pilot.pause()

    runs = income()
    app = CockpitApp(FakeSource(runs, logs_of(runs)), control=FakeControl(tmp_path))
    assert snap_compare(app, terminal_size=size, run_before=drive)
