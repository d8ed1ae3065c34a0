"""What can be done on a screen, drawn from its bindings: the palette and the help read the same list."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from textual.app import App

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.screen import Screen

GROUPS = ("This screen", "The table", "The run", "Moving", "Everywhere")
"""In the order in which they are read."""
_PREFIXES = {"run": "The run", "table": "The table", "log": "Moving", "pane": "Moving"}
_MOVES = ("up", "down", "page-up", "page-down", "first", "last", "column-left", "column-right")


@dataclass(frozen=True, slots=True)
class Action:
    """One thing to do, with all keys that do it."""

    keys: tuple[str, ...]
    meaning: str
    group: str
    name: str
    """As Textual runs it: `sort`, `move(1)`, `app.focus_next`."""
    node: DOMNode
    """What the name is looked up on."""
    word: str = ""
    """The short name that stands in the bottom line."""
    enabled: bool = True


def actions(screen: Screen[object]) -> list[Action]:
    """All that bindings say they do here, by groups, those nearest to the focus first."""
    found: dict[str, Action] = {}
    for active in screen.active_bindings.values():
        binding, node = active.binding, active.node
        if not binding.tooltip:
            continue
        key = screen.app.get_key_display(binding)
        before = found.get(binding.action)
        if before is None:
            group = _group(binding.id or "", node)
            found[binding.action] = Action(
                (key,),
                binding.tooltip,
                group,
                binding.action,
                node,
                binding.description,
                active.enabled,
            )
        elif key not in before.keys:
            found[binding.action] = replace(before, keys=(*before.keys, key))
    return sorted(found.values(), key=lambda action: GROUPS.index(action.group))


def _group(name: str, node: DOMNode) -> str:
    """By the binding's id where that says it, else by where the binding stands."""
    pane, _, what = name.partition(".")
    if what in _MOVES:
        return "Moving"
    if pane in _PREFIXES:
        return _PREFIXES[pane]
    if name in ("copy", "command", "edit", "undo"):
        return "The run"
    return "Everywhere" if isinstance(node, App) else "This screen"
