"""The settings file: what it says holds, what is wrong in it is said, and the app opens."""

from __future__ import annotations

import tomllib
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from cockpit.cli.main import cli
from cockpit.tui.app import CockpitApp
from cockpit.tui.config import DEFAULTS, KEYS, Settings, config_path, default_file, load
from cockpit.tui.keymap import bindings, clashes, documented, is_key, settings
from cockpit.tui.screens.help import HelpScreen
from cockpit.tui.theme import PALETTES, THEMES
from tests.tui.conftest import settled
from tests.tui.fake import FakeSource, income

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the settings would be."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "cockpit" / "config.toml"
    path.parent.mkdir()
    return path


def test_without_a_file_the_defaults_hold(config: Path) -> None:
    assert config_path() == config
    assert load() == Settings()


def test_a_relative_config_home_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", "here")
    assert config_path().parts[-3:] == (".config", "cockpit", "config.toml")


def test_what_the_file_says_holds(config: Path) -> None:
    config.write_text(
        'theme = "nord"\nglyphs = "ascii"\npoll = 2\nrestore = false\nmouse = false\neditor = "nano"\n'
        '[keys]\nhelp = "f1,?"\n"pane.next" = "ctrl+n"\n'
    )
    keys = {"help": "f1,?", "pane.next": "ctrl+n"}
    assert settings() == Settings("nord", "ascii", 2, False, False, "nano", keys)


def test_a_dotted_name_needs_no_quotes(config: Path) -> None:
    config.write_text('[keys]\npane.next = "ctrl+n"\n')
    assert settings().keys == {"pane.next": "ctrl+n"}


@pytest.mark.parametrize(
    "text, sentence",
    [
        ('\nthem = "nord"\n', 'line 2: unknown key "them"; did you mean "theme"?'),
        ('theme = "nrod"\n', 'line 1: there is no theme "nrod"; did you mean "nord"?'),
        ('glyphs = "dots"\n', 'line 1: glyphs must be "auto", "braille" or "ascii"'),
        ("poll = 0\n", "line 1: poll must be a number of seconds from 0.05 to 60"),
        ("poll = true\n", "line 1: poll must be a number of seconds from 0.05 to 60"),
        ("restore = 1\n", "line 1: restore must be true or false"),
        ('[keys]\nhlep = "f1"\n', 'line 2: there is no action "hlep"; did you mean "help"?'),
        ('[keys]\n"pane.nxt" = "f1"\n', 'line 2: there is no action "pane.nxt"; did you mean "pane.next"?'),
        ('[keys]\nhelp = "ctrl-h"\n', 'line 2: there is no key "ctrl-h"'),
        ("[keys]\nhelp = 1\n", "line 2: the keys of help are a text"),
        ('keys = "f1"\n', "line 1: keys is a table"),
    ],
)  # fmt: skip
def test_each_mistake_is_one_sentence_with_its_line(config: Path, text: str, sentence: str) -> None:
    config.write_text(text)
    found = settings()
    assert len(found.problems) == 1
    assert f"config.toml {sentence}" in found.problems[0]
    assert replace(found, problems=()) == Settings()


@pytest.mark.parametrize("content", [b"theme =", b"\xff\xfe", b"a = " + b"[" * 5000])
def test_a_broken_file_leaves_the_defaults(config: Path, content: bytes) -> None:
    config.write_bytes(content)
    found = load()
    assert len(found.problems) == 1
    assert found.problems[0].endswith("the defaults hold")
    assert replace(found, problems=()) == Settings()


def test_a_file_that_is_a_folder_is_said(config: Path) -> None:
    config.mkdir()
    assert load().problems[0].endswith("cannot be read: Is a directory")


def test_the_default_file_is_what_it_says(config: Path) -> None:
    options, keys = default_file(documented()).split(f"[{KEYS}]\n")
    said = "\n".join(line.removeprefix("# ") for line in options.splitlines() if " = " in line)
    assert tomllib.loads(said) == {n: value for n, value in DEFAULTS.items() if n != KEYS}
    config.write_text(f"{said}\n[{KEYS}]\n" + keys.replace("# ", "", 1).replace("\n# ", "\n"))
    assert settings().problems == ()
    assert set(settings().keys) == set(bindings())


def test_every_binding_has_an_id_and_says_what_it_does() -> None:
    assert all(binding.tooltip for binding in bindings().values())


def test_a_key_given_twice_is_said() -> None:
    assert list(clashes({"help": "c"})) == [
        'the key "c" of help is also compare\'s; give compare another in [keys]'
    ]
    assert not list(clashes({"help": "c", "compare": "f9"}))


@pytest.mark.parametrize(
    "key", ["f5", "ctrl+r", "R", "/", "slash", "shift+tab", "escape", "é", "+"]
)
def test_keys_are_written_as_people_write_them(key: str) -> None:
    assert is_key(key)


def test_the_command_shows_and_writes_the_file(config: Path) -> None:
    shown = CliRunner().invoke(cli, ["config"])
    assert f"{config.name} (not there yet" in shown.output
    assert CliRunner().invoke(cli, ["config", "--path"]).output == f"{config}\n"
    written = CliRunner().invoke(cli, ["config", "--write"])
    assert "is written" in written.output
    assert settings() == Settings()
    config.write_text('them = "x"')
    again = CliRunner().invoke(cli, ["config", "--write"])
    assert "is there already" in str(again.exception)
    assert 'unknown key "them"' in CliRunner().invoke(cli, ["config"]).stderr


def test_both_themes_tell_the_tones_from_the_ground() -> None:
    for theme in THEMES.values():
        for tone, colour in PALETTES[theme.dark].items():
            if tone not in ("cursor", "faint"):
                assert contrast(colour, str(theme.background)) >= 4.5, (theme.name, tone)
                assert contrast(colour, PALETTES[theme.dark]["cursor"]) >= 3, (theme.name, tone)


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, relative luminance."""
    bright, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


async def test_the_settings_hold_in_the_app() -> None:
    app = CockpitApp(
        FakeSource(income(5)), settings=Settings(theme="cockpit-light", keys={"help": "f1"})
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        assert app.theme == "cockpit-light"
        await pilot.press("question_mark")
        assert not isinstance(app.screen, HelpScreen)
        await pilot.press("f1")
        assert isinstance(app.screen, HelpScreen)


async def test_what_is_wrong_with_the_settings_is_said_on_the_screen() -> None:
    app = CockpitApp(FakeSource(income(5)), settings=Settings(problems=("config.toml line 1: no",)))
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        shown = "\n".join(strip.text for strip in app.screen._compositor.render_strips())
        assert "Config.toml line 1: no." in shown or "config.toml line 1: no" in shown
