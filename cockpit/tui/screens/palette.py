"""The palette: every action of the screen below by a few letters of what it does, with its key."""

from __future__ import annotations

from dataclasses import dataclass
from inspect import isawaitable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.fuzzy import Matcher
from textual.screen import ModalScreen, Screen
from textual.style import Style
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from cockpit import format as fmt
from cockpit.tui.actions import actions
from cockpit.tui.screens.ways import WaysScreen
from cockpit.tui.theme import css
from cockpit.tui.widgets.typed import Typed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from textual.app import ComposeResult

KEYS_WIDTH = 16


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the palette."""

    meaning: str
    keys: str
    run: Callable[[], Awaitable[object] | object]
    word: str = ""
    """Its short name, by which it is found too."""


class PaletteScreen(ModalScreen[Entry]):
    """Laid over a screen; what is chosen is done there."""

    DEFAULT_CSS = """
    PaletteScreen { align: center top; background: $background 60%; }
    PaletteScreen Vertical {
        width: 92; max-width: 100%; height: auto; max-height: 100%; margin-top: 1;
        background: $surface; border: round $faint; padding: 0 1; border-title-color: $tone;
    }
    PaletteScreen Input { border: none; height: 1; padding: 0 1; background: $surface; }
    PaletteScreen OptionList {
        border: none; padding: 0; height: auto; max-height: 16; background: $surface;
        color: $foreground; overflow-x: hidden; text-wrap: nowrap; text-overflow: ellipsis;
        &:focus { background-tint: transparent; }
        & > .option-list--option-highlighted {
            background: $cursor; color: $foreground; text-style: none;
        }
        & > .option-list--option-disabled { color: $faint; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,ctrl+p", "close", "close", id="palette.close", tooltip="Close the palette"),
        Binding("up,ctrl+k", "move(-1)", "up", id="palette.up", tooltip="One line up"),
        Binding("down,ctrl+j,ctrl+n", "move(1)", "down", id="palette.down", tooltip="One line down"),
        Binding("pageup", "move(-10)", "page up", id="palette.page-up", tooltip="Ten lines up"),
        Binding("pagedown", "move(10)", "page down", id="palette.page-down",
                tooltip="Ten lines down"),
    ]  # fmt: skip

    def __init__(self, below: Screen[object]) -> None:
        super().__init__()
        self._all = list(entries(below))
        self._shown: list[Entry] = []

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Do"
            box.border_subtitle = "enter does it   esc closes"
            yield Typed(placeholder="a few letters of what it does", compact=True)
            yield OptionList()

    def on_mount(self) -> None:
        self.query_one(OptionList).can_focus = False
        self.query_one(Input).focus()
        self._show("")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._show(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        place = self.query_one(OptionList).highlighted
        if place is not None and place < len(self._shown):
            self.dismiss(self._shown[place])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index])

    def action_move(self, lines: int) -> None:
        options = self.query_one(OptionList)
        if self._shown:
            place = (options.highlighted or 0) + lines
            wraps = abs(lines) == 1
            last = len(self._shown) - 1
            options.highlighted = place % (last + 1) if wraps else max(0, min(place, last))

    def action_close(self) -> None:
        self.dismiss()

    def _show(self, typed: str) -> None:
        found = matching(self._all, typed)
        self._shown = [entry for entry, _ in found]
        options = self.query_one(OptionList)
        options.clear_options()
        if found:
            options.add_options([Option(_line(entry, title)) for entry, title in found])
            options.highlighted = 0
        else:
            options.add_option(Option("nothing of this kind can be done here", disabled=True))


async def do(chosen: Entry | None) -> None:
    """Do what was chosen, if anything was."""
    if chosen is not None:
        outcome = chosen.run()
        if isawaitable(outcome):
            await outcome


def entries(below: Screen[object]) -> Iterator[Entry]:
    """What can be done on a screen: its bindings, what it offers besides, and the themes."""
    app = below.app
    for action in actions(below):
        if action.enabled and action.name not in ("palette", "app.palette"):

            def run(name: str = action.name, node: object = action.node) -> Awaitable[object]:
                return app.run_action(name, default_namespace=node)  # type: ignore[arg-type]

            yield Entry(action.meaning, "  ".join(action.keys), run, action.word)
    if isinstance(below, WaysScreen):
        for meaning, do in below.extras():
            yield Entry(meaning, "", do)
    for name in sorted(app.available_themes):

        def paint(name: str = name) -> None:
            app.theme = name

        yield Entry(f"Theme: {name}", "", paint)


def matching(found: list[Entry], typed: str) -> list[tuple[Entry, Content]]:
    """The entries that what was typed may mean, the likeliest first; all of them without."""
    if not typed.strip():
        return [(entry, Content(entry.meaning)) for entry in found]
    matcher = Matcher(typed.strip(), match_style=Style(bold=True, underline=True))
    ranked = [
        # What is called so, or has this key, is meant before what only speaks of it.
        (
            matcher.match(entry.meaning)
            + 2 * matcher.match(entry.word)
            + 9 * (typed in entry.keys.split()),
            entry,
        )
        for entry in found
    ]
    ranked.sort(key=lambda pair: -pair[0])
    return [(entry, matcher.highlight(entry.meaning)) for score, entry in ranked if score > 0]


def _line(entry: Entry, title: Content) -> Content:
    keys = fmt.fit(entry.keys, KEYS_WIDTH)
    return Content.assemble((keys, css("accent")), title)
