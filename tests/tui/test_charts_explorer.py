"""A chart is looked into by keyboard and by mouse, and paints no more than what has changed."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest
from rich.segment import Segment
from textual.app import App, ComposeResult
from textual.binding import Binding
from textual.geometry import Region
from textual.strip import Strip

from cockpit.tui.overlay import Strand, View
from cockpit.tui.plot import Plot, Series
from cockpit.tui.theme import COCKPIT, PALETTES
from cockpit.tui.widgets import chart
from cockpit.tui.widgets.chart import Chart, changed
from cockpit.tui.widgets.explorer import Explorer

if TYPE_CHECKING:
    from collections.abc import Callable

    from cockpit.tui.canvas import Glyphs

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
START = 1_770_000_000.0
"""On a quarter of an hour, so that the pictures are the same in every time zone but for the hour."""


def strands(count: int = 3, points: int = 101) -> list[Strand]:
    """Losses that fall, with a spike; a later one is slower and wavier."""
    steps = tuple(float(step) for step in range(points))
    return [
        Strand(
            f"income-hgb#{place}",
            steps,
            tuple(
                math.exp(-step / (9 + 6 * place)) + 0.02 * math.sin(step * (place + 1))
                + (0.5 if step == 70 and place == 1 else 0.03)
                for step in steps
            ),
            tuple(START + step * (1 + place) for step in steps),
        )
        for place in range(count)
    ]  # fmt: skip


class Stage(App[None]):
    """One chart to look into; Escape reaches the app where the chart has no use for it."""

    BINDINGS = [Binding("escape", "back", "back")]  # noqa: RUF012

    def __init__(
        self,
        shown: list[Strand],
        view: View | None = None,
        glyphs: Glyphs | None = None,
        theme: str = "",
    ):
        super().__init__()
        self.shown = shown
        self.view = view
        self.drawn_with = glyphs
        self.backs = 0
        self.register_theme(COCKPIT)
        self.theme = theme or COCKPIT.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return PALETTES[self.current_theme.dark]

    def compose(self) -> ComposeResult:
        yield Explorer("nothing was reported", view=self.view, glyphs=self.drawn_with)

    def on_mount(self) -> None:
        if self.shown:
            self.chart.show_strands("loss", self.shown)

    @property
    def chart(self) -> Explorer:
        return self.query_one(Explorer)

    def action_back(self) -> None:
        self.backs += 1

    def painted(self) -> list[str]:
        return [strip.text for strip in self.screen._compositor.render_strips()]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cockpit.tui.widgets.explorer.ANSWER", 0.0)


async def test_values_are_read_along_the_x_axis() -> None:
    app = Stage(strands())
    async with app.run_test(size=(80, 24)) as pilot:
        assert "A income-hgb#0  0.01989" in app.painted()[1]
        await pilot.press("enter")
        assert app.chart.cursor == 100
        await pilot.press("home")
        assert app.painted()[0].split() == ["▸", "loss", "by", "step", "step", "0"]
        assert app.painted()[1].count("1.03") == 3
        await pilot.press("right", "right")
        first = app.chart.cursor
        assert first
        await pilot.press("left")
        assert 0 < (app.chart.cursor or 0) < first
        await pilot.press("escape")
        assert (app.chart.cursor, app.backs) == (None, 0)
        await pilot.press("escape")
        assert app.backs == 1


async def test_the_cursor_never_covers_the_curve() -> None:
    app = Stage(strands(1))
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.painted()
        await pilot.press("enter", "left", "left", "left")
        after = app.painted()
        dots = [char for line in before for char in line if char > "\u2800"]
        assert dots == [char for line in after for char in line if char > "\u2800"]
        assert sum(line.count("│") for line in after) > sum(line.count("│") for line in before)
        assert "step 96  0.04970" in after[0], (
            "the value of the only curve stands in the title line"
        )


async def test_zooming_and_panning_show_a_stretch() -> None:
    app = Stage(strands())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("plus")
        assert app.chart.view.window == pytest.approx((25, 75))
        await pilot.press("right")
        assert app.chart.view.window == pytest.approx((37.5, 87.5))
        await pilot.press("minus")
        assert app.chart.view.window is None
        await pilot.press("enter", "plus", "plus")
        assert app.chart.view.window == pytest.approx((75, 100))
        await pilot.press("home")
        assert (app.chart.view.window or (9, 9))[0] == 0, "the window goes where values are read"
        await pilot.press("0")
        assert app.chart.view.window is None


async def test_axes_and_smoothing_are_said_in_the_title() -> None:
    app = Stage(strands())
    seen: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        for key in ("X", "X", "X", "X", "Y", "right_parenthesis", "left_parenthesis"):
            await pilot.press(key)
            seen.append(app.painted()[0].removeprefix(" ▸ ").split("   ")[0].strip())
    assert seen == [
        "loss by step (log)",
        "loss by wall time",
        "loss by time since its start",
        "loss by step",
        "loss by step, log y",
        "loss by step, log y, EMA 0.3",
        "loss by step, log y",
    ]


async def test_the_mouse_points_drags_and_zooms() -> None:
    app = Stage(strands())
    async with app.run_test(size=(80, 24)) as pilot:
        picture = app.chart._picture
        assert picture
        left, right = picture.left + 1, picture.left + picture.width
        await pilot.click(Explorer, offset=(right, 10))
        assert app.chart.cursor == 100
        await pilot.hover(Explorer, offset=(left, 10))
        assert app.chart.cursor == 0
        await pilot.mouse_down(Explorer, offset=(left + 20, 10))
        await pilot.mouse_up(Explorer, offset=(left + 20, 10))
        x = app.chart.cursor
        assert x
        await pilot._post_mouse_events([_wheel()], Explorer, offset=(left + 20, 10))
        window = app.chart.view.window
        assert window
        assert window[0] < x < window[1]
        assert window[1] - window[0] == pytest.approx(50)


def _wheel() -> type:
    from textual.events import MouseScrollUp

    return MouseScrollUp


async def test_the_wheel_scrolls_the_page_while_no_values_are_read() -> None:
    app = Stage(strands())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot._post_mouse_events([_wheel()], Explorer, offset=(30, 10))
        assert app.chart.view.window is None


async def test_new_data_leaves_the_reader_where_he_is() -> None:
    app = Stage(strands())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("plus", "enter", "left", "right_parenthesis")
        view, cursor = app.chart.view, app.chart.cursor
        app.chart.show_strands("loss", strands(4))
        await pilot.pause()
        assert (app.chart.view, app.chart.cursor) == (view, cursor)
        assert "income-hgb#3" in "".join(app.painted())


async def test_other_curves_are_shown_whole() -> None:
    app = Stage(strands())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("plus", "enter", "Y")
        app.chart.show_strands("auc", strands())
        await pilot.pause()
        assert (app.chart.view, app.chart.cursor) == (View(log_y=True), None)


async def test_a_view_that_was_left_is_opened_again() -> None:
    app = Stage(strands(), View(window=(10.0, 20.0), smooth=0.6))
    async with app.run_test(size=(80, 24)):
        assert app.chart.view.window == (10.0, 20.0)
        assert "EMA 0.6" in app.painted()[0]


async def test_an_empty_chart_answers_every_key() -> None:
    app = Stage([])
    async with app.run_test(size=(80, 24)) as pilot:
        app.chart.show_strands("loss", [])
        await pilot.press("enter", "plus", "minus", "left", "right", "home", "end", "X", "Y", "0")
        assert "nothing was reported" in "".join(app.painted())
        assert app.chart.cursor is None


# What is painted


async def test_only_cells_that_changed_are_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Stage(strands(1))
    async with app.run_test(size=(120, 40)) as pilot:
        regions: list[Region] = []
        plain = Explorer.refresh

        def refresh(self: Explorer, *areas: Region, **how: bool) -> Explorer:
            regions.extend(areas or [Region(0, 0, *self.size)])
            return plain(self, *areas, **how)

        await pilot.press("enter", "left")
        monkeypatch.setattr(Explorer, "refresh", refresh)
        app.chart.show_strands("loss", strands(1))
        await pilot.pause()
        assert regions == []
        await pilot.press("left")
        assert 0 < sum(region.area for region in regions) < 200


async def test_a_burst_of_data_is_drawn_once(monkeypatch: pytest.MonkeyPatch) -> None:
    app = Stage(strands(1))
    async with app.run_test(size=(80, 24)) as pilot:
        drawn = 0
        lines = Explorer._lines

        def counted(self: Explorer, *how: object) -> object:
            nonlocal drawn
            drawn += 1
            return lines(self, *how)  # type: ignore[arg-type]

        monkeypatch.setattr(Explorer, "_lines", counted)
        monkeypatch.setattr(chart, "REDRAW", 60.0)
        for points in range(50, 90):
            app.chart.show_strands("loss", strands(1, points))
            await pilot.pause()
        assert drawn == 0
        assert app.chart._due
        await pilot.press("right_parenthesis")
        assert drawn == 1, "a key is answered at once, with the newest data"


def test_changed_cells_are_found() -> None:
    old, new = (Strip([Segment(text)]) for text in ("abcdefghijklmno", "aXcdefghijklmYZ"))
    assert list(changed(old, old)) == []
    assert list(changed(old, new)) == [(1, 2), (13, 15)]
    wide, other = (Strip([Segment(text)]) for text in ("漢字abc", "漢字abd"))
    assert list(changed(wide, other)) == [(0, 7)]


async def test_a_theme_and_a_size_are_followed() -> None:
    app = Stage(strands())
    async with app.run_test(size=(80, 24)) as pilot:
        before = app.chart._strips
        app.theme = "textual-light"
        await pilot.pause()
        assert [strip.text for strip in before] == [strip.text for strip in app.chart._strips]
        assert before != app.chart._strips
        await pilot.resize_terminal(60, 15)
        assert len(app.painted()) == 15
        assert "step" in app.painted()[-1]
        app.glyphs = "ascii"  # type: ignore[attr-defined]
        app.chart.refresh()
        await pilot.pause()
        assert all(line.replace("…", ".").isascii() for line in app.painted())


async def test_a_plain_chart_takes_no_focus() -> None:
    class Plain(Stage):
        def compose(self) -> ComposeResult:
            yield Chart("nothing")

        def on_mount(self) -> None:
            self.query_one(Chart).show("auc", Plot((Series((0.0, 1.0), (0.0, 1.0)),)), "note")

    app = Plain([])
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("tab")
        assert app.focused is None
        assert app.painted()[0].split() == ["auc", "note"]


# Pictures


@SIZES
def test_overlay(snap_compare: Callable[..., bool], size: tuple[int, int]) -> None:
    app = Stage(strands(5), View(smooth=0.8, log_y=True))
    assert snap_compare(app, terminal_size=size, press=["enter", *["left"] * 8])


def test_overlay_light(snap_compare: Callable[..., bool]) -> None:
    app = Stage(strands(12), View("relative"), theme="textual-light")
    assert snap_compare(app, terminal_size=(120, 36))


def test_overlay_in_ascii(snap_compare: Callable[..., bool]) -> None:
    app = Stage(strands(3), View(log_x=True), "ascii")
    assert snap_compare(app, terminal_size=(80, 24), press=["enter", *["left"] * 8])
