"""The bindings of the whole app by their ids, for the settings and their documentation."""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.app import App
from textual.binding import Binding
from textual.dom import DOMNode
from textual.keys import KEY_ALIASES, KEY_DISPLAY_ALIASES, Keys, key_to_character
from textual.screen import ModalScreen, Screen
from textual.theme import BUILTIN_THEMES

from cockpit.tui.config import load, split_keys
from cockpit.tui.theme import THEMES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cockpit.tui.config import Settings

MODIFIERS = {"ctrl", "shift", "alt", "super", "hyper", "meta"}


def bindings() -> dict[str, Binding]:
    """Every binding that can be given other keys, by id, the app's own first."""
    known: dict[str, Binding] = {}
    for _, binding in _bound():
        if binding.id:
            known.setdefault(binding.id, binding)
    return known


def settings() -> Settings:
    """The user's settings, checked against the themes and the actions there are."""
    found = load(themes=lambda: [*THEMES, *BUILTIN_THEMES], bindings=bindings, is_key=is_key)
    return replace(found, problems=(*found.problems, *clashes(found.keys)))


def documented() -> dict[str, tuple[str, str]]:
    """(keys, meaning) of every binding by id."""
    return {
        name: (_written(binding.key), binding.tooltip or binding.description)
        for name, binding in bindings().items()
    }


def is_key(text: str) -> bool:
    """Whether a key is written as Textual knows it: `f5`, `ctrl+r`, `R`, `/`, `slash`."""
    *before, last = [text] if len(text) == 1 else text.split("+")
    known = len(last) == 1 or last in _names() or key_to_character(last) is not None
    return known and set(before) <= MODIFIERS


def clashes(keys: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each key that the user has given to two actions which meet on some screen."""
    if not keys:
        return
    known = {binding.id: (binding, node) for node, binding in _bound() if binding.id}
    pressed = {
        name: {_plain(key) for key in split_keys(keys.get(name, binding.key))}
        for name, (binding, _) in known.items()
    }
    for name in keys:
        new = pressed[name] - {_plain(key) for key in split_keys(known[name][0].key)}
        for other, theirs in pressed.items():
            both = new & theirs
            earlier = other in keys and list(keys).index(other) < list(keys).index(name)
            if both and other != name and not earlier and _meet(known[name][1], known[other][1]):
                key = _written(sorted(both)[0])
                yield f'the key "{key}" of {name} is also {other}\'s; give {other} another in [keys]'


def _meet(one: type[DOMNode], other: type[DOMNode]) -> bool:
    """Whether a key may reach both: not on two screens, not in two panes, not through a dialogue."""
    if issubclass(one, other) or issubclass(other, one):
        return True
    if issubclass(one, ModalScreen) or issubclass(other, ModalScreen):
        return False
    return App in (*one.__mro__, *other.__mro__) or issubclass(one, Screen) != issubclass(
        other, Screen
    )


def _bound() -> Iterator[tuple[type[DOMNode], Binding]]:
    """All bindings of ours, and the class that has them."""
    for package in ("screens", "widgets"):
        found = importlib.import_module(f"cockpit.tui.{package}")
        for module in pkgutil.iter_modules(found.__path__):
            importlib.import_module(f"{found.__name__}.{module.name}")
    importlib.import_module("cockpit.tui.app")
    for node in _nodes(DOMNode):
        for binding in node.__dict__.get("BINDINGS", ()):
            if isinstance(binding, Binding):
                yield node, binding


def _nodes(node: type[DOMNode]) -> Iterator[type[DOMNode]]:
    ours = [each for each in node.__subclasses__() if not each.__module__.startswith("tests.")]
    for each in ours:
        if each.__module__.startswith("cockpit."):
            yield each
    for each in ours:
        yield from _nodes(each)


def _names() -> set[str]:
    return {*(key.value for key in Keys), *KEY_ALIASES, *KEY_DISPLAY_ALIASES, *_SYMBOLS.values()}


def _written(keys: str) -> str:
    """Keys as people write them: `/` for `slash`."""
    characters = {name: character for character, name in _SYMBOLS.items()}
    return ",".join(characters.get(key, key) for key in keys.split(","))


def _plain(key: str) -> str:
    return _SYMBOLS.get(key, key)


_SYMBOLS = {
    "/": "slash", "?": "question_mark", ":": "colon", "[": "left_square_bracket",
    "]": "right_square_bracket", "*": "asterisk", "+": "plus", "-": "minus", ".": "full_stop",
    ";": "semicolon", "!": "exclamation_mark", "@": "at", "#": "number_sign", "<": "less_than_sign",
    ">": "greater_than_sign", "=": "equals_sign", "_": "underscore", "~": "tilde", "|": "vertical_line",
    "'": "apostrophe", '"': "quotation_mark", "(": "left_parenthesis", ")": "right_parenthesis",
    "{": "left_curly_bracket", "}": "right_curly_bracket", "\\": "backslash", "&": "ampersand",
    "%": "percent_sign", "$": "dollar_sign", "^": "circumflex_accent", "`": "grave_accent",
}  # fmt: skip
"""Characters whose key has a name in Textual; the comma parts keys, and so it stays `comma`."""
