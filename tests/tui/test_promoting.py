"""A run is made what an alias means, on the screen: judged first, stopped by its gates, forced for a reason."""

from __future__ import annotations

from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from cockpit.data.watching import Ended
from cockpit.tui.app import CockpitApp
from cockpit.tui.control import Refused
from cockpit.tui.models import desk as desks
from cockpit.tui.models.deeds import Choice, NoModelDeeds, Offered
from cockpit.tui.screens.models import ModelsScreen
from cockpit.tui.screens.promoting import PromotionScreen
from cockpit.tui.screens.promoting_ask import AskWhy, ChooseAlias
from cockpit.tui.screens.rows_of_slice import RowsOfSliceScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.widgets.folds import Folds
from storage import models
from storage.store import Store
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income
from tests.tui.promoted_store import app_on, judged, opened
from tests.tui.scored import lines_of, press, said
from tests.tui.test_live import painted
from tests.tui.test_models_screen import live
from tests.tui.test_ways import FakeDeeds

if TYPE_CHECKING:
    from textual.pilot import Pilot

    from tests.unit.promoted import Lab

pytestmark = pytest.mark.usefixtures("no_studies_left")


async def on_run(pilot: Pilot[None], name: str) -> None:
    """The Runs screen, the cursor on a run."""
    await settled(pilot)
    screen = pilot.app.screen
    assert isinstance(screen, RunsScreen)
    await pilot.press("g")
    for _ in range(9):
        if screen.subject() and screen.subject().name == name:  # type: ignore[union-attr]
            return
        await pilot.press("j")
        await settled(pilot)
    raise AssertionError(f"there is no run {name}")


async def to_alias(pilot: Pilot[None], *keys: str) -> PromotionScreen:
    """From the question for the alias to its gates, judged."""
    await until(pilot, lambda: isinstance(pilot.app.screen, ChooseAlias))
    await pilot.press(*keys, "enter")
    return await judged(pilot)


async def stopped(pilot: Pilot[None]) -> PromotionScreen:
    """The unfair version, judged against production."""
    await opened(pilot, "j", "p")
    return await to_alias(pilot)


async def test_a_run_is_promoted_from_the_runs_and_says_why(own_lab: Lab) -> None:
    app = app_on(own_lab.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await press(pilot, "1")
        await on_run(pilot, "good")
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ChooseAlias))
        assert "v1 · weak" in lines_of(app, "production")[0]
        assert "v3 · good, this one" in lines_of(app, "candidate")[0]
        assert "nothing yet" in lines_of(app, "shadow")[0]
        assert app.screen.query_one("#sheet").region.bottom == 23, "the runs stay in sight"
        await to_alias(pilot)
        text = said(app)
        assert "✓ all 4 gates pass: p promotes it" in text
        assert "against v1 (weak) production for 8d eval@v1 for both" in text
        assert "What changes for whom, the worst first" in text
        await pilot.press("F")
        await pilot.pause()
        assert isinstance(app.screen, PromotionScreen), "there is nothing to force"
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, AskWhy))
        assert "Make good income@production?" in painted(app)
        await pilot.press(*"better", "enter")
        await until(pilot, lambda: "production of income is income@v3 now" in said(app))
        assert isinstance(app.screen, RunsScreen)
    with Store(own_lab.layout).session() as session:
        (move, *_), _ = models.history(session, "income")
    assert (move.how, move.reason, move.target) == ("promote", "better", 3)
    assert len(move.evidence["gates"]) == 4


async def test_a_failed_gate_stops_it_and_shows_the_rows_of_the_slice(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(120, 36)) as pilot:
        screen = await stopped(pilot)
        assert "✗ 1 of 4 gates fails: it is not promoted" in said(app)
        (smiths,) = lines_of(app, "515  0.7495")
        assert "▌ ✗  smiths" in smiths
        assert "job = 'smith'" in smiths
        assert "0.7195  -0.0893 [-0.1400, -0.0380]" in smiths
        assert "fails: 0.6602, must be >= 0.7195; the incumbent has 0.7495" in said(app)
        assert not screen.able("accept")
        await pilot.press("p")
        await pilot.pause()
        assert app.screen is screen
        await press(pilot, "enter")
        assert isinstance(app.screen, RowsOfSliceScreen)
        await until(pilot, lambda: "515 rows" in painted(app))
        await press(pilot, "escape")
        assert app.screen is screen
        await press(pilot, "escape")
        assert isinstance(app.screen, ModelsScreen)
    assert live(trodden) == "income@v1"


