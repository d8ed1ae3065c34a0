"""Models on the screen: what is live, how it came there, what each version is; and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.deeds import StoreDeeds
from cockpit.tui.reporting import Report
from cockpit.tui.screens.models import ModelsScreen
from cockpit.tui.screens.promoting_ask import AskWhy, Choose
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.widgets.folds import Folds
from storage import models
from storage.store import Store
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, FakeSource, income
from tests.tui.promoted_store import WHO, app_on, opened
from tests.tui.scored import Store as Steady
from tests.tui.scored import lines_of, press, said
from tests.tui.test_live import painted
from tests.tui.test_ways import FakeDeeds
from tests.unit.promoted import lab

if TYPE_CHECKING:
    from pathlib import Path

    from tests.unit.promoted import Lab

pytestmark = pytest.mark.usefixtures("no_studies_left")


def live(made: Lab, alias: str = "production") -> str | None:
    with Store(made.layout).session() as session:
        found = models.live(session, "income", alias)
        return found.label if found else None


def folds(app: CockpitApp, pane: str) -> Folds:
    return app.screen.query_one(f"#{pane}", Folds)


async def test_versions_stand_newest_first_below_what_the_aliases_mean(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        keys = [item.key for item in folds(app, "versions")._page.items]
        assert keys == ["income@v3", "income@v2", "income@v1"]
        assert "production → v1 · weak · for 8d" in said(app)
        assert "candidate → v3 · good · for 1d" in said(app)
        (unfair,) = lines_of(app, "unfair")
        assert "! forced" in unfair
        assert "! forced" not in lines_of(app, "weak")[-1]


async def test_the_gates_of_a_forced_version_say_which_slice_and_by_how_much(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, "j", "enter", "j")
        text = said(app)
        assert f"! FORCED to production 9d ago by {WHO}" in text
        assert "“the board wants it”" in text
        assert "on eval@v1, 1,500 rows, against v1" in text
        (every,) = lines_of(app, "every slice")
        assert "✗" in every
        await pilot.press("enter")
        await pilot.pause()
        unfolded = painted(app)
        assert unfolded.index("smiths  ") < unfolded.index("others  "), "the worst first"
        (smiths,) = lines_of(app, "smiths  ")
        assert "515" in smiths
        assert "-0.0893 [-0.1400, -0.0380]" in smiths


async def test_the_history_tells_every_move_and_what_it_rests_on(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(200, 50)) as pilot:
        await opened(pilot, "enter", "right")
        pane = folds(app, "history")
        assert len(pane._page.items) == 4
        (forced,) = lines_of(app, "! FORCED")
        for word in ("9d ago", "production", "v1  →  v2", WHO, "3 of 4", "the board wants it"):
            assert word in forced
        (back,) = lines_of(app, "rolled back")
        assert "v2  →  v1" in back
        await pilot.press("j", "j", "enter")
        await pilot.pause()
        text = said(app)
        assert "2026-03-05 12:00:00 UTC" in text
        assert "fails on 1 of 2 slices: 'smiths'" in text
        assert "policy" in text


async def test_the_facts_of_a_version_are_read_and_timed_in_the_background(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, "enter", "left")
        await until(pilot, lambda: "ms a row" in painted(app))
        text = said(app)
        assert "onnx, skops" in text
        assert "rich (binary: no, yes)" in text
        assert "takes 3 columns" in text
        assert "reading the bundle" not in text


async def test_a_bundle_that_was_changed_is_told_in_the_facts(own_lab: Lab) -> None:
    with Store(own_lab.layout).session() as session:
        bundle = models.find(session, "income@v3").bundle
    (own_lab.layout.model(bundle) / "model.toml").write_text("changed")
    app = app_on(own_lab.layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, "enter", "left")
        await until(pilot, lambda: "its manifest says" in said(app))


async def test_rolling_back_names_the_versions_and_is_an_entry_of_its_own(own_lab: Lab) -> None:
    own_lab.promote("good")
    app = app_on(own_lab.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "B")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        assert "v3 · good" in painted(app)
        (way,) = (line for line in lines_of(app, "v1 · weak") if "v3 · good" in line)
        assert "production" in way
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, AskWhy))
        assert "Roll income@production back from v3 (good) to v1 (weak)?" in painted(app)
        await pilot.press("escape")
        await pilot.pause()
        assert live(own_lab) == "income@v3", "esc leaves it"
        await pilot.press("B")
        await until(pilot, lambda: isinstance(app.screen, Choose))
        await pilot.press("j", "enter")
        await until(pilot, lambda: isinstance(app.screen, AskWhy))
        await pilot.press(*"too slow", "enter")
        await until(pilot, lambda: "income@v1 again; it was income@v3" in said(app))
        assert live(own_lab) == "income@v1"
        await until(pilot, lambda: "production → v1" in said(app))
    with Store(own_lab.layout).session() as session:
        moves, _ = models.history(session, "income")
    assert (moves[0].how, moves[0].reason, moves[0].target) == ("rollback", "too slow", 1)


async def test_where_nothing_was_before_nothing_is_rolled_back(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "B")
        await until(pilot, lambda: "income has nothing to go back to" in said(app))
        assert isinstance(app.screen, ModelsScreen)


async def test_without_models_it_says_what_to_write_and_no_key_hurts() -> None:
    app = CockpitApp(FakeSource(income(3)))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "No model has a version yet." in painted(app)
        assert "[models.income]" in painted(app)
        assert "trial.save_model(model, example=rows)" in painted(app)
        for key in ("j", "enter", "tab", "right", "p", "B", "y", "o"):
            await pilot.press(key)
            await pilot.pause()
        assert "cockpit models" in painted(app)


async def test_a_model_of_cockpit_toml_without_a_version_is_met_with_its_command(
    tmp_path: Path,
) -> None:
    made = lab(tmp_path)
    app = app_on(made.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        assert "income has 4 gates in cockpit.toml" in painted(app)
        assert "cockpit promote RUN --model income --to production" in painted(app)


async def test_what_is_wrong_with_cockpit_toml_is_said_beside_the_versions(own_lab: Lab) -> None:
    path = own_lab.folder / "cockpit.toml"
    path.write_text(path.read_text().replace("gates =", "gatse ="))
    app = app_on(own_lab.layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot)
        assert "gatse" in painted(app)
        assert "v3" in painted(app)


async def test_the_keys_go_from_pane_to_pane_and_back(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        seen = [screen.pane]
        for _ in range(3):
            await pilot.press("tab")
            await settled(pilot)
            seen.append(screen.pane)
            assert folds(app, screen.pane).size.height > 10
        assert seen == list(ModelsScreen.PANES)
        await pilot.press("escape")
        assert screen.pane == "versions"
        await pilot.press("escape")
        await pilot.pause()
        assert isinstance(app.screen, RunsScreen)


async def test_the_report_is_of_the_promotion_that_is_looked_at(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(200, 50)) as pilot:
        screen = await opened(pilot)
        assert screen.report_of() == Report("model", ("income@v3",), "income@v3")
        await press(pilot, "j", "enter")
        assert screen.pane == "gates"
        assert screen.report_of() == Report("promotion", ("income", "2"), "move 2 of income")
        await press(pilot, "right", "j", "j", "j")
        assert screen.pane == "history"
        assert screen.report_of() == Report("promotion", ("income", "1"), "move 1 of income")
        await press(pilot, "right")
        assert screen.report_of() == Report("model", ("income@v2",), "income@v2")


async def test_each_view_has_its_command_and_y_copies_what_it_is_on(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await opened(pilot)
        assert screen.command_lines()[0] == "cockpit model show income@v3"
        await press(pilot, "right")
        assert screen.command_lines()[0] == "cockpit history income"
        await pilot.press("y")
        await until(pilot, lambda: "version  income@v3" in painted(app))


async def test_it_opens_again_where_it_was_left(trodden: Lab) -> None:
    deeds = FakeDeeds(FakeSource())
    app = CockpitApp(Steady(trodden.layout), deeds=deeds)
    async with app.run_test(size=(120, 36)) as pilot:
        await opened(pilot, "j", "enter", "right")
        await pilot.press("q")
    again = CockpitApp(Steady(trodden.layout), deeds=deeds)
    async with again.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        screen = again.screen
        assert isinstance(screen, ModelsScreen)
        assert (screen.question.chosen, screen.shown, screen.pane) == (
            "income@v2",
            "history",
            "history",
        )
        assert folds(again, "versions").key == "income@v2"


@pytest.mark.parametrize("size", [(60, 15), (120, 36)])
async def test_odd_names_and_reasons_neither_break_the_layout_nor_reach_the_terminal(
    own_lab: Lab, size: tuple[int, int]
) -> None:
    path = own_lab.folder / "cockpit.toml"
    path.write_text(path.read_text().replace("smiths =", '"s\\u001b[31m\\u202e[b]漢字" ='))
    StoreDeeds(own_lab.layout)._do(lambda session: _odd(session))
    app = app_on(own_lab.layout)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, "j", "j", "enter")
        for _ in range(4):
            for key in ("enter", "j", "enter"):
                await pilot.press(key)
                await pilot.pause()
            strips = app.screen._compositor.render_strips()
            assert {strip.cell_length for strip in strips} == {size[0]}
            text = "".join(strip.text for strip in strips)
            assert not [char for char in text if ord(char) < 32 or char in "\x7f\u202e\x9b"]
            await pilot.press("right")
            await settled(pilot)


def _odd(session: object) -> None:
    """A promotion whose every word comes from somewhere else."""
    gate = {
        "name": HOSTILE, "gate": HOSTILE, "verdict": HOSTILE, "sentence": HOSTILE, "n": 3,
        "slice": HOSTILE, "value": HOSTILE, "bound": 1.0, "reason": HOSTILE,
        "slices": [{"slice": HOSTILE, "n": 1, "verdict": "fail", "value": None, "reason": HOSTILE}],
    }  # fmt: skip
    content = {"name": HOSTILE, "metrics": {HOSTILE: 1.5}, "rules": [HOSTILE], "sweep": HOSTILE}
    new = models.NewVersion("sha256:" + "0" * 64, "0" * 12, "sha256:" + "1" * 64, content)
    evidence = {"gates": [gate], "on": {"set": HOSTILE, "rows": 3}, "notes": [HOSTILE]}
    models.move(
        session,  # type: ignore[arg-type]
        *("aaa", HOSTILE, new, None),
        how="forced",
        who=HOSTILE,
        reason=HOSTILE,
        evidence=evidence,
    )
