"""The screens as pictures: what a person sees, at the sizes they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from storage.usage import Usage
from tests.tui.conftest import settled
from tests.tui.fake import FakeSource, income, logs_of, odd

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])


def app_of(name: str) -> CockpitApp:
    runs = {"empty": [], "income": income(), "odd": odd()}[name]
    source = FakeSource(runs, logs_of(runs))
    source.used = Usage(194.3, 1130.0)
    return CockpitApp(source)


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


def test_odd_runs(snap_compare: Callable[..., bool]) -> None:
    assert snap_compare(app_of("odd"), terminal_size=(120, 36), run_before=pressing())


def test_help(snap_compare: Callable[..., bool]) -> None:
    drive = pressing("2", "question_mark")
    assert snap_compare(app_of("income"), terminal_size=(80, 24), run_before=drive)


def test_paused_sweep_with_a_notice(snap_compare: Callable[..., bool]) -> None:
    app = app_of("income")
    source = app._source
    assert isinstance(source, FakeSource)
    source.paused = True
    source.said = (
        "/data/.cockpit cannot be written: the newest events (1,204 bytes) are not shown",
    )
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing("2"))
