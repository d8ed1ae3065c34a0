"""The user's settings, from `~/.config/cockpit/config.toml`. What is wrong in it is said; nothing is refused.

`OPTIONS` is the one place where a setting is described: the file is read by it and `cockpit config`
prints it. Nothing heavy is imported here, since the app is opened through it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    KeyPath = tuple[str | int, ...]

KEYS = "keys"
"""The table that gives bindings other keys."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the user wants the app; a field an option, with its default."""

    theme: str = "cockpit"
    glyphs: str = "auto"
    poll: float = 0.3
    restore: bool = True
    mouse: bool = True
    editor: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Other keys for bindings, by the binding's id."""
    problems: tuple[str, ...] = ()
    """What could not be made use of, a sentence each."""


@dataclass(frozen=True, slots=True)
class Option:
    """One setting: what it is for, and what it may be."""

    name: str
    about: str
    wanted: str
    """What a value must be, as it ends the sentence `… must be`."""
    fits: Callable[[Any], bool]


def _seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.05 <= value <= 60


OPTIONS = (
    Option("theme", 'The colours: "cockpit", "cockpit-light", or one of Textual\'s own.',
           "the name of a theme", lambda value: isinstance(value, str)),
    Option("glyphs", 'What charts are drawn with: "braille", "ascii", or "auto", what the terminal can show.',
           '"auto", "braille" or "ascii"', lambda value: value in ("auto", "braille", "ascii")),
    Option("poll", "Seconds between two looks for new data. More spares a slow disk.",
           "a number of seconds from 0.05 to 60", _seconds),
    Option("restore", "Whether the cockpit opens where it was left: screen, filter, sort, marks.",
           "true or false", lambda value: isinstance(value, bool)),
    Option("mouse", "Whether the mouse is used; without it the terminal selects text as it always does.",
           "true or false", lambda value: isinstance(value, bool)),
    Option("editor", "The command that edits notes and specs; empty: $VISUAL, else $EDITOR, else vi.",
           "a command, in quotes", lambda value: isinstance(value, str)),
)  # fmt: skip
NAMES = (*(option.name for option in OPTIONS), KEYS)
DEFAULTS = {each.name: each.default for each in fields(Settings) if each.name in NAMES}


def config_path() -> Path:
    """Where the settings are, or would be: in `XDG_CONFIG_HOME`, by default `~/.config`."""
    home = os.environ.get("XDG_CONFIG_HOME", "")
    # A relative one is to be ignored, says the XDG base directory specification.
    base = Path(home) if os.path.isabs(home) else Path("~/.config").expanduser()
    return base / "cockpit" / "config.toml"


def load(
    path: Path | None = None,
    themes: Callable[[], Collection[str]] = tuple,
    bindings: Callable[[], Collection[str]] = tuple,
    is_key: Callable[[str], bool] = bool,
) -> Settings:
    """The settings of a file that may be missing or broken.

    `themes` and `bindings` name the known ones, asked only where the file speaks of any; where they
    know none, all will do.
    """
    path = path or config_path()
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        return Settings(problems=(f"{near(path)} cannot be read: {error.strerror}",))
    except UnicodeDecodeError:
        return Settings(problems=(f"{near(path)} is not text in UTF-8; the defaults hold",))
    import tomllib  # most have no such file, and need not wait for it

    try:
        found = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return Settings(problems=(f"{near(path)} is not TOML: {error}; the defaults hold",))
    reading = _Reading(path, text, found)
    return Settings(
        **reading.options(themes),
        keys=reading.keys(bindings, is_key),
        problems=tuple(reading.sentences()),
    )


