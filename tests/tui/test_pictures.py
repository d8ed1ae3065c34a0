"""The screens as pictures: what a person sees, at the sizes they have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from storage.usage import Usage
from tests.tui.conftest import settled
from tests.tui.fake import HOSTILE, FakeSource, income, logs_of, odd, trial
from tests.tui.fake_control import FakeControl

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])


SCREENS = {
    "runs": ("s", "s", "s", "j", "space", "j", "space", "j"),
    "run": ("j", "j", "j", "enter"),
    "sweep": ("2", "j", "j", "j"),
    "compare": ("j", "j", "space", "j", "space", "j", "j", "space", "c"),
    "help": ("question_mark",),
    "palette": ("colon", "m", "a", "r"),
}
"""The keys that lead to each screen."""


def app_of(name: str, settings: Settings | None = None) -> CockpitApp:
    runs = {"empty": [], "one": [trial(0)], "income": income(), "odd": odd()}[name]
    source = FakeSource(runs, logs_of(runs))
    source.used = Usage(194.3, 1130.0)
    return CockpitApp(source, control=FakeControl(Path("nowhere")), settings=settings)


def pressing(*keys: str) -> Callable[[Pilot[None]], object]:
    async def drive(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return drive


@SIZES
def test_runs(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    drive = pressing("s", "s", "s", "j", "j")
    assert snap_compare(app_of("income"), terminal_size=size, run_before=drive)


@SIZES
def test_sweep(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    drive = pressing("2", "j", "j", "j")
    assert snap_compare(app_of("income"), terminal_size=size, run_before=drive)


@SIZES
def test_empty_store(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    assert snap_compare(app_of("empty"), terminal_size=size, run_before=pressing())


@SIZES
@pytest.mark.parametrize("screen", SCREENS)
def test_light(snap_compare: Callable[..., bool], screen: str, size: tuple[int, int]) -> None:
    app = app_of("income", Settings(theme="cockpit-light"))
    assert snap_compare(app, terminal_size=size, run_before=pressing(*SCREENS[screen]))


@SIZES
@pytest.mark.parametrize("screen", ["help", "palette"])
def test_dark(snap_compare: Callable[..., bool], screen: str, size: tuple[int, int]) -> None:
    drive = pressing("2", *SCREENS[screen])
    assert snap_compare(app_of("income"), terminal_size=size, run_before=drive)


@pytest.mark.parametrize("keys", [(), ("2",), ("2", "K")], ids=["runs", "sweep", "confirm"])
def test_odd_runs(snap_compare: Callable[..., bool], keys: tuple[str, ...]) -> None:
    app = app_of("odd")
    source = app._source
    assert isinstance(source, FakeSource)
    if keys:
        source.all = [replace(run, state="running") for run in source.all[:4]]
        source.logs = {run.id: [HOSTILE, "שלום עולם  مرحبا", "漢字🧪" * 30] for run in source.all}
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing(*keys))


def test_one_run(snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(app_of("one"), terminal_size=(80, 24), run_before=pressing())


def test_paused_sweep_with_a_notice(snap_compare: Callable[..., bool]) -> None:
    app = app_of("income")
    source = app._source
    assert isinstance(source, FakeSource)
    source.paused = True
    source.said = (
        "/data/.cockpit cannot be written: the newest events (1,204 bytes) are not shown",
    )
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing("2"))
