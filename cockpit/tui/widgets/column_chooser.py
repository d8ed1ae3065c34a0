"""The columns of a table to choose from, laid over the table; every key shows at once what it does."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input

from cockpit.tui.choices import line
from cockpit.tui.widgets.key_bar import KeyBar
from cockpit.tui.widgets.picker import Picker
from cockpit.tui.widgets.typed import Typed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from textual.app import ComposeResult

    from cockpit.tui.choices import Choice
    from cockpit.tui.columns import Columns


class ChoiceList(Picker):
    """A line for each column."""

    def __init__(self, choices: Sequence[Choice], shown: set[str], chosen: Columns) -> None:
        super().__init__()
        self.all = list(choices)
        self.shown = shown
        self.chosen = chosen
        self.words = ""

    @property
    def found(self) -> list[Choice]:
        """Those that the words are in."""
        return [choice for choice in self.all if choice.holds(self.words)]

    @property
    def choice(self) -> Choice | None:
        """The one under the cursor."""
        found = self.found
        return found[self.cursor] if self.cursor < len(found) else None

    def count(self) -> int:
        return len(self.found)

    def line(self, row: int, width: int) -> tuple[str, bool]:
        choice = self.found[row]
        shown = choice.id in self.shown
        return line(choice, shown, self.chosen, width), not shown


class ColumnChooser(ModalScreen[None]):
    """Shows, hides, moves, pins and resizes columns."""

    DEFAULT_CSS = """
    ColumnChooser { align: right bottom; }
    ColumnChooser > Vertical {
        width: 66; max-width: 100%; height: 22; max-height: 100%;
        background: $surface; border: round $faint; padding: 0 1; border-title-color: $tone;
        border-subtitle-color: $quiet;
    }
    ColumnChooser Input {
        display: none; height: 1; border: none; padding: 0 1; background: $background;
    }
    ColumnChooser.-finding Input { display: block; }
    ColumnChooser KeyBar { dock: none; height: 1; background: $surface; padding: 0; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space,enter", "show", "show", key_display="space", id="columns.toggle",
                tooltip="Show the column, or hide it"),
        Binding("J,shift+down", "shift(1)", "move", key_display="J K", id="columns.right",
                tooltip="Move the column to the right"),
        Binding("K,shift+up", "shift(-1)", "left", show=False, id="columns.left",
                tooltip="Move the column to the left"),
        Binding("p", "pin", "pin", id="columns.pin",
                tooltip="Keep the column at the left, or no longer"),
        Binding("plus", "resize(1)", "width", key_display="+ -", id="columns.wider",
                tooltip="Make the column wider"),
        Binding("minus", "resize(-1)", "narrower", show=False, id="columns.narrower",
                tooltip="Make the column narrower, numbers never below their digits"),
        Binding("slash", "find", "find", key_display="/", id="columns.find",
                tooltip="Only columns with a word in the name or the kind"),
        Binding("R", "reset", "reset", id="columns.reset",
                tooltip="The columns that the table shows by itself"),
        Binding("up,k", "move(-1)", "up", show=False, id="columns.up", tooltip="One line up"),
        Binding("down,j", "move(1)", "down", show=False, id="columns.down",
                tooltip="One line down"),
        Binding("escape,C,q", "close", "close", show=False, id="columns.close",
                tooltip="Back to the table; what was chosen stays"),
    ]  # fmt: skip

    def __init__(
        self,
        choices: Sequence[Choice],
        shown: set[str],
        chosen: Columns,
        width_of: Callable[[str], int],
        choose: Callable[[Columns], set[str]],
    ) -> None:
        """`width_of` knows a column's cells; `choose` puts a choice into effect and says what is shown then."""
        super().__init__()
        self._list = ChoiceList(choices, shown, chosen)
        self._width_of = width_of
        self._choose = choose

    def compose(self) -> ComposeResult:
        with Vertical() as box:
            box.border_title = "Columns"
            box.border_subtitle = "esc closes"
            yield self._list
            yield Typed(placeholder="auc, param, …", compact=True, select_on_focus=False)
            yield KeyBar()

    def on_mount(self) -> None:
        self._list.focus()

    def _apply(self, chosen: Columns) -> None:
        self._list.chosen = chosen
        self._list.shown = self._choose(chosen)
        self._list.show()

    def action_show(self) -> None:
        choice, chosen = self._list.choice, self._list.chosen
        if choice:
            self._apply(chosen.show(choice.id, choice.id not in self._list.shown))

    def action_pin(self) -> None:
        if choice := self._list.choice:
            self._apply(self._list.chosen.pin(choice.id))

    def action_resize(self, by: int) -> None:
        if (choice := self._list.choice) and choice.id in self._list.shown:
            width = self._width_of(choice.id) + by
            self._apply(self._list.chosen.resize(choice.id, width))

    def action_shift(self, by: int) -> None:
        found, choice = self._list.found, self._list.choice
        there = self._list.cursor + by
        if choice is None or not 0 <= there < len(found):
            return
        everything = self._list.all
        target = everything.index(found[there])
        everything.remove(choice)
        everything.insert(target, choice)
        self._list.cursor = there
        order = tuple(one.id for one in everything if one.id in {*self._list.shown, choice.id})
        self._apply(replace(self._list.chosen, order=order))

    def action_reset(self) -> None:
        self._apply(type(self._list.chosen)())

    def action_move(self, by: int) -> None:
        self._list.show(self._list.cursor + by)

    def action_find(self) -> None:
        self.add_class("-finding")
        self.query_one(Input).focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._list.words = event.value
        self._list.show(0)

    def on_input_submitted(self) -> None:
        self._list.focus()

    def action_close(self) -> None:
        """The filter first, then the list."""
        if self.has_class("-finding"):
            self.query_one(Input).value = ""
            self.remove_class("-finding")
            self._list.focus()
        else:
            self.dismiss(None)
