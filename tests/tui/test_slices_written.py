"""Slices on the screen: written with help, searched for, named and kept."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from cockpit.evaluate.search import WeakSlice
from cockpit.project.reading import load_project
from cockpit.tui.control import Refused
from cockpit.tui.deeds import NoDeeds, StoreDeeds
from cockpit.tui.slice_book import Found
from cockpit.tui.widgets.expression import Suggestions
from storage.frames import Frames
from tests.tui.conftest import settled, until
from tests.tui.scored import Shop, app_on, lines_of, opened, press, said, write
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.scored_runs import Bought


async def test_a_slice_is_completed_counted_and_added(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        await pilot.press("slash", "h", "o")
        await until(pilot, lambda: "home" in painted(app))
        await pilot.press("tab", "=", "apostrophe", "o")
        assert screen.query_one(Suggestions).all[0].text == "'o''brien'"
        await pilot.press("tab", *"and age < 40")
        text = "home = 'o''brien' and age < 40"
        await until(pilot, lambda: "rows match" in painted(app))
        with_commas = _count(made, text)
        assert f"{with_commas} rows match" in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: bool(lines_of(app, "▌ home = ")))
        assert screen.heat.entry is not None
        assert screen.heat.entry.row is not None
        assert screen.heat.entry.row.expression == text, "the cursor is on what was added"
        assert screen.heat.entry.row.n == with_commas
        assert not screen.editor.display
        await press(pilot, "delete")
        await until(pilot, lambda: not lines_of(app, "brien"))


async def test_enter_right_after_the_last_letter_adds_it_too(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        await pilot.press("slash", *"age > 60", "enter")
        await until(pilot, lambda: bool(lines_of(app, "▌ age > 60")))


def _count(made: Bought, text: str) -> int:
    with Frames(made.open("buyers").frame) as frames:
        return frames.count(text)


async def test_what_is_no_slice_says_where_and_stays_open(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        for text, complaint in (
            ("agee < 3", "did you mean age? (column 1)"),
            ("age <", "(column"),
            ("read_csv('/etc/passwd') = 1", "read_csv"),
            ("age < 3 and avg(age) > 2", "an aggregate cannot stand in a slice"),
        ):
            await write(pilot, text)
            assert complaint in said(app), text
            await press(pilot, "enter")
            assert screen.editor.display, text
            assert len(screen.judged.table.rows) == 4  # type: ignore[union-attr]
        await press(pilot, "escape")
        assert screen.focused is screen.heat
        await press(pilot, "escape")
        assert "Slices of" not in painted(app)


async def test_ctrl_s_names_and_saves_into_cockpit_toml_and_u_takes_it_out(own_shop: Shop) -> None:
    made, runs = own_shop
    path = made.folder / "cockpit.toml"
    before = path.read_text()
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        await write(pilot, "age > 40 and home = 'house'")
        await pilot.press("ctrl+s", *"settled", "enter")
        await until(pilot, lambda: "settled" in load_project(made.folder).slices)
        assert path.read_text().startswith("# judged by these")
        await until(pilot, lambda: bool(lines_of(app, "▌ settled")))
        await pilot.press("U")
        await until(pilot, lambda: path.read_text() == before)
        await until(pilot, lambda: "is out of cockpit.toml again" in painted(app))


async def test_a_name_that_is_taken_is_replaced_only_when_asked(own_shop: Shop) -> None:
    made, runs = own_shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        await write(pilot, "age >= 75")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(lines_of(app, "▌ age >= 75")))
        await pilot.press("ctrl+s", *"the old", "enter")
        await until(pilot, lambda: "Replace the slice the old of cockpit.toml?" in painted(app))
        await pilot.press("n")
        assert load_project(made.folder).slices["the old"] == "age >= 70"
        await settled(pilot)
        assert app.screen is screen
        await pilot.press("ctrl+s", *"the old", "enter")
        await until(pilot, lambda: "Replace the slice" in painted(app))
        await pilot.press("y")
        await until(pilot, lambda: load_project(made.folder).slices["the old"] == "age >= 75")


def test_a_file_that_was_changed_since_is_not_undone(own_shop: Shop) -> None:
    made, _ = own_shop
    take_back = StoreDeeds(made.layout).save_slice("x", "age < 20")
    path = made.folder / "cockpit.toml"
    path.write_text(f"{path.read_text()}# mine\n")
    with pytest.raises(Refused, match="was changed since"):
        take_back()
    assert "# mine" in path.read_text()


# Weak slices


async def test_f_finds_weak_slices_and_they_join_the_table(own_shop: Shop) -> None:
    made, runs = own_shop
    app = app_on(made.layout, *runs[1:3])
    async with app.run_test(size=(160, 40)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "right", "f")
        await until(pilot, lambda: screen.found is not None)
        await settled(pilot)
        await until(pilot, lambda: "weak slices of third by log loss" in painted(app))
        assert screen.found is not None
        best = screen.found.slices[0]
        assert "✓ confirmed" in painted(app)
        assert best.confirmed
        assert {"age", "sex"} >= {word for p in best.predicates for word in p.split()[:1]}
        await until(pilot, lambda: "weak slices are confirmed" in painted(app))
        screen.heat.select(best.expression)
        await pilot.pause()
        assert "elsewhere ✓ confirmed" in said(app)
        await pilot.press("ctrl+s", *"weakest", "enter")
        await until(
            pilot, lambda: load_project(made.folder).slices.get("weakest") == best.expression
        )
        await until(pilot, lambda: "found too: weakest" in painted(app))


class SlowDeeds(NoDeeds):
    """Searches until it is told to stop."""

    def __init__(self) -> None:
        self.going, self.ended = threading.Event(), threading.Event()

    def weak_slices(
        self,
        run: str,
        on: str,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> Found:
        progress(0.42)
        self.going.set()
        while not cancelled():
            self.ended.wait(0.01)
        self.ended.set()
        return Found(run, on, "log loss", 12, 1200, (), complete=False)


async def test_the_search_shows_how_far_it_is_and_escape_ends_it(shop: Shop) -> None:
    made, runs = shop
    deeds = SlowDeeds()
    app = app_on(made.layout, *runs[:2], deeds=deeds)
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        await pilot.press("f")
        await until(pilot, deeds.going.is_set)
        await until(pilot, lambda: "searching weak slices of second" in painted(app))
        assert "42 %" in painted(app)
        await press(pilot, "m")
        assert "by recall" in said(app), "the screen goes on meanwhile"
        await pilot.press("escape")
        await until(pilot, deeds.ended.is_set)
        await until(pilot, lambda: "the search was ended early" in painted(app))
        app.shared.deeds = NoDeeds()
        await pilot.press("f")
        await until(pilot, lambda: "nothing can be searched here" in painted(app))
        assert app.screen is screen
        assert "searching" not in painted(app)
        await pilot.press("escape")
        await until(pilot, lambda: app.screen is not screen)


class FoundDeeds(NoDeeds):
    """Has found two slices, the second a variant of the first."""

    def weak_slices(
        self,
        run: str,
        on: str,
        progress: Callable[[float], None],
        cancelled: Callable[[], bool],
    ) -> Found:
        best, other = "age >= 60", "age >= 58"
        slices = tuple(
            WeakSlice(text, (text,), 1.0, 90, 45, 0.5, 0.1, 0.4, confirmed=True, variant_of=of)
            for text, of in ((best, None), (other, best))
        )
        return Found(run, on, "log loss", 12, 1200, slices)


async def test_variants_are_hidden_until_they_are_asked_for(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2], deeds=FoundDeeds())
    async with app.run_test(size=(140, 36)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "a", "f")
        await until(pilot, lambda: bool(lines_of(app, "age >= 60")))
        assert "1 variant hidden (a)" in painted(app)
        assert "1 of 1 weak slices are confirmed" in painted(app)
        assert not lines_of(app, "age >= 58")
        await press(pilot, "a")
        await until(pilot, lambda: bool(lines_of(app, "age >= 58")))
        assert "1 variant shown (a)" in painted(app)
        screen.heat.select("age >= 58")
        await pilot.pause()
        assert "a variant of age >= 60" in said(app)
        await press(pilot, "a")
        await until(pilot, lambda: not lines_of(app, "age >= 58"))
