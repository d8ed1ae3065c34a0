"""The screens of models as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.tui.config import Settings
from cockpit.tui.models import pages
from cockpit.tui.screens.promoting_ask import AskWhy
from tests.tui.conftest import until
from tests.tui.promoted_store import app_on, opened
from tests.tui.test_promoting import stopped

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot

    from tests.unit.promoted import Lab

pytestmark = pytest.mark.usefixtures("no_studies_left")
SMALL, LARGE = (80, 24), (200, 50)
VIEWS = {
    "versions": (SMALL, ()),
    "gates": (LARGE, ("j", "enter", "j", "enter")),
    "history": (SMALL, ("enter", "right", "j", "enter")),
}


def looking(*keys: str) -> Callable[[Pilot[None]], object]:
    async def drive(pilot: Pilot[None]) -> None:
        await opened(pilot, *keys)

    return drive


@pytest.mark.parametrize("view", VIEWS)
def test_models_picture(
    snap_compare: Callable[..., bool], trodden: Lab, view: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, keys = VIEWS[view]
    # A bundle knows when it was made, and so its digest is another one each time.
    monkeypatch.setattr(pages, "_short", lambda digest: digest and "0123456789ab")
    assert snap_compare(app_on(trodden.layout), terminal_size=size, run_before=looking(*keys))


@pytest.mark.parametrize("size", [SMALL, LARGE], ids=["80x24", "200x50"])
def test_stopped_promotion_picture(
    snap_compare: Callable[..., bool], trodden: Lab, size: tuple[int, int]
) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        await stopped(pilot)

    assert snap_compare(app_on(trodden.layout), terminal_size=size, run_before=drive)


def test_light_force_picture(snap_compare: Callable[..., bool], trodden: Lab) -> None:
    async def drive(pilot: Pilot[None]) -> None:
        await stopped(pilot)
        await pilot.press("F")
        await until(pilot, lambda: isinstance(pilot.app.screen, AskWhy))
        sheet = pilot.app.screen.query_one("#sheet")
        await until(pilot, lambda: sheet.region.bottom == SMALL[1] - 1)

    app = app_on(trodden.layout, Settings(theme="cockpit-light", restore=False))
    assert snap_compare(app, terminal_size=SMALL, run_before=drive)
