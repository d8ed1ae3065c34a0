"""The rows of a slice, and evaluation sets that grow by them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.tui.screens.growing import AskGrow
from cockpit.tui.screens.rows_of_slice import RowsOfSliceScreen
from cockpit.tui.widgets.answer_rows import AnswerRows
from storage.datasets import versions
from storage.store import Store as RunStore
from tests.tui.conftest import until
from tests.tui.scored import Shop, app_on, opened, press, said
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from tests.unit.scored_runs import Bought


async def test_enter_shows_the_rows_of_the_slice_the_worst_first(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        screen.heat.select("young women")
        await press(pilot, "enter")
        assert isinstance(app.screen, RowsOfSliceScreen)
        table = app.screen.query_one(AnswerRows)
        assert table.rows is not None
        titles = painted(app).splitlines()[5].split()
        assert titles[:5] == ["id", "y_true", "y_pred", "y_score", "loss"]
        place = table.rows.columns.index("loss")
        losses = [row[place] for row in table.rows.values]
        assert losses == sorted(losses, reverse=True)
        ages = {row[table.rows.columns.index("age")] for row in table.rows.values}
        assert max(ages) < 30
        assert "✗" in painted(app)
        assert "worst of second first, by log loss" in said(app)
        await press(pilot, "escape")
        assert "Slices of second against first" in painted(app)


async def test_rows_beyond_the_window_come_as_one_scrolls(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, runs[0])
    async with app.run_test(size=(60, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "G")
        table = app.screen.query_one(AnswerRows)
        await until(pilot, lambda: table.key_of(1199) is not None)
        assert "1,200 of 1,200" in painted(app)
        await press(pilot, "home")
        await until(pilot, lambda: table.key_of(0) is not None)
        assert "+" in painted(app).splitlines()[3], "columns that have no room are counted"
        for _ in range(8):
            await press(pilot, "right")
        assert "spent" in painted(app)


# Growing


def labels(made: Bought) -> list[str]:
    with RunStore(made.layout).session() as session:
        return [one.label for one in versions(session)]


async def test_g_grows_the_set_by_such_rows_from_elsewhere(own_shop: Shop) -> None:
    made, runs = own_shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        screen.heat.select("young women")
        await pilot.press("g")
        assert isinstance(app.screen, AskGrow)
        assert "buyers takes rows of lately@v1 (300 rows)" in painted(app)
        await pilot.press("enter")
        assert "why? a few words" in painted(app)
        await pilot.press(*"missed in may", "enter")
        await until(pilot, lambda: "Make the next version of buyers?" in painted(app))
        assert "lately@v1 where sex = 'f' and age < 30" in said(app)
        await pilot.press("y")
        await until(pilot, lambda: "buyers@v2 has" in painted(app))
        assert "are scored on earlier versions alone" in said(app)
        with RunStore(made.layout).session() as session:
            grown = versions(session, "buyers")[-1]
        assert grown.growth is not None
        assert (grown.growth.reason, grown.growth.run) == ("missed in may", runs[1])
        assert grown.growth.added == grown.rows - 1200  # type: ignore[operator]
        # The first has answered where the new rows come from; the second has not.
        await until(pilot, lambda: "buyers@v2" in said(app).split("has")[0])
        await until(pilot, lambda: "≠ second is scored on buyers@v1, not on buyers@v2" in said(app))
        await press(pilot, "v")
        assert "buyers@v1 1,200 rows" in said(app)
        assert "≠" not in painted(app)


async def test_escape_leaves_everything_as_it_is(own_shop: Shop) -> None:
    made, runs = own_shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        before = labels(made)
        await pilot.press("g", "escape")
        assert app.screen is screen
        await pilot.press("g", *"age < 30")
        await pilot.press("down", *"why not", "enter", "n")
        await until(pilot, lambda: app.screen is screen)
        assert labels(made) == before


async def test_marked_rows_become_part_of_another_set(own_shop: Shop) -> None:
    made, runs = own_shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "space", "space")
        rows = app.screen
        assert isinstance(rows, RowsOfSliceScreen)
        assert "◆ 2 marked" in painted(app)
        keys = list(rows.table.marks)
        await pilot.press("g")
        assert "lately takes rows of buyers@v1 (1,200 rows)" in painted(app)
        await pilot.press(*"the worst", "enter", "y")
        await until(pilot, lambda: "lately@v2 has 302 rows" in painted(app))
        ids = made.open("lately@v2").frame["id"].tail(2).to_list()
        assert {(str(one),) for one in ids} == set(keys)


async def test_rows_of_the_only_set_cannot_go_anywhere(own_shop: Shop) -> None:
    made, runs = own_shop
    path = made.folder / "cockpit.toml"
    text = path.read_text()
    start, end = text.index("[data.lately]"), text.index("[evaluation]")
    path.write_text(text[:start] + text[end:])
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await press(pilot, "enter", "space", "g")
        assert "these rows are in buyers already" in said(app)
        assert isinstance(app.screen, RowsOfSliceScreen)
