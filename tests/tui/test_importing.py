"""`I` brings in what other tools wrote: it is found, counted first, and lands in the table."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from cockpit.tui.deeds import StoreDeeds
from cockpit.tui.screens import importing
from cockpit.tui.screens.importing import ImportScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.source import StoreSource
from cockpit.tui.widgets.entry import Entry
from cockpit.tui.widgets.run_table import RunTable
from storage.layout import Layout
from tests.tui.conftest import settled, until
from tests.tui.test_live import painted
from tests.unit.mlflow_stores import Database, Folder, Run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from textual.pilot import Pilot

    from cockpit.interop.moving import Moved, Seen


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "PAUSE", 0.01)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def app_of(project: Path, deeds: StoreDeeds | None = None) -> CockpitApp:
    layout = Layout(project / ".cockpit")
    return CockpitApp(
        StoreSource(layout),
        deeds=deeds or StoreDeeds(layout),
        settings=Settings(restore=False),
    )


def tracked(folder: Folder | Database, count: int) -> None:
    for number in range(count):
        values = [(step, step / 10) for step in range(5)]
        folder.add(Run(f"{number:032x}", f"lauf {number}", metrics={"loss": values}))


async def asked(pilot: Pilot[None]) -> ImportScreen:
    await settled(pilot)
    await pilot.press("I")
    screen = pilot.app.screen
    assert isinstance(screen, ImportScreen)
    return screen


async def hears(pilot: Pilot[None], text: str) -> None:
    """On whichever screen is in front by then."""
    await until(pilot, lambda: text in painted(pilot.app))  # type: ignore[arg-type]


async def test_an_empty_store_is_filled_by_two_keys(project: Path) -> None:
    tracked(Folder(project / "mlruns"), 4)
    app = app_of(project)
    async with app.run_test(size=(120, 36)) as pilot:
        await until(pilot, lambda: "I" in painted(app) and "import runs of MLflow" in painted(app))
        screen = await asked(pilot)
        await until(pilot, lambda: "MLflow: 4 runs; 20 points" in painted(app))
        assert screen.query_one(Entry).value == "mlruns"
        assert not (project / ".cockpit" / "store.duckdb").exists(), "counting writes nothing"
        await pilot.press("enter")
        await hears(pilot, "4 runs imported from MLflow, 20 points")
        assert isinstance(app.screen, RunsScreen)
        await until(pilot, lambda: app.screen.query_one(RunTable).total == 4)
        await pilot.press("I")
        await until(pilot, lambda: "4 runs, all known; nothing to add" in painted(app))
        await pilot.press("enter")
        await hears(pilot, "nothing new in 4 runs of MLflow")


async def test_what_cannot_be_imported_is_said_and_can_be_typed_anew(project: Path) -> None:
    tracked(Database(project / "tracking.db"), 2)
    app = app_of(project)
    async with app.run_test(size=(80, 24)) as pilot:
        await asked(pilot)
        await until(pilot, lambda: "nothing was found here" in painted(app))
        await pilot.press(*"nowhere")
        await until(pilot, lambda: "nowhere is not there" in painted(app))
        await pilot.press("enter")
        await until(pilot, lambda: not app.screen.query_one(Entry).disabled)
        app.screen.query_one(Entry).value = "tracking.db"
        await until(pilot, lambda: "MLflow: 2 runs; 10 points" in painted(app))
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, RunsScreen))
        assert "No runs yet" in painted(app)


class Slow(StoreDeeds):
    """Waits after the first run that it reads, until it is let go on."""

    def __init__(self, layout: Layout) -> None:
        super().__init__(layout)
        self.go_on = Event()

    def take_in(
        self,
        place: str,
        dry: bool,
        told: Callable[[Seen], None],
        cancelled: Callable[[], bool],
    ) -> Moved:
        def slowly(seen: Seen) -> None:
            told(seen)
            if not dry:
                assert self.go_on.wait(30)

        return super().take_in(place, dry, slowly, cancelled)


async def test_an_import_can_be_ended_and_gone_on_with(project: Path) -> None:
    tracked(Folder(project / "mlruns"), 4)
    deeds = Slow(Layout(project / ".cockpit"))
    app = app_of(project, deeds)
    async with app.run_test(size=(120, 36)) as pilot:
        await asked(pilot)
        await until(pilot, lambda: "MLflow: 4 runs" in painted(app))
        await pilot.press("enter")
        await until(pilot, lambda: "importing 1 of 4 runs, 5 points" in painted(app))
        await pilot.press("escape")
        await until(pilot, lambda: "ending…" in painted(app))
        deeds.go_on.set()
        await hears(pilot, "1 run imported from MLflow, 5 points; ended early")
        await pilot.press("I")
        await until(pilot, lambda: "4 runs, 1 of them known" in painted(app))
        await pilot.press("enter")
        await hears(pilot, "3 runs imported from MLflow, 15 points")