async def test_force_needs_a_reason_and_is_marked_for_ever(own_lab: Lab) -> None:
    app = app_on(own_lab.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await stopped(pilot)
        await pilot.press("F")
        await until(pilot, lambda: isinstance(app.screen, AskWhy))
        assert "Force income@v2 to be income@production?" in painted(app)
        assert "fails on 1 of 2 slices: 'smiths'" in said(app)
        await pilot.press("space", "enter")
        await until(pilot, lambda: "needs a reason" in painted(app))
        assert live(own_lab) == "income@v1"
        await pilot.press(*"so be it", "enter")
        await until(
            pilot, lambda: "production of income is income@v2 now, against its gates" in said(app)
        )
        await until(pilot, lambda: "production → v2 · unfair · " in said(app))
    with Store(own_lab.layout).session() as session:
        (move, *_), _ = models.history(session, "income")
    assert (move.how, move.reason) == ("forced", "so be it")


async def test_who_is_slower_is_told_and_judges_again(own_lab: Lab) -> None:
    app = app_on(own_lab.layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await on_run(pilot, "good")
        await pilot.press("p")
        screen = await to_alias(pilot)
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, AskWhy))
        own_lab.promote("unfair", force=True, reason="at once")
        await pilot.press("enter")
        await until(pilot, lambda: "moved production of income to income@v2 meanwhile" in said(app))
        assert live(own_lab) == "income@v2"
        await until(pilot, lambda: "moved it to v2 meanwhile: R judges it against" in said(app))
        await pilot.press("R")
        await until(pilot, lambda: screen.judgement is None)
        await judged(pilot)
        assert "against v2 (unfair)" in said(app)


async def test_r_saves_what_the_gates_said(own_lab: Lab) -> None:
    app = app_on(own_lab.layout)
    async with app.run_test(size=(120, 36)) as pilot:
        await stopped(pilot)
        await pilot.press("r")
        await until(pilot, lambda: "report saved: reports/promote-" in painted(app))
        (path,) = (own_lab.folder / "reports").iterdir()
        assert "| `every slice: accuracy" in path.read_text()
        assert "gates failed" in path.read_text()
        await pilot.press("r")
        await until(pilot, lambda: "report saved" in painted(app))
        assert len(list(path.parent.iterdir())) == 1
        await pilot.press("escape", "6")
        await until(pilot, lambda: app.in_front.report_of() is not None)
        asked = app.in_front.report_of()
        assert asked is not None
        assert (asked.subject, asked.ids) == ("model", ("income@v2",))


async def test_a_run_without_a_model_is_refused_before_anything_is_asked(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_run(pilot, "silent")
        await pilot.press("p")
        await until(pilot, lambda: "silent has saved no model" in said(app))
        assert isinstance(app.screen, RunsScreen)


async def test_without_a_model_in_cockpit_toml_it_says_what_to_write(own_lab: Lab) -> None:
    path = own_lab.folder / "cockpit.toml"
    path.write_text(path.read_text().partition("[models")[0])
    app = app_on(own_lab.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await on_run(pilot, "good")
        await pilot.press("p")
        await until(pilot, lambda: "cockpit.toml names no model: write [models.NAME]" in said(app))


async def test_what_an_alias_means_already_is_no_promotion(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "p")
        await until(pilot, lambda: isinstance(app.screen, ChooseAlias))
        await pilot.press("down", "enter")
        screen = await judged(pilot)
        assert "Income@v3 is candidate already; nothing is to be done. Esc leads back." in said(app)
        assert not screen.able("accept")
        assert not screen.able("force")


async def test_an_alias_of_ones_own_is_a_first_promotion(own_lab: Lab) -> None:
    app = app_on(own_lab.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "p")
        await until(pilot, lambda: isinstance(app.screen, ChooseAlias))
        await pilot.press("a")
        await until(pilot, lambda: app.screen.has_class("-asking"))
        await pilot.press(*"canary", "enter")
        screen = await judged(pilot)
        assert "a first promotion: there is no incumbent" in said(app)
        assert "nothing changes for anybody" in said(app)
        assert screen.command_lines()[1] == ("cockpit promote income@v3 --model income --to canary")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, AskWhy))
        await pilot.press("enter")
        await until(pilot, lambda: "canary of income is income@v3 now" in said(app))
    assert live(own_lab, "canary") == "income@v3"


