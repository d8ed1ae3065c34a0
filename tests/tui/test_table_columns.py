"""Choosing columns: what is shown, in what order, how wide, what stays at the left."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.columns import Columns, Layout, lay_out
from cockpit.tui.measure import Measure
from cockpit.tui.widgets.column_chooser import ChoiceList, ColumnChooser
from cockpit.tui.widgets.run_table import RunTable
from storage.runs import RunQuery
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, FakeSource, income, odd, trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from textual.pilot import Pilot

    from storage.runs import Run, RunsPage

SIZE = (120, 36)


def app_of(runs: Sequence[Run] | None = None) -> CockpitApp:
    return CockpitApp(FakeSource(income() if runs is None else runs))


def table(app: CockpitApp) -> RunTable:
    found = app.screen_stack[0].query_one(RunTable)
    assert isinstance(found, RunTable)
    return found


def titles(app: CockpitApp) -> list[str]:
    return table(app).render_line(table(app).header - 1).text.split()


def shown(app: CockpitApp) -> list[str]:
    return [column.id for column in table(app).columns]


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settled(pilot)


async def choose(pilot: Pilot[None], word: str) -> None:
    """Open the list of columns, with the cursor on the first that has this word."""
    await press(pilot, "C", "slash", *word, "enter")


def page_of(runs: Sequence[Run]) -> tuple[Measure, RunsPage]:
    page = FakeSource(runs).runs(RunQuery(limit=None))
    measure = Measure()
    measure.take(page, {run.id: run.name for run in page.runs})
    return measure, page


def laid_out(width: int, chosen: Columns | None = None, at: str | None = None) -> Layout:
    return lay_out(*page_of(income()), width, False, chosen, at)


def ids(layout: Layout) -> list[str]:
    return [column.id for column in layout.columns]


async def test_any_field_can_be_shown_and_hidden_by_its_name() -> None:
    runs = [replace(run, tags=("keep",)) if run.number == 29 else run for run in income()]
    app = app_of(runs)
    async with app.run_test(size=(200, 36)) as pilot:
        await settled(pilot)
        assert "tags" not in titles(app)
        await choose(pilot, "tags")
        await press(pilot, "space")
        assert "tags" in titles(app)
        assert "keep" in table(app).render_line(table(app).header).text
        await press(pilot, "space", "escape", "escape")
        assert not isinstance(app.screen, ColumnChooser)
        assert "tags" not in titles(app)


async def test_a_constant_param_stands_above_the_table_until_it_is_chosen() -> None:
    app = app_of()
    async with app.run_test(size=(200, 36)) as pilot:
        await settled(pilot)
        assert "loss=log_loss" in table(app).render_line(0).text
        assert "loss" not in titles(app)
        await choose(pilot, "loss")
        await press(pilot, "space")
        assert "loss" in titles(app)


async def test_columns_move_and_are_pinned_and_widened_from_the_list() -> None:
    app = app_of()
    async with app.run_test(size=(200, 36)) as pilot:
        await settled(pilot)
        before = shown(app)
        assert before.index("state") < before.index("metrics.auc")
        await press(pilot, "C", "j", "J")
        assert shown(app).index("state") > shown(app).index("metrics.auc")
        await press(pilot, "K")
        assert shown(app) == before
        place = before.index("params.max_depth")
        await press(pilot, *"j" * (place - 1), "p")
        assert shown(app)[:2] == ["name", "params.max_depth"]
        width = table(app).columns[1].width
        await press(pilot, "plus", "plus")
        assert table(app).columns[1].width == width + 2
        await press(pilot, "minus", "R")
        assert shown(app) == before


async def test_every_change_is_told_and_survives_a_round_trip_through_json() -> None:
    app = app_of()
    async with app.run_test(size=(200, 36)) as pilot:
        await settled(pilot)
        await press(pilot, "C", "j", "J", "p", "plus")
        chosen = app.shared.held.columns
    raw = json.loads(json.dumps(asdict(chosen)))
    again = Columns.read(raw)
    assert again == chosen
    assert again != Columns()


@pytest.mark.parametrize(
    "raw", [{}, {"shown": 3}, {"widths": [["name"]], "other": 1}, {"order": [1]}]
)
def test_what_was_remembered_wrongly_is_passed_over(raw: dict[str, object]) -> None:
    assert Columns.read(raw) == Columns()


async def test_a_column_is_hidden_at_once_from_the_table() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "right", "right", "H")
        assert "state" not in shown(app)
        assert table(app).at == "metrics.auc"
        await press(pilot, "C")
        assert "state" not in app.screen.query_one(ChoiceList).shown


async def test_columns_without_room_are_counted_and_reached_with_the_arrows() -> None:
    app = app_of()
    async with app.run_test(size=(60, 24)) as pilot:
        await settled(pilot)
        hidden = int(titles(app)[-1].removeprefix("+"))
        assert hidden == table(app)._laid_out.left_out > 0
        await press(pilot, *["right"] * 6)
        assert table(app).at == "params.max_depth"
        assert shown(app)[0] == "name"
        assert shown(app)[-1] == "params.max_depth"
        await press(pilot, *["left"] * 6)
        assert table(app).at is None


async def test_the_list_narrows_by_words_and_escape_gives_it_back() -> None:
    app = app_of()
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        await press(pilot, "C")
        found = app.screen.query_one(ChoiceList)
        everything = len(found.found)
        await press(pilot, "slash", *"param")
        assert {choice.kind for choice in found.found} == {"param"}
        await press(pilot, "enter", "escape")
        assert len(found.found) == everything
        await press(pilot, "escape")
        assert not isinstance(app.screen, ColumnChooser)


async def test_names_of_any_kind_are_listed_without_harm() -> None:
    app = app_of(odd())
    async with app.run_test(size=(60, 15)) as pilot:
        await settled(pilot)
        await press(pilot, "C")
        strips = app.screen._compositor.render_strips()
        assert {strip.cell_length for strip in strips} == {60}
        text = "".join(strip.text for strip in strips)
        assert HOSTILE not in text
        assert not [char for char in text if ord(char) < 32]


async def test_what_was_chosen_holds_on_the_other_screen() -> None:
    app = app_of()
    async with app.run_test(size=(200, 50)) as pilot:
        await settled(pilot)
        await choose(pilot, "step")
        await press(pilot, "space", "escape", "escape", "2")
        trials = app.screen.query_one(RunTable)
        await until(pilot, lambda: "step" in [column.id for column in trials.columns])


def test_what_was_chosen_yields_last_when_room_is_scarce() -> None:
    assert "params.l2" not in ids(laid_out(60))
    chosen = Columns().show("params.l2")
    assert "params.l2" in ids(laid_out(60, chosen))
    assert "params.max_depth" not in ids(laid_out(60, chosen))


def test_a_width_is_kept_and_never_cuts_a_number() -> None:
    chosen = Columns().resize("params.learning_rate", 3).resize("name", 5)
    layout = laid_out(200, chosen)
    widths = {column.id: column for column in layout.columns}
    rate = widths["params.learning_rate"]
    assert rate.width == rate.head + rate.tail
    assert widths["name"].width == 5


def test_a_new_param_comes_behind_its_neighbour_whatever_the_order() -> None:
    chosen = Columns(order=("metrics.auc", "name", "state"))
    found = ids(laid_out(200, chosen))
    assert found[:3] == ["name", "metrics.auc", "curves.auc"]
    assert found.index("params.max_depth") == found.index("params.learning_rate") + 1


def test_a_lone_trial_has_its_columns_too() -> None:
    measure, page = page_of([trial(0)])
    assert "params.loss" in ids(lay_out(measure, page, 200, False))