class _Reading:
    """One file on its way to settings; collects what is the matter with it."""

    def __init__(self, path: Path, text: str, found: Mapping[str, Any]) -> None:
        self._path, self._text, self._found = path, text, found
        self._faults: list[tuple[KeyPath, str]] = []

    def options(self, themes: Callable[[], Collection[str]]) -> dict[str, Any]:
        """The values that can be used, by name."""
        for name in self._found:
            if name not in NAMES:
                self._faults.append(((name,), f'unknown key "{name}"{_hint(name, NAMES)}'))
        good = {}
        for option in OPTIONS:
            value = self._found.get(option.name, DEFAULTS[option.name])
            if not option.fits(value):
                self._faults.append(((option.name,), f"{option.name} must be {option.wanted}"))
            elif option.name == "theme" and _unknown(value, themes):
                fault = f'there is no theme "{value}"{_hint(value, themes())}'
                self._faults.append((("theme",), fault))
            else:
                good[option.name] = value
        return good

    def keys(
        self, bindings: Callable[[], Collection[str]], is_key: Callable[[str], bool]
    ) -> dict[str, str]:
        """The keys that can be used, by binding."""
        table, good = self._found.get(KEYS, {}), {}
        if not isinstance(table, dict):
            self._faults.append(((KEYS,), 'keys is a table: write [keys], then "help" = "f1"'))
            return {}
        known = bindings() if table else ()
        for name, keys in _flat(table):
            fault = _fault_of_key(name, keys, known, is_key)
            if fault:
                self._faults.append(((KEYS, *name.split(".")), fault))
            else:
                good[name] = keys
        return good

    def sentences(self) -> Iterator[str]:
        """What is the matter, with the line."""
        if not self._faults:
            return
        # Only here: it is the spec's, and brings more than the first frame needs.
        from cockpit.sweep.spec.errors import Problem
        from cockpit.sweep.spec.lines import key_lines, line_of

        lines = key_lines(self._text)
        for path, sentence in self._faults:
            # A dotted name may stand in quotes, as one key.
            quoted = (path[0], ".".join(map(str, path[1:])))
            line = lines.get(quoted) or line_of(lines, path)
            yield str(Problem(near(self._path), line, sentence))


def _fault_of_key(
    name: str, keys: Any, bindings: Collection[str], is_key: Callable[[str], bool]
) -> str:
    if bindings and name not in bindings:
        return f'there is no action "{name}"{_hint(name, bindings)}'
    if not isinstance(keys, str) or not keys:
        return f'the keys of {name} are a text such as "f5" or "ctrl+r,R"'
    wrong = next((key for key in split_keys(keys) if not is_key(key)), None)
    return "" if wrong is None else f'there is no key "{wrong}"; write "f5", "ctrl+r", "R" or "/"'


def _unknown(name: str, known: Callable[[], Collection[str]]) -> bool:
    return name != DEFAULTS["theme"] and bool(known()) and name not in known()


def split_keys(keys: str) -> list[str]:
    """`"a,b"` are two keys; a comma alone is the comma."""
    return [keys] if keys == "," else [key.strip() for key in keys.split(",")]


def _flat(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Bindings have dots in their ids: `pane.next = "tab"` and `"pane.next" = "tab"` are the same."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{above}{name}.")
        else:
            yield f"{above}{name}", value


def _hint(name: str, known: Collection[str]) -> str:
    from cockpit.sweep.spec.errors import hint

    return hint(name, sorted(known))


def near(path: Path) -> str:
    """The path as people write it."""
    home = os.path.expanduser("~")
    text = str(path)
    return f"~{text[len(home) :]}" if home != "/" and text.startswith(f"{home}/") else text


def default_file(bindings: Mapping[str, tuple[str, str]]) -> str:
    """The whole file with all defaults as comments; `bindings` has (keys, meaning) by id."""
    lines = ["# The cockpit's settings: take away the # before what you want otherwise.", ""]
    for option in OPTIONS:
        lines += [f"# {option.about}", f"# {option.name} = {_toml(DEFAULTS[option.name])}", ""]
    lines += [
        "# Other keys for what the cockpit does. Several stand with commas between them:",
        '# "f5", "ctrl+r", "R", "/", "up,k". What is not named keeps its keys.',
        f"[{KEYS}]",
    ]
    pairs = [
        (f"# {_toml(name)} = {_toml(keys)}", about) for name, (keys, about) in bindings.items()
    ]
    width = max((len(pair) for pair, _ in pairs), default=0) + 2
    lines += [f"{pair:<{width}}# {about}".rstrip(" #") for pair, about in pairs]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)