async def test_judging_says_what_it_does_and_can_be_ended(
    trodden: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, ended = Event(), Event()
    judge = desks._judged

    def slowly(*given: Any) -> Any:
        assert go_on.wait(30)
        try:
            return judge(*given)
        except Ended:
            ended.set()
            raise

    monkeypatch.setattr(desks, "_judged", slowly)
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, "j", "p")
        await until(pilot, lambda: isinstance(app.screen, ChooseAlias))
        await pilot.press("enter")
        await until(pilot, lambda: "judging the gates" in painted(app))
        await pilot.press("p", "F")
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, PromotionScreen), "there is nothing to promote yet"
        await press(pilot, "escape")
        assert app.screen is screen
        await until(pilot, lambda: "ended before it was judged" in painted(app))
        go_on.set()
        await until(pilot, ended.is_set)
        await pilot.press("R")
        await until(pilot, lambda: "1 of 4 gates fails" in painted(app))
        await press(pilot, "escape")
        assert isinstance(app.screen, ModelsScreen)
    assert live(trodden) == "income@v1"


async def test_a_fault_of_our_own_is_told_and_not_swallowed(
    trodden: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*given: Any) -> Any:
        raise ZeroDivisionError("no rows")

    monkeypatch.setattr(desks, "_judged", broken)
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await stopped(pilot)
        assert "by a fault of cockpit's own: ZeroDivisionError: no rows" in said(app)


class Recorder(NoModelDeeds):
    """Says of which run it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def offered(self, what: str) -> Offered:
        if self.asked:
            raise Refused("once is enough")
        self.asked.append(what)
        return Offered("income#1", (Choice("income", "production"), Choice("other", "shadow")))


PLACES = {
    "Runs": ("j",),
    "Run": ("j", "enter"),
    "Sweep": ("2", "j"),
    "Compare": ("j", "space", "j", "space", "c"),
}


@pytest.mark.parametrize("place", PLACES)
async def test_p_promotes_the_run_under_the_cursor_wherever_runs_are(place: str) -> None:
    source = FakeSource(income())
    deeds = FakeDeeds(source)
    deeds.models = recorder = Recorder()
    app = CockpitApp(source, deeds=deeds)
    async with app.run_test(size=(120, 36)) as pilot:
        await settled(pilot)
        await press(pilot, *PLACES[place])
        subject = app.screen.subject()  # type: ignore[attr-defined]
        await pilot.press("p")
        await until(pilot, lambda: isinstance(app.screen, ChooseAlias))
        assert recorder.asked == [subject.id]
        assert lines_of(app, "production")[0].split()[1:3] == ["income", "production"]
        assert lines_of(app, "shadow")[0].split()[:2] == ["other", "shadow"]
        await pilot.press("escape", "p")
        await until(pilot, lambda: "once is enough" in painted(app))


async def test_the_palette_knows_how_to_promote(trodden: Lab) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot)
        await pilot.press("colon", *"roll back")
        await pilot.pause()
        assert "Put an alias back onto the version it was on before" in painted(app)
        await pilot.press("escape", "colon", *"promote")
        await pilot.pause()
        assert "Make this version what an alias means" in painted(app)


async def test_what_is_promoted_is_what_the_cursor_is_on_however_fast_the_keys(
    trodden: Lab,
) -> None:
    app = app_on(trodden.layout)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot)
        screen.query_one("#versions", Folds).action_move(1)
        screen.action_promote()
        await until(pilot, lambda: isinstance(app.screen, ChooseAlias))
        assert "Promote income@v2 to which alias" in painted(app)
