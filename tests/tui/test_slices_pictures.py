"""The Slices screen as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.tui.config import Settings
from tests.tui.conftest import settled, until
from tests.tui.scored import Shop, app_on, opened, press, write
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.pilot import Pilot


def pressing(*keys: str) -> Callable[[Pilot[None]], object]:
    async def drive(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await press(pilot, *keys)

    return drive


async def searched(pilot: Pilot[None]) -> None:
    """Until what was found stands in the table, and the cursor on one of it."""
    screen = await opened(pilot)
    await press(pilot, "right", "f")
    await until(pilot, lambda: screen.found is not None)
    await settled(pilot)
    await until(pilot, lambda: "✓" in painted(screen.app))  # type: ignore[arg-type]
    await press(pilot, "G")
    await until(pilot, lambda: not screen.has_class("-saying"))


@pytest.mark.parametrize(
    ("size", "theme"),
    [((80, 24), "cockpit"), ((200, 50), "cockpit"), ((80, 24), "cockpit-light")],
    ids=["80x24", "200x50", "light"],
)
def test_slices(
    snap_compare: Callable[..., bool], shop: Shop, size: tuple[int, int], theme: str
) -> None:
    made, runs = shop
    settings = Settings(theme=theme, restore=False)
    app = app_on(made.layout, *runs[:3], settings=settings)
    app.shared.project = "shop"
    assert snap_compare(app, terminal_size=size, run_before=searched)


def test_rows_of_a_slice(snap_compare: Callable[..., bool], shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2], settings=Settings(restore=False))
    app.shared.project = "shop"
    drive = pressing("down", "enter", "space", "down", "space")
    assert snap_compare(app, terminal_size=(80, 24), run_before=drive)


def test_writing_a_slice(snap_compare: Callable[..., bool], shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2], settings=Settings(restore=False))
    app.shared.project = "shop"

    async def drive(pilot: Pilot[None]) -> None:
        await opened(pilot)
        await write(pilot, "age < 40 and home = '")
        await settled(pilot)

    assert snap_compare(app, terminal_size=(80, 24), run_before=drive)


def test_growing(snap_compare: Callable[..., bool], shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2], settings=Settings(restore=False))
    app.shared.project = "shop"
    assert snap_compare(app, terminal_size=(80, 24), run_before=pressing("down", "g"))
