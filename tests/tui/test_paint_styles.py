"""Styles travel as what differs from the style before, and arrive whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyte
from hypothesis import given
from hypothesis import strategies as st

from cockpit.tui.app import CockpitApp
from cockpit.tui.paint import _turn
from tests.tui.conftest import settled
from tests.tui.fake import FakeSource, income, logs_of
from tests.tui.test_ways_paint import Watched

if TYPE_CHECKING:
    import pytest

COLOURS = ("{}1", "{}9", "{}8;5;240", "{}8;2;31;4;97")
STYLES = st.builds(
    lambda switches, ink, ground: ";".join([*switches, *ink, *ground]),
    st.lists(st.sampled_from("1347"), unique=True),
    st.sampled_from([(), *[(colour.format(3),) for colour in COLOURS], ("97",)]),
    st.sampled_from([(), *[(colour.format(4),) for colour in COLOURS], ("101",)]),
)


@given(st.lists(STYLES, min_size=1, max_size=6))
def test_a_style_reached_over_others_is_the_same(styles: list[str]) -> None:
    reached, meant = pyte.Screen(9, 1), pyte.Screen(9, 1)
    over, straight, before = pyte.Stream(reached), pyte.Stream(meant), ""
    for style in styles:
        over.feed((_turn(before, style) if style != before else "") + "x")
        straight.feed(f"\x1b[0;{style}mx" if style else "\x1b[0mx")
        before = style
    assert reached.buffer == meant.buffer


async def test_the_screen_has_the_colours_that_were_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    runs, size = income(30), (100, 30)
    app = CockpitApp(FakeSource(runs, logs_of(runs)))
    watched = Watched(app, size, monkeypatch)
    meant = pyte.Screen(*size)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        for key in ("j", "s", "space", "2", "j", "escape", "colon", "s", "escape", "1"):
            await pilot.press(key)
            await settled(pilot)
            await pilot.pause()
    pyte.Stream(meant).feed("".join(watched.whole))
    for y in range(size[1]):
        for x in range(size[0]):
            assert watched.terminal.buffer[y][x] == meant.buffer[y][x], (x, y)
