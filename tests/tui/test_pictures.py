"""The screens as pictures: what a person sees, at the sizes they have."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from tests.tui.conftest import settled
from tests.tui.fake import FakeSource, income, logs_of, odd

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])


def app_of(name: str) -> CockpitApp:
    runs = {"empty": [], "income": income(), "odd": odd()}[name]
    return CockpitApp(FakeSource(runs, logs_of(runs)))


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
