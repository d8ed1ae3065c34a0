"""Pictures of the real app on a real store: `python screenshots/make.py STORE_FOLDER`.

Writes a picture of each screen beside this file. Nothing on them is made up, so run a sweep first; only
where this machine keeps the project and its Python is said shorter, as `~/…`.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cockpit.tui.app import CockpitApp
from cockpit.tui.control import StoreControl
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.source import StoreSource
from storage.layout import find_store

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from cockpit.origin import Traces
    from storage.layout import Layout
    from storage.runs import RunDetail

SIZE = (120, 36)
PATIENCE = 30
"""Seconds until a screen without data is an error."""
STEPS = (
    ("runs", ("s", "s", "s", "space", "down", "space", "down", "space")),
    ("compare", ("c",)),
    ("slices", ("4",)),
    ("run", ("escape", "enter")),
    ("sweep", ("2",)),
    ("data", ("5", "enter", "enter")),
    ("launch", ("L",)),
)
"""The name of a picture, and the keys that lead there from the one before."""


class Elsewhere(StoreSource):
    """The store as if it lay in a folder of anybody's home."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self._home = layout.project

    def traces(self, found: RunDetail) -> Traces:
        known = super().traces(found)
        return replace(
            known,
            origin={name: self._neutral(text) for name, text in known.origin.items()},
            again=tuple(map(self._neutral, known.again)),
            folder=self._neutral(known.folder),
        )

    def _neutral(self, text: str) -> str:
        for path, name in ((self._home, "~/income"), (Path(sys.prefix), "~/venv")):
            text = text.replace(str(path), name)
        return text.replace(socket.gethostname(), "lab-1")


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
    layout = find_store(str(Path(store).resolve()))
    if not layout.exists():
        raise SystemExit(f"There is no store at {store}: run a sweep first.")
    os.chdir(layout.project)  # the Launch screen names its spec from here
    app = CockpitApp(Elsewhere(layout), control=StoreControl(layout))
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
    for picture in asyncio.run(make(sys.argv[1], Path(__file__).resolve().parent)):
        print(picture)


if __name__ == "__main__":
    main()
