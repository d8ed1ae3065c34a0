"""Launching a sweep from its spec: choose, change, see what is wrong, start."""

from __future__ import annotations

from contextlib import asynccontextmanager
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest
from textual import events

from cockpit.tui.app import CockpitApp
from cockpit.tui.config import Settings
from cockpit.tui.screens.launch import LaunchScreen
from cockpit.tui.screens.runs import RunsScreen
from cockpit.tui.screens.sweep import SweepScreen
from cockpit.tui.widgets.entry import Entry
from cockpit.tui.widgets.form import SpecForm
from cockpit.tui.widgets.key_bar import shown_keys
from tests.tui.conftest import settled, until
from tests.tui.fake import HOSTILE, FakeSource, income
from tests.tui.fake_control import FakeControl

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping
    from pathlib import Path

    from textual.pilot import Pilot

    from cockpit.sweep.spec.draft import Draft

SIZES = pytest.mark.parametrize("size", [(80, 24), (200, 50)], ids=["80x24", "200x50"])
TRAIN = "def train(trial):\n    return 1.0\n"
SPEC = """\
[sweep]
name = "wide"
metric = "auc"
direction = "maximize"
trials = 30
pruner = { name = "median", n_warmup_steps = 30 }

[run]
function = "train.py:train"

[params]
learning_rate = { type = "float", low = 0.005, high = 1.0, log = true }
max_leaf_nodes = { type = "int", low = 3, high = 128, log = true }
loss = { type = "categorical", choices = ["log_loss", "hinge"] }
amp = { type = "bool" }

[executor]
workers = 2
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(TRAIN)
    (tmp_path / "sweep.toml").write_text(SPEC)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def painted(app: CockpitApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


def app_of(folder: Path, runs: int = 30, theme: str = "cockpit") -> CockpitApp:
    source, settings = FakeSource(income(runs)), Settings(theme=theme)
    return CockpitApp(source, control=FakeControl(folder), settings=settings)


def control(app: CockpitApp) -> FakeControl:
    found = app.shared.control
    assert isinstance(found, FakeControl)
    return found


def entry(app: CockpitApp, place: str) -> Entry:
    return next(one for one in app.screen.query(Entry) if one.place == place)


def ready(app: CockpitApp) -> bool:
    return bool(app.screen.query(Entry)) and app.focused is not None and "$ cockpit" in painted(app)


@asynccontextmanager
async def launching(
    folder: Path, size: tuple[int, int] = (120, 36), **options: Any
) -> AsyncIterator[tuple[CockpitApp, Pilot[None]]]:
    app = app_of(folder, **options)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        await pilot.press("L")
        await until(pilot, lambda: isinstance(app.screen, LaunchScreen))
        yield app, pilot


async def change(app: CockpitApp, pilot: Pilot[None], place: str, text: str) -> None:
    entry(app, place).value = text
    await pilot.pause()


async def test_the_only_spec_opens_at_once_and_starts_as_it_is(folder: Path) -> None:
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: ready(app))
        assert app.focused is entry(app, "sweep.name")
        assert "ready to start: wide" in painted(app)
        assert "$ cockpit sweep sweep.toml --detach" in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        assert control(app).asked == [(str(folder / "sweep.toml"),)]
        await settled(pilot)
        assert app.screen.title_words() == "Sweep income"  # type: ignore[attr-defined]
        await until(pilot, lambda: "runs detached" in painted(app))
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


async def test_what_is_typed_goes_along_and_is_shown(folder: Path) -> None:
    async with launching(folder, size=(200, 50)) as (app, pilot):
        await until(pilot, lambda: ready(app))
        await pilot.press("down", *"40")
        await change(app, pilot, "params.learning_rate.low", "0.01")
        await change(app, pilot, "sweep.sampler", "random")
        words = ("--trials", "40", "--set", "sweep.sampler=random")
        more = ("--set", "params.learning_rate.low=0.01")
        line = " ".join(("$ cockpit sweep sweep.toml", *words, *more, "--detach"))
        await until(pilot, lambda: line in painted(app))
        assert "▸ trials = 40" in painted(app)
        assert "▸ learning_rate = { type" in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        assert control(app).asked == [(str(folder / "sweep.toml"), *words, *more)]


async def test_what_cannot_be_is_marked_and_said_and_does_not_start(folder: Path) -> None:
    async with launching(folder, size=(200, 50)) as (app, pilot):
        await until(pilot, lambda: ready(app))
        await change(app, pilot, "params.learning_rate.low", "2")
        sentence = "✗ [params] learning_rate: low 2.0 is above high 1.0"
        await until(pilot, lambda: sentence in painted(app))
        assert entry(app, "params.learning_rate.low").has_class("-wrong")
        assert "✗ learning_rate" in painted(app)
        assert "✗ learning_rate = {" in painted(app)
        await pilot.press("enter")
        assert app.focused is entry(app, "params.learning_rate.low")
        assert control(app).asked == []
        await pilot.press(*"0.5")
        await until(pilot, lambda: "ready to start" in painted(app))
        assert not entry(app, "params.learning_rate.low").has_class("-wrong")


async def test_a_line_of_the_file_that_is_wrong_is_named(folder: Path) -> None:
    (folder / "sweep.toml").write_text(SPEC.replace("metric =", "metrik ="))
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: "✗ line 3: [sweep] metrik is not a known key" in painted(app))
        assert 'did you mean "metric"?' in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: "has to be mended first" in painted(app))
        assert control(app).asked == []


async def test_a_file_that_is_no_toml_is_said_with_its_line(folder: Path) -> None:
    (folder / "sweep.toml").write_text("[sweep]\nname = \n")
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: "✗ line 2: not TOML" in painted(app))
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


async def test_several_specs_are_a_list(folder: Path) -> None:
    (folder / "other.toml").write_text(SPEC.replace("wide", "other"))
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: "sweep.toml" in painted(app))
        assert "other.toml   other · 30 trials · train.py:train" in painted(app)
        await pilot.press("down", "enter")
        await until(pilot, lambda: ready(app))
        assert "ready to start: wide" in painted(app)
        await pilot.press("escape")
        await until(pilot, lambda: not app.screen.query(SpecForm))
        await pilot.press("enter")
        await until(pilot, lambda: ready(app))
        assert "ready to start: other" in painted(app)


async def test_the_file_is_edited_and_read_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: ready(app))

        def edit(app: object, path: Path, editor: str) -> None:
            path.write_text(SPEC.replace("wide", "edited"))

        monkeypatch.setattr("cockpit.tui.screens.launch.edit_file", edit)
        await change(app, pilot, "sweep.trials", "7")
        await pilot.press("ctrl+o")
        await until(pilot, lambda: ready(app) and "ready to start: edited" in painted(app))
        assert entry(app, "sweep.name").value == "edited"
        assert entry(app, "sweep.trials").value == "30"


async def test_without_a_spec_one_is_told_what_to_type(tmp_path: Path) -> None:
    async with launching(tmp_path) as (app, pilot):
        await until(pilot, lambda: "No spec here" in painted(app))
        assert "cockpit demo" in painted(app)
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)


async def test_what_keeps_it_from_starting_is_said_and_the_form_stays(folder: Path) -> None:
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: ready(app))
        control(app).refuses = "train.py line 1: No module named 'torch'"
        await pilot.press("enter")
        await until(pilot, lambda: "No module named 'torch'" in painted(app))
        assert isinstance(app.screen, LaunchScreen)
        control(app).refuses = None
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))


async def test_one_may_go_elsewhere_while_it_starts(folder: Path) -> None:
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: ready(app))
        control(app).gate.clear()
        await pilot.press("enter")
        await until(pilot, lambda: "is being imported" in painted(app))
        await pilot.press("escape")
        assert isinstance(app.screen, RunsScreen)
        control(app).gate.set()
        await until(pilot, lambda: "runs detached" in painted(app))
        assert isinstance(app.screen, RunsScreen)


async def test_enter_twice_starts_it_once(folder: Path) -> None:
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: ready(app))
        control(app).gate.clear()
        await pilot.press("enter", "enter")
        control(app).gate.set()
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        assert len(control(app).asked) == 1


async def test_enter_right_after_typing_starts_what_was_typed(folder: Path) -> None:
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: ready(app))
        for key in ("a", "b", "enter"):  # in one burst, as from a paste
            app.post_message(events.Key(key, key if len(key) == 1 else "\r"))
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        assert control(app).asked == [(str(folder / "sweep.toml"), "--name", "ab")]


async def test_a_check_that_is_overtaken_does_not_count(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, late = Event(), Event()
    draft, checked = FakeControl.draft, LaunchScreen._checked

    def overtaken(of: FakeControl, spec: Path, overrides: Mapping[str, Any]) -> Draft:
        if overrides.get("sweep.trials") == 4:
            assert go_on.wait(30)
        return draft(of, spec, overrides)

    def told(of: LaunchScreen, spec: Path, found: Draft, changed: dict[str, Any]) -> None:
        checked(of, spec, found, changed)
        if changed.get("sweep.trials") == 4:
            late.set()

    monkeypatch.setattr(FakeControl, "draft", overtaken)
    monkeypatch.setattr(LaunchScreen, "_checked", told)
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: ready(app))
        await pilot.press("down", *"40")
        await until(pilot, lambda: "--trials 40" in painted(app))
        go_on.set()
        await until(pilot, late.is_set)
        assert "--trials 40" in painted(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        assert control(app).asked == [(str(folder / "sweep.toml"), "--trials", "40")]


async def test_an_empty_store_offers_to_launch(folder: Path) -> None:
    app = app_of(folder, runs=0)
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert "L" in {key for key, _, _ in shown_keys(app.screen)}
        await until(pilot, lambda: "a sweep from a spec here" in painted(app))


async def test_a_taken_name_is_told(folder: Path) -> None:
    (folder / "sweep.toml").write_text(SPEC.replace("wide", "income"))
    async with launching(folder) as (app, pilot):
        await until(pilot, lambda: ready(app))
        await change(app, pilot, "sweep.seed", "3")
        await until(pilot, lambda: "there is one already" in painted(app))


async def test_hostile_specs_neither_act_nor_break_the_layout(folder: Path) -> None:
    odd = HOSTILE.encode("ascii", "backslashreplace").decode().replace("\\x", "\\u00")
    text = f'[params]\n"{odd}" = {{ type = "float", low = 0, high = "[/red]{odd}" }}\n'
    (folder / "sweep.toml").write_text(text)
    for size in ((60, 15), (80, 24), (200, 50)):
        async with launching(folder, size=size) as (app, pilot):
            await until(pilot, lambda: "✗" in painted(app))
            strips = app.screen._compositor.render_strips()
            assert {strip.cell_length for strip in strips} == {size[0]}
            shown = "".join(strip.text for strip in strips)
            assert not [char for char in shown if ord(char) < 32 or char in "\x7f\u202e\x9b"]


def drive(*keys: str) -> Callable[[Pilot[None]], Any]:
    async def driven(pilot: Pilot[None]) -> None:
        app = pilot.app
        assert isinstance(app, CockpitApp)
        await settled(pilot)
        await pilot.press("L")
        await until(pilot, lambda: ready(app))
        for key in keys:
            await pilot.press(key)
        await pilot.pause(0.2)

    return driven


@SIZES
def test_launch_picture(
    snap_compare: Callable[..., bool], size: tuple[int, int], folder: Path
) -> None:
    keys = ("down", *"40", "down", "down", *"random", "down", "down", "down", "2")
    assert snap_compare(app_of(folder), terminal_size=size, run_before=drive(*keys))


def test_launch_toml_picture(snap_compare: Callable[..., bool], folder: Path) -> None:
    keys = ("down", *"40", "ctrl+t")
    assert snap_compare(app_of(folder), terminal_size=(80, 24), run_before=drive(*keys))


@SIZES
def test_light_launch_picture(
    snap_compare: Callable[..., bool], size: tuple[int, int], folder: Path
) -> None:
    keys = ("down", *"40", "down", "down", *"no", "down", "down", "down", "2")
    app = app_of(folder, theme="cockpit-light")
    assert snap_compare(app, terminal_size=size, run_before=drive(*keys))


def test_odd_launch_picture(snap_compare: Callable[..., bool], folder: Path) -> None:
    odd = """
