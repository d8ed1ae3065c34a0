"""Pictures of the real app on the demo's real store: `python screenshots/make.py cockpit-demo/.cockpit`.

Writes a picture of each screen beside this file. Nothing on them is made up, so run the demo first; where no
model was promoted yet, what its README tells of promotion and of growing is done on it before. Only where this
machine keeps the project and its Python is said shorter, as `~/…`.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from textual.screen import ModalScreen

from cockpit.cli.main import run
from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from cockpit.tui.control import StoreControl
from cockpit.tui.deeds import StoreDeeds
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.source import StoreSource
from storage.layout import find_store
from storage.models import models
from storage.store import Store

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
    ("data", ("5", "enter", "down", "enter")),
    ("models", ("6", "enter", "down", "enter")),
    ("promote", ("escape", "p", "enter")),
    ("launch", ("L",)),
)
"""The name of a picture, and the keys that lead there from the one before."""
STORY = (
    (0, 'promote income#4 --to production --reason "the first"'),
    (1, "promote income#best --to production"),
    (0, 'promote income#best --to production --force --reason "for the campaign"'),
    (0, 'rollback income --reason "people of little schooling"'),
    (0, 'eval grow adult-eval --from complaints -w "age < 25" --why "the young complained"'),
)
"""Exit codes and commands, as the demo's README has them."""


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
            if isinstance(screen, ModalScreen):
                return
            if not isinstance(screen, DataScreen) or screen.has_class("-saying"):
                continue
            if screen.trouble:
                raise SystemExit(screen.trouble.sentence)
            finding = getattr(screen.snapshot, "finding", None)
            if finding is not None and not finding.ended:
                continue
            if screen.snapshot and screen.snapshot.question == screen.question:
                await pilot.pause(1)
                return


def live(layout: Layout) -> None:
    """Do what one does after a sweep, where nothing of it was done."""
    with Store(layout).session() as session:
        if models(session):
            return
    for code, command in STORY:
        if run([*shlex.split(command), "--store", str(layout.root)]) != code:
            raise SystemExit(f"cockpit {command}: did not end with {code}")


async def make(store: str, folder: Path) -> list[Path]:
    """Drive the app through its screens and keep a picture of each."""
    layout = find_store(str(Path(store).resolve()))
    if not layout.exists():
        raise SystemExit(f"There is no store at {store}: run a sweep first.")
    os.chdir(layout.project)  # the Launch screen names its spec from here
    live(layout)
    app = CockpitApp(
        Elsewhere(layout),
        control=StoreControl(layout),
        deeds=StoreDeeds(layout),
        settings=Settings(restore=False),
    )
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
