"""Versions of datasets on the screen: what is in them, whether they keep their contract, what changed."""

from __future__ import annotations

import itertools
from threading import Event
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from cockpit.data import versions as registering
from cockpit.data.watching import Ended
from cockpit.project.reading import load_project
from cockpit.tui import background
from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from cockpit.tui.data import panes, studies
from cockpit.tui.data.desk import StoreDesk
from cockpit.tui.screens.data import DatasetsScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.source import StoreSource
from cockpit.tui.widgets.folds import Folds
from storage.annotate import say
from storage.events import DatasetSeen
from storage.layout import Layout
from storage.store import Store
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, NOW, FakeSource, income
from tests.tui.test_live import painted
from tests.tui.test_ways import app_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from textual.pilot import Pilot

    from cockpit.data.watching import Watch

CONTRACT = """
[data.people]
path = "people.csv"
key = ["id"]
target = "rich"
positive = "yes"

[data.people.contract.columns]
age = { type = "int", min = 17, max = 90, unit = "years" }
city = { nulls = false }
[data.people.contract.rules]
"no child is rich" = "age >= 18 or rich = 'no'"
"""


class Steady(StoreSource):
    """A store whose size is the same on every machine."""

    def size(self) -> int:
        return 1_300_000


def people(rows: int = 400, **changed: Any) -> pl.DataFrame:
    number = pl.col("id")
    frame = pl.DataFrame({"id": range(rows)}).with_columns(
        age=18 + number * 7 % 61,
        wage=(number * number % 997 + 120).cast(pl.Float64) / 4,
        city=pl.concat_list(
            pl.lit(["Berlin", "Rome", "Rome", "Paris"]).list.get(number % 4)
        ).list.first(),
        since=pl.lit("2024-05-17").str.to_date() + pl.duration(days=number % 90),
        rich=pl.when(number * number % 7 == 2).then(pl.lit("yes")).otherwise(pl.lit("no")),
    )
    return frame.with_columns(**changed)


NUMBER = pl.col("id")
LATER = {
    "age": pl.when(NUMBER == 7).then(907).otherwise("age"),
    "wage": pl.col("wage") * 100,
    "city": pl.when(NUMBER % 40 == 0)
    .then(None)
    .when(pl.col("city") == "Paris")
    .then(pl.lit("Pаris"))
    .otherwise("city"),
}


def stored(folder: Path) -> Layout:
    """Three datasets: one of two versions with a contract, one without, one whose file is another by now."""
    clock = itertools.count(NOW.timestamp() - 5 * 3600, 3600)
    folder.mkdir()
    (folder / "cockpit.toml").write_text(CONTRACT)
    layout = Layout(folder / ".cockpit")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registering, "time", lambda: next(clock))
        add(layout, "people", people(), keep=True)
        add(layout, "people", people(430, **LATER).filter(NUMBER != 3), keep=True)
        add(layout, "logs", people(50).drop("rich"))
        add(layout, "old", people(60))
    people(61).write_csv(folder / "old.csv")
    return layout


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Layout:
    """For all who only look."""
    return stored(tmp_path_factory.mktemp("data") / "income")


@pytest.fixture
def own(tmp_path: Path) -> Layout:
    """For who changes something."""
    return stored(tmp_path / "income")