"[red]x[/] שלום" = { type = "float", low = 0.0, high = 1.0, step = 0.125 }
"漢字🧪-of-a-param-with-a-name-that-never-ends" = { type = "int", low = 1, high = 9 }
kinds = { type = "categorical", choices = ["\\u001b[31m", "\\u202eevil", "a\\tb", "zzzzzzzzzzzzzzzzz"] }
"""
    text = SPEC.replace('"wide"', '"[bold]wide[/] \\u202e"').replace("[params]\n", "[params]" + odd)
    (folder / "sweep.toml").write_text(text)
    keys = ("down",) * 3
    assert snap_compare(app_of(folder), terminal_size=(80, 24), run_before=drive(*keys))


async def test_an_empty_store_offers_what_can_be_done_and_D_makes_the_demo(folder: Path) -> None:
    source = FakeSource()
    app = CockpitApp(source, control=FakeControl(folder))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        keys = [key for key, _, _ in shown_keys(app.screen)]
        assert keys == ["L", "D", ":", "?", "q"]
        control(app).refuses = "cannot write the demo here"
        await pilot.press("D")
        await until(pilot, lambda: "cannot write the demo here" in painted(app))
        control(app).refuses = None
        await pilot.press("D")
        source.all += income(3)
        source.bump()
        await until(pilot, lambda: isinstance(app.screen, SweepScreen))
        assert control(app).asked == [("demo",)]
        await until(pilot, lambda: "runs detached" in painted(app))
        assert "D" not in [key for key, _, _ in shown_keys(app.screen)]


async def test_a_hint_without_room_beside_its_value_stands_below(folder: Path) -> None:
    async with launching(folder, size=(80, 24)) as (app, pilot):
        await until(pilot, lambda: ready(app))
        assert "brute_force" not in painted(app)
        await pilot.press("down", "down", "down")
        await until(pilot, lambda: "sampler: tpe random gp" in painted(app))
        assert "grid brute_force" in painted(app)
