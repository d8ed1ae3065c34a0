"""The bottom line: the keys that matter here, drawn from the bindings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cockpit.tui.widgets.line import Line, Piece, Words

if TYPE_CHECKING:
    from textual.screen import Screen

LAST = ("quit", "help")
"""Actions that stay at any width, at the end."""
LATE = ("report",)
"""Actions that stand before those, where no screen puts them first: they yield before any other."""

ROOMY = 100
"""Cells from which on the keys stand further apart."""


class KeyBar(Line):
    """Follows the screen's bindings as the focus moves."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; }
    """

    def on_mount(self) -> None:
        self.screen.bindings_updated_signal.subscribe(self, self._follow)
        self._follow(self.screen)

    def _follow(self, screen: Screen[object]) -> None:
        if screen is self.screen:
            gap = 3 if self.app.size.width >= ROOMY else 2
            self.words = Words(left=tuple(_pieces(shown_keys(screen), gap)))

    def on_resize(self) -> None:
        self._follow(self.screen)


def shown_keys(screen: Screen[object]) -> list[tuple[str, str, str]]:
    """(keys, description, action) of the bindings to show, in the order of the chain.

    What the screen itself is for goes before: its `KEYS_FIRST`, names of actions, in their order.
    """
    first = getattr(screen, "KEYS_FIRST", ())
    found: dict[str, tuple[str, str, str]] = {}
    for active in screen.active_bindings.values():
        binding = active.binding
        if binding.show and binding.description and active.enabled:
            key = screen.app.get_key_display(binding)
            found.setdefault(binding.action, (key, binding.description, binding.action))
    places = {action: place for place, action in enumerate(first)}

    def place(action: str) -> tuple[bool, int]:
        return action in LAST, places.get(action, len(places) + (action in LATE))

    return sorted(found.values(), key=lambda entry: place(entry[2]))


def _pieces(keys: list[tuple[str, str, str]], gap: int) -> list[Piece]:
    pieces = []
    for place, (key, description, action) in enumerate(keys, start=1):
        rank = 0 if action in LAST else place
        pieces.append(Piece(key, "accent", rank=rank, gap=gap))
        pieces.append(Piece(description, "quiet", rank=rank, gap=1))
    return pieces
