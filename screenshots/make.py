"""Pictures of the real app on a real store: `python screenshots/make.py STORE_FOLDER`.

Writes a picture of each screen beside this file. Nothing on them is made up: run a sweep first.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.tui.app import CockpitApp
from cockpit.tui.control import StoreControl
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.source import StoreSource
from storage.layout import find_store

if TYPE_CHECKING:
    from textual.pilot import Pilot

SIZE = (120, 36)
PATIENCE = 30
"""Seconds until a screen without data is an error."""
STEPS = (
    ("runs", ("s", "s", "s", "space", "down", "space", "down", "space")),
    ("compare", ("c",)),
    # Not the Run screen: it shows where on this machine the interpreter and the project lie.
    ("sweep", ("escape", "2")),
    ("launch", ("L",)),
)
"""The name of a picture, and the keys that lead there from the one before."""


async def shown(pilot: Pilot[None]) -> None:
    """Wait until the screen in front shows the answer to what it asks."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await pilot.pause(0.5)
            screen = pilot.app.screen
            if not isinstance(screen, DataScreen):
                continue
            if screen.trouble:
                raise SystemExit(screen.trouble.sentence)
            if screen.snapshot and screen.snapshot.question == screen.question:
                await pilot.pause(1)
                return


async def make(store: str, folder: Path) -> list[Path]:
    """Drive the app through its screens and keep a picture of each."""
    layout = find_store(store)
    if not layout.exists():
        raise SystemExit(f"There is no store at {store}: run a sweep first.")
    app = CockpitApp(StoreSource(layout), control=StoreControl(layout))
    pictures = []
    async with app.run_test(size=SIZE) as pilot:
        await shown(pilot)
        for name, keys in STEPS:
            for key in keys:
                await pilot.press(key)
                await shown(pilot)
            pictures.append(Path(app.save_screenshot(f"{name}.svg", str(folder))))
    return pictures


def main() -> None:
    """One argument: the store folder."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    for picture in asyncio.run(make(sys.argv[1], Path(__file__).parent)):
        print(picture)


if __name__ == "__main__":
    main()
