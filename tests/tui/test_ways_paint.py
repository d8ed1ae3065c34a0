"""What is sent to the terminal is what has changed, and a terminal that follows shows the same picture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyte
import pytest
from rich.console import Console
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App

from cockpit.tui.app import CockpitApp
from cockpit.tui.paint import Painter
from tests.tui.conftest import settled
from tests.tui.fake import FakeSource, income, logs_of, odd

if TYPE_CHECKING:
    from textual.screen import Screen

CONSOLE = Console(force_terminal=True, color_system="truecolor")


class Watched:
    """A terminal that gets what the painter sends."""

    def __init__(self, app: CockpitApp, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch):
        self.terminal = pyte.Screen(*size)
        self.stream = pyte.Stream(self.terminal)
        self.painter = Painter()
        self.sent: list[str] = []
        self.whole: list[str] = []
        display = App._display

        def spy(inner: CockpitApp, screen: Screen[Any], update: Any) -> None:
            if isinstance(update, CompositorUpdate):
                self.take(update)
            display(inner, screen, update)

        monkeypatch.setattr(CockpitApp, "_display", spy)

    def take(self, update: CompositorUpdate) -> None:
        changes = self.painter.changes(update, CONSOLE)
        if changes:
            self.sent.append(changes.sequence)
            self.stream.feed(changes.sequence)
        assert isinstance(update, LayoutUpdate | ChopsUpdate)
        self.whole.append(update.render_segments(CONSOLE))


def shown(app: CockpitApp) -> list[str]:
    return [strip.text.rstrip() for strip in app.screen._compositor.render_strips()]


@pytest.mark.parametrize("size", [(60, 15), (80, 24), (200, 50)])
async def test_a_terminal_that_gets_only_the_changes_shows_the_same(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = income(30)
    source = FakeSource(runs, logs_of(runs))
    app = CockpitApp(source)
    watched = Watched(app, size, monkeypatch)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key in ("j", "s", "G", "2", "j", "l", "escape", "question_mark", "escape", "colon",
                    "s", "o", "escape", "1", "slash", "9", "enter", "y"):  # fmt: skip
            await pilot.press(key)
            await settled(pilot)
            await pilot.pause()
            assert [line.rstrip() for line in watched.terminal.display] == shown(app), key
    assert sum(map(len, watched.sent)) < sum(map(len, watched.whole)) / 2


async def test_names_with_wide_characters_stay_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = odd()
    app = CockpitApp(FakeSource(runs, logs_of(runs)))
    watched = Watched(app, (120, 36), monkeypatch)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        for key in ("j", "j", "s", "full_stop", "k"):
            await pilot.press(key)
            await settled(pilot)
            await pilot.pause()
            # pyte gives a wide character two cells, the second of them empty
            assert [line.rstrip() for line in watched.terminal.display] == shown(app), key


async def test_what_is_painted_again_unchanged_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    app = CockpitApp(FakeSource([run for run in income(9) if run.state != "running"]))
    watched = Watched(app, (80, 24), monkeypatch)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.pause()
        watched.sent.clear()
        watched.whole.clear()
        app.screen.refresh(layout=True)
        await pilot.pause()
        await pilot.pause()
        assert watched.whole
        assert not watched.sent
        watched.painter.forget()
        app.screen.refresh()
        await pilot.pause()
        await pilot.pause()
        assert watched.sent, "after something else wrote to the terminal all is sent again"