@pytest.fixture(autouse=True)
def over(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No study outlives its test."""
    known: list[StoreDesk] = []
    begin = StoreDesk.__init__

    def remember(self: StoreDesk, layout: Layout) -> None:
        begin(self, layout)
        known.append(self)

    monkeypatch.setattr(StoreDesk, "__init__", remember)
    yield
    for desk in known:
        for thread in desk.work.threads:
            thread.join(30)


def add(layout: Layout, name: str, frame: pl.DataFrame, keep: bool = False) -> None:
    path = layout.project / f"{name}.csv"
    frame.write_csv(path)
    registering.register(layout, name, path, keep=keep, project=load_project(layout.project))


def app_on(layout: Layout, settings: Settings | None = None) -> CockpitApp:
    return CockpitApp(Steady(layout), settings=settings)


def screen_of(app: CockpitApp) -> DatasetsScreen:
    assert isinstance(app.screen, DatasetsScreen)
    return app.screen


async def known(pilot: Pilot[None]) -> None:
    """Let the app run until nothing more is to be found out for what is on the screen."""
    await settled(pilot)
    app = pilot.app
    assert isinstance(app, CockpitApp)

    def ended() -> bool:
        screen = app.screen
        snapshot = screen.snapshot if isinstance(screen, DatasetsScreen) else None
        if snapshot is None or snapshot.question != screen.question:  # type: ignore[attr-defined]
            return False
        lonely = snapshot.question.kind in ("difference", "drift") and snapshot.other is None
        held = [one for one in snapshot.view.listed if one.version.name == "people"]
        checked = all(one.contract and one.contract.ended for one in held)
        return checked and (lonely or snapshot.finding.ended)

    await until(pilot, ended)
    await pilot.pause()


async def opened(pilot: Pilot[None], *keys: str) -> DatasetsScreen:
    """The Data screen, and these keys, each when what the one before asked for is known."""
    await settled(pilot)
    await pilot.press("5")
    await known(pilot)
    for key in keys:
        await pilot.press(key)
        await known(pilot)
    return screen_of(pilot.app)  # type: ignore[arg-type]


def folds(app: CockpitApp, pane: str) -> Folds:
    return app.screen.query_one(f"#{pane}", Folds)


PEOPLE = ("j", "j", "enter")
"""From the top of the list to the newest version of `people`, and on to the pane beside."""


# The versions


async def test_versions_are_listed_newest_first_with_what_became_of_them(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        keys = [item.key for item in folds(app, "versions")._page.items]
        assert keys == ["logs@v1", "old@v1", "people@v2", "people@v1"]
        text = painted(app)
        assert "✓ holds" in text
        assert "✗ 2 broken" in text
        assert "? gone" not in text, "where nothing is asked of data nothing is broken"


async def test_what_is_known_of_the_chosen_one_stands_below_the_list(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, "j", "j")
        await until(pilot, lambda: "kept in the store" in painted(app))
        text = painted(app)
        assert "people.csv" in text
        assert str(layout.project) not in text
        assert "rich (yes is 1)" in text
        assert "people@v2" in text
        assert "against @v1" in text


# The profile


async def test_the_profile_tells_first_what_is_odd(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, *PEOPLE)
        lines = painted(app).splitlines()
        odd = next(n for n, line in enumerate(lines) if "Latin letters beside Cyrillic" in line)
        table = next(n for n, line in enumerate(lines) if "distinct" in line)
        assert odd < table
        assert "429 rows × 6 columns" in painted(app)
        city = next(line for line in lines[table:] if " city " in line)
        assert "! city" in city
        assert "Rome" in city
        assert "2.6 %" in city


async def test_a_column_unfolds_into_its_histogram_and_folds_again(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(120, 40)) as pilot:
        await opened(pilot, *PEOPLE)
        before = painted(app)
        await pilot.press("j", "enter")
        text = painted(app)
        assert "quantiles" in text
        assert "median" in text
        assert text.count("█") > before.count("█") + 20
        await pilot.press("enter")
        assert painted(app) == before.replace("▌   id", "    id").replace("    age", "▌   age")


async def test_without_block_characters_there_are_others(layout: Layout) -> None:
    app = app_on(layout, Settings(glyphs="ascii"))
    async with app.run_test(size=(200, 50)) as pilot:
        await opened(pilot, *PEOPLE, "j", "enter")
        assert "###" in painted(app)
        assert not set("▁▂▃▄▅▆▇█▏▎▍▋▊▉") & set(painted(app))


async def test_a_version_that_nobody_looked_at_is_read_when_it_is_chosen(own: Layout) -> None:
    path = own.project / "used.csv"
    people(77).write_csv(path)
    from cockpit.data.files import content_of
    from cockpit.sweep.provenance.data import Hashes

    content = content_of(path, Hashes(own.hashes))
    with Store(own).session() as session:
        say(session, [DatasetSeen(content.digest, "used", content.path, content.bytes, 1.0)])
    app = app_on(own)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await pilot.press("5")
        await settled(pilot)
        await pilot.press("G")
        await until(pilot, lambda: "77 rows × 6 columns" in painted(app))


# The contract


async def test_broken_rules_come_first_and_show_rows_that_break_them(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, *PEOPLE, "right")
        text = painted(app)
        assert "broken: 2 of" in text
        assert text.index("at most 90 years") < text.index("is there")
        assert "none missing" in text
        await pilot.press("enter")
        lines = [line.split()[-3:] for line in painted(app).splitlines()]
        assert ["row", "id", "age"] in lines
        assert ["7", "7", "907"] in lines, "row 7, since the one with the id 3 has gone"


async def test_a_contract_that_is_written_while_one_looks_is_checked_at_once(
    own: Layout,
) -> None:
    app = app_on(own)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, *PEOPLE, "right")
        toml = own.project / "cockpit.toml"
        toml.write_text(CONTRACT.replace("max = 90", "max = 9000"))
        await until(pilot, lambda: "at most 9000 years" in painted(app))
        assert "broken: 1 of" in painted(app)
        toml.write_text(CONTRACT.replace("max = 90", "maximum = 90"))
        await until(pilot, lambda: "maximum" in painted(app))
        assert "cockpit.toml" in painted(app).lower()
        toml.write_text(CONTRACT)
        await until(pilot, lambda: "at most 90 years" in painted(app))


async def test_without_a_contract_one_is_proposed_that_the_data_keep(own: Layout) -> None:
    app = app_on(own)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, "right")
        assert "Nothing is asked of logs yet" in painted(app)
        lines = [line[50:].strip() for line in painted(app).splitlines()]
        start = lines.index("[data.logs]")
        proposed = "\n".join(lines[start : lines.index("", start)]).replace("…", "logs.csv")
        (own.project / "cockpit.toml").write_text(CONTRACT + proposed)
        await until(pilot, lambda: "holds: " in painted(app))


async def test_what_has_gone_is_told_in_a_sentence(own: Layout) -> None:
    app = app_on(own)
    async with app.run_test(size=(300, 36)) as pilot:
        await opened(pilot, "j")
        assert "60 rows × 6 columns" in painted(app), "what was found stays known"
        assert "! the content of old@v1 is not kept" in painted(app)
        assert "holds another content now" in " ".join(painted(app).split())
        (own.project / "old.csv").unlink()
        await until(pilot, lambda: "nothing lies at" in " ".join(painted(app).split()))


# Two versions


async def test_the_difference_counts_rows_and_cells_by_the_key(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, *PEOPLE, "d")
        text = painted(app)
        assert "people@v1 (400 rows) → people@v2 (429 rows), by id" in " ".join(text.split())
        assert "+ 30 added   − 1 removed   ≠ 399 changed   = 0 same" in text
        assert "removed: id 3" in text
        await pilot.press("j", "j", "enter")
        assert "− 67" in painted(app)
        assert "+ 907" in painted(app)
        await pilot.press("k", "enter")
        assert "+ Pаris (Cyrillic а)" in painted(app)


async def test_drift_shows_the_worst_column_first_and_a_change_of_unit(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(160, 40)) as pilot:
        await opened(pilot, *PEOPLE, "left")
        pane = folds(app, "drift")
        assert pane._page.items[0].key == "wage"
        assert "▲▲ large" in painted(app)
        assert "all about × 100: another unit?" in painted(app)
        assert "rich (label)" in painted(app)
        assert "id" not in [item.key for item in pane._page.items], "a key is distributed in no way"
        await pilot.press("enter")
        assert "population stability index" in painted(app)


async def test_b_chooses_what_the_others_are_compared_with(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, "d")
        assert "logs@v1 has no version before it" in painted(app)
        await pilot.press("j", "j")
        await known(pilot)
        await pilot.press("b")
        await until(pilot, lambda: "the others are compared with people@v2" in painted(app))
        await pilot.press("k", "k")
        await known(pilot)
        assert screen.other is not None
        assert screen.other.label == "people@v2"
        assert "columns that are gone: rich" in painted(app)
        assert screen.command_lines()[0] == "cockpit data diff people@v2 logs@v1"
        await pilot.press("j", "j")
        await known(pilot)
        await pilot.press("space")
        await known(pilot)
        assert screen.other is not None
        assert screen.other.label == "people@v1"


async def test_what_takes_long_says_so_and_can_be_left(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on = Event()
    drifted = studies.drifted

    def slowly(*given: Any) -> Any:
        assert go_on.wait(30)
        return drifted(*given)

    monkeypatch.setattr(studies, "drifted", slowly)
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, *PEOPLE)
        await pilot.press("left")
        await until(pilot, lambda: "comparing how the columns of people@v1 and" in painted(app))
        await pilot.press("left")
        await until(pilot, lambda: "429 rows), by id" in " ".join(painted(app).split()))
        await pilot.press("right")
        await until(pilot, lambda: "comparing how the columns" in painted(app))
        go_on.set()
        await until(pilot, lambda: "columns drifted" in painted(app))
        assert screen.trouble is None


async def test_a_study_shows_how_far_it_is_and_escape_ends_it(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    drifted = studies.drifted
    ended, free = Event(), Event()

    def slowly(*given: Any) -> Any:
        watch: Watch = given[-1]
        if free.is_set():
            return drifted(*given)
        watch.at(3, 8, "wage\x1b[31m")
        try:
            while not free.wait(0.01):
                watch.at(4, 8, "city")
        except Ended:
            ended.set()
            raise
        return drifted(*given)

    monkeypatch.setattr(studies, "drifted", slowly)
    monkeypatch.setattr(panes, "SOON", 0)
    monkeypatch.setattr(background, "NEWS_SECONDS", 0.0)
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, *PEOPLE)
        await pilot.press("left")
        await until(pilot, lambda: "50 %" in painted(app))
        assert "████████████░░░░" in painted(app)
        assert "esc ends it" in painted(app)
        assert screen.able("again") is False
        await pilot.press("escape")
        await until(pilot, lambda: "Ended before it was done." in painted(app))
        await until(pilot, ended.is_set)
        assert app.screen is screen, "it ends what is under way, and does not leave"
        await settled(pilot)
        assert "Ended before it was done." in painted(app)
        free.set()
        await pilot.press("R")
        await until(pilot, lambda: "columns drifted" in painted(app))


async def test_a_fault_of_our_own_is_told_and_not_swallowed(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any) -> Any:
        raise ZeroDivisionError("no rows")

    monkeypatch.setattr(studies, "drifted", broken)
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, *PEOPLE, "left")
        assert "by a fault of cockpit's own: ZeroDivisionError: no rows" in " ".join(
            painted(app).split()
        )


# Ways


async def test_each_view_has_its_command_and_y_copies_what_it_is_on(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot, *PEOPLE)
        said = []
        for _ in range(4):
            said.append(screen.command_lines()[0])
            await pilot.press("right")
            await known(pilot)
        assert said == [
            "cockpit data show people@v2",
            "cockpit data check people@v2",
            "cockpit data diff people@v1 people@v2",
            "cockpit data drift people@v1 people@v2",
        ]
        await pilot.press("o")
        await until(pilot, lambda: "cockpit data show people@v2" in painted(app))
        await pilot.press("escape")
        await until(pilot, lambda: "cockpit data show" not in painted(app))
        await pilot.press("y")
        await until(pilot, lambda: "version  people@v2" in painted(app))


async def test_the_keys_go_from_pane_to_pane_and_back(layout: Layout) -> None:
    app = app_on(layout)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        seen = [screen.pane]
        for _ in range(4):
            await pilot.press("tab")
            seen.append(screen.pane)
            assert folds(app, screen.pane).size.height > 10
        assert seen == list(DatasetsScreen.PANES)
        await pilot.press("escape")
        assert screen.pane == "versions"
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, RunsScreen)


async def test_it_opens_again_where_it_was_left(layout: Layout) -> None:
    _, deeds = app_of()
    app = CockpitApp(Steady(layout), deeds=deeds)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, "j", "j", "j", "b", "k", "enter", "d")
        asked = screen_of(app).question
        assert (asked.chosen, asked.other, asked.kind) == ("people@v2", "people@v1", "difference")
        await pilot.press("q")
    again = CockpitApp(Steady(layout), deeds=deeds)
    async with again.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        assert screen_of(again).question == asked
        assert screen_of(again).pane == "difference"
        await known(pilot)
        assert "added" in painted(again)
        assert folds(again, "versions").key == "people@v2"


async def test_without_datasets_it_says_what_to_type() -> None:
    app = CockpitApp(FakeSource(income(3)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("5")
        await settled(pilot)
        assert "No datasets yet." in painted(app)
        assert "cockpit data register" in painted(app)
        for key in ("j", "enter", "tab", "right", "d", "b", "y", "o"):
            await pilot.press(key)
            await pilot.pause()
        assert "cockpit data register NAME PATH" in painted(app)


@pytest.mark.parametrize("size", [(60, 15), (120, 36)])
async def test_odd_names_and_values_neither_break_the_layout_nor_reach_the_terminal(
    own: Layout, size: tuple[int, int]
) -> None:
    odd = pl.DataFrame(
        {HOSTILE: [HOSTILE, None, "a", "a"], "x" * 90: [1.5e300, None, float("nan"), -1e-300]}
    )
    for frame in (odd, odd.with_columns(pl.col(HOSTILE).fill_null("\x1b[2J"))):
        path = own.project / "odd.parquet"
        frame.write_parquet(path)
        registering.register(own, "odd", path, keep=True)
    app = app_on(own)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("5")
        await settled(pilot)
        await pilot.press("j", "j")
        screen = screen_of(app)
        await until(pilot, lambda: screen.chosen is not None and screen.chosen.label == "odd@v1")
        await pilot.press("k")
        for _ in range(5):
            await until(
                pilot, lambda: screen.snapshot is not None and screen.snapshot.finding.ended
            )
            for key in ("enter", "j", "enter"):
                await pilot.press(key)
                await pilot.pause()
            strips = app.screen._compositor.render_strips()
            assert {strip.cell_length for strip in strips} == {size[0]}
            text = "".join(strip.text for strip in strips)
            assert not [char for char in text if ord(char) < 32 or char in "\x7f\u202e\x9b"]
            await pilot.press("right")
            await settled(pilot)


# Pictures


def looking(*keys: str) -> Callable[[Pilot[None]], object]:
    async def drive(pilot: Pilot[None]) -> None:
        await opened(pilot, *keys)

    return drive


SMALL, LARGE = (80, 24), (200, 50)
VIEWS = {
    "versions": (SMALL, ("j", "j")),
    "profile": (LARGE, (*PEOPLE, "j", "enter", "j", "j", "enter")),
    "contract": (SMALL, (*PEOPLE, "right", "enter")),
    "difference": (LARGE, (*PEOPLE, "d", "j", "enter")),
    "drift": (SMALL, (*PEOPLE, "d", "right", "enter")),
}


@pytest.mark.parametrize("view", VIEWS)
def test_data_picture(snap_compare: Callable[..., bool], layout: Layout, view: str) -> None:
    size, keys = VIEWS[view]
    assert snap_compare(app_on(layout), terminal_size=size, run_before=looking(*keys))


def test_light_data_picture(snap_compare: Callable[..., bool], layout: Layout) -> None:
    app = app_on(layout, Settings(theme="cockpit-light"))
    size, keys = VIEWS["profile"]
    assert snap_compare(app, terminal_size=size, run_before=looking(*keys))
