"""What goes on behind the screens: memory that is given back, and faults that are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.tui import source as seam
from cockpit.tui.app import CockpitApp
from cockpit.tui.source import StoreSource
from storage import engine
from storage.events import RunCreated
from storage.layout import Layout
from storage.runs import RunQuery
from storage.spool import SpoolWriter
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income
from tests.tui.fake_control import FakeControl

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_store_that_is_not_asked_for_a_while_costs_no_memory_of_duckdb(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = SpoolWriter(Layout(tmp_path / ".cockpit"))
    writer.append(RunCreated(writer.new_id(), None, None, "one", "running", 20.0))
    source = StoreSource(Layout(tmp_path / ".cockpit"))
    assert source.runs(RunQuery()).total == 1
    source.stamp()
    assert engine._idle, "the next look is to be a quick one"
    monkeypatch.setattr(seam, "REST", 0.0)
    source.stamp()
    assert not engine._idle
    assert source.runs(RunQuery()).total == 1
    writer.close()


async def test_a_fault_in_the_background_is_told(tmp_path: Path) -> None:
    class Broken(FakeControl):
        def demo(self) -> tuple[str, str]:
            raise ZeroDivisionError("of [bold]our own[/]")

    app = CockpitApp(FakeSource(income(0)), control=Broken(tmp_path))
    async with app.run_test(size=(100, 24)) as pilot:
        await settled(pilot)
        await pilot.press("D")

        def told() -> bool:
            strips = app.screen._compositor.render_strips()
            return "ZeroDivisionError: of [bold]our own[/]" in "\n".join(s.text for s in strips)

        await until(pilot, told)
