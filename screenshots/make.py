"""Pictures of the real app on a real store: `python screenshots/make.py STORE_FOLDER`.

Writes runs.svg and sweep.svg beside this file. Nothing on them is made up: run a sweep first.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.tui.app import CockpitApp
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.source import StoreSource
from storage.layout import find_store

if TYPE_CHECKING:
    from textual.pilot import Pilot

SIZE = (120, 36)
PATIENCE = 30
"""Seconds until a screen without data is an error."""


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
                await pilot.pause(0.5)
                return


async def make(store: str, folder: Path) -> list[Path]:
    """Drive the app through its screens and keep a picture of each."""
    app = CockpitApp(StoreSource(find_store(store)))
    pictures = []
    async with app.run_test(size=SIZE) as pilot:
        for name, keys in (("runs", "sss"), ("sweep", "2")):
            await shown(pilot)
            if not isinstance(app.screen, DataScreen) or not app.screen.snapshot:
                raise SystemExit(f"The {name} screen shows no data.")
            if not app.screen.snapshot.page.stored:
                raise SystemExit(f"There are no runs in {store}: run a sweep first.")
            await pilot.press(*keys)
            await shown(pilot)
            pictures.append(Path(app.save_screenshot(f"{name}.svg", str(folder))))
    return pictures


def main() -> None:
    """One argument: the store folder."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python screenshots/make.py STORE_FOLDER")
    for picture in asyncio.run(make(sys.argv[1], Path(__file__).parent)):
        print(picture)


if __name__ == "__main__":
    main()
