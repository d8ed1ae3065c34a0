"""A real store whose model was promoted, forced and rolled back, at times that stand still."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from cockpit.models import promotion
from cockpit.tracking.plain_run import PlainRun
from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from cockpit.tui.deeds import StoreDeeds
from cockpit.tui.screens.models import ModelsScreen
from cockpit.tui.screens.promoting import PromotionScreen
from storage import models as registry
from storage.layout import Layout
from tests.tui.conftest import settled, until
from tests.tui.fake import NOW
from tests.tui.scored import Store, press
from tests.unit.promoted import Lab, lab, unfair_rows, weak_rows
from tests.unit.saved_models import people

if TYPE_CHECKING:
    from pathlib import Path

    from textual.pilot import Pilot


WHO = "ada@lab-1"


class Clock:
    """Stands for the module `time` where moves are written."""

    def __init__(self, days: list[float]) -> None:
        self._days = iter(days)

    def time(self) -> float:
        return NOW.timestamp() - 86_400 * next(self._days)


def promoted_lab(folder: Path) -> Lab:
    """A weak model is production, a good one candidate; an unfair one was production by force, for some days.

    The run `silent` has saved no model.
    """
    made = lab(folder)
    toml = folder / "cockpit.toml"
    profit = '"kpi.profit >= 1000"'
    toml.write_text(toml.read_text().replace('"size_mb <= 5"', profit))
    for name, rows in (
        ("weak", weak_rows()),
        ("unfair", unfair_rows()),
        ("good", people(2000, seed=6)),
    ):
        made.run(name, rows)
    silent = PlainRun(made.layout)
    silent.claim()
    silent.begin("silent", "silent")
    silent.settle("complete", None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "time", Clock([12, 9, 8.5, 1]))
        patch.setattr(promotion, "who", lambda: WHO)
        made.promote("weak", reason="the first there is")
        made.promote("unfair", force=True, reason="the board wants it")
        promotion.rollback(made.layout, "income", "production", "the smiths complain")
        made.promote("good", "candidate")
    return made


def copied(made: Lab, folder: Path) -> Lab:
    """The project once more, for one test."""
    shutil.copytree(made.folder, folder)
    return Lab(folder, Layout(folder / ".cockpit"))


def app_on(layout: Layout, settings: Settings | None = None) -> CockpitApp:
    """The app on a store, where it begins on Runs."""
    settings = settings or Settings(restore=False)
    return CockpitApp(Store(layout), deeds=StoreDeeds(layout), settings=settings)


async def opened(pilot: Pilot[None], *keys: str) -> ModelsScreen:
    """The Models screen, by its digit; then some keys, each when its answer is there."""
    await settled(pilot)
    await press(pilot, "6")
    screen = pilot.app.screen
    assert isinstance(screen, ModelsScreen)
    await press(pilot, *keys)
    return screen


async def judged(pilot: Pilot[None]) -> PromotionScreen:
    """Wait until the gates of the promotion in front have been judged."""
    await until(pilot, lambda: isinstance(pilot.app.screen, PromotionScreen))
    screen = pilot.app.screen
    assert isinstance(screen, PromotionScreen)
    await settled(pilot)
    await until(pilot, lambda: screen.snapshot is not None and screen.snapshot.finding.ended)
    await pilot.pause()
    return screen
