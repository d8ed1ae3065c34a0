"""Time stands still, nothing blinks, and a screen is looked at when its data has come."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from cockpit.tui import clock, feed
from cockpit.tui.screens.base import DataScreen
from tests.tui.fake import NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from textual.app import App

    from tests.tui.scored import Shop
    from tests.unit.promoted import Lab


@pytest.fixture(autouse=True)
def still(monkeypatch: pytest.MonkeyPatch) -> None:
    """No clock and no cursor moves by itself; the data is looked at more often."""
    monkeypatch.setenv("TZ", "UTC")  # a picture has the time of day where it is looked at
    time.tzset()
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(feed, "POLL", 0.02)
    monkeypatch.setattr(feed, "PATIENCE", 0.02)
    monkeypatch.setattr("cockpit.tui.widgets.chart.REDRAW", 0.0)
    monkeypatch.setattr(Input, "_toggle_cursor", lambda self: None)


@pytest.fixture(autouse=True)
def at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key and a pause end when all that they brought is done and painted: Textual only looks whether
    the process has used little time for a moment, and so does one that stands still on a busy machine."""
    waited, press = Pilot._wait_for_screen, Pilot.press

    async def wait_for_screen(pilot: Pilot[Any], timeout: float = 30.0) -> bool:
        done = await waited(pilot, timeout)
        await rest(pilot.app)
        return done

    async def press_each(pilot: Pilot[Any], *keys: str) -> None:
        for key in keys:
            await press(pilot, key)

    monkeypatch.setattr(Pilot, "_wait_for_screen", wait_for_screen)
    monkeypatch.setattr(Pilot, "press", press_each)


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A store with runs that answered an evaluation set; not to be changed."""
    from tests.tui.scored import shop_in

    return shop_in(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def own_shop(shop: Shop, tmp_path: Path) -> Shop:
    """One that the test may change."""
    from tests.unit.scored_runs import copied

    return copied(shop[0], tmp_path), shop[1]


@pytest.fixture(scope="session")
def trodden(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """A store whose model was promoted, forced and rolled back; not to be changed."""
    from tests.tui.promoted_store import promoted_lab

    folder = tmp_path_factory.mktemp("promoted") / "income"
    folder.mkdir()
    return promoted_lab(folder)


@pytest.fixture
def own_lab(trodden: Lab, tmp_path: Path) -> Lab:
    """One that the test may change."""
    from tests.tui.promoted_store import copied

    return copied(trodden, tmp_path / "income")


@pytest.fixture
def no_studies_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that is found out about models outlives its test."""
    from cockpit.tui.background import Background

    known: list[Background] = []
    begin = Background.__init__

    def remember(self: Background, *what: Any, **more: Any) -> None:
        begin(self, *what, **more)
        known.append(self)

    monkeypatch.setattr(Background, "__init__", remember)
    yield
    for one in known:
        for thread in one.threads:
            thread.join(30)


async def rest(app: App[Any]) -> None:
    """Let the app run until no message waits and nothing is left to be painted."""
    loop: Any = asyncio.get_running_loop()
    async with asyncio.timeout(30):
        while loop._ready or app._resize_timer or _has_to_paint(app):
            await asyncio.sleep(0 if loop._ready else 0.001)


def _has_to_paint(app: App[Any]) -> bool:
    return any(screen._update_timer._active.is_set() for screen in app.screen_stack[-1:])


async def until(pilot: Pilot[None], true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Let the app run until something has become true."""
    async with asyncio.timeout(seconds):
        while not true():
            await pilot.pause(0.01)
    await pilot.pause()


async def settled(pilot: Pilot[None]) -> None:
    """Let the app run until the screen in front shows what it asked for."""

    def answered() -> bool:
        screen = pilot.app.screen
        if not isinstance(screen, DataScreen):
            return True
        return screen.snapshot is not None and screen.snapshot.question == screen.question

    await until(pilot, answered)
    await until(pilot, answered)
