"""Where runs fail, on the screen: slices × runs, sorted, by any metric, against any base; and as it was left."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from cockpit.cli.main import run as command
from cockpit.tui.config import Settings
from cockpit.tui.screens.slices import SlicesScreen
from storage.ids import from_text
from storage.store import Store as RunStore
from tests.tui.conftest import settled, until
from tests.tui.scored import SLICES, Shop, app_on, lines_of, opened, press, said, write
from tests.tui.test_live import painted
from tests.unit.scored_runs import bought

if TYPE_CHECKING:
    from pathlib import Path


async def test_slices_and_marked_runs_are_a_table_with_differences_from_the_first(
    shop: Shop,
) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:3])
    async with app.run_test(size=(200, 40)) as pilot:
        screen = await opened(pilot)
        assert "Slices of 3 runs" in painted(app)
        assert "buyers@v1 1,200 rows 2 of 2 (v) by auc higher is better" in said(app)
        whole = lines_of(app, "all rows")[0]
        assert "1,200" in whole
        assert whole.count("▲ better") == 1
        assert "[+0." in whole
        for name in SLICES:
            assert len(lines_of(app, name)) == 1, name
        assert screen.judged is not None
        assert screen.judged.table is not None
        assert screen.judged.table.base == runs[0]
        few = lines_of(app, "big spenders")[0]
        assert "few rows" in few, "too few rows are shown, and not judged"
        assert "▲" not in few


async def test_the_run_under_the_cursor_stands_alone_where_none_is_marked(shop: Shop) -> None:
    made, _ = shop
    app = app_on(made.layout)
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await press(pilot, "j")
        await opened(pilot)
        assert "Slices of third" in painted(app)
        assert "base" not in lines_of(app, " slice ")[0]
        await press(pilot, "b")
        assert "mark another run with space on Runs" in said(app)


async def test_the_worst_slice_comes_first_and_s_sorts_otherwise(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2])

    def shown() -> list[str]:
        entries = screen.heat.book.entries if screen.heat.book else ()
        return [entry.row.name for entry in entries if entry.row]

    async with app.run_test(size=(100, 30)) as pilot:
        screen = await opened(pilot)
        table = screen.judged.table if screen.judged else None
        assert table is not None

        def apart(name: str) -> float:
            row = next(row for row in table.rows if row.name == name)
            return row.cells[runs[1]].differences["auc"].value or 0.0

        judged = [name for name in shown()[1:] if name != "big spenders"]
        assert shown()[0] == "all rows"
        assert shown()[-1] == "big spenders", "what is not judged is not the worst"
        assert judged == sorted(judged, key=apart)
        await press(pilot, "s", "s")
        assert "most rows first" in painted(app)
        counts = [row.n for row in table.rows[1:]]
        by_name = {row.name: row.n for row in table.rows}
        assert [by_name[name] for name in shown()[1:]] == sorted(counts, reverse=True)
        await press(pilot, "s")
        assert tuple(shown()[1:]) == SLICES


async def test_m_goes_through_metrics_and_kpis_and_b_sets_the_base(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, runs[0], runs[2])
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        await press(pilot, "m", "m")
        assert "by log_loss lower is better" in said(app)
        assert "▲ better" in lines_of(app, "all rows")[0], "a lower loss is better"
        await press(pilot, "m")
        assert "by profit in $, higher is better" in said(app)
        assert "▲ better" in lines_of(app, "all rows")[0], "a KPI is judged as a metric is"
        await press(pilot, "m")
        assert "by auc" in said(app)
        assert screen.heat.run == runs[2]
        await press(pilot, "b")
        assert "Slices of first against third" in painted(app)
        assert "▼ worse" in lines_of(app, "all rows")[0]


async def test_from_compare_it_opens_with_the_same_base(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        await press(pilot, "3", "b")
        await opened(pilot)
        assert "Slices of first against second" in painted(app)


async def test_a_run_that_cannot_be_compared_is_named_with_the_reason_and_an_offer(
    shop: Shop,
) -> None:
    made, runs = shop
    app = app_on(made.layout, runs[0], runs[3])
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        assert "≠ silent has no predictions on buyers: its code calls" in said(app)
        assert "0.8" in lines_of(app, "all rows")[0], "the other is shown"
        await press(pilot, "v")
        assert "lately@v1 300 rows" in said(app)
        assert "≠" not in painted(app)
        assert "Slices of silent against first" in painted(app)


async def test_many_runs_scroll_with_the_chosen_one_in_sight(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:3])
    async with app.run_test(size=(50, 24)) as pilot:
        screen = await opened(pilot)
        assert "more runs" in painted(app)
        for _ in range(3):
            await press(pilot, "right")
        assert screen.heat.run == runs[2]
        assert "▸ third" in painted(app)
        assert "first" in painted(app), "the base stays"


async def test_a_slice_that_the_set_has_no_column_for_does_not_hide_the_others(
    own_shop: Shop,
) -> None:
    made, runs = own_shop
    path = made.folder / "cockpit.toml"
    path.write_text(f'{path.read_text()}wrong = "agee < 3"\n')
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        assert "✗ slice 'wrong' of cockpit.toml:" in said(app)
        assert "did you mean age" in said(app)
        assert lines_of(app, "young women")


async def test_a_change_of_cockpit_toml_shows_by_itself(own_shop: Shop) -> None:
    made, runs = own_shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        path = made.folder / "cockpit.toml"
        path.write_text(f"{path.read_text()}farmers = \"home like 'farm%'\"\n")
        await until(pilot, lambda: bool(lines_of(app, "farmers")))
        path.write_text("[slices\n")
        await until(pilot, lambda: "cockpit.toml line 1: not TOML" in painted(app))


# Nothing there yet


async def test_without_an_evaluation_set_it_says_what_to_write(own_shop: Shop) -> None:
    made, _ = own_shop
    (made.folder / "cockpit.toml").write_text("")
    run = made.layout
    app = app_on(run)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        # The runs were scored on a set that the store still knows.
        assert "lately@v1" in painted(app)


async def test_the_first_day_says_what_to_do(tmp_path: Path) -> None:
    made = bought(tmp_path)
    app = app_on(made.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "No run has predictions on eval yet." in painted(app)
        assert 'trial.log_predictions("eval", y_pred=…, y_score=…)' in painted(app)
        (tmp_path / "cockpit.toml").write_text("")
        await until(pilot, lambda: "No evaluation set yet." in painted(app))
        assert "evaluation = true" in painted(app)
        assert "cockpit demo" in painted(app)


async def test_runs_without_answers_send_to_those_that_have_some(own_shop: Shop) -> None:
    made, _ = own_shop
    other = made.run("bare", "lately", y_score=None, y_pred=[0] * 300)
    with RunStore(made.layout).session() as session:
        session.rows("delete from predictions where run = $run", run=_raw(other))
    app = app_on(made.layout, other)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "This run has no predictions on buyers yet." in painted(app)
        assert "mark those on Runs (1) with space" in said(app)


def _raw(run: str) -> Any:
    return from_text(run)


# Ways of working


async def test_every_command_line_shows_the_same(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2])
    app.shared.store = str(made.layout.root)
    async with app.run_test(size=(160, 36)) as pilot:
        screen = await opened(pilot)
        screen.heat.select("young women")
        lines = screen.command_lines()
        await pilot.press("o")
        await until(pilot, lambda: "cockpit --store" in painted(app))
    assert len(lines) == 3
    for line in lines:
        assert command(shlex.split(line)[1:]) == 0, line


async def test_it_opens_again_as_it_was_left(own_shop: Shop) -> None:
    made, runs = own_shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        await opened(pilot)
        await press(pilot, "m", "s", "b")
        await write(pilot, "age > 50")
        await press(pilot, "enter")
        await until(pilot, lambda: bool(lines_of(app, "▌ age > 50")))
        await pilot.press("q")
    again = app_on(made.layout, settings=Settings())
    async with again.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        assert isinstance(again.screen, SlicesScreen)
        await until(pilot, lambda: bool(lines_of(again, "▌ age > 50")))
        assert "by recall" in said(again)
        assert "lowest value first" in painted(again)
        assert "Slices of first against second" in painted(again)


async def test_remembered_nonsense_is_no_trouble(own_shop: Shop) -> None:
    made, runs = own_shop
    screen = SlicesScreen.of(app_on(made.layout).shared, runs[:2])
    screen.recall(
        {"runs": [1, None], "order": "x", "written": ["nope <", 3], "metric": 4, "on": "gone"}
    )
    app = app_on(made.layout)
    async with app.run_test(size=(120, 30)) as pilot:
        await settled(pilot)
        app.push_screen(SlicesScreen(app.shared, screen.question))
        await settled(pilot)
        assert "no dataset answers to 'gone'" in said(app)


async def test_nothing_is_painted_while_nothing_happens(shop: Shop) -> None:
    made, runs = shop
    app = app_on(made.layout, *runs[:2])
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await opened(pilot)
        painted_lines: list[int] = []
        real = screen.heat.render_line
        screen.heat.render_line = lambda y: painted_lines.append(y) or real(y)  # type: ignore[method-assign, func-returns-value]
        app._feed._stamp = None  # as if something far away had changed
        app._feed._look.forget()
        await pilot.pause(0.2)
        screen.snapshot = screen.snapshot
        await pilot.pause(0.2)
        assert painted_lines == []
