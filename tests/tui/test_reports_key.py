"""`r` saves a report of what is on the screen, and copies it."""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from cockpit.tui.deeds import NoDeeds, StoreDeeds
from cockpit.tui.reporting import Report, SavedReport
from cockpit.tui.screens.base import DataScreen
from cockpit.tui.screens.slices import SlicesScreen
from cockpit.tui.source import StoreSource
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income, logs_of
from tests.tui.test_ways import hears, told

if TYPE_CHECKING:
    from pathlib import Path

    import pytest
    from textual.pilot import Pilot

    from tests.tui.scored import Shop


class Paper(NoDeeds):
    """Keeps what it was asked for, and says of each report what it is."""

    def __init__(self, folder: Path, text: str = "# it\n") -> None:
        self.asked: list[Report] = []
        self.folder, self.text = folder, text

    def report(self, asked: Report) -> SavedReport:
        self.asked.append(asked)
        path = self.folder / "reports" / f"{asked.subject}.md"
        return SavedReport(path, f"reports/{asked.subject}.md", self.text)


def app_of(deeds: NoDeeds) -> CockpitApp:
    runs = income(8)
    return CockpitApp(FakeSource(runs, logs_of(runs)), deeds=deeds)


async def report(pilot: Pilot[None], deeds: Paper) -> Report:
    await settled(pilot)
    before = len(deeds.asked)
    await pilot.press("r")
    await until(pilot, lambda: len(deeds.asked) > before)
    await hears(pilot, "report saved")
    return deeds.asked[-1]


async def test_each_screen_has_a_report_of_what_it_shows(tmp_path: Path) -> None:
    deeds = Paper(tmp_path)
    app = app_of(deeds)
    async with app.run_test(size=(120, 36)) as pilot:
        found = await report(pilot, deeds)
        run = app.in_front.subject()
        assert run is not None
        assert (found.subject, found.ids, found.called) == ("run", (run.id,), run.name)
        await pilot.press("enter")
        assert (await report(pilot, deeds)).ids == (run.id,)
        await pilot.press("2")
        assert (await report(pilot, deeds)).subject == "sweep"
        await pilot.press("1")
        await settled(pilot)
        await pilot.press("space", "down", "space")
        marked = app.shared.held.marks.ids
        compared = await report(pilot, deeds)
        assert (compared.subject, compared.ids) == ("compare", marked)
        await pilot.press("c")
        await settled(pilot)
        await pilot.press("right", "b")
        of_screen = await report(pilot, deeds)
        assert of_screen.subject == "compare"
        assert set(of_screen.ids) == set(marked)
        assert of_screen.ids[0] == app.in_front.question.base


async def test_what_is_saved_is_copied_and_y_copies_its_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    deeds = Paper(tmp_path)
    app = app_of(deeds)
    sent: list[str] = []
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        monkeypatch.setattr(app._driver, "write", sent.append)
        await pilot.press("r")
        await hears(pilot, "report saved: reports/run.md (copied)")
        assert b64encode(b"# it\n").decode() in sent[-1]
        await pilot.press("y")
        await hears(pilot, "copied its path")
        path = str(tmp_path / "reports" / "run.md")
        assert b64encode(path.encode()).decode() in sent[-1]
        deeds.text = "x" * 80_000
        await pilot.press("r")
        await hears(pilot, "too much to copy; its path is copied")
        assert b64encode(path.encode()).decode() in sent[-1]
        monkeypatch.setenv("TERM", "linux")
        await pilot.press("r")
        await until(pilot, lambda: told(app).strip() == "report saved: reports/run.md")


async def test_a_real_store_gets_a_real_report(own_shop: Shop) -> None:
    made, runs = own_shop
    layout = made.layout
    app = CockpitApp(
        StoreSource(layout), deeds=StoreDeeds(layout), settings=Settings(restore=False)
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("r")
        await hears(pilot, "report saved: reports/run-")
        (path,) = (layout.project / "reports").glob("*.md")
        screen = app.in_front
        assert isinstance(screen, DataScreen)
        run = screen.subject()
        assert run is not None
        assert f"# Run `{run.name}`" in path.read_text()
        app.push_screen(SlicesScreen.of(app.shared, runs[:2]))
        await until(pilot, lambda: app.in_front.report_of() is not None)
        asked = app.in_front.report_of()
        assert asked is not None
        assert (asked.subject, asked.on, {*asked.ids}) == ("compare", "buyers@v1", {*runs[:2]})


async def test_what_cannot_be_saved_is_a_sentence(own_shop: Shop) -> None:
    made, _ = own_shop
    (made.layout.project / "reports").write_text("in the way")
    app = CockpitApp(
        StoreSource(made.layout), deeds=StoreDeeds(made.layout), settings=Settings(restore=False)
    )
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("r")
        await hears(pilot, "no report: the report cannot be written to")
