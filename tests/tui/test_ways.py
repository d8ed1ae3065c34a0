"""What one can do on every screen: look an action up, copy, learn the command, note, tag, throw away, undo."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cockpit.tui.app import CockpitApp
from cockpit.tui.control import Refused
from cockpit.tui.deeds import NoDeeds
from cockpit.tui.remember import Memory
from cockpit.tui.screens.help import HelpScreen
from cockpit.tui.screens.palette import PaletteScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.screens.sweep import SweepScreen
from cockpit.tui.screens.table import TableScreen
from cockpit.tui.widgets.bottom import Prompt, Said
from cockpit.tui.widgets.run_table import RunTable
from tests.tui.conftest import settled, until
from tests.tui.fake import FakeSource, income, logs_of
from tests.tui.test_live import painted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from textual.events import Event
    from textual.pilot import Pilot


class FakeDeeds(NoDeeds):
    """Changes the runs of a fake source."""

    def __init__(self, source: FakeSource, memory: Memory | None = None) -> None:
        self.source = source
        self.refused = ""
        self.trash: list[object] = []
        self.memory = memory or Memory()
        self.file: Path | None = None

    def _change(self, ids: Sequence[str], **fields: object) -> None:
        if self.refused:
            raise Refused(self.refused)
        runs = self.source.all
        self.source.all = [replace(run, **fields) if run.id in ids else run for run in runs]  # type: ignore[arg-type]
        self.source.bump()

    def note(self, run: str, text: str) -> None:
        self._change([run], note=text or None)

    def tag(self, runs: Sequence[str], name: str, remove: bool = False) -> None:
        self._change(runs, tags=() if remove else (name,))

    def throw(self, runs: Sequence[str]) -> None:
        self._change([])
        self.trash += [run for run in self.source.all if run.id in runs]
        self.source.all = [run for run in self.source.all if run.id not in runs]

    def take_back(self, runs: Sequence[str]) -> None:
        self.source.all += self.trash  # type: ignore[arg-type]
        self.trash.clear()
        self.source.bump()

    def spec(self, sweep: str) -> Path | None:
        return self.file

    def recall(self) -> Memory:
        return self.memory

    def keep(self, memory: Memory) -> None:
        self.memory = memory


def app_of(memory: Memory | None = None) -> tuple[CockpitApp, FakeDeeds]:
    runs = income(30)
    source = FakeSource(runs, logs_of(runs))
    deeds = FakeDeeds(source, memory)
    return CockpitApp(source, deeds=deeds), deeds


def screen_of(app: CockpitApp) -> TableScreen:  # type: ignore[type-arg]
    assert isinstance(app.screen, TableScreen)
    return app.screen


def told(app: CockpitApp) -> str:
    return str(app.screen.query_one(Said).render())


async def hears(pilot: Pilot[None], text: str) -> None:
    app = pilot.app
    assert isinstance(app, CockpitApp)
    await until(pilot, lambda: text in told(app))


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_palette_finds_an_action_by_a_few_letters_and_does_it(key: str) -> None:
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press(key)
        palette = app.screen
        assert isinstance(palette, PaletteScreen)
        await pilot.press(*"turn the order")
        assert palette._shown[0].keys == "."
        await pilot.press("enter")
        await settled(pilot)
        assert not screen_of(app).question.query.descending


async def test_the_palette_has_every_action_that_the_help_has() -> None:
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        for digit in ("1", "2"):
            await pilot.press(digit)
            await settled(pilot)
            await pilot.press("colon")
            palette = app.screen
            assert isinstance(palette, PaletteScreen)
            offered = {entry.meaning for entry in palette._all}
            await pilot.press("escape", "question_mark")
            assert isinstance(app.screen, HelpScreen)
            meant = {action.meaning for action in app.screen._actions if action.enabled}
            assert meant - offered == {"All that can be done here, by a few letters of it"}
            await pilot.press("escape")


async def test_the_palette_moves_and_closes_and_says_when_nothing_fits() -> None:
    app, _ = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("colon", *"help")
        await pilot.press("down", "up")
        await pilot.press("enter")
        assert isinstance(app.screen, HelpScreen)
        await pilot.press("escape", "colon", *"qqqzzz", "enter")
        assert isinstance(app.screen, PaletteScreen)
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


async def test_the_palette_changes_the_theme() -> None:
    app, _ = app_of()
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        await pilot.press("colon", *"theme: cockpit-light", "enter")
        await until(pilot, lambda: app.theme == "cockpit-light")


async def test_y_copies_the_id_then_more_and_shows_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        sent: list[str] = []
        monkeypatch.setattr(app._driver, "write", sent.append)
        run = screen_of(app).table.run
        assert run
        for what, text in (("id", run.id), ("name", run.name)):
            sent.clear()
            await pilot.press("y")
            await hears(pilot, f"copied {what}  {text}")
            assert f"\x1b]52;c;{b64encode(text.encode()).decode()}\x07" in sent
        await pilot.press("j")
        await until(pilot, lambda: not told(app))


async def test_without_a_clipboard_it_is_shown_to_be_copied_by_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "linux")
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("y")
        await hears(pilot, "to copy by hand: id")


async def test_o_shows_the_command_of_the_screen_and_y_copies_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("s", "s", "s", "slash", *"#1", "enter")
        await settled(pilot)
        await pilot.press("o")
        await hears(pilot, "cockpit runs --sort auc -w '#1'")
        await pilot.press("y")
        await hears(pilot, "copied command  cockpit runs --sort auc -w '#1'")
        await pilot.press("o")
        run = screen_of(app).table.run
        assert run
        await hears(pilot, f"cockpit show {run.id}")


async def test_on_a_slow_machine_too_the_next_key_knows_what_was_offered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        screen = screen_of(app)
        run = screen.table.run
        assert run
        forward = screen._forward_event

        def late(event: Event) -> None:
            """The line is put away before the key comes to its action."""
            screen._hush()
            forward(event)

        monkeypatch.setattr(screen, "_forward_event", late)
        await pilot.press("y")
        await hears(pilot, f"copied id  {run.id}")
        await pilot.press("y")
        await hears(pilot, f"copied name  {run.name}")
        await pilot.press("right", "y")
        await hears(pilot, f"copied id  {run.id}")


async def test_n_writes_a_note_and_undo_takes_it_back() -> None:
    app, deeds = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        run = screen_of(app).table.run
        assert run
        await pilot.press("n", *"wide leaves", "enter")
        await hears(pilot, f"noted on {run.name}")
        found = next(each for each in deeds.source.all if each.id == run.id)
        assert found.note == "wide leaves"
        assert app.focused is screen_of(app).table
        await settled(pilot)
        await pilot.press("U")
        await hears(pilot, f"note taken away from {run.name}")
        assert next(each for each in deeds.source.all if each.id == run.id).note is None
        await pilot.press("U")
        await hears(pilot, "nothing to undo")


async def test_a_note_from_elsewhere_can_do_nothing_in_the_line_it_is_changed_in() -> None:
    app, deeds = app_of()
    evil = "a\x1b[31m\u202eb\u200d"
    deeds.source.all = [replace(run, note=evil) for run in deeds.source.all]
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("n", "c")
        text = painted(app)
        assert "a␛[31m�b" in text
        assert not {"\x1b", "\u202e"} & set(text)
        await pilot.press("enter")
        await until(pilot, lambda: any(run.note == f"{evil}c" for run in deeds.source.all))


async def test_a_note_left_with_escape_is_not_written() -> None:
    app, deeds = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("n", *"half", "escape")
        assert not app.screen.query_one(Prompt).display
        assert isinstance(app.focused, RunTable)
        assert not any(run.note for run in deeds.source.all)


async def test_what_is_typed_into_a_note_is_no_filter() -> None:
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("n", *"zzz")
        await settled(pilot)
        assert screen_of(app).table.total == 30
        assert not screen_of(app).question.query.where


async def test_a_note_of_several_lines_is_left_to_the_editor() -> None:
    app, deeds = app_of()
    deeds.source.all = [replace(run, note="one\ntwo") for run in deeds.source.all]
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("n")
        await hears(pilot, "has several lines")
        await pilot.press("e")
        await hears(pilot, "there is no terminal here for an editor")


async def test_t_tags_and_a_minus_takes_the_tag_away() -> None:
    app, deeds = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("t", *"keep", "enter")
        await hears(pilot, "+keep")
        assert sum("keep" in run.tags for run in deeds.source.all) == 1
        await pilot.press("t", *"-keep", "enter")
        await hears(pilot, "-keep")
        assert not any(run.tags for run in deeds.source.all)


async def test_d_throws_away_and_undo_brings_back() -> None:
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("j", "j", "d")
        await hears(pilot, "is in the trash")
        await until(pilot, lambda: screen_of(app).table.total == 29)
        assert "is in the trash" in told(app), "the row that goes must not take the sentence along"
        await pilot.press("U")
        await hears(pilot, "is back")
        await until(pilot, lambda: screen_of(app).table.total == 30)


async def test_what_is_refused_is_said() -> None:
    app, deeds = app_of()
    deeds.refused = "income#29 is running; stop it first"
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        await pilot.press("d")
        await hears(pilot, "income#29 is running; stop it first")
        assert not app.shared.done


async def test_without_a_run_there_is_nothing_to_do_to_it() -> None:
    app = CockpitApp(FakeSource())
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        for key in "ntedy":
            await pilot.press(key)
            assert not told(app)
            assert not app.screen.query_one(Prompt).display


async def test_a_sweep_opened_by_name_is_in_front() -> None:
    app, _ = app_of()
    app._first_sweep = "income"
    async with app.run_test(size=(100, 30)) as pilot:
        await settled(pilot)
        assert isinstance(app.screen, SweepScreen)
